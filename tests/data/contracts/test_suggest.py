"""A suggestion is kept by the table it came from, says why it says it, and shows no single row."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.contracts import (
    Column,
    Comparison,
    Key,
    Kind,
    Operator,
    Rows,
    Severity,
    check,
    dump,
    parse,
    suggest,
)
from tests.data.contracts.made import DTYPES, NAMES, TODAY

CELLS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.INTEGER: st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1),
    Kind.NUMBER: st.floats(),
    Kind.BOOLEAN: st.booleans(),
    Kind.DATE: st.dates(),
    Kind.MOMENT: st.datetimes(),
    Kind.TEXT: st.text(max_size=5) | st.sampled_from(["a", "b"]),
}


@st.composite
def long_tables(draw: st.DrawFn) -> pl.DataFrame:
    """Tables on both sides of the 100 rows that a suggestion asks for; few cells are drawn and many
    are made of them.
    """
    rows = draw(st.sampled_from([0, 1, 99, 100, 250]))
    kinds = draw(st.lists(st.sampled_from(Kind), min_size=1, max_size=3))
    made = {}
    for n, kind in enumerate(kinds):
        pool = draw(st.lists(CELLS[kind] | st.none(), min_size=1, max_size=12))
        series = pl.Series([pool[row % len(pool)] for row in range(rows)], dtype=DTYPES[kind])
        is_numbered = kind is Kind.TEXT and draw(st.booleans())
        made[NAMES[n]] = series + pl.Series(map(str, range(rows))) if is_numbered else series
    return pl.DataFrame(made)


@given(long_tables())
def test_a_table_keeps_what_is_suggested_from_it(table: pl.DataFrame) -> None:
    contract = suggest(table)
    report = check(contract, table, today=TODAY)
    assert (report.refusals, report.warnings) == ((), ())
    assert parse(dump(contract)) == contract


def warning(*rules: str) -> frozenset[str]:
    return frozenset(rules)


AGES = [*range(17, 91)] * 2
BOTH = warning("minimum", "maximum")
DRAFTS: dict[str, tuple[list[Any], Column]] = {
    "few rows tell nothing but their kind": ([1] * 99, Column(Kind.INTEGER)),
    "integers get the whole span more on each side, and keep their sign": (
        AGES,
        Column(Kind.INTEGER, missing_max=0.0, minimum=0, maximum=163, warn=BOTH),
    ),
    "counts are never negative": (
        [*range(100)],
        Column(Kind.INTEGER, missing_max=0.0, minimum=0, maximum=198, warn=BOTH),
    ),
    "two digits of the span are kept": (
        [n / 7 for n in range(-70, 100)],
        Column(Kind.NUMBER, missing_max=0.0, minimum=-35.0, maximum=39.0, warn=BOTH),
    ),
    "one number over and over": (
        [2.5] * 100,
        Column(Kind.NUMBER, missing_max=0.0, minimum=0.0, maximum=5.0, warn=BOTH),
    ),
    "codes without gaps are a range that refuses": (
        [1, 2, 3, 4] * 50,
        Column(Kind.INTEGER, missing_max=0.0, minimum=1, maximum=4),
    ),
    "codes with gaps are categories": (
        [1, 2, 9] * 50,
        Column(Kind.INTEGER, missing_max=0.0, allowed=(1, 2, 9)),
    ),
    "categories": (
        ["no", "yes"] * 50,
        Column(Kind.TEXT, missing_max=0.0, allowed=("no", "yes")),
    ),
    "categories, some of them rare, warn": (
        ["a"] * 2000 + ["b"] * 49,
        Column(Kind.TEXT, missing_max=0.0, allowed=("a", "b"), warn=warning("allowed")),
    ),
    "a value of four rows is no category": (
        ["aaa"] * 200 + ["bb"] * 4,
        Column(Kind.TEXT, missing_max=0.0, length_max=6, warn=warning("length_max")),
    ),
    "codes of one shape": (
        [f"C-{n:04}/(?{'x' * (n % 2 + 1)}" for n in range(60)] * 2,
        Column(
            Kind.TEXT,
            missing_max=0.0,
            pattern=r"[A-Z]-[0-9]{4}/\(\?[a-z]+",
            warn=warning("pattern"),
        ),
    ),
    "words of one shape are words": (
        [chr(97 + n // 26) + chr(97 + n % 26) * (n % 3 + 1) for n in range(120)],
        Column(Kind.TEXT, missing_max=0.0, length_max=8, warn=warning("length_max")),
    ),
    "codes of one length": (
        [f"{n:04x}" for n in range(40_000, 40_060)] * 2,
        Column(
            Kind.TEXT,
            missing_max=0.0,
            length_min=4,
            length_max=4,
            warn=warning("length_min", "length_max"),
        ),
    ),
    "a column without gaps is required": ([True] * 100, Column(Kind.BOOLEAN, missing_max=0.0)),
    "one gap, to the next percent": (
        [True] * 149 + [None],
        Column(Kind.BOOLEAN, missing_max=0.04, warn=warning("missing_max")),
    ),
    "a column with more gaps than values": (
        [True] * 20 + [None] * 80,
        Column(Kind.BOOLEAN, missing_max=0.9, warn=warning("missing_max")),
    ),
    "a column without values": ([None] * 200, Column(Kind.TEXT)),
    "dates begin with a year and do not end": (
        [date(2024, 3, 1) + timedelta(days=n) for n in range(500)],
        Column(Kind.DATE, missing_max=0.0, minimum=date(2023, 1, 1), warn=warning("minimum")),
    ),
    "moments as well": (
        [datetime(2024, 3, 1, 12)] * 100,
        Column(Kind.MOMENT, missing_max=0.0, minimum=datetime(2023, 1, 1), warn=warning("minimum")),
    ),
    "the greatest integers": (
        [-(2**63), 2**63 - 1] + [0] * 98,
        Column(Kind.INTEGER, missing_max=0.0, minimum=-(2**63), maximum=2**63 - 1, warn=BOTH),
    ),
    "numbers without end": ([float("inf"), 0.0] * 50, Column(Kind.NUMBER, missing_max=0.0)),
}


@pytest.mark.parametrize("case", DRAFTS)
def test_the_draft_of_a_column(case: str) -> None:
    cells, expected = DRAFTS[case]
    frame = pl.Series("x", cells, dtype=DTYPES[expected.kind]).to_frame()
    assert suggest(frame).columns["x"] == expected


def test_rows_may_be_half_and_ten_times_as_many() -> None:
    contract = suggest(pl.DataFrame({"x": [1.5] * 300}))
    assert contract.rows == Rows(150, 3000, frozenset({"minimum", "maximum"}))
    assert contract.other_columns is Severity.WARN
    assert suggest(pl.DataFrame({"x": [1.5] * 99})).rows == Rows()


KEYS: dict[str, tuple[list[Any], bool]] = {
    "a running number": (list(range(1000, 1200)), True),
    "a running number with a gap": ([*range(100), 300], True),
    "an amount that happens not to repeat": ([n * 7919 for n in range(200)], False),
    "a running number of 99 rows": (list(range(99)), False),
    "numbers with one twice": ([*range(200), 7], False),
    "numbers with one missing": ([*range(200), None], False),
    "short codes": ([f"C-{n}" for n in range(200)], True),
    "texts with spaces": ([f"claim {n}" for n in range(200)], False),
    "long texts": ([f"{'x' * 64}{n}" for n in range(200)], False),
    "numbers with a point": ([n + 0.5 for n in range(200)], False),
}


@pytest.mark.parametrize("case", KEYS)
def test_a_key_is_suggested_where_it_is_no_chance(case: str) -> None:
    cells, is_key = KEYS[case]
    contract = suggest(pl.DataFrame({"x": cells}))
    assert contract.keys == ((Key(("x",)),) if is_key else ())


def test_dates_in_order_are_compared_whichever_column_is_first() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(100)]
    later = [day + timedelta(days=n % 3) for n, day in enumerate(days)]
    shuffled = random.Random(7).sample(days, 100)
    table = pl.DataFrame({"settled": later, "received": days, "printed": shuffled})
    expected = (Comparison("received", Operator.AT_MOST, "settled"),)
    assert suggest(table).comparisons == expected
    assert suggest(table[:99]).comparisons == ()


def test_a_value_of_one_row_is_in_no_suggestion() -> None:
    table = pl.DataFrame(
        {
            "name": [f"Name{n} Surname{n}" for n in range(200)],
            "pay": [30_000 + 137 * n for n in range(200)],
            "born": [date(1950, 2, 3) + timedelta(days=61 * n) for n in range(200)],
            "unit": ["north", "south"] * 99 + ["Ada's", "Ada's"],
        }
    )
    text = dump(suggest(table))
    told = [str(cell) for row in table.rows() for cell in row if str(cell) in text]
    assert told == []


def test_a_column_of_another_kind_is_refused() -> None:
    with pytest.raises(DataError, match="column 'x' holds List; expected one of") as caught:
        suggest(pl.DataFrame({"x": [[1]]}))
    assert caught.value.code == "data.types"
    with pytest.raises(DataError, match="no columns"):
        suggest(pl.DataFrame())
