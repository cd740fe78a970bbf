"""Stores and clocks that tests bring: one in memory, one that fails, a clock that is set."""

from __future__ import annotations

import io
import random
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from freehold.kernel.vault import BlobStore, MissingBlob, Sealed, StoredBlob, Vault


class MemoryStore:
    """A store in memory that asserts how it may be used."""

    def __init__(self) -> None:
        self._blobs: dict[str, tuple[bytes, datetime]] = {}

    def put(self, name: str, staged: Path) -> bool:
        sealed, _ = self._blobs.get(self._checked(name), (None, None))
        is_new = sealed is None
        content = staged.read_bytes() if sealed is None else sealed
        self._blobs[name] = (content, datetime.now(UTC))
        staged.unlink()
        return is_new

    def get(self, name: str) -> BinaryIO:
        if self._checked(name) not in self._blobs:
            raise MissingBlob(name)
        return io.BytesIO(self._blobs[name][0])

    def find(self, name: str) -> StoredBlob | None:
        found = self._blobs.get(self._checked(name))
        return None if found is None else StoredBlob(name, len(found[0]), found[1])

    def delete(self, name: str) -> None:
        self._blobs.pop(self._checked(name), None)

    def list(self) -> Iterator[StoredBlob]:
        for name, (sealed, modified) in list(self._blobs.items()):
            yield StoredBlob(name, len(sealed), modified)

    @staticmethod
    def _checked(name: str) -> str:
        if len(name) != 64 or not set(name) <= set(string.hexdigits.lower()):
            raise ValueError(f"not a blob's name: {name!r}")
        return name


class FaultyStore:
    """A store whose next operation fails, either before or after it was done."""

    def __init__(self, store: BlobStore, *, is_written: bool) -> None:
        self._store = store
        self._is_written = is_written
        self.is_armed = True

    def put(self, name: str, staged: Path) -> bool:
        result = True
        if not self.is_armed or self._is_written:
            result = self._store.put(name, staged)
        self._fail()
        return result

    def get(self, name: str) -> BinaryIO:
        self._fail()
        return self._store.get(name)

    def find(self, name: str) -> StoredBlob | None:
        self._fail()
        return self._store.find(name)

    def delete(self, name: str) -> None:
        if not self.is_armed or self._is_written:
            self._store.delete(name)
        self._fail()

    def list(self) -> Iterator[StoredBlob]:
        self._fail()
        return self._store.list()

    def _fail(self) -> None:
        if self.is_armed:
            self.is_armed = False
            raise OSError(5, "Input/output error")


class SetClock:
    """A clock that is a given time ahead of the real one."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


CONTENT = random.Random(1).randbytes(200_000)  # four chunks of the age format


def seal(vault: Vault, domain: str, content: bytes = CONTENT) -> Sealed:
    return vault.seal(domain, io.BytesIO(content))


def path_of(folder: Path, name: str) -> Path:
    return folder / "blobs" / name[:2] / name
