"""The checkpoints of a log that witnesses have cosigned, `cosigned/<size, 20 digits>`: the note of
`checkpoints/<size>` with a line of each witness.

Unlike that one a file here may be replaced, when another witness adds its line. Verifies nothing:
whoever reads brings the keys.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from threading import Lock

from freehold.kernel.ledger._files import Disk, make_folder


class CosignedFolder:
    """The folder of one log's cosigned checkpoints. Thread-safe, for one writer at a time."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        self._lock = Lock()  # held while a file is written and its size is added
        self._sizes: tuple[int, ...] | None = None  # sorted; replaced as one value

    @property
    def sizes(self) -> tuple[int, ...]:
        """Their sizes, smallest first; listed once."""
        if self._sizes is None:
            found = self._folder.iterdir() if self._folder.is_dir() else ()
            names = (path.name for path in found)  # a crash may have left a draft
            self._sizes = tuple(sorted(int(name) for name in names if name.isdecimal()))
        return self._sizes

    def note(self, size: int) -> str | None:
        """The cosigned checkpoint of this size, if there is one."""
        try:
            return self._path(size).read_bytes().decode(errors="replace")  # then no key signed it
        except FileNotFoundError:
            return None

    def covering(self, index: int) -> int | None:
        """The smallest size that contains the record at `index`: the earliest that a witness saw
        it.
        """
        place = bisect_right(self.sizes, index)
        return self.sizes[place] if place < len(self.sizes) else None

    def keep(self, size: int, note: str) -> None:
        """Keep a note that the caller has verified; durable on return."""
        with self._lock:
            if not self.sizes:  # whoever made the folder may have been killed before it was durable
                make_folder(self._folder)
                self._disk.sync_folder(self._folder.parent)
            self._disk.replace(self._path(size), note.encode())
            self._sizes = tuple(sorted({*self.sizes, size}))

    def _path(self, size: int) -> Path:
        return self._folder / f"{size:020}"
