"""Where sealed blobs lie: the narrow protocol of a store, and the store in a folder.

A store knows names, sizes and ages; never keys, domains or content.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from freehold.kernel import sync_folder
from freehold.kernel.vault.errors import MissingBlob

_HEX = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """What a store knows of a blob: its name, its sealed bytes, and when it was last put."""

    name: str
    size: int
    modified: datetime


class BlobStore(Protocol):
    """Where sealed blobs lie. May be slow; must not lie: what `put` returns from is durable.

    Each operation raises OSError where the store itself fails.
    """

    def put(self, name: str, staged: Path) -> bool:
        """Take the file `staged` in as `name`, whole or not at all, and remove it.

        A blob that exists is kept as it is and only made young again. True if the blob is new.
        """

    def get(self, name: str) -> BinaryIO:
        """Open a blob for reading from its beginning.

        Raises:
            MissingBlob: there is none of this name.
        """

    def find(self, name: str) -> StoredBlob | None:
        """Tell what is known of a blob, or None if there is none of this name."""

    def delete(self, name: str) -> None:
        """Remove a blob for good; one that is not there is no error."""

    def list(self) -> Iterator[StoredBlob]:
        """Go through all blobs in no order; those that come or go meanwhile may be missed."""


class FolderStore:
    """Blobs in a local folder, in 256 subfolders by the first two digits of their names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def create(cls, folder: Path) -> FolderStore:
        """Create the folder and its subfolders, durable before this returns."""
        folder.mkdir(mode=0o700)
        for first in _HEX:
            for second in _HEX:
                (folder / (first + second)).mkdir(mode=0o700)
        sync_folder(folder)
        return cls(folder)

    def put(self, name: str, staged: Path) -> bool:
        target = self._path(name)
        try:
            os.link(staged, target)  # unlike a rename, this never replaces
            is_new = True
        except FileExistsError:
            os.utime(target)
            is_new = False
        staged.unlink()
        sync_folder(target.parent)
        return is_new

    def get(self, name: str) -> BinaryIO:
        try:
            return self._path(name).open("rb")
        except FileNotFoundError:
            raise MissingBlob(name) from None

    def find(self, name: str) -> StoredBlob | None:
        try:
            status = self._path(name).stat()
        except FileNotFoundError:
            return None
        return StoredBlob(name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def delete(self, name: str) -> None:
        path = self._path(name)
        path.unlink(missing_ok=True)
        sync_folder(path.parent)

    def list(self) -> Iterator[StoredBlob]:
        for folder in self._folder.iterdir():
            for path in folder.iterdir():
                if (blob := self.find(path.name)) is not None:
                    yield blob

    def _path(self, name: str) -> Path:
        if len(name) != 64 or not set(name) <= set(_HEX):
            raise ValueError(f"a blob's name is 64 lower-case hexadecimal digits, got {name!r:.80}")
        return self._folder / name[:2] / name
