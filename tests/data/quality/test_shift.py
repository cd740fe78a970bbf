"""Shift is measured as the literature and scipy do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from freehold.data import DataError
from freehold.data.quality import ColumnShift, shift

NUMBERS = st.lists(st.integers(-9, 9), min_size=1, max_size=50)


def one(before: list, after: list) -> ColumnShift:
    return shift(pl.DataFrame({"a": before}), pl.DataFrame({"a": after})).columns[0]


def share_to(values: list[int], bound: int) -> float:
    return sum(value <= bound for value in values) / len(values)


@given(NUMBERS, NUMBERS)
def test_the_distance_is_the_largest_between_the_cumulative_shares(before, after) -> None:
    distances = [abs(share_to(before, at) - share_to(after, at)) for at in range(-9, 10)]
    assert one(before, after).ks == pytest.approx(max(distances))


@pytest.mark.parametrize("moved", [0.0, 0.05, 0.1, 0.2])
def test_distance_and_probability_are_those_of_scipy(moved: float) -> None:
    chance = np.random.default_rng(3)
    before, after = chance.normal(size=900), chance.normal(moved, size=1_100)
    found = one(before.tolist(), after.tolist())
    theirs = ks_2samp(before, after)
    assert found.ks == pytest.approx(theirs.statistic)
    assert found.ks_p == pytest.approx(theirs.pvalue, abs=0.02)


def test_equal_versions_have_not_shifted() -> None:
    table = pl.DataFrame({"n": list(range(100)), "c": ["x", "y"] * 50})
    for column in shift(table, table).columns:
        assert column.stability_index == 0
        assert (column.ks or 0, column.variation or 0) == (0, 0)
        assert column.ks_p in (None, 1)


def test_the_stability_index_is_that_of_the_tenths() -> None:
    before = list(range(1_000))
    after = [each // 2 for each in before]  # the lower five tenths alone
    tenths = np.array([(100.5 / 1005, 200.5 / 1005)] * 5 + [(100.5 / 1005, 0.5 / 1005)] * 5)
    expected = ((tenths[:, 1] - tenths[:, 0]) * np.log(tenths[:, 1] / tenths[:, 0])).sum()
    assert one(before, after).stability_index == pytest.approx(expected, rel=0.02)


@given(
    st.lists(st.sampled_from([*"abc", None]), min_size=1, max_size=30),
    st.lists(st.sampled_from([*"bcd", None]), min_size=1, max_size=30),
)
def test_the_variation_is_half_the_sum_of_the_differences(before, after) -> None:
    found = shift(
        pl.DataFrame({"a": before}, schema={"a": pl.String}),
        pl.DataFrame({"a": after}, schema={"a": pl.String}),
    ).columns[0]
    differences = [
        abs(before.count(each) / len(before) - after.count(each) / len(after))
        for each in [*"abcd", None]
    ]
    assert found.variation == pytest.approx(sum(differences) / 2)
    assert (found.missing_before, found.missing_after) == (before.count(None), after.count(None))


def test_gaps_that_appear_are_a_shift_of_numbers_too() -> None:
    before = [float(n) for n in range(100)]
    after = [None if n % 2 else float(n) for n in range(100)]
    found = one(before, after)
    assert (found.missing_before, found.missing_after) == (0, 50)
    assert found.stability_index > 0.25


def test_a_column_without_values_is_measured_by_its_gaps() -> None:
    values = pl.DataFrame({"a": [float(each) for each in range(20)]})
    (found,) = shift(values, values.with_columns(a=pl.lit(None, dtype=pl.Float64))).columns
    assert (found.ks, found.ks_p, found.missing_after) == (None, None, 20)
    assert found.stability_index > 0.25


def test_rare_categories_by_the_thousand_make_no_shift_of_their_own() -> None:
    chance = np.random.default_rng(1)
    before, after = ([f"n{each}" for each in chance.integers(0, 5_000, 10_000)] for _ in range(2))
    assert one(before, after).stability_index < 0.1


def test_columns_that_come_go_or_change_their_kind_are_named() -> None:
    before = pl.DataFrame({"a": [1], "b": [1], "c": [1], "d": [date(2024, 1, 1)]})
    after = pl.DataFrame({"b": [1.5], "c": ["x"], "d": [date(2024, 1, 1)], "e": [1]})
    found = shift(before, after)
    assert {column.name for column in found.columns} == {"b", "d"}
    assert (found.added, found.removed, found.kind_changed) == (("e",), ("a",), ("c",))


def test_a_planted_shift_of_a_public_table_comes_first(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "tabular-bank-marketing" / "bank-full.csv")
    half = table.height // 2
    mixed = table.sample(fraction=1, shuffle=True, seed=1)
    after = mixed[half:].with_columns(age=pl.col("age") + 10)
    found = shift(mixed[:half], after)
    assert found.columns[0].name == "age"
    assert found.columns[0].stability_index > 0.25
    assert max(column.stability_index for column in found.columns[1:]) < 0.02


@pytest.mark.parametrize("version", ["older", "newer"])
def test_a_version_without_rows_is_refused(version: str) -> None:
    table = pl.DataFrame({"a": [1]})
    pair = (table[:0], table) if version == "older" else (table, table[:0])
    with pytest.raises(DataError, match=version) as caught:
        shift(*pair)
    assert caught.value.code == "data.too_few_rows"
