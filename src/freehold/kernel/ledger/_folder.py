"""The folder of one log: where its checkpoints lie, and how they are read and verified.

Shared by the one writer and by any reader. Writes only what it is told, through `Disk`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from freehold.kernel import Limits
from freehold.kernel.ledger._cosigned_folder import CosignedFolder
from freehold.kernel.ledger._files import Disk, FolderStore, make_folder
from freehold.kernel.ledger._journal import has_records
from freehold.kernel.ledger._note import VerifierKey
from freehold.kernel.ledger._publication import Edge
from freehold.kernel.ledger._statements import Checkpoint
from freehold.kernel.ledger._tiles import bundle_path, frame_entry, load_edge, read_bundle
from freehold.kernel.ledger._tree import TILE_WIDTH, leaf_hash
from freehold.kernel.ledger.errors import CorruptLogError, LogRefusedError, NoteError


@dataclass(frozen=True, slots=True)
class Head:
    """What a log has published last: a checkpoint, as it was signed, and the edge of its tree."""

    checkpoint: Checkpoint
    note: str
    edge: Edge


class LogFolder:
    """Paths and checkpoints of one log."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self.path = folder
        self.journal = folder / "wal"
        self.store = FolderStore(folder, disk)
        self.cosigned = CosignedFolder(folder / "cosigned", disk)
        self._disk = disk
        self._newest = folder / "checkpoint"
        self._history = folder / "checkpoints"

    def has_log(self) -> bool:
        """Tell whether a checkpoint was ever published here."""
        return self._newest.exists()

    def has_remains(self) -> bool:
        """Tell whether records lie here although there is no newest checkpoint."""
        return (self.path / "tile").exists() or has_records(self.journal)

    def make(self) -> None:
        """Make the folders of a new log, durable."""
        changed = dict.fromkeys((*make_folder(self.journal), *make_folder(self._history)))
        for folder in changed:
            self._disk.sync_folder(folder)

    def put_checkpoint(
        self, checkpoint: Checkpoint, note: str, *, after: int | None = None
    ) -> None:
        """Keep a signed checkpoint in the history, then make it the newest.

        Its tiles are durable already. A crash between the two leaves a checkpoint in the history
        that nobody was shown; the next publication extends it. With the first of an hour, of the
        hour before only its last is kept, that of size `after`.
        """
        kept = self._kept(checkpoint.size)
        self._disk.replace(kept, note.encode())
        self._disk.replace(self._newest, note.encode())
        if after is not None and _hour(self._kept(after)) != _hour(kept):
            self._thin(self._kept(after))

    def keep_head(self, head: Head) -> None:
        """Make sure that the newest checkpoint stays the newest, before anything is built on it.

        Whoever put it there may have been killed before its name was durable, or could not sync it.
        It is put there anew, since a sync after one that failed proves nothing.
        """
        self._disk.sync_folder(self._history)
        self._disk.replace(self._newest, head.note.encode())

    def _thin(self, last: Path) -> None:
        """Drop all checkpoints of the hour of `last`, but itself.

        A crash in here leaves more of them than are needed, which nobody minds.
        """
        older = sorted(name for name in os.listdir(self._history) if name < last.name)
        for name in reversed(older):
            path = self._history / name
            if _hour(path) != _hour(last):
                return
            self._disk.remove(path)

    def _kept(self, size: int) -> Path:
        return self._history / f"{size:020}"

    def history(self) -> Iterator[tuple[int, str]]:
        """Yield size and note of every checkpoint that is kept, smallest first; with cosignatures
        where there are any.
        """
        for path in sorted(self._history.iterdir()):
            if not path.name.isdecimal():  # a draft of the writer's, that comes and goes
                continue
            size = int(path.name)
            try:
                note = self.cosigned.note(size) or path.read_text()
            except FileNotFoundError:  # thinned meanwhile
                continue
            yield size, note

    def read_head(
        self, keys: Iterable[VerifierKey], *, limits: Limits, size: int | None = None
    ) -> Head:
        """Read the newest checkpoint, or the one of `size`, and the edge of its tree.

        Raises:
            LogRefusedError: there is no such checkpoint, or none of `keys` signed it.
            CorruptLogError: the tiles do not have the root that was signed.
        """
        path = self._newest if size is None else self._kept(size)
        try:
            note = path.read_bytes()
        except FileNotFoundError as error:
            raise LogRefusedError(
                "ledger.missing", f"there is no checkpoint {path}", "create the log first"
            ) from error
        try:
            checkpoint = Checkpoint.open(note, keys, limits=limits)
        except NoteError as error:
            if error.code == "ledger.note":
                raise CorruptLogError("ledger.corrupt", f"{path}: {error.message}") from error
            raise LogRefusedError(
                "ledger.key",
                f"{path} is not signed by the key of this log: {error.message}",
                "give the key that this log was created with",
            ) from error
        if size not in (None, checkpoint.size):
            raise CorruptLogError("ledger.corrupt", f"{path} has size {checkpoint.size}")
        return Head(checkpoint, note.decode(), self._read_edge(checkpoint))

    def read_cosigned(
        self, size: int, keys: Iterable[VerifierKey], *, limits: Limits
    ) -> Checkpoint:
        """Read a cosigned checkpoint, verified as one of this log.

        Raises:
            CorruptLogError: it is not there, or not what was kept.
        """
        try:
            return Checkpoint.open(self.cosigned.note(size) or "", keys, limits=limits)
        except NoteError as error:
            raise CorruptLogError(
                "ledger.corrupt",
                f"{self.path}/cosigned/{size:020}: {error.message}",
                "remove the file if you know why it was changed; its witness can be asked again",
            ) from error

    def _read_edge(self, checkpoint: Checkpoint) -> Edge:
        tree = load_edge(self.store, checkpoint.size)
        if tree.root() != checkpoint.root:
            raise CorruptLogError(
                "ledger.corrupt",
                f"the tiles of size {checkpoint.size} do not have the root that was signed",
                "compare the folder of the log with a backup",
            )
        index, width = divmod(checkpoint.size, TILE_WIDTH)
        entries = read_bundle(self.store, index, width=width) if width else []
        # The next publication writes this bundle again, longer: a change of it must not go on.
        if any(
            leaf_hash(entry) != leaf for entry, leaf in zip(entries, tree.leaves(), strict=True)
        ):
            raise CorruptLogError(
                "ledger.corrupt",
                f"an entry of {bundle_path(index, width)} is not the one that was hashed",
                "the ledger was changed after it was written; compare it with a backup",
            )
        return Edge(tree, b"".join(map(frame_entry, entries)))


def _hour(path: Path) -> int | None:
    """In which hour a file was written, by its own time: enough for thinning, proof of nothing."""
    try:
        return int(path.stat().st_mtime // 3_600)
    except FileNotFoundError:
        return None
