"""Coefficients agree with the tables of their authors, with scikit-learn, and with a naive count
written from the definition.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from freehold.data import DataError
from freehold.data.labelling import (
    Ratings,
    Scale,
    Weighting,
    cohen_kappa,
    confidence_interval,
    confusion,
    fleiss_kappa,
    krippendorff_alpha,
    percent_agreement,
)
from tests.data.labelling.examples import KRIPPENDORFF, cohen, fleiss, krippendorff

PUBLISHED_ALPHA = {
    Scale.NOMINAL: 0.743,
    Scale.ORDINAL: 0.815,
    Scale.INTERVAL: 0.849,
    Scale.RATIO: 0.797,
}
NUMBERS = (0.0, 1.0, 2.0, 4.0)
CELLS = st.sampled_from(["", "0", "1", "2", "4"])
Unit = list[str]
UNITS = st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=8)


def rated(units: list[Unit], scale: Scale = Scale.NOMINAL) -> Ratings:
    """Ratings of the non-empty cells, one annotator for each position."""
    triples = [
        (f"row {n}", f"user:{who}", value)
        for n, unit in enumerate(units)
        for who, value in enumerate(unit)
        if value
    ]
    return Ratings.from_triples(
        triples, "0124", scale=scale, numbers=NUMBERS if scale.has_numbers else None
    )


@pytest.mark.parametrize("scale", Scale)
def test_alpha_is_what_krippendorff_published(scale):
    assert round(krippendorff_alpha(krippendorff(scale)), 3) == PUBLISHED_ALPHA[scale]


def test_kappa_is_what_fleiss_published():
    assert round(percent_agreement(fleiss()), 3) == 0.556
    assert round(fleiss_kappa(fleiss()), 3) == 0.430


def test_kappa_is_what_cohen_published():
    assert round(cohen_kappa(cohen(), "A", "B"), 2) == 0.49
    assert confusion(cohen(), "A", "B").tolist() == [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
    assert confusion(cohen(), "B", "A").tolist() == [[88, 10, 2], [14, 40, 6], [18, 10, 12]]


@given(
    st.lists(st.tuples(*[st.sampled_from("0124")] * 2), min_size=1, max_size=30),
    st.sampled_from([None, "linear", "quadratic"]),
)
def test_kappa_is_what_scikit_learn_finds(pairs: list[Unit], weighting: Weighting | None):
    first, second = zip(*pairs, strict=True)
    assume(len({*first, *second}) > 1)
    expected = cohen_kappa_score(first, second, labels=list("0124"), weights=weighting)
    found = cohen_kappa(rated(pairs, Scale.ORDINAL), "user:0", "user:1", weighting=weighting)
    assert found == pytest.approx(expected, abs=1e-12)


@given(UNITS, st.sampled_from(Scale))
def test_alpha_is_what_its_definition_says(units: list[Unit], scale: Scale):
    assume(any(map(any, units)))
    found, expected = krippendorff_alpha(rated(units, scale)), naive_alpha(units, scale)
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(st.lists(st.lists(st.sampled_from("0124"), min_size=4, max_size=4), min_size=1, max_size=8))
def test_fleiss_kappa_is_what_its_definition_says(units: list[Unit]):
    total = Counter(value for unit in units for value in unit)
    shares = [count / total.total() for count in total.values()]
    expected = sum(share**2 for share in shares)
    pairs = [one == other for unit in units for one, other in permutations(unit, 2)]
    observed = sum(pairs) / len(pairs)
    ratings = rated(units)
    assert percent_agreement(ratings) == pytest.approx(observed)
    if len(shares) == 1:
        assert math.isnan(fleiss_kappa(ratings))
    else:
        assert fleiss_kappa(ratings) == pytest.approx((observed - expected) / (1 - expected))


def naive_alpha(units: list[Unit], scale: Scale) -> float:
    """Observed and expected disagreement over all pairs, one by one."""
    pairable = [given for unit in units if len(given := [cell for cell in unit if cell]) > 1]
    everything = [cell for unit in pairable for cell in unit]
    count = Counter(everything)

    def apart(one: str, other: str) -> float:
        low, high = sorted((float(one), float(other)))
        match scale:
            case Scale.NOMINAL:
                return float(low != high)
            case Scale.ORDINAL:
                between = sum(n for value, n in count.items() if low <= float(value) <= high)
                return (between - (count[one] + count[other]) / 2) ** 2
            case Scale.INTERVAL:
                return (high - low) ** 2
            case _:
                return ((high - low) / (high + low)) ** 2 if high else 0.0

    total = len(everything)
    observed = sum(
        apart(*pair) / (len(unit) - 1) for unit in pairable for pair in permutations(unit, 2)
    )
    expected = sum(apart(*pair) for pair in permutations(everything, 2))
    return 1 - (observed / total) / (expected / (total * (total - 1))) if expected else math.nan


@pytest.mark.parametrize("units", [["0", "1"], ["00", "11"], ["0000"]], ids=str)
def test_a_coefficient_without_variation_or_pairs_is_undefined(units: list[str]):
    ratings = rated([list(unit) for unit in units])
    if len(units) == 2 and len(units[0]) == 2:
        assert krippendorff_alpha(ratings) == 1
        assert cohen_kappa(ratings, "user:0", "user:1") == 1
    else:
        assert math.isnan(krippendorff_alpha(ratings))


def test_two_who_share_no_row_have_no_kappa():
    ratings = rated([["0", ""], ["", "1"]])
    assert math.isnan(cohen_kappa(ratings, "user:0", "user:1"))
    assert math.isnan(percent_agreement(ratings))


def test_fleiss_kappa_refuses_rows_with_different_numbers_of_ratings():
    with pytest.raises(DataError, match="Krippendorff") as caught:
        fleiss_kappa(rated([["0", "1"], ["0", ""]]))
    assert caught.value.code == "data.agreement"


def test_weights_need_a_scale_and_numbers_an_interval():
    with pytest.raises(ValueError, match="nominal"):
        cohen_kappa(cohen(), "A", "B", weighting="linear")
    with pytest.raises(ValueError, match="no numbers"):
        krippendorff_alpha(cohen(), scale=Scale.INTERVAL)
    with pytest.raises(ValueError, match="by that annotator"):
        cohen_kappa(cohen(), "A", "C")
    repeated = Ratings.from_triples([("1", "A", "0"), ("1", "A", "1"), ("1", "B", "1")], "01")
    with pytest.raises(ValueError, match="more than once"):
        cohen_kappa(repeated, "A", "B")


def test_an_interval_is_the_same_for_the_same_seed_and_holds_the_value():
    one = confidence_interval(fleiss(), fleiss_kappa, seed=7)
    assert one == confidence_interval(fleiss(), fleiss_kappa, seed=7)
    assert one != confidence_interval(fleiss(), fleiss_kappa, seed=8)
    assert one.low < one.value < one.high
    assert one.value == fleiss_kappa(fleiss())
    assert (one.resamples, one.undefined) == (1_000, 0)


def test_a_resample_is_what_the_drawn_rows_give():
    """The bounds are quantiles of the coefficient over drawings made here, row by row."""
    ratings, seed = krippendorff(Scale.ORDINAL), 3
    units = KRIPPENDORFF[:-1]  # the last unit has one value alone
    raw = np.random.PCG64(seed)
    found = []
    for _ in range(200):
        drawn = [units[int(n) % len(units)] for n in raw.random_raw(len(units))]
        triples = [
            (str(place), str(who), value)
            for place, unit in enumerate(drawn)
            for who, value in enumerate(unit)
            if value != "-"
        ]
        again = Ratings.from_triples(triples, "12345", scale=Scale.ORDINAL)
        found.append(krippendorff_alpha(again))
    interval = confidence_interval(ratings, krippendorff_alpha, seed=seed, resamples=200, level=0.8)
    low, high = np.quantile(found, [0.1, 0.9])
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_an_undefined_coefficient_has_no_interval():
    interval = confidence_interval(rated([["0", "0"]]), krippendorff_alpha, seed=1)
    assert math.isnan(interval.value)
    assert math.isnan(interval.low)
    assert interval.undefined == interval.resamples


def test_undefined_resamples_are_left_out_and_counted():
    interval = confidence_interval(rated([["0", "0"], ["1", "1"]]), krippendorff_alpha, seed=1)
    assert (interval.low, interval.high) == (1, 1)
    assert 400 < interval.undefined < 600  # both drawings are the same row: one half


@pytest.mark.parametrize(
    "wrong", [{"level": 1.0}, {"level": 0.0}, {"resamples": 99}, {"seed": -1}], ids=str
)
def test_an_interval_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a level"):
        confidence_interval(fleiss(), fleiss_kappa, **{"seed": 1, **wrong})


def test_counts_and_triples_of_one_table_agree():
    units = [list("0012"), list("1111"), list("24  ")]
    counts = np.array([[2, 1, 1, 0], [0, 4, 0, 0], [0, 0, 1, 1]])
    one = rated([[cell.strip() for cell in unit] for unit in units], Scale.RATIO)
    other = Ratings.from_counts("abc", counts, "0124", scale=Scale.RATIO, numbers=NUMBERS)
    assert one.counts().tolist() == other.counts().tolist() == counts.tolist()
    for scale in Scale:
        assert krippendorff_alpha(one, scale=scale) == krippendorff_alpha(other, scale=scale)


def test_counts_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="2 rows, 2 values"):
        Ratings.from_counts("ab", np.ones((2, 3), dtype=np.int64), "xy")
    with pytest.raises(ValueError, match="counts"):
        Ratings.from_counts("a", np.array([[-1, 2]]), "xy")
    with pytest.raises(ValueError, match="a number for each value"):
        Ratings.from_counts("a", np.array([[1, 2]]), "xy", scale=Scale.RATIO)
    with pytest.raises(ValueError, match="1 ratings are none"):
        Ratings.from_triples([("a", "b", "z")], "xy")
    rows = [str(n) for n in range(200_000)]
    wide = Ratings.from_triples([(row, "b", "0") for row in rows], [str(n) for n in range(501)])
    with pytest.raises(DataError, match="take a sample"):
        wide.counts()
