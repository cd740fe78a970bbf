"""The layout of C2SP tlog-tiles, and the tree of one checkpoint read from its tiles.

Reads only, through `TileSource`. Every hash and entry that leaves here was checked against the
right edge of the tree, whose root is the checkpoint's: what does not fit raises `CorruptLogError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Protocol

from freehold.kernel.ledger._tree import (
    EMPTY_ROOT,
    HASH_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Hash,
    Tile,
    Tree,
    edge_widths,
    largest_power_below,
    leaf_hash,
    node_hash,
    parents,
)
from freehold.kernel.ledger.errors import CorruptLogError

PRUNED = b""
"""Stands for an entry that retention took out; a record has at least one byte."""


class TileSource(Protocol):
    """Where tiles are read. A path that is not there raises `FileNotFoundError`."""

    def read(self, path: str) -> bytes: ...


def tile_path(level: int, index: int, *, width: int = TILE_WIDTH) -> str:
    """Path of a hash tile: `tile/0/x001/234`, `tile/1/000.p/17` when partial."""
    return _path(f"tile/{level}", index, width=width)


def bundle_path(index: int, width: int = TILE_WIDTH) -> str:
    """Path of an entry bundle: `tile/entries/x001/234`."""
    return _path("tile/entries", index, width=width)


def kept_path(index: int, width: int = TILE_WIDTH) -> str:
    """Path of what is kept of a pruned entry bundle: `kept/x001/234`."""
    return _path("kept", index, width=width)


def _path(folder: str, index: int, *, width: int) -> str:
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"{folder}/{'/'.join(reversed(groups))}{partial}"


def edge_paths(size: int) -> Iterator[str]:
    """Yield the paths, when full, of the tiles and the bundle that a tree of `size` has partial."""
    for level, width in enumerate(edge_widths(size)):
        if width:
            index = size >> TILE_HEIGHT * (level + 1)
            yield tile_path(level, index)
            if level == 0:
                yield bundle_path(index)


def frame_entry(entry: bytes) -> bytes:
    """One entry as it lies in a bundle: uint16 length, then the entry."""
    return len(entry).to_bytes(2) + entry


def split_bundle(data: bytes) -> list[bytes]:
    """Take a bundle apart.

    Raises:
        CorruptLogError: the lengths do not add up.
    """
    bounds, position, end = [0], 0, len(data)
    while position + 2 <= end:
        position += 2 + (data[position] << 8 | data[position + 1])
        bounds.append(position)
    if position != end:
        raise CorruptLogError("ledger.corrupt", "an entry bundle ends within an entry")
    return [data[start + 2 : stop] for start, stop in pairwise(bounds)]


def load_edge(source: TileSource, size: int) -> Tree:
    """Read the right edge of the tree of `size`; the caller compares its root.

    Raises:
        CorruptLogError: a tile is missing or too short.
    """
    rows = []
    for level, width in enumerate(edge_widths(size)):
        index = size >> TILE_HEIGHT * (level + 1)
        rows.append(read_hashes(source, level=level, index=index, width=width) if width else b"")
    return Tree(size, rows)


def read_hashes(source: TileSource, *, level: int, index: int, width: int) -> bytes:
    """Read the first `width` hashes of a tile, unchecked, from the partial or the full one."""
    data = _read(source, tile_path(level, index), width=width)[: width * HASH_BYTES]
    if len(data) != width * HASH_BYTES:
        raise CorruptLogError(
            "ledger.corrupt", f"{tile_path(level, index, width=width)} has only {len(data)} bytes"
        )
    return data


def read_bundle(source: TileSource, index: int, *, width: int) -> list[bytes]:
    """Read the first `width` entries of a bundle, unchecked, from the partial or the full one.

    Where neither is left, from what is kept of it, with `PRUNED` for each entry that is not.
    """
    data = _find(source, bundle_path(index), width=width)
    is_whole = data is not None
    if data is None:
        data = _find(source, kept_path(index), width=width)
    if data is None:
        raise _missing(bundle_path(index))
    found = split_bundle(data)
    entries = found[:width]
    if not width <= len(found) <= TILE_WIDTH or (is_whole and PRUNED in entries):
        raise CorruptLogError(
            "ledger.corrupt", f"{bundle_path(index, width=width)} has not {width} entries"
        )
    return entries


def _read(source: TileSource, path: str, *, width: int) -> bytes:
    data = _find(source, path, width=width)
    if data is None:
        raise _missing(path)
    return data


def _find(source: TileSource, path: str, *, width: int) -> bytes | None:
    if width < TILE_WIDTH:
        try:
            return source.read(f"{path}.p/{width}")
        except FileNotFoundError:
            pass  # a partial one may be removed once the full one exists
    try:
        return source.read(path)
    except FileNotFoundError:
        return None


def _missing(path: str) -> CorruptLogError:
    return CorruptLogError(
        "ledger.corrupt", f"{path} is missing", "restore the log's folder from a backup"
    )


class PublishedTree:
    """The tree of one checkpoint: entries and proofs, every hash checked against its root.

    Args:
        source: where the tiles lie.
        edge: the right edge, whose root the caller has compared with a signed checkpoint.

    A full tile is checked against its hash in the tile above it, up to the edge. The last tile of
    each level is remembered, so that reading in order checks each tile once. Not thread-safe.
    """

    def __init__(self, source: TileSource, edge: Tree) -> None:
        self._source = source
        self._size = edge.size
        self._edge = {tile.level: tile for tile in edge.edge()}
        self._checked: dict[int, Tile] = {}
        self._rows: dict[int, list[bytes]] = {}  # of the tile used last: hashes, parents, …

    def leaf(self, index: int) -> Hash:
        """Leaf hash of the entry at `index`."""
        return self._node(0, index)

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the entries of [start, stop), each checked before it is yielded; `PRUNED` for
        those that retention took out.

        Raises:
            CorruptLogError: a tile or bundle is missing or was changed.
        """
        for index in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
            first = index * TILE_WIDTH
            yield from self.bundle(index)[max(start - first, 0) : stop - first]

    def bundle(self, index: int) -> list[bytes]:
        """Read one entry bundle, checked; what is pruned has its leaf hash from the tile alone."""
        tile = self._tile(0, index)
        entries = read_bundle(self._source, index, width=tile.width)
        if b"".join(map(leaf_hash, entries)) != tile.hashes and not _is_kept(entries, tile):
            raise CorruptLogError(
                "ledger.corrupt",
                f"an entry of {bundle_path(index)} is not the one that was hashed into the tree",
                "the ledger was changed after it was written; compare it with a backup",
            )
        return entries

    def files(self, since: int = 0) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of every bundle and tile that a tree of this size has, and one of
        size `since` has not; checked.
        """
        for index in range(since // TILE_WIDTH, -(-self._size // TILE_WIDTH)):
            entries = self.bundle(index)
            place = kept_path if PRUNED in entries else bundle_path
            yield place(index, len(entries)), b"".join(map(frame_entry, entries))
        for level in range(len(edge_widths(self._size))):
            first = since >> TILE_HEIGHT * (level + 1)
            for index in range(first, -(-(self._size >> TILE_HEIGHT * level) // TILE_WIDTH)):
                tile = self._tile(level, index)
                yield tile_path(level, index, width=tile.width), tile.hashes

    def hashes(self, level: int, index: int) -> bytes:
        """The hashes of one tile, checked."""
        return self._tile(level, index).hashes

    def root(self, size: int) -> Hash:
        """Root of the first `size` leaves."""
        return self._root(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int) -> list[Hash]:
        """Path from the leaf at `index` to the root (RFC 9162, 2.1.3.1)."""
        low, high = 0, self._size
        path = []
        while high - low > 1:
            middle = low + largest_power_below(high - low)
            if index < middle:
                path.append(self._root(middle, high))
                high = middle
            else:
                path.append(self._root(low, middle))
                low = middle
        return path[::-1]

    def consistency(self, old_size: int) -> list[Hash]:
        """Proof that the tree of `old_size` is a prefix of this one (RFC 9162, 2.1.4.1)."""
        low, high = 0, self._size
        proof = []
        while 0 < old_size < high:
            middle = low + largest_power_below(high - low)
            if old_size <= middle:
                proof.append(self._root(middle, high))
                high = middle
            else:
                proof.append(self._root(low, middle))
                low = middle
        if low:
            proof.append(self._root(low, high))
        return proof[::-1]

    def _root(self, low: int, high: int) -> Hash:
        """Root over the leaves [low, high), where `low` is aligned as in a proof's subtree."""
        root: Hash | None = None
        while low < high:
            level = min((high & -high).bit_length(), (high - low).bit_length()) - 1
            left = self._node(level, (high >> level) - 1)
            root = left if root is None else node_hash(left, root)
            high -= 1 << level
        if root is None:
            raise ValueError("a proof has no empty subtree")
        return root

    def _node(self, level: int, index: int) -> Hash:
        """Hash of the `index`-th perfect subtree of 2^level leaves."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        place, within = divmod(index << height, TILE_WIDTH)
        row = self._row(self._tile(tile_level, place), height)
        start = (within >> height) * HASH_BYTES
        return row[start : start + HASH_BYTES]

    def _row(self, tile: Tile, height: int) -> bytes:
        """The perfect subtrees of 2^height hashes of a tile, in order; kept, since a proof that
        leads through a tile needs one of every height, and so does the check of the tile.
        """
        rows = self._rows.get(tile.level)
        if rows is None or rows[0] is not tile.hashes:
            rows = self._rows[tile.level] = [tile.hashes]
        while len(rows) <= height:
            rows.append(parents(rows[-1]))
        return rows[height]

    def _read_tile(self, level: int, index: int) -> Tile:
        hashes = read_hashes(self._source, level=level, index=index, width=TILE_WIDTH)
        return Tile(level, index, hashes)

    def _tile(self, level: int, index: int) -> Tile:
        edge = self._edge.get(level)
        if edge is not None and edge.index == index:
            return edge
        tile = self._checked.get(level)
        if tile is None or tile.index != index:
            tile = self._read_tile(level, index)
            if self._row(tile, TILE_HEIGHT) != self._node(TILE_HEIGHT * (level + 1), index):
                raise CorruptLogError(
                    "ledger.corrupt",
                    f"{tile_path(level, index)} does not hash into the tile above it",
                    "the ledger was changed after it was written; compare it with a backup",
                )
            self._checked[level] = tile
        return tile


def _is_kept(entries: list[bytes], tile: Tile) -> bool:
    """Tell whether some entries were pruned, and those that are kept are those of the tile."""
    hashes = [tile.hashes[at : at + HASH_BYTES] for at in range(0, len(tile.hashes), HASH_BYTES)]
    return PRUNED in entries and all(
        entry == PRUNED or leaf_hash(entry) == leaf
        for entry, leaf in zip(entries, hashes, strict=True)
    )
