"""Samples are the same for ever, fair, and as uncertain as they claim."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data.labelling import (
    Measure,
    assign_rows,
    sample_rows,
    sample_stratified,
    sample_uncertain,
)

ROWS = [f"row {n}" for n in range(1_000)]
SEEDS = st.integers(0, 2**64 - 1)


@given(st.sets(st.text(max_size=5), max_size=20), st.integers(0, 25), SEEDS)
def test_a_sample_is_what_the_keys_say(rows: set[str], count: int, seed: int):
    try:
        ordered = sorted(
            rows,
            key=lambda row: hashlib.sha256(
                b"freehold/labelling/v1\0" + seed.to_bytes(8) + row.encode()
            ).hexdigest(),
        )
    except UnicodeEncodeError:
        return
    assert sample_rows(list(rows), count, seed=seed) == tuple(ordered[:count])
    assert sample_rows(sorted(rows), count, seed=seed) == tuple(ordered[:count])


def test_another_seed_gives_another_sample_and_every_row_is_as_likely():
    drawn = Counter(row for seed in range(200) for row in sample_rows(ROWS[:50], 10, seed=seed))
    assert len(drawn) == 50
    assert 20 < min(drawn.values()) <= max(drawn.values()) < 65  # 40 expected, deviation 5.7


@given(st.lists(st.sampled_from("abcd"), max_size=40), st.integers(0, 45), SEEDS, st.booleans())
def test_strata_give_their_share(strata: list[str], count: int, seed: int, is_equal: bool):
    rows = ROWS[: len(strata)]
    found = sample_stratified(rows, strata, count, seed=seed, is_equal=is_equal)
    assert len(found) == len(set(found)) == min(count, len(rows))
    stratum_of = dict(zip(rows, strata, strict=True))
    taken, sizes = Counter(map(stratum_of.__getitem__, found)), Counter(strata)
    for stratum, size in sizes.items():
        if is_equal:
            fewest = min((taken[s] for s, n in sizes.items() if taken[s] < n), default=size)
            assert taken[stratum] <= fewest + 1
        else:
            assert abs(taken[stratum] - len(found) * size / len(rows)) < 1


def test_the_largest_remainder_rounds_the_shares():
    found = sample_stratified(ROWS[:10], "aaaaabbbcc", 3, seed=1)  # 1.5, 0.9 and 0.6
    strata = dict(zip(ROWS[:10], "aaaaabbbcc", strict=True))
    assert Counter(map(strata.__getitem__, found)) == {"a": 1, "b": 1, "c": 1}


def test_a_stratum_keeps_its_order_of_chance():
    strata = [row[-1] for row in ROWS]
    found = sample_stratified(ROWS, strata, 100, seed=4)
    order = {row: n for n, row in enumerate(sample_rows(ROWS, 1_000, seed=4))}
    assert list(found) == sorted(found, key=order.__getitem__)
    for digit in "0123456789":
        mine = [row for row in order if row[-1] == digit][:10]
        assert [row for row in found if row[-1] == digit] == mine


CHANCES = np.array([[0.5, 0.3, 0.2], [0.46, 0.44, 0.1], [0.9, 0.05, 0.05], [0.45, 0.28, 0.27]])
FIRST: dict[Measure, str] = {"least_confident": "3", "margin": "1", "entropy": "3"}


@pytest.mark.parametrize("measure", FIRST)
def test_the_least_sure_rows_come_first(measure: Measure):
    found = sample_uncertain("0123", CHANCES, 4, seed=1, measure=measure)
    assert found[0] == FIRST[measure]
    assert found[-1] == "2"

    def sureness(row: str) -> float:
        chances: list[float] = sorted(CHANCES[int(row)].tolist())
        if measure == "entropy":
            return sum(chance * math.log(chance) for chance in chances)
        return chances[-1] - (chances[-2] if measure == "margin" else 0)

    assert list(found) == sorted(found, key=sureness)


def test_between_rows_that_are_as_uncertain_the_seed_decides():
    chances = np.full((1_000, 2), 0.5)
    found = sample_uncertain(ROWS, chances, 10, seed=3)
    assert found == sample_rows(ROWS, 10, seed=3)
    assert sample_uncertain(ROWS, np.eye(2)[[0] * 1_000], 3, seed=3, measure="entropy")


@given(st.integers(0, 60), st.integers(2, 6), st.floats(0, 1), SEEDS)
def test_rows_are_shared_out_evenly_and_some_twice(rows: int, people: int, share: float, seed: int):
    annotators = [f"user:{n}" for n in range(people)]
    given = assign_rows(ROWS[:rows], annotators, seed=seed, double_share=share)
    assert list(given) == annotators
    times = Counter(row for mine in given.values() for row in mine)
    assert sorted(times) == sorted(ROWS[:rows])
    doubles = sum(count == 2 for count in times.values())
    assert set(times.values()) <= {1, 2}
    assert doubles == int(rows * share + 0.5)
    assert all(len(set(mine)) == len(mine) for mine in given.values())
    loads = [len(mine) for mine in given.values()]
    assert max(loads) - min(loads) <= (2 if doubles else 1)
    pairs = [len(set(given[one]) & set(given[other])) for one, other in combinations(annotators, 2)]
    assert max(pairs) - min(pairs) <= 1


def test_nobody_can_tell_which_rows_are_labelled_twice():
    given = assign_rows(ROWS, ["user:1", "user:2"], seed=1, double_share=0.2)
    twice = set(given["user:1"]) & set(given["user:2"])
    places = [place for place, row in enumerate(given["user:1"]) if row in twice]
    assert 200 < np.mean(places) < 400  # of 600: spread, not first
    assert [row for row in given["user:1"] if row in twice] != [
        row for row in given["user:2"] if row in twice
    ]


def test_what_cannot_be_sampled_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        sample_rows(ROWS, -1, seed=1)
    with pytest.raises(ValueError, match="64-bit"):
        sample_rows(ROWS, 1, seed=2**64)
    with pytest.raises(ValueError, match="stands twice"):
        sample_rows(["a", "a"], 1, seed=1)
    with pytest.raises(ValueError, match="1 strata for 2 rows"):
        sample_stratified("ab", "x", 1, seed=1)
    for chances in (np.ones((2, 2)), np.array([[1.5, -0.5]] * 2), np.full((2, 2), np.nan)):
        with pytest.raises(ValueError, match="sum to 1"):
            sample_uncertain("ab", chances, 1, seed=1)
    with pytest.raises(ValueError, match="expected rows x labels"):
        sample_uncertain("ab", np.ones((2, 1)), 1, seed=1)
    with pytest.raises(ValueError, match="expected least_confident"):
        sample_uncertain("a", np.array([[0.5, 0.5]]), 1, seed=1, measure="x")  # type: ignore[arg-type]
    for annotators, share in (([], 0.0), (["a", "a"], 0.0), (["a"], 0.1), (["a", "b"], 1.1)):
        with pytest.raises(ValueError, match="expected"):
            assign_rows(ROWS, annotators, seed=1, double_share=share)
