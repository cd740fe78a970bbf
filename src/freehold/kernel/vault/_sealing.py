"""Sealing and unsealing blobs, in constant memory and without plain bytes on disk.

The bytes pass once: what is read is hashed, sealed or opened, and passed on, block by block.
"""

from __future__ import annotations

import hashlib
import hmac
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from freehold.kernel.keys import DomainKeys, age_private_key
from freehold.kernel.vault._age import AgeError, Block, open_age, read_blocks, seal_age
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


@dataclass(frozen=True, slots=True)
class Summary:
    """What was learnt while sealing: the name, sizes in bytes, and SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str
    sealed_size: int
    sealed_sha256: str


def seal_stream(
    stream: BinaryIO, write: Callable[[Block], object], *, keys: DomainKeys, limits: VaultLimits
) -> Summary:
    """Seal `stream` to its end into `write`.

    Raises:
        what `stream` or `write` raise.
    """
    name, sha256, sealed_sha256 = name_hash(keys), hashlib.sha256(), hashlib.sha256()
    content, sealed = _Count(name, sha256), _Count(sealed_sha256)
    recipient = age_private_key(keys.identity).public_key()
    blocks = content.through(read_blocks(stream, limits.chunk_bytes))
    for block in sealed.through(seal_age(blocks, recipient)):
        write(block)
    return Summary(
        name.hexdigest(), content.size, sha256.hexdigest(), sealed.size, sealed_sha256.hexdigest()
    )


@contextmanager
def unsealed(
    sealed: BinaryIO, *, name: str, keys: DomainKeys, limits: VaultLimits
) -> Iterator[BinaryIO]:
    """Give the content of a blob as a stream; its end is reached only if the content has this name.

    Reading raises VaultError (`vault.corrupt`, `vault.storage`) as soon as something does not fit.
    """
    blocks = _unseal(sealed, name=name, keys=keys, limits=limits)
    with io.BufferedReader(_Content(blocks), limits.chunk_bytes) as stream:
        yield stream


def _unseal(
    sealed: BinaryIO, *, name: str, keys: DomainKeys, limits: VaultLimits
) -> Iterator[Block]:
    what = f"the blob {name}"
    content = name_hash(keys)
    blocks = open_age(sealed, age_private_key(keys.identity), block_bytes=limits.chunk_bytes)
    try:
        with storage_errors(what):
            yield from _Count(content).through(blocks)
    except AgeError as error:
        raise corrupt(what, str(error)) from None
    if not hmac.compare_digest(content.hexdigest(), name):
        raise corrupt(what, "its content belongs to another name")


class _Count:
    """Counts and hashes the blocks that pass."""

    def __init__(self, *hashes: Hash) -> None:
        self._hashes = hashes
        self.size = 0

    def through(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Pass `blocks` on as they come."""
        for block in blocks:
            for each in self._hashes:
                each.update(block)
            self.size += len(block)
            yield block


class _Content(io.RawIOBase):
    """Blocks as a stream. An error stays: reading on after it never looks like the end."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        super().__init__()
        self._blocks = blocks
        self._block = memoryview(b"")
        self._error: BaseException | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        while not self._block:
            if self._error is not None:
                raise self._error
            try:
                block = next(self._blocks, None)
            except BaseException as error:
                self._error = error
                raise
            if block is None:
                return 0
            self._block = memoryview(block)
        view = memoryview(buffer).cast("B")
        size = min(len(view), len(self._block))
        view[:size] = self._block[:size]
        self._block = self._block[size:]
        return size
