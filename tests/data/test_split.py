"""The split is a function of seed and index alone, and shares each label out fairly."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError, split_rows


def naive_order(rows: int, seed: int) -> list[int]:
    """The documented keys, one row at a time."""

    def key(row: int) -> bytes:
        block = b"freehold/split/v1\0" + seed.to_bytes(8, "big") + (row // 4).to_bytes(8, "big")
        return hashlib.sha256(block).digest()[8 * (row % 4) :][:8]

    return sorted(range(rows), key=key)


def test_a_split_made_once_stays_the_same_for_ever() -> None:
    train, test = split_rows(20, seed=7, holdout=0.25)
    assert test.tolist() == [6, 9, 13, 14, 18]
    assert train.tolist() == [i for i in range(20) if i not in {6, 9, 13, 14, 18}]


@given(st.integers(2, 300), st.integers(0, 2**64 - 1), st.integers(1, 99))
def test_the_rows_with_the_smallest_keys_are_held_out(rows: int, seed: int, percent: int) -> None:
    train, test = split_rows(rows, seed=seed, holdout=percent / 100)
    wanted = min(rows - 1, max(1, (rows * percent + 50) // 100))
    assert test.tolist() == sorted(naive_order(rows, seed)[:wanted])
    assert sorted([*train, *test]) == list(range(rows))


@given(
    st.lists(st.sampled_from(["a", "b", "c", None, 1]), min_size=2, max_size=200),
    st.integers(0, 1_000),
    st.integers(1, 99),
)
def test_each_label_gives_its_share(labels: list[str], seed: int, percent: int) -> None:
    rows = len(labels)
    train, test = split_rows(rows, seed=seed, holdout=percent / 100, labels=labels)
    assert sorted([*train, *test]) == list(range(rows))
    assert len(test) == min(rows - 1, max(1, (rows * percent + 50) // 100))
    taken = Counter(labels[i] for i in test)
    for label, size in Counter(labels).items():
        assert abs(taken[label] - size * percent / 100) < 2


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=60), st.integers(0, 1_000))
def test_within_a_label_the_smallest_keys_are_held_out(labels: list[str], seed: int) -> None:
    _, test = split_rows(len(labels), seed=seed, holdout=0.3, labels=labels)
    order = naive_order(len(labels), seed)
    for label in set(labels):
        of_label = [i for i in order if labels[i] == label]
        held_out = {i for i in test if labels[i] == label}
        assert held_out == set(of_label[: len(held_out)])


def test_a_label_of_one_row_is_learned_from() -> None:
    labels = ["rare", *["common"] * 5]
    train, test = split_rows(6, seed=0, holdout=0.5, labels=labels)
    assert 0 in train
    assert len(test) == 3


def test_two_seeds_give_two_splits() -> None:
    assert not np.array_equal(
        split_rows(100, seed=1, holdout=0.5)[1], split_rows(100, seed=2, holdout=0.5)[1]
    )


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_rows_cannot_be_split(rows: int) -> None:
    with pytest.raises(DataError, match="at least 2") as caught:
        split_rows(rows, seed=0, holdout=0.5)
    assert caught.value.code == "data.too_few_rows"


@pytest.mark.parametrize("holdout", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_outside_0_to_1_is_a_mistake_of_the_caller(holdout: float) -> None:
    with pytest.raises(ValueError, match="share between 0 and 1"):
        split_rows(10, seed=0, holdout=holdout)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_of_more_than_64_bits_is_a_mistake_of_the_caller(seed: int) -> None:
    with pytest.raises(ValueError, match="64-bit"):
        split_rows(10, seed=seed, holdout=0.5)


def test_labels_of_another_length_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="9 labels for 10 rows"):
        split_rows(10, seed=0, holdout=0.5, labels=["a"] * 9)
