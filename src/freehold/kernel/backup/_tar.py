"""Members of a tar stream, written and read in one canonical form, piece by piece."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from freehold.kernel.backup.errors import ChangedBundle

BLOCK = 512
END = bytes(2 * BLOCK)


@dataclass(frozen=True, slots=True)
class Member:
    """One file on its way into a stream.

    `open` gives its content from so many bytes on. `expected` is the SHA-256 in hexadecimal that
    its content must have, where that is known.
    """

    path: str
    size: int
    open: Callable[[int], BinaryIO]
    expected: str | None = None


def header(path: str, size: int) -> bytes:
    """The header of a member; nothing of the machine that it comes from is in it."""
    info = tarfile.TarInfo(path)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT, "ascii", "strict")


def padding(size: int) -> int:
    """How many bytes follow the content of a member."""
    return -size % BLOCK


class Source(Protocol):
    """A stream that is read once; `read` gives at most `size` bytes, good until it is called again,
    and none at its end.
    """

    position: int

    def read(self, size: int) -> memoryview: ...


class Incoming:
    """One member that is being read; read to its end before the next is asked for."""

    def __init__(self, path: str, size: int, source: Source) -> None:
        self.path = path
        self.size = size
        self._source = source
        self._left = size

    def chunks(self, size: int) -> Iterator[memoryview]:
        """Yield the content in pieces of at most `size`, each good until the next."""
        while self._left:
            chunk = self._source.read(min(size, self._left))
            if not chunk:
                raise ChangedBundle(f"the part with {self.path}", "it ends too early")
            self._left -= len(chunk)
            yield chunk

    def content(self, bytes_max: int) -> bytes:
        """The content of a small member.

        Raises:
            ChangedBundle: it is larger.
        """
        if self.size > bytes_max:
            raise ChangedBundle(self.path, f"it has {self.size} bytes")
        return b"".join([bytes(chunk) for chunk in self.chunks(self.size or 1)])


def members(source: Source) -> Iterator[Incoming]:
    """Yield the members of a stream to its end, which must be its end.

    Raises:
        ChangedBundle: it is no stream of ours.
    """
    while (head := _exactly(source, BLOCK)) != END[:BLOCK]:
        try:
            info = tarfile.TarInfo.frombuf(head, "ascii", "strict")
            is_ours = header(info.name, info.size) == head
        except (tarfile.HeaderError, ValueError) as error:
            raise ChangedBundle("a part", f"it holds no member here: {error}") from error
        if not is_ours:
            raise ChangedBundle("a part", "it holds a member that Freehold did not write")
        incoming = Incoming(info.name, info.size, source)
        yield incoming
        for _ in incoming.chunks(1 << 20):
            pass
        _zeros(source, padding(info.size))
    _zeros(source, BLOCK)
    if source.read(1):
        raise ChangedBundle("a part", "something follows its end")


def _zeros(source: Source, size: int) -> None:
    if any(_exactly(source, size)):
        raise ChangedBundle("a part", "something lies between its members")


def _exactly(source: Source, size: int) -> bytes:
    pieces = []
    while size:
        piece = source.read(size)
        if not piece:
            raise ChangedBundle("a part", "it ends too early")
        pieces.append(bytes(piece))
        size -= len(piece)
    return b"".join(pieces)
