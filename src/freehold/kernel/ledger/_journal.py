"""The write-ahead file: records that are durable but not in tiles yet.

A record counts once `append` has returned. The file is started anew at each publication and at each
opening, always by `_start`, which puts a whole file in place at once: what was acknowledged is on
disk at every moment. It signs nothing and knows no tiles.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from freehold.kernel import DEFAULT_LIMITS
from freehold.kernel.ledger._files import Disk
from freehold.kernel.ledger._tree import Hash, leaf_hash
from freehold.kernel.ledger.errors import CorruptLogError

_HEADER = b"freehold wal 1\n"
_FRAME = struct.Struct(">II")  # length and CRC-32 of the entry that follows


class Record(NamedTuple):
    """An entry with what is needed of it later, worked out once, by whoever appends it."""

    entry: bytes
    leaf: Hash
    frame_head: bytes  # what comes before the entry in the write-ahead file

    @classmethod
    def of(cls, entry: bytes) -> Record:
        """Hash an entry and work out its checksum."""
        return cls(entry, leaf_hash(entry), _FRAME.pack(len(entry), zlib.crc32(entry)))


class Journal:
    """Records [first, size) of one log, durable. Thread-safe.

    Args:
        folder: the `wal` folder; exists.
        first: index of the first record; `records` begin there and are made durable at once.
    """

    def __init__(self, folder: Path, disk: Disk, *, first: int, records: list[Record]) -> None:
        self._folder = folder
        self._disk = disk
        # Owned by whoever writes: an append, or a restart while it changes files.
        self._writing = Lock()
        # Replaced as one value, and its list only ever grows: reading it needs no lock.
        self._view = (first, records)
        self._path, self._file = self._start(first, records)
        self._is_closed = False

    @classmethod
    def recover(cls, folder: Path, disk: Disk, *, size: int, entry_bytes_max: int) -> Journal:
        """Take up the records after the published `size`; a torn last frame is cut off.

        Raises:
            CorruptLogError: acknowledged records are missing or damaged; nothing was changed.
        """
        found = [_read(path, entry_bytes_max) for path in sorted(folder.glob("*.wal"))]
        first, records = max(found, key=lambda part: part[0] + len(part[1]), default=(0, []))
        if not found or not first <= size <= first + len(records):
            raise CorruptLogError(
                "ledger.corrupt",
                f"the write-ahead files hold records {first} to {first + len(records)}, but the"
                f" checkpoint has size {size}",
                "restore `wal` and `checkpoint` of the same moment",
            )
        for other, part in found:  # a crash within a publication leaves two that overlap
            low, high = max(first, other), other + len(part)
            if records[low - first : max(high - first, 0)] != part[low - other :]:
                raise CorruptLogError("ledger.corrupt", f"two write-ahead files differ from {low}")
        journal = cls(folder, disk, first=size, records=records[size - first :])
        journal._remove_others()
        return journal

    @property
    def size(self) -> int:
        """Index after the last durable record."""
        first, records = self._view
        return first + len(records)

    def pending(self) -> tuple[int, list[Record]]:
        """The index of the first record, and a copy of all records."""
        first, records = self._view
        return first, records[:]

    def count(self) -> int:
        """How many records wait."""
        return len(self._view[1])

    def record(self, index: int) -> Record | None:
        """The record at `index`, or None when it lies before the first."""
        first, records = self._view
        return records[index - first] if index >= first else None

    def append(self, added: Sequence[Record]) -> int:
        """Write and sync records; return the index of the first.

        Raises:
            OSError: nothing is acknowledged, and the journal must not be used again.
        """
        frames = _frames(added)
        with self._writing:
            if self._is_closed:
                raise OSError("the write-ahead file is closed")
            self._disk.append(self._file, frames)
            size = self.size
            self._view[1].extend(added)  # commit point: they are durable from here on
        return size

    def restart(self, first: int) -> None:
        """Begin a new file at `first`, because all before it is published; drop the old one.

        Appends wait only while the records that came in meanwhile are written to the new file.
        """
        _, records = self.pending()
        carried = records[first - self._view[0] :]
        path, file = self._start(first, carried)
        with self._writing:
            begun, records = self._view
            records = records[first - begun :]
            if len(records) > len(carried):
                self._disk.append(file, _frames(records[len(carried) :]))
            old_path, old_file = self._path, self._file
            self._view = (first, records)
            self._path, self._file = path, file
        os.close(old_file)
        self._disk.remove(old_path)  # a crash before this leaves two files that agree

    def close(self) -> None:
        """Close the file; waits for a write in progress."""
        with self._writing:
            if not self._is_closed:
                self._is_closed = True
                os.close(self._file)

    def _start(self, first: int, records: Sequence[Record]) -> tuple[Path, int]:
        path = self._folder / f"{first:020}.wal"
        self._disk.replace(path, _HEADER + _frames(records))
        return path, os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def _remove_others(self) -> None:
        for path in self._folder.glob("*.wal"):
            if path != self._path:
                self._disk.remove(path)


def has_records(folder: Path) -> bool:
    """Tell whether a write-ahead file holds anything, whole or torn."""
    return any(path.stat().st_size > len(_HEADER) for path in folder.glob("*.wal"))


def read_journal(
    folder: Path, *, entry_bytes_max: int = DEFAULT_LIMITS.record_bytes_max
) -> list[tuple[int, list[bytes]]]:
    """Read the write-ahead files of a log as they lie there, as whoever holds no lock may do: the
    first index and the whole records of each, in order. A torn end is left out.

    Raises:
        CorruptLogError: one is damaged before its end.
        FileNotFoundError: a new one took the place of one meanwhile; read them again.
    """
    paths = sorted((folder / "wal").glob("*.wal"))
    read = (_read(path, entry_bytes_max) for path in paths)
    return [(first, [record.entry for record in records]) for first, records in read]


def _frames(records: Sequence[Record]) -> bytes:
    return b"".join([part for record in records for part in (record.frame_head, record.entry)])


def _read(path: Path, entry_bytes_max: int) -> tuple[int, list[Record]]:
    """Read one write-ahead file up to its end or its torn last frame."""
    data = path.read_bytes()
    if not data.startswith(_HEADER) or not path.stem.isdecimal():
        raise CorruptLogError("ledger.corrupt", f"{path} is not a write-ahead file")
    records, position = [], len(_HEADER)
    while position < len(data):
        entry = _frame_at(data, position, entry_bytes_max=entry_bytes_max)
        if entry is None:
            _refuse_damage(data, position, path=path, entry_bytes_max=entry_bytes_max)
            break
        records.append(Record.of(entry))
        position += _FRAME.size + len(entry)
    return int(path.stem), records


def _frame_at(data: bytes, position: int, *, entry_bytes_max: int) -> bytes | None:
    """The entry of a whole frame at `position`, or None."""
    start = position + _FRAME.size
    if start > len(data):
        return None
    length, checksum = _FRAME.unpack_from(data, position)
    if not 0 < length <= min(entry_bytes_max, len(data) - start):
        return None
    entry = data[start : start + length]
    return entry if zlib.crc32(entry) == checksum else None


def _refuse_damage(data: bytes, position: int, *, path: Path, entry_bytes_max: int) -> None:
    """Tell a torn end, after which nothing can come, from damage in the middle.

    A frame that still parses behind the damage was acknowledged after the damaged one was.
    """
    for later in range(position + 1, len(data) - _FRAME.size):
        if _frame_at(data, later, entry_bytes_max=entry_bytes_max) is not None:
            raise CorruptLogError(
                "ledger.corrupt",
                f"{path} is damaged at byte {position}, before whole records at {later}",
                "acknowledged records are damaged; restore this file from a copy",
            )
