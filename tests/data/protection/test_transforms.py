"""Transforms do what their name says, one row at a time, and let no masked cell through."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from freehold.data import DataError
from freehold.data.protection import (
    Age,
    Bins,
    Bounds,
    CoarseDate,
    DateShift,
    Drop,
    Groups,
    Keep,
    Mask,
    Plan,
    Prefix,
    Pseudonym,
    Replace,
    Transform,
    apply_plan,
)

KEY = bytes(range(32))


def run(transform: Transform, cells: list, dtype: type[pl.DataType] | None = None) -> list:
    """The cells of one column after one transform."""
    table = pl.DataFrame({"a": pl.Series(cells, dtype=dtype)})
    done, _ = apply_plan(Plan({"a": transform}), table, key=KEY)
    return done.get_column("a").to_list()


CASES = {
    "keep": (Keep(), ["x", None], ["x", None]),
    "a mask tells no length": (
        Mask(),
        ["a", "abcdef", None, ""],
        ["*" * 8, "*" * 8, None, "*" * 8],
    ),
    "a mask keeps ends": (Mask(first=1, last=2, length=3), ["abcdef"], ["a***ef"]),
    "a mask fills what it would keep whole": (
        Mask(first=1, last=2, length=4),
        ["abc", "ab", "abcd"],
        ["****", "****", "a****cd"],
    ),
    "a mask keeps the length if asked": (
        Mask(last=1, length="same", fill="#"),
        ["abc", "a", "", "größe"],
        ["##c", "#", "", "####e"],
    ),
    "a mask of numbers": (Mask(last=2, length=1), [12345, 1], ["*45", "*"]),
    "replace": (Replace("x"), ["a", None], ["x", None]),
    "replace what is missing too": (Replace("x", missing=True), ["a", None], ["x", "x"]),
    "replace by a number": (Replace(1.5), [True, None], [1.5, None]),
    "prefix": (
        Prefix(3),
        ["1012 AB", " 101", "10", None, "1013"],
        ["101", None, None, None, "101"],
    ),
    "prefix of numbers": (Prefix(3), [90210, 902], ["902", None]),
    "bins": (Bins(10), [0, 9, 10, -1, None], ["[0,10)", "[0,10)", "[10,20)", "[-10,0)", None]),
    "bins from an origin": (Bins(10, origin=5), [5, 14, 4], ["[5,15)", "[5,15)", "[-5,5)"]),
    "bins as numbers": (Bins(10, output="lower"), [19, None], [10, None]),
    "bins as fractions": (Bins(0.5, output="lower"), [1.7, 0.2], [1.5, 0.0]),
    "bins of decimals": (
        Bins(0.1),
        [0.3, 0.7, 0.30000000000000004, math.nan],
        ["[0.3,0.4)", "[0.7,0.8)", "[0.3,0.4)", None],
    ),
    "bins of great whole numbers": (
        Bins(10),
        [9_007_199_254_740_999, 9_007_199_254_741_000],
        ["[9007199254740990,9007199254741000)", "[9007199254741000,9007199254741010)"],
    ),
    "bins far from each other": (
        Bins(1),
        [0, 10**15],
        ["[0,1)", "[1000000000000000,1000000000000001)"],
    ),
    "bins without a number": (Bins(10, output="lower"), [None, math.nan], [None, None]),
    "bounds": (
        Bounds((18, 65)),
        [17.9, 18.0, 64.0, 65.0, math.inf, None],
        ["<18", "[18,65)", "[18,65)", ">=65", ">=65", None],
    ),
    "age": (
        Age(),
        [0, 9, 10, 89, 90, 120, None],
        ["0-9", "0-9", "10-19", "80-89", *2 * ["90+"], None],
    ),
    "age by years": (Age(1, top=3), [0, 2, 3], ["0", "2", "3+"]),
    "age in one group": (Age(50, top=50), [49, 50], ["0-49", "50+"]),
    "month": (CoarseDate("month"), [date(2024, 3, 31), None], ["2024-03", None]),
    "quarter": (
        CoarseDate("quarter"),
        [date(2024, 3, 31), date(2024, 4, 1)],
        ["2024-Q1", "2024-Q2"],
    ),
    "year of a moment": (CoarseDate("year"), [datetime(2024, 3, 31, 23, 59)], ["2024"]),
    "groups": (
        Groups({"EU": ("DE", "FR"), "US": ("US",)}),
        ["DE", "US", "FR", None],
        ["EU", "US", "EU", None],
    ),
    "groups with others": (
        Groups({"EU": ("DE",)}, other="-"),
        ["DE", "XX", None],
        ["EU", "-", None],
    ),
    "groups of numbers": (Groups({"low": ("1", "2")}), [1, 2], ["low", "low"]),
}


@pytest.mark.parametrize(("transform", "cells", "expected"), CASES.values(), ids=CASES.keys())
def test_a_column_becomes(transform, cells, expected):
    assert run(transform, cells) == expected


REFUSED = {
    "a category in no group": (Groups({"a": ("x",)}), ["x", "secret"], "data.value"),
    "a negative age": (Age(), [3, -4], "data.value"),
    "bins without end": (Bins(1), [math.inf], "data.value"),
    "bins that are too many": (Bins(1), list(range(100_001)), "data.value"),
    "numbers too far for their bins": (Bins(0.001), [1e15], "data.value"),
    "bins beyond 64 bits": (Bins(2**53), [2**63 - 1], "data.value"),
    "a date that is text": (CoarseDate("year"), ["2024-01-01"], "data.column"),
    "an age that is text": (Age(), ["44"], "data.column"),
    "a pseudonym of fractions": (Pseudonym("p"), [1.5], "data.column"),
    "a mask of fractions": (Mask(), [1.5], "data.column"),
}


@pytest.mark.parametrize(("transform", "cells", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_a_transform_has_no_answer_for_is_refused(transform, cells, code):
    with pytest.raises(DataError) as refused:
        run(transform, cells)
    assert refused.value.code == code
    assert "column 'a'" in refused.value.message


def test_a_refused_cell_is_told_by_its_row_and_not_by_its_value():
    with pytest.raises(DataError, match="in 2 cells, first in row 3") as refused:
        run(Groups({"a": ("x",)}), ["x", "Ada Lovelace", None, "Ada Lovelace"])
    assert "Ada" not in str(refused.value)


TABLE = {
    "name": ["Ann", "Bob", None, "ann ", "Zoë", ""],
    "code": ["1012AB", "1013CD", "9", None, "1012AB", "22222"],
    "age": [0, 33, 64, 90, None, 101],
    "pay": [0.1, -3.5, math.nan, None, 1e6, 0.3],
    "land": ["DE", "FR", "US", None, "DE", "US"],
    "seen": [date(2020, 1, day) for day in range(1, 6)] + [None],
}
PLAN = Plan(
    {
        "name": Pseudonym("person"),
        "code": Prefix(3),
        "age": Age(),
        "pay": Bins(0.5),
        "land": Groups({"EU": ("DE", "FR")}, other="other"),
        "seen": DateShift("name", 90),
    }
)


@given(st.lists(st.integers(0, 6), max_size=4))
def test_batches_give_what_the_whole_table_gives(cuts):
    table = pl.DataFrame(TABLE)
    whole, _ = apply_plan(PLAN, table, key=KEY)
    edges = sorted({0, 6, *cuts})
    batches = [
        apply_plan(PLAN, table.slice(start, end - start), key=KEY)[0]
        for start, end in pairwise(edges)
    ]
    assert_frame_equal(pl.concat(batches), whole)


@pytest.mark.parametrize("transform", [*PLAN.columns.values(), Mask(), Replace(1)])
def test_a_table_without_rows_keeps_its_types(transform):
    column = "name" if isinstance(transform, Mask | Replace) else None
    columns = PLAN.columns if column is None else {**PLAN.columns, column: transform}
    plan, table = Plan(columns), pl.DataFrame(TABLE)
    full, _ = apply_plan(plan, table, key=KEY)
    empty, _ = apply_plan(plan, table.clear(), key=KEY)
    assert empty.schema == full.schema


CELLS = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), max_size=12)
LONGER = st.text(st.characters(codec="ascii", categories=["L", "Nd"]), min_size=1, max_size=12)
MASKS = st.builds(
    Mask,
    first=st.integers(0, 4),
    last=st.integers(0, 4),
    length=st.one_of(st.just("same"), st.integers(1, 5)),
)


@given(st.lists(CELLS.filter(bool), min_size=1), MASKS)
def test_a_mask_lets_no_cell_through(cells, mask):
    masked = run(mask, cells)
    assert not set(masked) & set(cells)
    for cell, text in zip(cells, masked, strict=True):
        hidden = len(cell) - mask.first - mask.last
        if hidden <= 0:
            assert set(text) == {"*"}
        else:
            assert text.startswith(cell[: mask.first])
            assert text.endswith(cell[len(cell) - mask.last :])
            stars = hidden if mask.length == "same" else mask.length
            assert len(text) == mask.first + stars + mask.last


@given(st.lists(LONGER, min_size=1), st.integers(1, 5))
def test_a_prefix_lets_no_cell_through_in_its_own_row(cells, keep):
    for cell, text in zip(cells, run(Prefix(keep), cells), strict=True):
        assert text == (cell[:keep] if len(cell) > keep else None)


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.integers(-(10**6), 10**6).map(float)), min_size=1),
    st.sampled_from(["0.1", "0.25", "3", "7.3", "1000"]),
    st.sampled_from(["0", "0.1", "-2.5"]),
)
def test_a_bin_is_where_its_number_lies(cells, width, origin):
    bins = Bins(float(width), origin=float(origin))
    for cell, label in zip(cells, run(bins, cells), strict=True):
        low, high = (Decimal(each) for each in label[1:-1].split(","))
        assert float(low) <= cell < float(high)
        assert Fraction(high) - Fraction(low) == pytest.approx(Fraction(width))
        steps = (Fraction(low) - Fraction(origin)) / Fraction(width)
        assert steps == pytest.approx(round(steps), abs=1e-6)


@given(st.lists(st.one_of(st.none(), st.integers(0, 130))), st.sampled_from([1, 5, 10, 30]))
def test_an_age_lies_in_its_group(ages, width):
    for age, label in zip(ages, run(Age(width), ages, pl.Int64), strict=True):
        if age is None:
            assert label is None
        elif age >= 90:
            assert label == "90+"
        else:
            low, _, high = label.partition("-")
            assert int(low) <= age <= int(high or low)


def test_the_columns_keep_order_and_names_and_dropped_ones_go():
    table = pl.DataFrame({"b": [1], "a": [2], "c": [3]})
    done, applied = apply_plan(Plan({"a": Drop(), "c": Keep(), "b": Mask()}), table)
    assert done.columns == ["b", "c"]
    assert [each.output for each in applied.columns] == ["b", None, "c"]


def test_no_cell_of_a_masked_column_of_adult_remains(shared_data: Path):
    table = pl.read_csv(shared_data / "tabular-adult" / "adult_test.csv")
    plan = Plan(
        {
            "age": Age(),
            "race": Replace("person"),
            "sex": Mask(),
            "native_country": Pseudonym("country"),
            "fnlwgt": Bins(50_000),
            "occupation": Prefix(2),
            "education": Drop(),
        },
        others="keep",
    )
    done, applied = apply_plan(plan, table, key=KEY)
    assert done.height == table.height
    masked = [each for each in applied.columns if each.masks]
    assert {each.sources[0] for each in masked} == set(plan.columns)
    for each in masked:
        if each.output is not None:
            before = table.get_column(each.sources[0]).cast(pl.String)
            after = done.get_column(each.output).cast(pl.String)
            assert not set(before.unique()) & set(after.unique())
    assert_frame_equal(done.drop(plan.columns, strict=False), table.drop(plan.columns))
