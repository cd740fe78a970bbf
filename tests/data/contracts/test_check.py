"""A check finds what a person finds who reads every cell, and tells rows, never values."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.contracts import (
    Column,
    Comparison,
    Contract,
    Freshness,
    Key,
    Kind,
    Operator,
    Reference,
    Report,
    Rows,
    Severity,
    State,
    check,
)
from freehold.kernel import canonical
from tests.data.contracts.made import TODAY, contracts, kinds_of_columns, tables
from tests.data.contracts.naive import naive_check


@given(st.data())
def test_the_outcomes_are_those_of_a_naive_check(data: st.DataObject) -> None:
    promised = data.draw(kinds_of_columns(most=3))
    contract = data.draw(contracts(promised))
    found = promised | (data.draw(kinds_of_columns(most=1)) if data.draw(st.booleans()) else {})
    absent = data.draw(st.sets(st.sampled_from(list(found)), max_size=1))
    table = data.draw(tables({name: kind for name, kind in found.items() if name not in absent}))
    others = {"t": data.draw(tables(data.draw(kinds_of_columns(most=2)), rows_max=4))}
    first_row = data.draw(st.sampled_from([1, 2]))
    report = check(contract, table, today=TODAY, others=others, first_row=first_row)
    told = {
        each.rule.id: (str(each.state), each.breaking, list(each.first_rows))
        for each in report.outcomes
    }
    expected = naive_check(contract, table, today=TODAY, others=others, first_row=first_row)
    assert told == expected
    assert list(told) == list(expected)
    refusing = [each for each in report.outcomes if each.rule.severity is Severity.REFUSE]
    assert report.passes == all(each.state is State.HOLDS for each in refusing)


def checked(
    table: dict[str, list[Any]], column: Column | None = None, **rules: Any
) -> dict[str, tuple[str, int, tuple[int, ...]]]:
    """The rules that are not kept; all columns but `x` are integers."""
    frame = pl.DataFrame(table)
    columns = {name: Column(Kind.INTEGER) for name in frame.columns} | rules.pop("columns", {})
    if column is not None:
        columns["x"] = column
    others = rules.pop("others", None)
    report = check(Contract(columns, **rules), frame, today=TODAY, others=others)
    return {
        each.rule.id: (str(each.state), each.breaking, each.first_rows)
        for each in (*report.refusals, *report.warnings)
    }


INTEGER, NUMBER, TEXT = Column(Kind.INTEGER), Column(Kind.NUMBER), Column(Kind.TEXT)
BROKEN: dict[str, tuple[list[Any], Column, dict[str, tuple[str, int, tuple[int, ...]]]]] = {
    "a value under the least": (
        [5, 4, None, 3],
        replace(INTEGER, minimum=5),
        {"columns.x.minimum": ("broken", 2, (3, 5))},
    ),
    "a value over the greatest": (
        [1.0, 1.5, 1.5000000000000002],
        replace(NUMBER, maximum=1.5),
        {"columns.x.maximum": ("broken", 1, (4,))},
    ),
    "whole numbers in a column of numbers": ([1, 2], replace(NUMBER, minimum=0.5), {}),
    "numbers in a column of integers": (
        [1.0, 2.5],
        replace(INTEGER, minimum=0),
        {"columns.x.kind": ("broken", 0, ()), "columns.x.minimum": ("unchecked", 0, ())},
    ),
    "no value at all where any kind is one": ([None, None], replace(INTEGER, minimum=0), {}),
    "a missing value where none may miss": (
        [1, None, None],
        replace(INTEGER, missing_max=0.0),
        {"columns.x.missing_max": ("broken", 2, (3, 4))},
    ),
    "as many missing as may": ([1, None], replace(INTEGER, missing_max=0.5), {}),
    "a value that is not allowed": (
        ["a", "A", "a "],
        replace(TEXT, allowed=("a",)),
        {"columns.x.allowed": ("broken", 2, (3, 4))},
    ),
    "a part that matches": (
        ["ab-1", "xab-1", "ab-1\n"],
        replace(TEXT, pattern="[a-z]{2}-[0-9]"),
        {"columns.x.pattern": ("broken", 2, (3, 4))},
    ),
    "characters, not bytes": (
        ["größe", "größer"],
        replace(TEXT, length_min=5, length_max=5),
        {"columns.x.length_max": ("broken", 1, (3,))},
    ),
    "each value that repeats an earlier one": (
        [None, 7, 8, 7, None, 7],
        replace(INTEGER, unique=True),
        {"columns.x.unique": ("broken", 2, (5, 7))},
    ),
    "more rows than are shown": (
        list(range(100)),
        replace(INTEGER, maximum=9),
        {"columns.x.maximum": ("broken", 90, (12, 13, 14, 15, 16))},
    ),
    "a rule that only warns": (
        [1],
        replace(INTEGER, minimum=2, warn=frozenset({"minimum"})),
        {"columns.x.minimum": ("broken", 1, (2,))},
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_the_rows_that_break_a_rule_are_told(case: str) -> None:
    cells, column, expected = BROKEN[case]
    assert checked({"x": cells}, column) == expected


def test_a_key_needs_all_its_parts_and_no_two_of_them_alike() -> None:
    table = {"a": [1, 1, 1, None, 2], "b": [1, 2, 1, 5, None]}
    assert checked(table, keys=(Key(("b", "a")),)) == {"keys[a, b]": ("broken", 3, (4, 5, 6))}


def test_a_key_over_a_column_that_is_not_there_is_unchecked() -> None:
    found = checked({"a": [1]}, columns={"b": INTEGER}, keys=(Key(("a", "b")),))
    assert found["keys[a, b]"] == ("unchecked", 0, ())


COMPARED = {
    Operator.LESS: (2, 3),
    Operator.AT_MOST: (3,),
    Operator.EQUAL: (3, 4),
    Operator.UNEQUAL: (2,),
}


@pytest.mark.parametrize("operator", COMPARED)
def test_two_columns_stand_as_they_should(operator: Operator) -> None:
    table = {"start": [1, 2, 1, None, 1], "end": [1, 1, 2, 1, None]}
    found = checked(table, comparisons=(Comparison("start", operator, "end"),))
    rows = COMPARED[operator]
    assert found == {"comparisons[start, end]": ("broken", len(rows), rows)}


def test_an_integer_is_compared_with_a_number() -> None:
    found = checked(
        {"a": [1, 2], "b": [1.5, 1.5]},
        columns={"b": NUMBER},
        comparisons=(Comparison("a", Operator.LESS, "b"),),
    )
    assert found == {"comparisons[a, b]": ("broken", 1, (3,))}


REFERRED: dict[str, tuple[dict[str, pl.DataFrame] | None, tuple[str, int, tuple[int, ...]]]] = {
    "a value that the other table has not": (
        {"t": pl.DataFrame({"id": [1, 2, None]})},
        ("broken", 1, (4,)),
    ),
    "numbers that are whole": ({"t": pl.DataFrame({"id": [1.0, 2.0]})}, ("broken", 1, (4,))),
    "an empty table": (
        {"t": pl.DataFrame({"id": []}, schema={"id": pl.Int64})},
        ("broken", 3, (2, 3, 4)),
    ),
    "another kind": ({"t": pl.DataFrame({"id": ["1", "2", "3"]})}, ("unchecked", 0, ())),
    "no such column": ({"t": pl.DataFrame({"key": [1, 2, 3]})}, ("unchecked", 0, ())),
    "no such table": ({}, ("unchecked", 0, ())),
    "no tables": (None, ("unchecked", 0, ())),
}


@pytest.mark.parametrize("case", REFERRED)
def test_a_reference_is_looked_up_in_the_other_table(case: str) -> None:
    others, expected = REFERRED[case]
    column = replace(INTEGER, references=Reference("t", "id"))
    found = checked({"x": [1, 2, 3, None]}, column, others=others)
    assert found == {"columns.x.references": expected}


def test_nothing_is_found_in_an_empty_column_of_any_kind() -> None:
    column = replace(TEXT, references=Reference("t", "on"))
    others = {"t": pl.DataFrame({"on": [None]}, schema={"on": pl.Date})}
    found = checked({"x": ["a", None]}, column, others=others)
    assert found == {"columns.x.references": ("broken", 1, (2,))}


def test_integers_are_told_apart_where_floats_are_not() -> None:
    big = 2**53
    table = {"x": [big, big + 1]}
    assert checked(table, replace(INTEGER, maximum=big))["columns.x.maximum"][2] == (3,)
    column = replace(INTEGER, references=Reference("t", "id"))
    others = {"t": pl.DataFrame({"id": [big]})}
    assert checked(table, column, others=others)["columns.x.references"][2] == (3,)


FRESH: dict[str, tuple[list[Any], bool]] = {
    "of today": ([date(2026, 11, 24)], True),
    "as old as may be": ([date(2026, 11, 21), date(2020, 1, 1)], True),
    "a day too old": ([date(2026, 11, 20)], False),
    "old, with a mistyped year": ([date(2026, 11, 20), date(2062, 11, 24)], False),
    "in the future alone": ([date(2026, 11, 25)], False),
    "without a value": ([None], False),
    "moments": ([datetime(2026, 11, 21, 0, 0, 1)], True),
    "moments too old": ([datetime(2026, 11, 20, 23, 59, 59)], False),
}


@pytest.mark.parametrize("case", FRESH)
def test_a_table_is_as_fresh_as_its_newest_value(case: str) -> None:
    cells, is_fresh = FRESH[case]
    kind = Kind.MOMENT if isinstance(cells[0], datetime) else Kind.DATE
    found = checked({"x": cells}, Column(kind), freshness=Freshness("x", 3))
    assert ("freshness" not in found) == is_fresh


def test_an_empty_table_keeps_all_but_what_asks_for_rows() -> None:
    frame = pl.DataFrame({"x": []}, schema={"x": pl.Date})
    contract = Contract(
        {"x": Column(Kind.DATE, missing_max=0.0, minimum=date(2026, 1, 1), unique=True)},
        rows=Rows(minimum=1),
        freshness=Freshness("x", 1),
        keys=(Key(("x",)),),
    )
    report = check(contract, frame, today=TODAY)
    assert [each.rule.id for each in report.refusals] == ["rows.minimum", "freshness"]


def test_of_an_absent_column_only_its_absence_is_told() -> None:
    column = Column(Kind.TEXT, missing_max=0.0, pattern="a")
    assert checked({"a": [1]}, columns={"b": column}) == {"columns.b.present": ("broken", 0, ())}


def test_a_column_that_the_contract_has_not_is_told_by_name() -> None:
    frame = pl.DataFrame({"x": [1], "y": ["secret"], "z": [1]})
    report = check(Contract({"x": INTEGER}, other_columns=Severity.WARN), frame, today=TODAY)
    assert report.passes
    assert str(report.warnings[0]) == (
        "other_columns: broken; 2 that the contract has not: 'y', 'z'"
    )


def test_what_is_no_number_is_missing() -> None:
    column = Column(Kind.NUMBER, missing_max=0.0, minimum=0.0, maximum=1.0, unique=True)
    found = checked({"x": [0.5, float("nan"), float("nan")]}, column)
    assert found == {"columns.x.missing_max": ("broken", 2, (3, 4))}


def test_a_kind_that_lists_its_values_is_told_without_them() -> None:
    frame = pl.DataFrame({"x": pl.Series(["secret"], dtype=pl.Enum(["secret"]))})
    report = check(Contract({"x": TEXT}), frame, today=TODAY)
    assert [each.reason for each in report.refusals] == ["expected text; the column holds Enum"]


def report_of_secrets() -> Report:
    frame = pl.DataFrame({"name": ["Ada Lovelace", "Ada Lovelace"], "born": ["10 December", None]})
    column = Column(Kind.TEXT, pattern="[0-9-]+", length_max=3, allowed=("1815-12-10",))
    contract = Contract(
        {"name": replace(TEXT, unique=True), "born": column},
        rows=Rows(minimum=3),
        keys=(Key(("name",)), Key(("born",))),
        comparisons=(Comparison("name", Operator.LESS, "born"),),
    )
    return check(contract, frame, today=TODAY)


def test_a_report_never_holds_a_value() -> None:
    report = report_of_secrets()
    with pytest.raises(DataError) as caught:
        report.require()
    told = json.dumps(report.as_json()) + str(caught.value) + "".join(map(str, report.outcomes))
    assert len(report.refusals) == 8
    assert not [word for word in ("Ada", "Lovelace", "December", "1815") if word in told]


def test_a_broken_contract_closes_the_gate_and_says_where() -> None:
    with pytest.raises(DataError) as caught:
        report_of_secrets().require()
    assert caught.value.code == "data.contract_broken"
    assert caught.value.message == (
        "the table breaks its contract. "
        "rows.minimum: broken; 2 rows; expected at least 3. "
        "keys[name]: broken; 1 row: 3. "
        "keys[born]: broken; 1 row: 3 and 5 more"
    )


def test_warnings_leave_the_gate_open() -> None:
    column = replace(INTEGER, minimum=2, warn=frozenset({"minimum"}))
    report = check(Contract({"x": column}), pl.DataFrame({"x": [1]}), today=TODAY)
    report.require()
    assert report.passes
    assert [each.rule.id for each in report.warnings] == ["columns.x.minimum"]


def test_the_report_is_plain_json() -> None:
    told = report_of_secrets().as_json()
    assert json.loads(canonical(told)) == told
    assert told["outcomes"][0] == {
        "rule": "rows.minimum",
        "severity": "refuse",
        "state": "broken",
        "breaking": 0,
        "first_rows": [],
        "reason": "2 rows; expected at least 3",
    }


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)+b", "(.*)*x"])
def test_a_pattern_that_explodes_elsewhere_takes_linear_time(pattern: str) -> None:
    found = checked({"x": ["a" * 100_000]}, replace(TEXT, pattern=pattern))
    assert found == {"columns.x.pattern": ("broken", 1, (2,))}
