"""Taking entries out of a published tree, and telling which ones are out (docs/formats/ledger.md).

The tree stays: hash tiles are never touched, so that every root, proof and kept entry verifies as
before. Which entries may go, and whether those that are gone were allowed to, is decided above.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from freehold.kernel.ledger._files import Disk, make_folder
from freehold.kernel.ledger._tiles import (
    PRUNED,
    PublishedTree,
    bundle_path,
    frame_entry,
    kept_path,
    split_bundle,
)
from freehold.kernel.ledger._tree import TILE_WIDTH

_KEPT = re.compile(r"(?:x[0-9]{3}/)*[0-9]{3}")


def prune(folder: Path, disk: Disk, tree: PublishedTree, positions: Iterable[int]) -> None:
    """Take the entries at `positions`, ascending, out of full bundles; durable on return.

    A crash before the end leaves bundles whole or pruned, each consistent; doing it again ends it.
    """
    whole, changed = [], dict[Path, None]()
    for index, group in groupby(positions, key=lambda position: position // TILE_WIDTH):
        gone = {position % TILE_WIDTH for position in group}
        entries = [PRUNED if n in gone else e for n, e in enumerate(tree.bundle(index))]
        path = folder / kept_path(index)
        make_folder(path.parent)
        # Also those that were there: a process that was killed may have made them, and what is
        # kept is lost with the name of any.
        above = (each for each in path.parents if each.is_relative_to(folder))
        changed.update(dict.fromkeys(above))
        # Beside a whole bundle it is not read yet, so that it may be torn; alone it must never be.
        write = disk.create if (folder / bundle_path(index)).exists() else disk.replace
        write(path, b"".join(map(frame_entry, entries)))
        whole.append(folder / bundle_path(index))
    for each in changed:
        disk.sync_folder(each)
    for path in whole:  # what is kept of each is durable: from here on it stands in its place
        disk.remove(path)
    for each in dict.fromkeys(path.parent for path in whole):
        disk.sync_folder(each)


def pruned_ranges(folder: Path, size: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges [start, stop) of entries that are out, below `size`, ascending."""
    start = stop = -1
    for position in _pruned(folder, size):
        if position != stop:
            if stop > start:
                yield start, stop
            start = position
        stop = position + 1
    if stop > start:
        yield start, stop


def _pruned(folder: Path, size: int) -> Iterator[int]:
    root = folder / "kept"
    names = (path.relative_to(root).as_posix() for path in root.rglob("[0-9][0-9][0-9]"))
    kept = sorted(int(re.sub("[x/]", "", name)) for name in names if _KEPT.fullmatch(name))
    for index in kept:
        first = index * TILE_WIDTH
        if first < size and not (folder / bundle_path(index)).exists():
            entries = split_bundle((folder / kept_path(index)).read_bytes())
            for position, entry in enumerate(entries[: size - first], first):
                if entry == PRUNED:
                    yield position
