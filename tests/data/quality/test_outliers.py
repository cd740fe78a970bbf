"""Outliers and rare categories are those of the published rules."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data.quality import QualityLimits, outliers, rare_categories

NUMBERS = st.lists(st.integers(-50, 50), min_size=1, max_size=40)


@given(NUMBERS)
def test_the_modified_z_score_is_that_of_iglewicz_and_hoaglin(values: list[int]) -> None:
    middle = median(values)
    spread = median(abs(value - middle) for value in values)
    found = outliers(pl.DataFrame({"a": values}), limits=QualityLimits(rows_told_per_column_max=99))
    rows = {row for column in found.columns for row in column.rows}
    if spread:
        assert rows == {
            row
            for row, value in enumerate(values)
            if abs(0.6745 * (value - middle) / spread) > 3.5 + 1e-9
        }


@given(NUMBERS)
def test_the_fences_are_those_of_tukey(values: list[int]) -> None:
    lower, upper = np.quantile(values, [0.25, 0.75])
    reach = 1.5 * (upper - lower)
    found = outliers(pl.DataFrame({"a": values}), method="iqr")
    low = sum(value < lower - reach for value in values)
    high = sum(value > upper + reach for value in values)
    assert [(each.low, each.high) for each in found.columns] == [(low, high)][: bool(low + high)]


def test_the_farthest_row_comes_first_and_gaps_are_passed_over() -> None:
    table = pl.DataFrame({"a": [None, 1.0, 2.0, 3.0, 4.0, 90.0, -500.0, float("nan")]})
    (column,) = outliers(table).columns
    assert (column.low, column.high, column.rows) == (1, 1, (6, 5))


def test_a_column_that_is_mostly_one_value_is_judged_by_the_mean_distance() -> None:
    table = pl.DataFrame({"a": [0] * 60 + [1] * 39 + [100]})
    (column,) = outliers(table).columns
    assert (column.high, column.rows) == (1, (99,))
    assert not outliers(pl.DataFrame({"a": [7] * 10})).columns


def test_dates_are_judged_and_texts_and_booleans_are_not() -> None:
    days = [date(2024, 1, day) for day in range(1, 20)] + [date(1924, 1, 1)]
    table = pl.DataFrame({"day": days, "text": ["x"] * 19 + ["y"], "on": [True] * 19 + [False]})
    found = outliers(table)
    assert found.columns_judged == 1
    assert [(each.name, each.rows) for each in found.columns] == [("day", (19,))]


def test_a_column_without_values_has_no_outliers() -> None:
    table = pl.DataFrame({"a": pl.Series([None, None], dtype=pl.Float64)})
    assert not outliers(table).columns
    assert not outliers(table[:0], method="iqr").columns


def test_ages_of_a_public_table_are_judged_alike_by_hand(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "tabular-adult" / "adult_train.csv")
    ages = table["age"].to_numpy()
    middle = np.median(ages)
    z = 0.6745 * (ages - middle) / np.median(np.abs(ages - middle))
    age = next(each for each in outliers(table).columns if each.name == "age")
    assert (age.low, age.high) == ((z < -3.5).sum(), (z > 3.5).sum()) == (0, 19)


def test_a_method_of_another_name_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="modified-z, iqr"):
        outliers(pl.DataFrame({"a": [1]}), method="z")  # type: ignore[arg-type]


def test_categories_that_hardly_occur_are_told_by_one_row_each() -> None:
    table = pl.DataFrame({"a": [*["x"] * 60, *["y"] * 37, "z", "z", "w", None]})
    (column,) = rare_categories(table, share_min=0.05).columns
    assert (column.categories, column.rare, column.rows_affected) == (4, 2, 3)
    assert column.rows == (99, 97)


def test_names_prose_and_numbers_are_no_categories() -> None:
    table = pl.DataFrame(
        {
            "name": [f"n{i}" for i in range(300)],
            "number": [1] * 299 + [2],
            "on": [True] * 299 + [False],
        }
    )
    assert [each.name for each in rare_categories(table).columns] == ["on"]


def test_countries_of_a_public_table_are_mostly_rare(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "tabular-adult" / "adult_train.csv")
    counts = table["native_country"].value_counts()["count"]
    country = next(c for c in rare_categories(table).columns if c.name == "native_country")
    is_rare = counts < 0.01 * table.height
    assert (country.rare, country.rows_affected) == (is_rare.sum(), counts.filter(is_rare).sum())


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_share_outside_0_to_1_is_a_mistake_of_the_caller(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        rare_categories(pl.DataFrame({"a": ["x"]}), share_min=share)
