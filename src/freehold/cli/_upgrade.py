"""The command that upgrades an estate, or puts it back; the estate is closed meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from freehold.cli._context import Context, read_passphrase
from freehold.cli._run import run
from freehold.cli.errors import UsageError
from freehold.kernel.keys import PassphraseCustody
from freehold.upgrade import (
    ActingAs,
    Rehearsal,
    by_signature,
    by_token,
    differs,
    rehearse,
    undo,
    upgrade,
)


def upgrade_command(
    context: typer.Context,
    *,
    rehearsing: Annotated[
        bool, typer.Option("--rehearse", help="Upgrade a copy, compare, and remove it.")
    ] = False,
    undoing: Annotated[
        bool, typer.Option("--undo", help="Put back what was before, if nothing came since.")
    ] = False,
    person: Annotated[
        str, typer.Option("--as", help="Your code, to sign instead of a token.")
    ] = "",
    key: Annotated[Path | None, typer.Option("--key", help="Your SSH Ed25519 key.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Bring an estate of an earlier Freehold to this one. A rehearsal on a copy always comes first.

    You act by your token, or with --as and --key by your signature.
    """

    def call() -> dict[str, Any]:
        where: Context = context.obj
        folder, custody = Path(where.where), PassphraseCustody(read_passphrase())
        if undoing:
            undone = undo(folder, custody)
            return {"undone": True, "format": undone.format, "records": undone.records}
        acting = _acting(where, person, key)
        if rehearsing:
            rehearsal = rehearse(folder, custody, acting)
            if not rehearsal.is_same:
                raise differs(rehearsal)
            return _told(rehearsal) | {"next": "freehold upgrade"}
        upgraded = upgrade(folder, custody, acting)
        return _told(upgraded.rehearsal) | {
            "act": upgraded.act,
            "next": "look at it; until the first act, `freehold upgrade --undo` puts it back",
        }

    run(call, as_json=as_json, doing="upgrade")


def _acting(where: Context, person: str, key: Path | None) -> ActingAs:
    if bool(person) != (key is not None):
        raise UsageError("cli.sign", "--as and --key go together", "give both, or use your token")
    return by_signature(person, key) if key is not None else by_token(where.token())


def _told(rehearsal: Rehearsal) -> dict[str, Any]:
    return {
        "former_format": rehearsal.former,
        "format": rehearsal.format,
        "records": rehearsal.records,
        "compared": {each.what: each.after for each in rehearsal.compared},
        "all_the_same": rehearsal.is_same,
        "comparison": rehearsal.comparison,
    }
