"""Append-only segments of body frames (docs/formats/vault.md).

Appending keeps a frame in memory and tells its place; `sync` writes all that wait and makes them
durable, in one go: a file that is being synced takes no writes, so writing each frame by itself
would make every thread wait for every sync. Bytes once written are never overwritten, only emptied
frame by frame when their retention is over: after a crash the next frame begins at the true end of
the file, and what lies torn before it is referenced by nobody. A segment is locked by the one vault
that appends to it; another process that finds the newest one locked begins the next.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, NamedTuple, TypeAlias

import msgspec

from freehold.kernel import SyncError, sync_folder, write_all
from freehold.kernel.vault._disk import Sync, open_private
from freehold.kernel.vault._frames import FRAME_OVERHEAD, SEGMENT_HEADER
from freehold.kernel.vault._holes import empty_range, is_empty_from
from freehold.kernel.vault._limits import VaultLimits
from freehold.kernel.vault.errors import MissingBody, VaultError, corrupt, storage_errors

_NUMBER_MAX = 99_999_999  # eight digits


Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""What a place may hold where it is read from JSON (RFC 7493, 2.2)."""


class BodyAt(NamedTuple):
    """Where a body's frame lies: segment number, offset and length of the whole frame in bytes."""

    segment: Count
    offset: Count
    length: Count


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
        self._append_lock = threading.Lock()  # owns the current segment, its end and what waits
        self._current: _Segment | None = None
        self._end = 0
        self._waiting: list[tuple[_Segment, bytes]] = []
        self._waiting_bytes = 0
        self._unwritten: dict[tuple[int, int], bytes] = {}  # by segment and offset, until written
        # Taken before the append lock. Whoever waits for it finds all done by the one before.
        self._sync_lock = threading.Lock()
        self._read_lock = threading.Lock()  # owns `_readable`
        self._readable: OrderedDict[int, _Segment] = OrderedDict()
        self.has_failed = False

    def close(self) -> None:
        """Make durable what waits, and let go of the files."""
        try:
            if self._waiting and not self.has_failed:
                self.sync()
        finally:
            with self._append_lock:
                if self._current is not None:
                    fcntl.flock(self._current.descriptor, fcntl.LOCK_UN)
                self._current = None
            with self._read_lock:
                self._readable.clear()

    def append(self, frame: bytes) -> BodyAt:
        """Take a frame and give it its place; readable at once, durable after `sync`.

        Raises:
            VaultError: `vault.storage`: there is no segment for it; `vault.reopen`.
        """
        with self._append_lock:
            self.refuse_after_failure()
            try:
                with storage_errors("the newest body segment"):
                    segment = self._segment_for(len(frame))
            except VaultError as error:
                if isinstance(
                    error.__cause__, SyncError
                ):  # bodies in it could vanish with its name
                    self.has_failed = True
                raise
            at = BodyAt(segment.number, self._end, len(frame))
            self._end += len(frame)
            self._waiting.append((segment, frame))
            self._waiting_bytes += len(frame)
            self._unwritten[at.segment, at.offset] = frame
            is_much = self._waiting_bytes > self._limits.bodies_waiting_bytes_max
        if is_much:
            self.sync()
        return at

    def sync(self) -> None:
        """Make durable all that was appended before this call.

        Raises:
            VaultError: `vault.reopen`: a write or sync failed, now or before; what was appended
                since the last one may be lost.
        """
        with self._sync_lock:
            with self._append_lock:
                self.refuse_after_failure()
                waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
                places = list(self._unwritten)
            try:
                for segment, frames in groupby(waiting, key=itemgetter(0)):
                    write_all(segment.descriptor, b"".join(frame for _, frame in frames))
                    self._sync(segment.descriptor)
            except (OSError, MemoryError) as error:
                # What is on disk is unknown: the kernel may have dropped pages, and a second try
                # could succeed and mean nothing.
                self.has_failed = True
                raise _reopen() from error
            except BaseException:  # interrupted: what was waiting is no longer known
                self.has_failed = True
                raise
            with self._append_lock:
                for place in places:
                    del self._unwritten[place]

    def refuse_after_failure(self) -> None:
        """Raise `vault.reopen` if a sync has failed."""
        if self.has_failed:
            raise _reopen()

    def read(self, at: BodyAt) -> bytes:
        """Give the bytes at `at`.

        Raises:
            MissingBody: they were emptied, or there is no such segment.
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
        with self._append_lock:
            waiting = self._unwritten.get((at.segment, at.offset))
        if waiting is not None and len(waiting) == at.length:
            return waiting
        with storage_errors(what):
            try:
                segment = self._open(at.segment)
            except FileNotFoundError:
                raise MissingBody(at) from None
            frame = os.pread(segment.descriptor, at.length, at.offset)
        if len(frame) != at.length:
            raise corrupt(what, "the segment ends before")
        if not any(frame):
            raise MissingBody(at)
        return frame

    def empty(self, places: Iterable[BodyAt]) -> None:
        """Empty frames for good, and remove segments in which nothing is left; durable on return.

        Emptying again what is empty changes nothing.

        Raises:
            VaultError: `vault.storage`: how many are empty is not known.
        """
        by_segment = groupby(sorted(places), key=itemgetter(0))
        with storage_errors("the body segments"):
            for number, group in by_segment:
                try:
                    segment = _Segment(self._path(number), os.O_RDWR)
                except FileNotFoundError:
                    continue  # removed before
                for start, stop in _runs(group):
                    empty_range(segment.descriptor, start, stop - start)
                self._sync(segment.descriptor)
                self._remove_if_empty(segment)

    def _remove_if_empty(self, segment: _Segment) -> None:
        """Remove a segment of holes, but never the newest, whose number the next one goes on from;
        nor one that somebody appends to.
        """
        if segment.number >= self._newest() or not _lock(segment):
            return
        if is_empty_from(segment.descriptor, len(SEGMENT_HEADER)):
            self._path(segment.number).unlink()
            sync_folder(self._folder)
            with self._read_lock:
                self._readable.pop(segment.number, None)

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
        """The segment that takes a frame of this length, with `_end` where it will begin."""
        segment = self._current
        if segment is None or self._end + length > self._limits.segment_bytes_max:
            segment = self._current = self._take_segment(length)
        return segment

    def _take_segment(self, length: int) -> _Segment:
        """Lock the newest segment, or the first after it that is free and has room."""
        number = self._newest()
        while True:
            segment = _Segment(self._path(number), os.O_RDWR | os.O_APPEND | os.O_CREAT)
            if _lock(segment):
                self._end = self._begin(segment)
                if self._end + length <= self._limits.segment_bytes_max:
                    return segment
            number += 1

    def _begin(self, segment: _Segment) -> int:
        """Write the header of a new segment; give the end of the file."""
        sync_folder(self._folder)  # the name, even of an old one: who made it may have been killed
        end = os.fstat(segment.descriptor).st_size
        if end >= len(SEGMENT_HEADER):
            return end
        os.ftruncate(segment.descriptor, 0)  # a header torn by a crash: nothing refers to this file
        write_all(segment.descriptor, SEGMENT_HEADER)  # synced with the first frames
        return len(SEGMENT_HEADER)

    def _newest(self) -> int:
        names = self._folder.glob("[0-9]" * 8 + ".seg")
        return max((int(path.stem) for path in names), default=1)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08d}.seg"


def _runs(places: Iterable[BodyAt]) -> Iterator[tuple[int, int]]:
    """Join neighbouring frames of one segment, in order, into ranges [start, stop)."""
    start = stop = 0
    for at in places:
        if at.offset != stop:
            if stop:
                yield start, stop
            start = at.offset
        stop = at.offset + at.length
    if stop:
        yield start, stop


def _lock(segment: _Segment) -> bool:
    try:
        fcntl.flock(segment.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _reopen() -> VaultError:
    return VaultError(
        "vault.reopen",
        "the vault could not make something durable, so nothing more is written",
        "check the disk, then open the estate again; what the ledger acknowledged is complete",
    )
