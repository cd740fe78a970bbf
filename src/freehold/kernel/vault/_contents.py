"""The vault as it lies: sealed blobs and body segments, for copying them without a key.

It opens nothing and writes nothing. What it gives is opened by the keys of its domain alone.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from freehold.kernel.vault._blobs import BlobStore
from freehold.kernel.vault._bodies import BodyAt
from freehold.kernel.vault._frames import is_frame_of
from freehold.kernel.vault.errors import corrupt, storage_errors

FILES_OPEN_MAX = 16
FRAME_HEAD_BYTES = 36  # length and the two ids


class VaultContents:
    """What lies in a vault. Not thread-safe.

    Args:
        segments: the folder of the body segments.
    """

    def __init__(self, store: BlobStore, segments: Path) -> None:
        self._store = store
        self._segments = segments
        self._open: OrderedDict[int, BinaryIO] = OrderedDict()

    def close(self) -> None:
        """Close the files."""
        while self._open:
            self._open.popitem()[1].close()

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
        """Check that the frame of this record's body begins where the record says; where it ends,
        the length of the segment tells.

        Raises:
            VaultError: `vault.corrupt`: something else lies there; `vault.storage`.
        """
        where = BodyAt(*at)
        file = self._segment_kept(where.segment)
        with storage_errors(f"the body segment {where.segment}"):
            head = os.pread(file.fileno(), FRAME_HEAD_BYTES, where.offset)
        if not is_frame_of(head, where.length, domain_id, record_id):
            raise corrupt(f"the body of record {record_id}", "another frame lies there, or none")

    def _segment_kept(self, number: int) -> BinaryIO:
        file = self._open.get(number)
        if file is None:
            file = self._open[number] = self.segment(number)
            if len(self._open) > FILES_OPEN_MAX:
                self._open.popitem(last=False)[1].close()
        return file
