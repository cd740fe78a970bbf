"""Copying a closed estate: by hard links where files never change, by content everywhere else.

A link costs no space and cannot tear; what is removed from one side stays on the other.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from freehold.kernel import sync_folder
from freehold.kernel.upkeep import ASIDE, UNDOING

REHEARSAL = "rehearsal"
_OWN = frozenset({ASIDE, UNDOING, REHEARSAL, f"{ASIDE}.new"})


def copy_estate(source: Path, target: Path, *, without: Collection[str] = ()) -> None:
    """Copy an estate whose lock the caller holds into a new folder; `sync_tree` makes it durable.

    `without` names parts at the top that are left out. Sockets and the like are, too.
    """
    target.mkdir(mode=0o700)
    growing = _newest_segment(source)
    for folder, folders, files in os.walk(source):
        here = Path(folder)
        if here == source:
            folders[:] = [name for name in folders if name not in _OWN and name not in without]
            files = [name for name in files if name not in without]
        there = target / here.relative_to(source)
        there.mkdir(mode=0o700, exist_ok=True)
        shutil.copymode(here, there)
        for name in files:
            path = here / name
            if path.is_file() and not path.is_symlink():
                _copy(path, there / name, is_constant=_is_constant(path, source, growing))


def sync_tree(folder: Path) -> None:
    """Make a copied folder durable: every file that is not linked, and every name."""
    for here, _, files in os.walk(folder):
        for name in files:
            path = Path(here, name)
            if path.stat().st_nlink == 1:
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        sync_folder(Path(here))


def _copy(path: Path, target: Path, *, is_constant: bool) -> None:
    if is_constant:
        try:
            os.link(path, target)
            return
        except OSError:  # another file system, or one without links
            pass
    shutil.copy2(path, target)


def _is_constant(path: Path, source: Path, growing: Path | None) -> bool:
    """Whether a file is only ever replaced or removed, never written to in place."""
    parts = path.relative_to(source).parts
    match parts:
        case ("vault", "blobs", *_):
            return True
        case ("vault", "segments", _):
            return path != growing
        case ("ledger", _, "tile" | "checkpoints", *_):
            return True
        case _:
            return False


def _newest_segment(source: Path) -> Path | None:
    return max((source / "vault" / "segments").iterdir(), default=None)
