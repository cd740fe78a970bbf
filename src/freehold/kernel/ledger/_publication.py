"""What a publication makes of new records: the next right edge, and the tiles to be written.

Pure: no disk, no keys. Only what changed is hashed and written, never a whole level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from freehold.kernel.ledger._tiles import bundle_path, frame_entry, tile_path
from freehold.kernel.ledger._tree import TILE_WIDTH, Hash, Tree


@dataclass(frozen=True, slots=True)
class Edge:
    """Where the next publication goes on: the right edge of the tree and of the entry bundles."""

    tree: Tree
    bundle: bytes  # the last, partial entry bundle; empty when the size is a multiple of 256


@dataclass(frozen=True, slots=True)
class Growth:
    """The next edge, the objects to write before it is signed, and the paths that became full."""

    edge: Edge
    objects: dict[str, bytes]
    filled: list[str]


def grow(edge: Edge, entries: Sequence[bytes], leaves: Sequence[Hash]) -> Growth:
    """Append `entries` with their leaf hashes to a published tree."""
    tree = edge.tree.copy()
    objects: dict[str, bytes] = {}
    index, width = divmod(tree.size, TILE_WIDTH)
    bundle, start = edge.bundle, 0
    while start < len(entries):
        taken = entries[start : start + TILE_WIDTH - width]
        bundle += b"".join(map(frame_entry, taken))
        start, width = start + len(taken), width + len(taken)
        if width == TILE_WIDTH:
            objects[bundle_path(index)] = bundle
            bundle, index, width = b"", index + 1, 0
    for tile in tree.extend(leaves):
        objects[tile_path(tile.level, tile.index)] = tile.hashes
    filled = list(objects)
    if width:
        objects[bundle_path(index, width=width)] = bundle
    written = edge.tree.edge()
    for tile in tree.edge():
        if tile not in written:
            objects[tile_path(tile.level, tile.index, width=tile.width)] = tile.hashes
    return Growth(Edge(tree, bundle), objects, filled)
