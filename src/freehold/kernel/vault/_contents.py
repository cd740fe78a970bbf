"""The vault as it lies: sealed blobs and body segments, for copying them without a key.

It opens nothing and writes nothing. What it gives is opened by the keys of its domain alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from freehold.kernel.vault._blobs import BlobStore
from freehold.kernel.vault.errors import storage_errors


class VaultContents:
    """What lies in a vault.

    Args:
        segments: the folder of the body segments.
    """

    def __init__(self, store: BlobStore, segments: Path) -> None:
        self._store = store
        self._segments = segments

    def blob(self, name: str) -> BinaryIO:
        """Open a sealed blob at its beginning.

        Raises:
            MissingBlob: there is none of this name.
            VaultError: `vault.storage`.
        """
        with storage_errors(f"the blob {name}"):
            return self._store.get(name)

    def blob_size(self, name: str) -> int | None:
        """How many sealed bytes a blob has, or None where there is none of this name.

        Raises:
            VaultError: `vault.storage`.
        """
        with storage_errors(f"the blob {name}"):
            found = self._store.find(name)
        return None if found is None else found.size

    def segments(self) -> Mapping[int, int]:
        """The numbers of all body segments and how many bytes each has at this moment.

        Raises:
            VaultError: `vault.storage`.
        """
        with storage_errors("the body segments"):
            paths = sorted(self._segments.glob("[0-9]" * 8 + ".seg"))
            return {int(path.stem): path.stat().st_size for path in paths}

    def segment(self, number: int) -> BinaryIO:
        """Open a body segment at its beginning.

        Raises:
            VaultError: `vault.storage`.
        """
        with storage_errors(f"the body segment {number}"):
            return (self._segments / f"{number:08}.seg").open("rb")
