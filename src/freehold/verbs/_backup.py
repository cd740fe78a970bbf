"""Verbs of backups. Whoever holds the estate writes and reads the folders that are named here."""

from __future__ import annotations

from pathlib import Path

from freehold.estate import Estate
from freehold.kernel.acts import Actor
from freehold.kernel.backup import BackupMade, BackupSummary
from freehold.transfer import BackupCheck, check


def backup_create(
    estate: Estate,
    actor: Actor,
    folder: str,
    *,
    kind: str = "auto",
    recipient: tuple[str, ...] = (),
) -> BackupMade:
    """Write the next bundle of the estate into FOLDER, which keeps its bundles side by side.

    It is a delta on the newest one there, and full where there is none; --kind full or delta
    decides otherwise. An unfinished one is gone on with. Sealed for age recipients, or, with none,
    for whoever has the passphrase.
    """
    return estate.backup.create(actor, Path(folder), kind=kind, recipients=recipient)


def backup_check(estate: Estate, actor: Actor, folder: str, *, scratch: str = "") -> BackupCheck:
    """Restore the newest bundle in FOLDER into a scratch place and compare it with the estate."""
    place = Path(scratch) if scratch else None
    return check(estate, actor, Path(folder), scratch=place)


def backup_list(estate: Estate, actor: Actor) -> tuple[BackupSummary, ...]:
    """List the bundles that were made, and how their checks ended."""
    return estate.backup.list(actor)


def backup_erasures(estate: Estate, actor: Actor) -> str:
    """Write the signed list of everything erased, to be kept apart from the backups."""
    return estate.backup.erasures(actor)


def estate_move(
    estate: Estate, actor: Actor, folder: str, *, recipient: tuple[str, ...] = ()
) -> BackupMade:
    """Let the estate go on elsewhere: nothing is recorded here from now on; FOLDER gets it all."""
    return estate.backup.move(actor, Path(folder), recipients=recipient)
