"""The command that needs no open estate: restoring one from a bundle."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from freehold.cli._context import NEW_PASSPHRASE_FILE, next_passphrase, read_passphrase, read_secret
from freehold.cli._run import run
from freehold.cli.errors import UsageError
from freehold.kernel.keys import PassphraseCustody
from freehold.kernel.ledger import VerifierKey
from freehold.transfer import With, restore

FILE = {"exists": True, "dir_okay": False}


def restore_backup(
    context: typer.Context,
    *,
    bundle: Annotated[Path, typer.Argument(exists=True, help="The newest bundle to restore.")],
    identity: Annotated[
        Path | None, typer.Option(help="0600 file of an age identity it was sealed for.", **FILE)
    ] = None,
    vkey: Annotated[str, typer.Option(help="The log's public key, pinned elsewhere.")] = "",
    pin: Annotated[
        Path | None, typer.Option(help="A checkpoint that was seen, which must be in it.", **FILE)
    ] = None,
    accept_loss: Annotated[int, typer.Option(help="Records that may be missing.")] = 0,
    erasures: Annotated[
        Path | None, typer.Option(help="The list of `freehold backup erasures`.", **FILE)
    ] = None,
    new_custody: Annotated[
        bool, typer.Option(help=f"Put it under another passphrase ({NEW_PASSPHRASE_FILE}).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Restore a bundle, with those it follows, as an estate in an empty place (--estate).

    The passphrase is the one that the estate had when the bundle was made. Everything is checked
    before anything stands in its place; run again, it goes on after an interruption.
    """

    def call() -> dict[str, Any]:
        where = str(context.obj.where)
        if "://" in where:
            raise UsageError("cli.folder", f"{where} is no folder", "restore where the estate is")
        custody = PassphraseCustody(read_passphrase())
        given = With(
            identities=_identities(identity),
            key=VerifierKey.parse(vkey) if vkey else None,
            pin=pin.read_text() if pin else "",
            accepted_loss=accept_loss,
            erasures=erasures.read_text() if erasures else "",
            custody=PassphraseCustody(next_passphrase()) if new_custody else None,
        )
        folder = Path(os.path.abspath(where))
        return asdict(restore(bundle.resolve(), folder, custody, given))

    run(call, as_json=as_json, doing="backup restore")


def _identities(file: Path | None) -> tuple[str, ...]:
    """The identities in a file of age-keygen's."""
    lines = read_secret(file).splitlines() if file else []
    return tuple(line for line in lines if line.startswith("AGE-SECRET-KEY-1"))
