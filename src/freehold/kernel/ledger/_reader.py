"""Reading a log without its lock: for audit and export, while another process may write to it.

Trusts nothing but the keys it is given; changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from freehold.kernel import DEFAULT_LIMITS, Limits
from freehold.kernel.ledger._files import LocalDisk
from freehold.kernel.ledger._folder import LogFolder
from freehold.kernel.ledger._note import VerifierKey
from freehold.kernel.ledger._pruning import pruned_ranges
from freehold.kernel.ledger._statements import Checkpoint, Receipt
from freehold.kernel.ledger._tiles import PublishedTree, read_bundle
from freehold.kernel.ledger._tree import TILE_WIDTH, Hash
from freehold.kernel.ledger.errors import CorruptLogError, LogRefusedError


class LogReader:
    """One published checkpoint of a log, and everything under it.

    Args:
        origin: the log that is expected in `folder`.
        keys: public keys that are trusted; the log's own must be among them.
        size: which checkpoint to read; the newest where it is None.

    Raises:
        LogRefusedError: no such checkpoint, another log, or signed with another key.
        CorruptLogError: the tiles do not have the root that was signed.
    """

    def __init__(
        self,
        folder: Path,
        origin: str,
        *,
        keys: Iterable[VerifierKey],
        size: int | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        parts = LogFolder(folder, LocalDisk())
        trusted = tuple(keys)
        self._head = parts.read_head(trusted, limits=limits, size=size)
        self._cosigned = parts.cosigned.note(self.checkpoint.size)
        self._folder = folder
        self._store = parts.store
        self._history = parts.history
        if self.checkpoint.origin != origin:
            raise LogRefusedError(
                "ledger.key", f"this is the log {self.checkpoint.origin}, expected {origin}"
            )
        if self._cosigned is not None:
            cosigned = parts.read_cosigned(self.checkpoint.size, trusted, limits=limits)
            if cosigned != self.checkpoint:
                raise CorruptLogError(
                    "ledger.corrupt", f"another tree of {cosigned.size} is cosigned"
                )

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint, verified."""
        return self._head.checkpoint

    @property
    def note(self) -> str:
        """The checkpoint as it was signed, with the cosignatures that are kept."""
        return self._cosigned or self._head.note

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the entries of [start, stop), each checked against the root before it is yielded;
        `PRUNED` stands for those that retention took out.

        Raises:
            ValueError: the checkpoint does not reach that far.
            CorruptLogError: something was changed; it is raised where the change is met.
        """
        end = self.checkpoint.size if stop is None else stop
        if not 0 <= start <= end <= (size := self.checkpoint.size):
            raise ValueError(f"the checkpoint has size {size}, not [{start}, {end})")
        return self._tree().entries(start, end)

    def unverified_entries(self) -> Iterator[bytes]:
        """Yield every entry as it lies there, and believe none: for whoever has the same tree
        verified besides.

        Raises:
            CorruptLogError: an entry bundle is missing or ends within an entry.
        """
        left = self.checkpoint.size
        for index in range(-(-left // TILE_WIDTH)):
            width = min(left - index * TILE_WIDTH, TILE_WIDTH)
            yield from read_bundle(self._store, index, width=width)

    def verify_all(self) -> Checkpoint:
        """Check every entry that is kept and every tile against the root; return the checkpoint.

        Whether the pruned ones were allowed to go is another question: ask `pruned`.

        Raises:
            CorruptLogError: something was changed or is missing.
        """
        tree = self._tree()
        for index in range(-(-self.checkpoint.size // TILE_WIDTH)):
            tree.bundle(index)
        return self.checkpoint

    def bundles(
        self, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, list[bytes] | CorruptLogError]]:
        """Yield the entry bundles [start, stop) by their numbers, each checked, or what is wrong
        with it; goes on after a fault, so that all of them are known.
        """
        tree, last = self._tree(), -(-self.checkpoint.size // TILE_WIDTH)
        for index in range(start, last if stop is None else min(stop, last)):
            try:
                yield index, tree.bundle(index)
            except CorruptLogError as error:
                yield index, error

    def root(self, size: int) -> Hash:
        """Root of the first `size` entries, from tiles that are checked.

        Raises:
            ValueError: the checkpoint does not reach that far.
            CorruptLogError: a tile that it takes was changed or is missing.
        """
        if not 0 <= size <= self.checkpoint.size:
            raise ValueError(f"the checkpoint has size {self.checkpoint.size}, not {size}")
        return self._tree().root(size)

    def hashes(self, level: int, index: int) -> bytes:
        """The hashes of one tile, checked.

        Raises:
            CorruptLogError: it was changed or is missing.
        """
        return self._tree().hashes(level, index)

    def files(self, since: int = 0) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of every tile under the checkpoint, checked: what an export holds.

        Complete for this checkpoint's size, also where the log has grown beyond it. With `since`,
        only those that a tree of that size does not have, or has shorter.

        Raises:
            CorruptLogError: something was changed or is missing.
        """
        return self._tree().files(since)

    def pruned(self) -> Iterator[tuple[int, int]]:
        """Yield the ranges [start, stop) of entries that are out, ascending."""
        return pruned_ranges(self._folder, self.checkpoint.size)

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        """Yield size and note of every checkpoint that is kept, those of the newest hour and
        the last of each before, up to this one; not verified.
        """
        for size, note in self._history():
            if size <= self.checkpoint.size:
                yield size, note

    def receipt(self, index: int) -> Receipt:
        """Prove that the entry at `index` is under the checkpoint.

        Raises:
            ValueError: it has no such entry.
        """
        if not 0 <= index < self.checkpoint.size:
            raise ValueError(f"the checkpoint has size {self.checkpoint.size}, no entry {index}")
        return Receipt(index, tuple(self._tree().inclusion(index)), self.note)

    def consistency(self, old_size: int) -> list[Hash]:
        """Prove that the tree of `old_size` is a prefix of this one.

        Raises:
            ValueError: this one is smaller.
        """
        if not 0 <= old_size <= self.checkpoint.size:
            raise ValueError(f"the checkpoint has size {self.checkpoint.size}")
        return self._tree().consistency(old_size)

    def _tree(self) -> PublishedTree:
        return PublishedTree(self._store, self._head.edge.tree)
