"""Cutting a tar stream into sealed parts and reading it back; the progress of a bundle.

A part counts once it is durable and its line of progress is. Whoever goes on with an unfinished
stream gives the same members again: what lies in finished parts is passed over, and the place
where the last of them ends is compared, so that other members are noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from freehold.kernel import canonical
from freehold.kernel.backup._files import write_durably
from freehold.kernel.backup._limits import BackupLimits
from freehold.kernel.backup._manifest import File, part_name
from freehold.kernel.backup._tar import END, Member, header, padding
from freehold.kernel.backup.errors import BackupError, ChangedBundle
from freehold.kernel.ledger import Disk

Block: TypeAlias = bytes | memoryview
Sealing: TypeAlias = Callable[[Sequence[Block]], Iterator[Block]]
Unsealing: TypeAlias = Callable[[bytes], Iterator[Block]]
PROGRESS = "progress"


@dataclass(frozen=True, slots=True)
class Done:
    """A finished file; of a part, where the byte after it belongs and if it ends its stream."""

    name: str
    sha256: str
    bytes: int
    mark: str = ""
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """What an unfinished bundle set out to be."""

    id: str
    purpose: str
    kind: str
    base: str | None
    begun: str


class OtherMembers(Exception):
    """What is to go into an unfinished stream is not what its finished parts begin with."""


class Progress:
    """The file `progress` of an unfinished bundle: what it set out to be, and its finished parts.

    A context manager; a file that does not exist is begun by `begin`.
    """

    def __init__(self, folder: Path, disk: Disk) -> None:
        """Read what there is."""
        self._path = folder / PROGRESS
        self._disk = disk
        self._file: int | None = None
        self.begun: Begun | None = None
        self.done: list[Done] = []
        lines = _lines(self._path)
        if lines:
            self.begun = Begun(**json.loads(lines[0]))
            self.done = [Done(**json.loads(line)) for line in lines[1:]]
            self._write(lines)

    def begin(self, begun: Begun) -> None:
        """Write down what is begun."""
        self.begun, self.done = begun, []
        self._write([canonical(asdict(begun))])

    def add(self, *done: Done) -> None:
        """Count files that are durable."""
        assert self._file is not None  # noqa: S101  # `begin` or an earlier run has begun
        lines = [canonical(asdict(each)) + b"\n" for each in done]
        self._disk.append(self._file, b"".join(lines))
        self.done += done

    def remove(self) -> None:
        """End: the bundle is finished."""
        self.close()
        self._disk.remove(self._path)

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, lines: Sequence[bytes]) -> None:
        """Put the whole file in place, to be appended to."""
        self.close()
        self._disk.replace(self._path, b"".join(line + b"\n" for line in lines))
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)


def read_begun(folder: Path) -> Begun | None:
    """What an unfinished bundle set out to be, or None where not even that is known."""
    lines = _lines(folder / PROGRESS)
    return Begun(**json.loads(lines[0])) if lines else None


def _lines(path: Path) -> list[bytes]:
    """The whole lines of a file of progress; a torn last one never counted."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


class StreamWriter:
    """Writes one stream of a bundle; `close` ends it.

    A part is sealed and written beside the reading of the next one. A context manager: when it is
    left, nothing is written any more, whether the stream has ended or not.
    """

    def __init__(
        self,
        folder: Path,
        stream: str,
        *,
        progress: Progress,
        disk: Disk,
        limits: BackupLimits,
        seal: Sealing,
    ) -> None:
        self._folder = folder
        self._stream = stream
        self._seal = seal
        self._progress = progress
        self._disk = disk
        self._limits = limits
        done = [part for part in progress.done if File(part.name, "").of == stream]
        self.is_finished = any(part.is_last for part in done)
        self._parts = len(done)
        self._passed_to = len(done) * limits.part_bytes  # bytes of tar that lie in finished parts
        self._mark = done[-1].mark if done else ""
        self._position = 0
        self._path, self._start = "", 0  # of the member under way
        self._pieces: list[Block] = []  # of the part that is being filled
        self._filled = 0
        self._beside = ThreadPoolExecutor(1, "sealing")
        self._part: Future[None] | None = None  # that is being sealed and written

    def __enter__(self) -> StreamWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._beside.shutdown()

    def add(self, member: Member) -> None:
        """Append a member.

        Raises:
            OtherMembers: it is not the one that lies in the finished parts.
            BackupError: `backup.storage`: it has become shorter than was said.
        """
        if self.is_finished:
            return
        self._path, self._start = member.path, self._position
        end = self._position + len(END) // 2 + member.size + padding(member.size)
        if self._passed_to:
            self._check_mark(end)
        if end <= self._passed_to:
            self._position = end
            return
        self._put(header(member.path, member.size))
        self._copy(member)
        self._put(bytes(padding(member.size)))

    def close(self) -> None:
        """End the stream; durable on return.

        Raises:
            OtherMembers: its finished parts hold more.
        """
        if self.is_finished:
            return
        self._path, self._start = "", self._position
        if self._passed_to:
            self._check_mark(self._position + len(END))
        if self._passed_to >= self._position + len(END):
            raise OtherMembers
        self._put(END)
        self._flush(is_last=True)
        self.is_finished = True

    def _copy(self, member: Member) -> None:
        passed = min(max(self._passed_to - self._position, 0), member.size)
        self._position += passed
        with member.open(passed) as file:
            for chunk in chunks_of(file, member.size - passed, self._limits, member.path):
                self._put(chunk)

    def _check_mark(self, end: int) -> None:
        if self._start <= self._passed_to < end and self._mark != self._mark_at(self._passed_to):
            raise OtherMembers

    def _mark_at(self, position: int) -> str:
        return f"{self._path}@{position - self._start}"

    def _put(self, data: bytes) -> None:
        passed = min(max(self._passed_to - self._position, 0), len(data))
        self._position += passed
        view = memoryview(data)[passed:]
        while view:
            # Every part but the last ends exactly at its size, so that its place in the stream is
            # known; it is written once more is to come, so that the last is never empty.
            room = self._limits.part_bytes - self._filled
            if not room:
                self._flush(is_last=False)
                continue
            piece, view = view[:room], view[room:]
            self._pieces.append(piece)
            self._filled += len(piece)
            self._position += len(piece)

    def _flush(self, *, is_last: bool) -> None:
        self._wait()  # so that at most two parts are in memory
        self._parts += 1
        name, mark = part_name(self._stream, self._parts), self._mark_at(self._position)
        self._part = self._beside.submit(self._write, name, self._pieces, mark, is_last=is_last)
        self._pieces, self._filled = [], 0
        if is_last:
            self._wait()

    def _write(self, name: str, part: Sequence[Block], mark: str, *, is_last: bool) -> None:
        sha256, size = write_durably(self._folder / name, self._seal(part), self._disk)
        self._disk.sync_folder(self._folder)
        self._progress.add(Done(name, sha256, size, mark, is_last))

    def _wait(self) -> None:
        if self._part is not None:
            self._part.result()


def chunks_of(file: BinaryIO, size: int, limits: BackupLimits, what: str) -> Iterator[bytes]:
    """Yield `size` bytes of a file in pieces.

    Raises:
        BackupError: `backup.storage`: it has become shorter than was said.
    """
    while size:
        chunk = file.read(min(size, limits.chunk_bytes))
        if not chunk:
            raise BackupError("backup.storage", f"{what} became shorter while it was read")
        yield chunk
        size -= len(chunk)


class StreamReader:
    """Reads one stream of a bundle, from `start` on, and checks each part by its digest."""

    def __init__(
        self,
        folder: Path,
        files: Sequence[File],
        *,
        unseal: Unsealing,
        limits: BackupLimits,
        part_bytes: int | None = None,
        start: int = 0,
    ) -> None:
        """`part_bytes` is what every part but the last must hold; needed where `start` is given."""
        self._folder = folder
        self._unseal = unseal
        self._limits = limits
        self._part_bytes = part_bytes
        self.position = start
        first = start // part_bytes if part_bytes else 0
        self._chunks = self._all(files[first:])
        self._chunk = memoryview(b"")
        self._pass(start - first * (part_bytes or 0))

    def read(self, size: int) -> memoryview:
        """Give at most `size` bytes, good until it is called again, and none at the end.

        Raises:
            ChangedBundle: a part is missing or not what was signed.
        """
        while not self._chunk:
            chunk = next(self._chunks, None)
            if chunk is None:
                return self._chunk
            self._chunk = chunk
        piece, self._chunk = self._chunk[:size], self._chunk[size:]
        self.position += len(piece)
        return piece

    def _pass(self, size: int) -> None:
        position = self.position
        while size:
            size -= len(self.read(size))
        self.position = position

    def _all(self, files: Sequence[File]) -> Iterator[memoryview]:
        # The next part is read while this one is used. No `with`: where a stream is not read to
        # its end, this ends whenever the garbage collector finds it, and must not wait then.
        beside = ThreadPoolExecutor(1, "reading")
        coming = [beside.submit(self._part, file) for file in files[:1]]
        for number, file in enumerate(files, 1):
            part, size = coming.pop().result(), 0
            coming += [beside.submit(self._part, each) for each in files[number : number + 1]]
            for block in self._unseal(part):
                size += len(block)
                yield memoryview(block)
            is_last = number == len(files)
            if self._part_bytes and not (size == self._part_bytes or (is_last and size)):
                raise ChangedBundle(file.name, f"it holds {size} bytes")
        beside.shutdown()

    def _part(self, file: File) -> bytes:
        path, limits = self._folder / file.name, self._limits
        bytes_max = limits.part_bytes_max + limits.seal_overhead_bytes_max
        try:
            with path.open("rb") as opened:
                content = opened.read(bytes_max + 1)
        except FileNotFoundError:
            raise ChangedBundle(file.name, "it is missing") from None
        compare(file, hashlib.sha256(content).hexdigest())
        return content


def compare(file: File, sha256: str) -> None:
    """Hold what was read of a file to what was signed.

    Raises:
        ChangedBundle: it is another.
    """
    if sha256 != file.sha256:
        raise ChangedBundle(file.name, "it has another digest")
