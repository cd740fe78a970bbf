"""The tree and its proofs, against published vectors and a naive tree."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.kernel.ledger import (
    EMPTY_ROOT,
    ProofError,
    PublishedTree,
    Tile,
    Tree,
    bundle_path,
    inclusion_root,
    leaf_hash,
    node_hash,
    tile_path,
    verify_consistency,
    verify_inclusion,
)
from tests.kernel.ledger import naive

HASH = b"\x07" * 32


class TilesInMemory:
    """Every tile and bundle of a tree of `entries`, by path."""

    def __init__(self, entries: list[bytes]) -> None:
        self.tree = Tree()
        full = self.tree.extend(map(leaf_hash, entries))
        tiles = full + self.tree.edge()
        self.objects = {tile_path(t.level, t.index, width=t.width): t.hashes for t in tiles}
        for start in range(0, len(entries), 256):
            part = entries[start : start + 256]
            data = b"".join(len(entry).to_bytes(2) + entry for entry in part)
            self.objects[bundle_path(start // 256, width=len(part))] = data

    def read(self, path: str) -> bytes:
        if path not in self.objects:
            raise FileNotFoundError(path)
        return self.objects[path]

    def published(self) -> PublishedTree:
        return PublishedTree(self, self.tree)


def entries_of(size: int) -> list[bytes]:
    return [b"entry %d" % index for index in range(size)]


def vectors(folder: Path, name: str) -> list[dict[str, Any]]:
    lines = (folder / "vectors-merkle" / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def unbase64(values: list[str] | None) -> list[bytes]:
    return [base64.b64decode(value) for value in values or []]


def test_published_inclusion_vectors_are_judged_as_published(shared_data: Path) -> None:
    cases = vectors(shared_data, "inclusion")
    assert len(cases) == 98
    for case in cases:
        leaf, root = unbase64([case["leafHash"], case["root"]])
        try:
            verify_inclusion(
                leaf,
                case["leafIdx"],
                size=case["treeSize"],
                path=unbase64(case["proof"]),
                root=root,
            )
        except ProofError:
            assert case["wantErr"], case["path"]
        else:
            assert not case["wantErr"], case["path"]


def test_published_consistency_vectors_are_judged_as_published(shared_data: Path) -> None:
    cases = vectors(shared_data, "consistency")
    assert len(cases) == 98
    for case in cases:
        old_root, new_root = unbase64([case["root1"], case["root2"]])
        try:
            verify_consistency(
                case["size1"],
                case["size2"],
                proof=unbase64(case["proof"]),
                old_root=old_root,
                new_root=new_root,
            )
        except ProofError:
            assert case["wantErr"], case["path"]
        else:
            assert not case["wantErr"], case["path"]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Tree().root() == EMPTY_ROOT == naive.root([])
    assert Tree().edge() == []


@given(st.integers(0, 1100))
def test_the_root_is_that_of_the_recursive_definition(size: int) -> None:
    entries = entries_of(size)
    tree = Tree()
    tree.extend(map(leaf_hash, entries))
    assert tree.size == size
    assert tree.root() == naive.root(entries)


@given(st.lists(st.integers(0, 400), max_size=5))
def test_extending_in_parts_gives_what_extending_at_once_gives(parts: list[int]) -> None:
    leaves = list(map(leaf_hash, entries_of(sum(parts))))
    at_once, in_parts = Tree(), Tree()
    expected = at_once.extend(leaves)
    got: list[Tile] = []
    for part in parts:
        in_parts = in_parts.copy()
        got += in_parts.extend(leaves[in_parts.size : in_parts.size + part])
    assert sorted(got, key=lambda tile: (tile.level, tile.index)) == sorted(
        expected, key=lambda tile: (tile.level, tile.index)
    )
    assert in_parts.edge() == at_once.edge()
    assert in_parts.root() == at_once.root()


def test_two_full_levels_of_tiles_hash_into_the_third() -> None:
    tree = Tree()
    tiles = tree.extend([HASH] * 65_537)
    assert [(t.level, t.index) for t in tiles if t.level] == [(1, 0)]
    assert len(tiles) == 257
    assert [(t.level, t.index, t.width) for t in tree.edge()] == [(0, 256, 1), (2, 0, 1)]
    expected = HASH
    for _ in range(16):
        expected = node_hash(expected, expected)
    assert tree.root() == node_hash(expected, HASH)


def test_rows_that_do_not_belong_to_the_size_are_refused() -> None:
    with pytest.raises(ValueError, match="not the right edge"):
        Tree(2, [HASH])


@given(st.data())
def test_inclusion_paths_are_those_of_the_recursive_definition(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 800))
    index = data.draw(st.integers(0, size - 1))
    entries = entries_of(size)
    path = TilesInMemory(entries).published().inclusion(index)
    assert path == naive.inclusion(index, entries)
    leaf = leaf_hash(entries[index])
    assert inclusion_root(leaf, index, size=size, path=path) == naive.root(entries)


@given(st.data())
def test_consistency_proofs_are_those_of_the_recursive_definition(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 800))
    old_size = data.draw(st.integers(1, size))
    entries = entries_of(size)
    proof = TilesInMemory(entries).published().consistency(old_size)
    assert proof == naive.consistency(old_size, entries)
    verify_consistency(
        old_size,
        size,
        proof=proof,
        old_root=naive.root(entries[:old_size]),
        new_root=naive.root(entries),
    )


@given(st.data())
def test_a_changed_proof_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    entries = entries_of(size)
    leaf, root = leaf_hash(entries[index]), naive.root(entries)
    path = naive.inclusion(index, entries)
    place = data.draw(st.integers(0, len(path) - 1))
    changed = data.draw(
        st.sampled_from(
            [
                [*path[:place], *path[place + 1 :]],
                [*path[:place], HASH, *path[place:]],
                [*path[:place], HASH, *path[place + 1 :]],
                [*path[:place], b"", *path[place + 1 :]],
            ]
        )
    )
    with pytest.raises(ProofError):
        verify_inclusion(leaf, index, size=size, path=changed, root=root)
    with pytest.raises(ProofError):
        verify_inclusion(HASH, index, size=size, path=path, root=root)
    with pytest.raises(ProofError):
        verify_inclusion(leaf, (index + 1) % size, size=size, path=path, root=root)


@given(st.data())
def test_another_history_is_never_consistent(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    old_size = data.draw(st.integers(1, size))
    entries = entries_of(size)
    fork = entries_of(size)
    fork[data.draw(st.integers(0, old_size - 1))] = b"another"
    with pytest.raises(ProofError):
        verify_consistency(
            old_size,
            size,
            proof=naive.consistency(old_size, fork),
            old_root=naive.root(entries[:old_size]),
            new_root=naive.root(fork),
        )


@pytest.mark.parametrize(
    ("old_size", "new_size", "roots"),
    [
        (2, 1, (HASH, HASH)),
        (-1, 1, (HASH, HASH)),
        (0, 1, (EMPTY_ROOT, HASH)),
        (0, 0, (EMPTY_ROOT, EMPTY_ROOT)),
        (1, 1, (HASH, EMPTY_ROOT)),
    ],
)
def test_impossible_sizes_and_roots_are_refused(
    old_size: int, new_size: int, roots: tuple[bytes, bytes]
) -> None:
    with pytest.raises(ProofError):
        verify_consistency(old_size, new_size, proof=[], old_root=roots[0], new_root=roots[1])


@pytest.mark.parametrize(
    ("index", "width", "expected"),
    [
        (0, 256, "tile/0/000"),
        (1000, 256, "tile/0/x001/000"),
        (1_234_067, 256, "tile/0/x001/x234/067"),
        (273, 112, "tile/0/273.p/112"),
    ],
)
def test_tile_paths_are_those_of_the_specification(index: int, width: int, expected: str) -> None:
    assert tile_path(0, index, width=width) == expected
    assert bundle_path(index, width=width) == expected.replace("tile/0", "tile/entries")
