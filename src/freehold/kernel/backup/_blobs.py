"""Copying sealed blobs into a bundle and out of it, each a file, hashed on the way.

Files are made durable one by one, and counted in batches: what an interruption can cost is one
batch, or the one blob that was being copied.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from freehold.kernel.backup._files import write_durably
from freehold.kernel.backup._limits import BackupLimits
from freehold.kernel.backup._manifest import File
from freehold.kernel.backup._parts import Done, Progress, chunks_of, compare
from freehold.kernel.backup._tar import Member
from freehold.kernel.backup.errors import BackupError, ChangedBundle
from freehold.kernel.ledger import Disk


class Copying:
    """Copies files durably, and calls `count` for each batch that is."""

    def __init__(
        self,
        folder: Path,
        *,
        disk: Disk,
        limits: BackupLimits,
        count: Callable[[list[Done]], None],
    ) -> None:
        self._folder = folder
        self._disk = disk
        self._limits = limits
        self._count = count
        self._batch: list[Done] = []
        self._bytes = 0
        self._changed: set[Path] = set()

    def copy(self, name: str, size: int, source: BinaryIO, expected: str | None) -> str:
        """Copy `size` bytes to the file `name`; give their SHA-256.

        Raises:
            BackupError: `backup.blob`: that is not the `expected` one; the file does not count.
        """
        target = self._folder / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        chunks = chunks_of(source, size, self._limits, target.name)
        sha256, _ = write_durably(target, chunks, self._disk)
        if expected not in (None, sha256):
            raise BackupError(
                "backup.blob",
                f"the blob {target.name} is not the one that the ledger names",
                "restore it from an older bundle; until then nothing complete can be backed up",
            )
        # With the folders above: a run that was killed may have made them.
        self._changed |= {each for each in target.parents if each.is_relative_to(self._folder)}
        self._batch.append(Done(name, sha256, size))
        self._bytes += size
        if self._bytes >= self._limits.part_bytes or len(self._batch) >= self._limits.batch_files:
            self.flush()
        return sha256

    def flush(self) -> None:
        """Count what was copied; durable before."""
        for folder in sorted(self._changed):
            self._disk.sync_folder(folder)
        if self._batch:
            self._count(self._batch)
        self._batch, self._bytes = [], 0
        self._changed.clear()


def back_up(
    members: Iterable[Member],
    folder: Path,
    progress: Progress,
    *,
    disk: Disk,
    limits: BackupLimits,
) -> int:
    """Copy blobs into a bundle, but for those that are counted already; give how many there are.

    Raises:
        BackupError: `backup.blob`.
    """
    known = {each.name for each in progress.done}
    copying = Copying(folder, disk=disk, limits=limits, count=lambda done: progress.add(*done))
    count = 0
    for member in members:
        count += 1
        if member.path not in known:
            with member.open(0) as source:
                copying.copy(member.path, member.size, source, member.expected)
    copying.flush()
    return count


def bring_back(file: File, folder: Path, copying: Copying) -> str:
    """Copy a blob out of a bundle into a vault; give its SHA-256.

    Raises:
        ChangedBundle: it is missing, or not what was signed.
    """
    try:
        source = (folder / file.name).open("rb")
    except FileNotFoundError:
        raise ChangedBundle(file.name, "it is missing") from None
    with source:
        size = os.fstat(source.fileno()).st_size
        sha256 = copying.copy("vault/" + file.name, size, source, None)
    compare(file, sha256)
    return sha256
