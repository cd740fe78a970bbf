"""The vault as it lies: sealed blobs and body segments, for copying them without a key.

It opens nothing and writes nothing. What it gives is opened by the keys of its domain alone.
"""

from __future__ import annotations

import mmap
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from freehold.kernel.vault._blobs import BlobStore
from freehold.kernel.vault._frames import is_frame_of
from freehold.kernel.vault.errors import corrupt, storage_errors

SEGMENTS_MAPPED_MAX = 16
FRAME_HEAD_BYTES = 36  # length and the two ids


class VaultContents:
    """What lies in a vault. Not thread-safe.

    Args:
        segments: the folder of the body segments.
    """

    def __init__(self, store: BlobStore, segments: Path) -> None:
        self._store = store
        self._segments = segments
        self._mapped: OrderedDict[int, mmap.mmap] = OrderedDict()

    def close(self) -> None:
        """Close the files."""
        while self._mapped:
            self._mapped.popitem()[1].close()

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

    def check_frame(self, domain_id: str, record_id: str, at: Sequence[int]) -> None:
        """Check that the frame of this record's body begins where the record says, unless it was
        emptied; where it ends, the length of the segment tells.

        Raises:
            VaultError: `vault.corrupt`: something else lies there; `vault.storage`.
        """
        number, offset, length = at
        segment = self._mapped.get(number) or self._map(number)
        head = segment[offset : offset + FRAME_HEAD_BYTES]
        is_emptied = not any(head) and not any(segment[offset : offset + length])
        if not is_emptied and not is_frame_of(head, length, domain_id, record_id):
            raise corrupt(f"the body of record {record_id}", "another frame lies there, or none")

    def _map(self, number: int) -> mmap.mmap:
        """A segment in memory; a few of them, since an old log names many."""
        with self.segment(number) as file, storage_errors(f"the body segment {number}"):
            mapped = self._mapped[number] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if len(self._mapped) > SEGMENTS_MAPPED_MAX:
            self._mapped.popitem(last=False)[1].close()
        return mapped
