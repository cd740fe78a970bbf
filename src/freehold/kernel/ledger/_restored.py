"""Making a log of restored files: what lies in a log's folder beside tiles and checkpoints.

It checks nothing: whoever restores reads the whole log through `LogReader` afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from freehold.kernel.ledger._files import Disk, FolderStore, LocalDisk, make_folder
from freehold.kernel.ledger._journal import Journal
from freehold.kernel.ledger._statements import Checkpoint
from freehold.kernel.ledger._tiles import edge_paths


def settle_restored(
    folder: Path, checkpoint: Checkpoint, *, before: Iterable[int] = (), disk: Disk | None = None
) -> None:
    """Put a log together whose tiles and checkpoints were restored up to `checkpoint`.

    Args:
        before: sizes of the trees that were restored on the way to it; what these left partial and
            the last one has full is removed.

    Raises:
        OSError: it cannot be written.
    """
    disk = disk or LocalDisk()
    journal = folder / "wal"
    changed = make_folder(journal)
    Journal(journal, disk, first=checkpoint.size, records=[]).close()
    for place in changed:
        disk.sync_folder(place)
    for size in before:
        full = [path for path in edge_paths(size) if (folder / path).is_file()]
        FolderStore(folder, disk).drop_partials(full)
