"""Keeping the former state of an estate, and putting it back.

Undoing renames whole folders. The keys go first and come back last, so that nobody opens an estate
of which half is the one and half the other; an undo that was interrupted is finished by undoing
again.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from freehold.charter import UpgradeEstate
from freehold.estate import Estate
from freehold.kernel import canonical, sync_folder
from freehold.kernel.keys import Custody
from freehold.kernel.ledger import WriterLock, has_records
from freehold.kernel.upkeep import ABOUT, ASIDE, UNDOING, format_of
from freehold.upgrade._copying import copy_estate, sync_tree
from freehold.upgrade.errors import UpgradeError

_PARTS = ("ledger", "vault")
_KEYS, _CATALOG = "keys", "catalog.db"
_SHOWN = 10  # acts named in a refusal


@dataclass(frozen=True, slots=True)
class Undone:
    """The state that an estate is in again."""

    format: int
    records: int


def set_aside(folder: Path, records: int) -> None:
    """Keep the state of an estate whose lock the caller holds, all of it or nothing.

    The catalog is not kept: it is made anew. A state that is kept already, with no record since, is
    the one before an upgrade that was interrupted, and stays.
    """
    if (folder / ASIDE / ABOUT).exists() and _about(folder)["records"] == records:
        return
    staged = folder / f"{ASIDE}.new"
    shutil.rmtree(staged, ignore_errors=True)
    shutil.rmtree(folder / ASIDE, ignore_errors=True)
    named = [path.name for path in folder.iterdir() if path.name not in (*_PARTS, _KEYS)]
    copy_estate(folder, staged, without=named)
    about = canonical({"format": format_of(folder), "records": records})
    (staged / ABOUT).write_bytes(about)
    sync_tree(staged)
    staged.rename(folder / ASIDE)
    sync_folder(folder)


def undo(folder: Path, custody: Custody) -> Undone:
    """Put back the state before the upgrade, if nothing but the upgrade was recorded since.

    Raises:
        UpgradeError: something else was, or the former state is not kept any more.
        KeysError: the custody is not the one of its keys.
        LedgerError: the estate is open.
    """
    if not (folder / UNDOING).exists():
        if not (folder / ASIDE / ABOUT).exists():
            raise UpgradeError(
                "upgrade.no_return",
                f"the state before an upgrade is not kept in {folder}",
                "it is kept until the first act after the upgrade; restore a backup instead",
            )
        size = _refuse_loss(folder, custody)
        lock = WriterLock(folder / "ledger" / "main")
        try:
            _refuse_movement(folder, size)
            (folder / UNDOING).mkdir(mode=0o700)
            sync_folder(folder)
            return _put_back(folder)
        finally:
            lock.release()
    return _put_back(folder)


def _about(folder: Path) -> dict[str, int]:
    about: dict[str, int] = json.loads((folder / ASIDE / ABOUT).read_bytes())
    return about


def _refuse_loss(folder: Path, custody: Custody) -> int:
    """Refuse if anything else than an upgrade was recorded; give the size of the log."""
    about = _about(folder)
    with Estate.open_to_upgrade(folder, custody) as estate:
        size = estate.pipeline.stores.log.size
        since = [estate.pipeline.record(index) for index in range(about["records"], size)]
        estate.pipeline.stores.log.publish()
    acts = [
        f"{record.act} ({record.phase})" for record in since if record.act != UpgradeEstate.name
    ]
    if acts:
        raise UpgradeError(
            "upgrade.written",
            f"an undo would lose {len(acts)} act(s) recorded since: {', '.join(acts[:_SHOWN])}",
            "the estate stays upgraded",
        )
    return size


def _refuse_movement(folder: Path, size: int) -> None:
    """Refuse if somebody wrote between the look at the records and the lock."""
    if _published(folder) != size or has_records(folder / "ledger" / "main" / "wal"):
        raise UpgradeError(
            "upgrade.written",
            "somebody used the estate just now",
            "run `freehold upgrade --undo` again, which says what would be lost",
        )


def _published(folder: Path) -> int:
    """The size of the newest checkpoint; whoever opens the log verifies it."""
    return int((folder / "ledger" / "main" / "checkpoint").read_text().splitlines()[1])


def _put_back(folder: Path) -> Undone:
    """Exchange the parts, each by renaming; may be called again after any interruption."""
    aside, away = folder / ASIDE, folder / UNDOING
    if aside.exists():
        if not (away / _KEYS).exists():
            (folder / _KEYS).rename(away / _KEYS)  # from here on nobody opens it
            sync_folder(folder)
        for part in _PARTS:
            _exchange(folder, part)
        for path in folder.glob(f"{_CATALOG}*"):
            path.unlink()
        if (aside / _KEYS).exists():
            (aside / _KEYS).rename(folder / _KEYS)
            sync_folder(folder)
        aside.rename(away / ASIDE)  # what is left of it goes away with the rest
        sync_folder(folder)
    shutil.rmtree(away)
    sync_folder(folder)
    return Undone(format_of(folder), _published(folder))


def _exchange(folder: Path, part: str) -> None:
    """Take a part away and put the former one in its place, unless that was done before."""
    if (folder / ASIDE / part).exists():
        if (folder / part).exists():
            (folder / part).rename(folder / UNDOING / part)
            sync_folder(folder / UNDOING)
        (folder / ASIDE / part).rename(folder / part)
        sync_folder(folder)
