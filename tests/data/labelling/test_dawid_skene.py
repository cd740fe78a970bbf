"""Dawid and Skene's own table, a naive EM, and annotators whose errors are known."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data.labelling import Ratings, dawid_skene
from tests.data.labelling.examples import dawid_skene_triples, fleiss

Triples = list[tuple[str, str, str]]


def naive(triples: Triples, values: str, iterations: int) -> dict[str, list[float]]:
    """Equations 2.3 to 2.5 in loops, from the shares of the votes: each row's probabilities."""
    rows = sorted({row for row, _, _ in triples})
    people = sorted({who for _, who, _ in triples})
    truth = {}
    for row in rows:
        said = [value for r, _, value in triples if r == row]
        truth[row] = [said.count(value) / len(said) for value in values]
    for _ in range(iterations):
        shares = [sum(truth[row][c] for row in rows) / len(rows) for c in range(len(values))]
        errors = {}
        for who in people:
            for c in range(len(values)):
                heard = [
                    sum(truth[r][c] for r, w, v in triples if w == who and v == value)
                    for value in values
                ]
                for value, weight in zip(values, heard, strict=True):
                    errors[who, c, value] = weight / sum(heard) if sum(heard) else 0.0
        for row in rows:
            logs = [
                math.log(max(shares[c], 1e-12))
                + sum(math.log(max(errors[w, c, v], 1e-12)) for r, w, v in triples if r == row)
                for c in range(len(values))
            ]
            weights = [math.exp(each - max(logs)) for each in logs]
            truth[row] = [each / sum(weights) for each in weights]
    return truth


def test_the_estimates_are_those_of_dawid_and_skene():
    found = dawid_skene(Ratings.from_triples(dawid_skene_triples(), "1234"))
    assert found.is_converged
    assert found.shares.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]
    assert found.errors[0].round(2).tolist() == [
        [0.89, 0.11, 0.00, 0.00],
        [0.07, 0.88, 0.05, 0.00],
        [0.00, 0.34, 0.66, 0.00],
        [0.00, 0.00, 0.56, 0.44],
    ]
    assert found.qualities[0].ratings == 135


@given(
    st.lists(
        st.tuples(st.sampled_from("12345"), st.sampled_from("uvw"), st.sampled_from("abc")),
        min_size=1,
        max_size=20,
    ),
    st.integers(1, 4),
)
def test_each_step_is_that_of_the_equations(triples: Triples, iterations: int):
    found = dawid_skene(Ratings.from_triples(triples, "abc"), iterations_max=iterations)
    expected = naive(triples, "abc", found.iterations)
    assert found.rows == tuple(expected)
    assert found.probabilities == pytest.approx(np.array(list(expected.values())), abs=1e-9)
    assert found.shares.sum() == pytest.approx(1)
    assert ((found.errors.sum(axis=2) < 1e-9) | (abs(found.errors.sum(axis=2) - 1) < 1e-9)).all()


def test_known_errors_are_found_and_the_careless_one_is_outvoted():
    roll = random.Random(5)
    skill = {"user:a": 0.95, "user:b": 0.9, "user:c": 0.55, "user:d": 0.5}
    truth = {f"{n:04}": roll.choice("xy") for n in range(2_000)}
    triples = [
        (row, who, value if roll.random() < right else "xy"[value == "x"])
        for row, value in truth.items()
        for who, right in skill.items()
    ]
    found = dawid_skene(Ratings.from_triples(triples, "xy"))
    for quality in found.qualities:
        assert quality.accuracy == pytest.approx(skill[quality.annotator], abs=0.05)
    chosen = {
        row: "xy"[best] for row, best in zip(found.rows, found.probabilities.argmax(1), strict=True)
    }
    right = sum(chosen[row] == value for row, value in truth.items()) / len(truth)
    assert right > 0.93


def test_further_starts_are_decided_by_the_seed_and_never_worse():
    ratings = Ratings.from_triples(dawid_skene_triples(), "1234")
    one = dawid_skene(ratings)
    several = dawid_skene(ratings, seed=1, starts=8)
    again = dawid_skene(ratings, seed=1, starts=8)
    assert several.log_likelihood == again.log_likelihood > one.log_likelihood
    assert (several.probabilities == again.probabilities).all()


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(ValueError, match="known annotators"):
        dawid_skene(fleiss())
    ratings = Ratings.from_triples([("1", "u", "a")], "ab")
    with pytest.raises(ValueError, match="a start"):
        dawid_skene(ratings, starts=0)
    with pytest.raises(ValueError, match="no negative seed"):
        dawid_skene(ratings, seed=-1)
