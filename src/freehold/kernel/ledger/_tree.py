"""The Merkle tree of RFC 9162 (hashing of RFC 6962): pure functions and one incremental tree.

No disk, no keys. Every verification raises `ProofError` or returns; none answers with a bool.
`Tree` keeps only the right edge: for each level of tiles the hashes that do not fill a tile yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from freehold.kernel.ledger.errors import ProofError

Hash: TypeAlias = bytes

HASH_BYTES = 32
TILE_WIDTH = 256  # C2SP tlog-tiles: height 8
TILE_HEIGHT = 8
EMPTY_ROOT: Hash = sha256(b"").digest()
_TILE_BYTES = TILE_WIDTH * HASH_BYTES
_PAIR_BYTES = 2 * HASH_BYTES
# SHA-256 after the prefixes of RFC 6962, 2.1; a copy costs less than joining prefix and content.
_begin_leaf, _begin_node = sha256(b"\x00").copy, sha256(b"\x01").copy


def leaf_hash(entry: bytes) -> Hash:
    """Hash one entry into a leaf (RFC 6962, 2.1)."""
    hashed = _begin_leaf()
    hashed.update(entry)
    return hashed.digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    """Hash two nodes into their parent (RFC 6962, 2.1)."""
    hashed = _begin_node()
    hashed.update(left + right)
    return hashed.digest()


def parents(hashes: bytes) -> bytes:
    """Hash each pair of concatenated hashes into its parent; one without a partner has none."""
    found = []
    for i in range(0, len(hashes) - HASH_BYTES, _PAIR_BYTES):
        hashed = _begin_node()
        hashed.update(hashes[i : i + _PAIR_BYTES])
        found.append(hashed.digest())
    return b"".join(found)


def perfect_root(hashes: bytes) -> bytes:
    """Root over 2^k concatenated hashes."""
    while len(hashes) > HASH_BYTES:
        hashes = parents(hashes)
    return hashes


def largest_power_below(size: int) -> int:
    """The largest power of two that is smaller than `size`, where a tree of `size` > 1 splits."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_root(leaf: Hash, index: int, *, size: int, path: Sequence[Hash]) -> Hash:
    """Fold an inclusion path into the root it claims (RFC 9162, 2.1.3.2).

    Raises:
        ProofError: the path is too long or too short for `index` in a tree of `size`.
    """
    if not 0 <= index < size:
        raise ProofError("ledger.proof", f"index {index} is outside of a tree of size {size}")
    _refuse_other_lengths((leaf, *path))
    first, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ProofError("ledger.proof", f"the path is too long for index {index} of {size}")
        if first & 1 or first == last:
            root = node_hash(sibling, root)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        first, last = first >> 1, last >> 1
    if last:
        raise ProofError("ledger.proof", f"the path is too short for index {index} of {size}")
    return root


def verify_inclusion(
    leaf: Hash, index: int, *, size: int, path: Sequence[Hash], root: Hash
) -> None:
    """Check that `leaf` is at `index` of the tree of `size` with this `root` (RFC 9162, 2.1.3.2).

    Raises:
        ProofError: it is not, or the path has not the length that it needs.
    """
    if inclusion_root(leaf, index, size=size, path=path) != root:
        raise ProofError(
            "ledger.proof",
            f"the path for index {index} of {size} leads to another root",
            "the entry, the proof or the checkpoint was changed",
        )


def verify_consistency(
    old_size: int, new_size: int, *, proof: Sequence[Hash], old_root: Hash, new_root: Hash
) -> None:
    """Check that the tree of `old_size` is a prefix of the tree of `new_size` (RFC 9162, 2.1.4.2).

    Raises:
        ProofError: it is not, the proof has not the length that it needs, or `old_size` is 0:
            the empty tree is a prefix of every tree, so that nothing can be proved.
    """
    if not 0 < old_size <= new_size:
        raise ProofError("ledger.proof", f"a tree of {old_size} proves nothing of {new_size}")
    _refuse_other_lengths(proof)
    if old_size == new_size:
        if proof or old_root != new_root:
            raise ProofError("ledger.proof", f"two roots claim the tree of size {old_size}")
        return
    _refuse_other_lengths((old_root,))
    claimed = _consistency_roots(old_size, new_size, proof=proof, old_root=old_root)
    for name, got, expected in zip(("old", "new"), claimed, (old_root, new_root), strict=True):
        if got != expected:
            raise ProofError("ledger.proof", f"the proof leads to another {name} root")


def _consistency_roots(
    old_size: int, new_size: int, *, proof: Sequence[Hash], old_root: Hash
) -> tuple[Hash, Hash]:
    """Fold a consistency proof, 0 < old < new, into the two roots it claims."""
    is_perfect = old_size & (old_size - 1) == 0  # then the old root itself starts the proof
    hashes = [old_root, *proof] if is_perfect else list(proof)
    if not hashes:
        raise ProofError("ledger.proof", "the proof is empty")
    first, last = old_size - 1, new_size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ProofError("ledger.proof", "the proof is too long for these two sizes")
        if first & 1 or first == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        first, last = first >> 1, last >> 1
    if last:
        raise ProofError("ledger.proof", "the proof is too short for these two sizes")
    return old, new


def _refuse_other_lengths(hashes: Iterable[Hash]) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise ProofError("ledger.proof", f"a hash has 32 bytes, got {len(value)}")


@dataclass(frozen=True, slots=True)
class Tile:
    """`hashes` (concatenated, 1 to 256) of one tile: level of tiles, place within the level."""

    level: int
    index: int
    hashes: bytes

    @property
    def width(self) -> int:
        """How many hashes it has; 256 when full."""
        return len(self.hashes) // HASH_BYTES


class Tree:
    """An append-only tree that holds its right edge only: at most 255 hashes per level of tiles.

    Appending costs about two hashes per leaf, whatever the size. Not thread-safe.
    """

    def __init__(self, size: int = 0, rows: Iterable[bytes | bytearray] = ()) -> None:
        """Take up a tree of `size` from the rows of its partial tiles, lowest level first.

        Raises:
            ValueError: a row has not the width that `size` demands.
        """
        self._size = size
        self._rows = [bytearray(row) for row in rows]
        if [len(row) // HASH_BYTES for row in self._rows] != edge_widths(size):
            raise ValueError(f"these rows are not the right edge of a tree of size {size}")

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    def copy(self) -> Tree:
        """An independent tree with the same leaves."""
        return Tree(self._size, self._rows)

    def extend(self, leaves: Iterable[Hash]) -> list[Tile]:
        """Append `leaves` and return the tiles that became full, lowest level first."""
        filled: list[Tile] = []
        added = b"".join(leaves)
        position = 0
        while position < len(added):
            if not self._rows:
                self._rows.append(bytearray())
            row = self._rows[0]
            piece = added[position : position + _TILE_BYTES - len(row)]
            row += piece
            position += len(piece)
            self._size += len(piece) // HASH_BYTES
            if len(row) == _TILE_BYTES:
                self._carry(filled)
        return filled

    def _carry(self, filled: list[Tile]) -> None:
        """Hash each full row into one hash of the row above it."""
        for level, row in enumerate(self._rows):
            if len(row) < _TILE_BYTES:
                return
            index = (self._size >> TILE_HEIGHT * (level + 1)) - 1
            filled.append(Tile(level, index, bytes(row)))
            if level + 1 == len(self._rows):
                self._rows.append(bytearray())
            self._rows[level + 1] += perfect_root(bytes(row))
            row.clear()

    def edge(self) -> list[Tile]:
        """The partial tiles of the right edge; empty ones are left out."""
        return [
            Tile(level, self._size >> TILE_HEIGHT * (level + 1), bytes(row))
            for level, row in enumerate(self._rows)
            if row
        ]

    def leaves(self) -> list[Hash]:
        """The leaves that fill no tile yet, at most 255."""
        row = bytes(self._rows[0]) if self._rows else b""
        return [row[at : at + HASH_BYTES] for at in range(0, len(row), HASH_BYTES)]

    def root(self) -> Hash:
        """Root of all leaves (RFC 9162, 2.1.1); folds the edge, at most 255 hashes per level."""
        root: Hash | None = None
        for row in self._rows:
            end = len(row)
            while end:
                width = (end // HASH_BYTES & -(end // HASH_BYTES)) * HASH_BYTES
                left = perfect_root(bytes(row[end - width : end]))
                root = left if root is None else node_hash(left, root)
                end -= width
        return EMPTY_ROOT if root is None else root


def edge_widths(size: int) -> list[int]:
    """How many hashes each level of tiles keeps in its last, partial tile (tlog-tiles)."""
    widths = []
    while size:
        widths.append(size % TILE_WIDTH)
        size >>= TILE_HEIGHT
    return widths
