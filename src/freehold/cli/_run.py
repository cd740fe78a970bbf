"""Running one command: progress while it takes longer, its result or its error, and the exit
status.

Exit status: 0 done, 1 it could not be done, 2 wrong usage (Typer's), 3 refused by policy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console

from freehold.cli._render import render, render_error
from freehold.kernel import FreeholdError, host_error

DENIED = 3
PIPED_CHARS = 160  # a file has no width of its own


def run(call: Callable[[], Any], *, as_json: bool, doing: str, shows: bool = True) -> None:
    """Run `call` and print what it returns, unless it `shows` nothing.

    The one place where the command line catches errors.
    """
    errors = Console(stderr=True)
    try:
        if sys.stderr.isatty() and not as_json:
            with errors.status(f"{doing} …"):
                result = call()
        else:
            result = call()
    except (FreeholdError, OSError, MemoryError) as error:
        told = error if isinstance(error, FreeholdError) else host_error(error)
        render_error(Console() if as_json else errors, told, as_json=as_json)
        raise typer.Exit(DENIED if told.code == "policy.denied" else 1) from None
    if not shows:
        return
    width = None if sys.stdout.isatty() else PIPED_CHARS
    render(Console(width=width), result, as_json=as_json)
