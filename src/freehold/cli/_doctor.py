"""`freehold doctor`: the machine and the estate's folder, looked at from outside."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from freehold.cli._context import Context
from freehold.doctor import Check, State, examine

_COLOURS = {State.good: "green", State.doubtful: "yellow", State.bad: "bold red"}


def doctor(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Look at machine, disk, clock and the estate's folder, and say what to mend.

    Needs no passphrase and changes nothing. Exit status 1 if something is bad.
    """
    where: Context = context.obj
    checks = list(examine(Path(where.where)))
    if as_json:
        sys.stdout.write(json.dumps([asdict(check) for check in checks]) + "\n")
    else:
        Console().print(_table(checks))
    if any(check.state is State.bad for check in checks):
        raise typer.Exit(1)


def _table(checks: list[Check]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for style in ("", "bold"):
        table.add_column(style=style, no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        colour = _COLOURS.get(check.state, "dim")
        told = check.found + (f"\n→ {check.next}" if check.next else "")
        table.add_row(f"[{colour}]{check.state}[/]", check.name, told)
    return table
