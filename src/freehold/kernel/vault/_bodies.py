"""Append-only segments of body frames (docs/formats/vault.md).

Appending only writes; `sync` makes durable. Bytes once written are never overwritten: after a crash
or a failed write the next frame begins at the true end of the file, and what lies torn before it is
referenced by nobody. A segment is locked by the one vault that appends to it; another process that
finds the newest one locked begins the next.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from freehold.kernel.vault._disk import Sync, open_private, sync_folder, write_all
from freehold.kernel.vault._frames import FRAME_OVERHEAD, SEGMENT_HEADER
from freehold.kernel.vault._limits import VaultLimits
from freehold.kernel.vault.errors import VaultError, corrupt, storage_errors

_NUMBER_MAX = 99_999_999  # eight digits


class BodyAt(NamedTuple):
    """Where a body's frame lies: segment number, offset and length of the whole frame in bytes."""

    segment: int
    offset: int
    length: int


class _Segment:
    """An open segment file. Closes itself when nobody uses it any more: no reader loses it."""

    def __init__(self, path: Path, flags: int) -> None:
        self.number = int(path.stem)
        self.descriptor = -1
        self.descriptor = open_private(str(path), flags)

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


class Segments:
    """Appends frames to the current segment and reads frames of any segment. Thread-safe."""

    def __init__(self, folder: Path, *, limits: VaultLimits, sync: Sync) -> None:
        self._folder = folder
        self._limits = limits
        self._sync = sync
        self._append_lock = threading.Lock()  # owns the current segment, its end and `_unsynced`
        self._current: _Segment | None = None
        self._end = 0
        self._unsynced: dict[int, _Segment] = {}
        # Taken before the append lock. Whoever waits for it finds all done by the one before.
        self._sync_lock = threading.Lock()
        self._read_lock = threading.Lock()  # owns `_readable`
        self._readable: OrderedDict[int, _Segment] = OrderedDict()
        self.has_failed = False

    def close(self) -> None:
        """Let go of the files; what was not synced may be lost."""
        with self._append_lock:
            for segment in (self._current, *self._unsynced.values()):
                if segment is not None:
                    fcntl.flock(segment.descriptor, fcntl.LOCK_UN)
            self._current = None
            self._unsynced.clear()
        with self._read_lock:
            self._readable.clear()

    def append(self, frame: bytes) -> BodyAt:
        """Write a frame, readable at once, durable after `sync`.

        Raises:
            VaultError: `vault.storage`: it was not written; `vault.reopen`.
        """
        with self._append_lock:
            self.refuse_after_failure()
            with storage_errors("the newest body segment"):
                segment = self._segment_for(len(frame))
                offset, self._end = self._end, -1  # until it is written, the end is not known
                self._unsynced[segment.number] = segment
                write_all(segment.descriptor, frame)
            self._end = offset + len(frame)
            return BodyAt(segment.number, offset, len(frame))

    def sync(self) -> None:
        """Make durable all that was appended before this call.

        Raises:
            VaultError: `vault.reopen`: a sync failed, now or before; what was appended since the
            last
                one may be lost.
        """
        with self._sync_lock:
            with self._append_lock:
                self.refuse_after_failure()
                waiting = list(self._unsynced.values())
                self._unsynced.clear()
            try:
                for segment in waiting:
                    self._sync(segment.descriptor)
            except OSError as error:
                # The kernel may have dropped the pages: a second sync could succeed and mean
                # nothing.
                self.has_failed = True
                raise _reopen() from error
            except BaseException:  # interrupted: what was waiting is no longer known
                self.has_failed = True
                raise

    def refuse_after_failure(self) -> None:
        """Raise `vault.reopen` if a sync has failed."""
        if self.has_failed:
            raise _reopen()

    def read(self, at: BodyAt) -> bytes:
        """Give the bytes at `at`.

        Raises:
            VaultError: `vault.corrupt`: they are not there; `vault.storage`.
        """
        what = f"the body at {list(at)}"
        longest = self._limits.body_bytes_max + FRAME_OVERHEAD
        if not (
            0 <= at.segment <= _NUMBER_MAX
            and at.offset >= len(SEGMENT_HEADER)
            and FRAME_OVERHEAD <= at.length <= longest
        ):
            raise corrupt(what, "no frame can lie there")
        with storage_errors(what):
            try:
                segment = self._open(at.segment)
            except FileNotFoundError:
                raise corrupt(what, "there is no such segment") from None
            frame = os.pread(segment.descriptor, at.length, at.offset)
        if len(frame) != at.length:
            raise corrupt(what, "the segment ends before")
        return frame

    def _open(self, number: int) -> _Segment:
        with self._read_lock:
            segment = self._readable.get(number)
            if segment is None:
                segment = _Segment(self._path(number), os.O_RDONLY)
                header = os.pread(segment.descriptor, len(SEGMENT_HEADER), 0)
                if header != SEGMENT_HEADER:
                    raise corrupt(f"the body segment {number}", "it does not begin as one")
                self._readable[number] = segment
                if len(self._readable) > self._limits.segments_open_max:
                    self._readable.popitem(last=False)
            else:
                self._readable.move_to_end(number)
            return segment

    def _segment_for(self, length: int) -> _Segment:
        """The segment that takes a frame of this length, with `_end` at its true end."""
        segment = self._current
        if segment is not None and self._end < 0:
            self._end = os.fstat(segment.descriptor).st_size
        if segment is None or self._end + length > self._limits.segment_bytes_max:
            segment = self._current = self._take_segment(length)
        return segment

    def _take_segment(self, length: int) -> _Segment:
        """Lock the newest segment, or the first after it that is free and has room."""
        names = self._folder.glob("[0-9]" * 8 + ".seg")
        number = max((int(path.stem) for path in names), default=1)
        while True:
            segment = _Segment(self._path(number), os.O_RDWR | os.O_APPEND | os.O_CREAT)
            if _lock(segment):
                self._end = self._begin(segment)
                if self._end + length <= self._limits.segment_bytes_max:
                    return segment
            number += 1

    def _begin(self, segment: _Segment) -> int:
        """Write the header of a new segment; give the end of the file."""
        end = os.fstat(segment.descriptor).st_size
        if end >= len(SEGMENT_HEADER):
            return end
        os.ftruncate(segment.descriptor, 0)  # a header torn by a crash: nothing refers to this file
        write_all(segment.descriptor, SEGMENT_HEADER)
        self._unsynced[segment.number] = segment
        sync_folder(self._folder)
        return len(SEGMENT_HEADER)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08d}.seg"


def _lock(segment: _Segment) -> bool:
    try:
        fcntl.flock(segment.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _reopen() -> VaultError:
    return VaultError(
        "vault.reopen",
        "bodies could not be made durable, so nothing more is written",
        "check the disk, then open the estate again; what the ledger acknowledged is complete",
    )
