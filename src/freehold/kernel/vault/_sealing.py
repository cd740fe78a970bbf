"""Sealing and unsealing age streams, in constant memory and without plain bytes on disk.

pyrage does the cryptography. Two of its habits shape this module: an error of our reader or writer
comes back as another error or, from the last write of a sealing, not at all; so both ends keep
their first error, and it is raised afterwards. And it writes where we want to read; so unsealing
runs in a thread of its own, a few chunks ahead of the reader.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

import pyrage  # type: ignore[import-untyped]

from freehold.kernel.keys import DomainKeys
from freehold.kernel.vault._limits import VaultLimits
from freehold.kernel.vault.errors import corrupt, storage_errors

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class Hash(Protocol):
    """A running hash."""

    def update(self, data: ReadableBuffer, /) -> None: ...
    def hexdigest(self) -> str: ...


def name_hash(keys: DomainKeys) -> Hash:
    """The running hash that names a blob: HMAC-SHA-256 under the naming key."""
    return hmac.new(keys.naming_key, digestmod=hashlib.sha256)


class _Input:
    """Gives pyrage what `stream` holds in the pieces it asks for; reads and hashes larger ones."""

    def __init__(
        self, stream: BinaryIO, chunk_bytes: int, *, hashes: tuple[Hash, ...] = ()
    ) -> None:
        self._stream = stream
        self._chunk_bytes = chunk_bytes
        self._hashes = hashes
        self._chunk = memoryview(b"")
        self.size = 0
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        if not self._chunk:
            try:
                self._fill()
            except BaseException as error:
                self.error = error
                raise
        piece = self._chunk[:size]
        self._chunk = self._chunk[size:]
        return bytes(piece)

    def _fill(self) -> None:
        chunk = self._stream.read(self._chunk_bytes)
        for each in self._hashes:
            each.update(chunk)
        self.size += len(chunk)
        self._chunk = memoryview(chunk)


class _Output:
    """Takes what pyrage writes, hashes it and passes it on in larger pieces."""

    def __init__(
        self, write: Callable[[bytes], object], chunk_bytes: int, *, hashes: tuple[Hash, ...]
    ) -> None:
        self._write = write
        self._chunk_bytes = chunk_bytes
        self._hashes = hashes
        self._pieces: list[bytes] = []
        self._waiting = 0
        self.size = 0
        self.error: BaseException | None = None

    def write(self, piece: bytes) -> int:
        if self.error is not None:  # giving up, pyrage writes what it still holds once more
            raise self.error
        self._pieces.append(piece)
        self._waiting += len(piece)
        if self._waiting >= self._chunk_bytes:
            self.flush()
        return len(piece)

    def flush(self) -> None:
        chunk = b"".join(self._pieces)
        self._pieces.clear()
        self._waiting = 0
        self.size += len(chunk)
        try:
            for each in self._hashes:
                each.update(chunk)
            self._write(chunk)
        except BaseException as error:
            self.error = error
            raise


@dataclass(frozen=True, slots=True)
class Summary:
    """What was learnt while sealing: the name, sizes in bytes, and SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str
    sealed_size: int
    sealed_sha256: str


def seal_stream(
    stream: BinaryIO, write: Callable[[bytes], object], *, keys: DomainKeys, limits: VaultLimits
) -> Summary:
    """Seal `stream` to its end into `write`.

    Raises:
        what `stream` or `write` raise.
    """
    name, plain, sealed = name_hash(keys), hashlib.sha256(), hashlib.sha256()
    source = _Input(stream, limits.chunk_bytes, hashes=(name, plain))
    target = _Output(write, limits.chunk_bytes, hashes=(sealed,))
    recipient = pyrage.x25519.Recipient.from_str(keys.recipient)
    try:
        pyrage.encrypt_io(source, target, [recipient])
    finally:
        _raise_own_error(source, target)
    target.flush()
    return Summary(
        name.hexdigest(), source.size, plain.hexdigest(), target.size, sealed.hexdigest()
    )


@contextmanager
def unsealed(
    sealed: BinaryIO, *, name: str, keys: DomainKeys, limits: VaultLimits
) -> Iterator[BinaryIO]:
    """Give the content of a blob as a stream; its end is reached only if the content has this name.

    Reading raises VaultError (`vault.corrupt`, `vault.storage`) as soon as something does not fit.
    """
    pipe = _Pipe(limits.chunks_waiting_max)
    with ThreadPoolExecutor(1, thread_name_prefix="unseal") as thread:
        with storage_errors(f"the blob {name}"):
            try:
                work = thread.submit(
                    _unseal, sealed, pipe.push, name=name, keys=keys, limits=limits
                )
            except RuntimeError as error:  # the machine gives no thread, for want of memory mostly
                raise MemoryError(str(error)) from error
        work.add_done_callback(pipe.end)
        try:
            with io.BufferedReader(pipe, limits.chunk_bytes) as stream:
                yield stream
        finally:
            pipe.abandon()


def _unseal(
    sealed: BinaryIO,
    push: Callable[[bytes], None],
    *,
    name: str,
    keys: DomainKeys,
    limits: VaultLimits,
) -> None:
    content = name_hash(keys)
    source = _Input(sealed, limits.chunk_bytes)
    target = _Output(push, limits.chunk_bytes, hashes=(content,))
    identity = pyrage.x25519.Identity.from_str(keys.identity)
    what = f"the blob {name}"
    try:
        try:
            pyrage.decrypt_io(source, target, [identity])
        finally:
            _raise_own_error(source, target)
    except (pyrage.DecryptError, OSError) as error:
        if error is source.error:
            with storage_errors(what):
                raise
        raise corrupt(what, str(error).partition("\n")[0]) from None
    target.flush()
    if not hmac.compare_digest(content.hexdigest(), name):
        raise corrupt(what, "its content belongs to another name")


def _raise_own_error(*ends: _Input | _Output) -> None:
    for end in ends:
        if end.error is not None:
            raise end.error


class _Pipe(io.RawIOBase):
    """A bounded pipe of chunks from the unsealing thread to its reader; ends with the outcome."""

    def __init__(self, chunks_waiting_max: int) -> None:
        super().__init__()
        self._room = threading.Semaphore(chunks_waiting_max)  # else all content piles up in memory
        self._queue: queue.SimpleQueue[bytes | Future[None]] = queue.SimpleQueue()
        self._chunk = memoryview(b"")
        self._is_abandoned = False

    def push(self, chunk: bytes) -> None:
        """Hand a chunk on; waits while the reader is far behind."""
        self._room.acquire()
        if self._is_abandoned:
            raise BrokenPipeError("nobody reads any more")
        self._queue.put(chunk)

    def end(self, outcome: Future[None]) -> None:
        """Let the reader find the outcome after the last chunk: the end, or an error."""
        self._queue.put(outcome)

    def abandon(self) -> None:
        """Let the thread stop at its next chunk."""
        self._is_abandoned = True
        self._room.release()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        while not self._chunk:
            item = self._queue.get()
            if isinstance(item, Future):
                self._queue.put(item)  # for whoever reads on after the end
                item.result()
                return 0
            self._room.release()
            self._chunk = memoryview(item)
        view = memoryview(buffer).cast("B")
        size = min(len(view), len(self._chunk))
        view[:size] = self._chunk[:size]
        self._chunk = self._chunk[size:]
        return size
