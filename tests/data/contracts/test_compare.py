"""A comparison tells a reviewer what a new contract no longer asks for, and is right about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data.contracts import (
    Column,
    Comparison,
    Contract,
    Effect,
    Freshness,
    Key,
    Kind,
    Operator,
    Reference,
    Rows,
    Severity,
    check,
    compare,
    parse,
)
from tests.data.contracts.made import TODAY, columns, contracts, kinds_of_columns, tables
from tests.data.contracts.test_parse import WHOLE

INTEGER, NUMBER, TEXT = Column(Kind.INTEGER), Column(Kind.NUMBER), Column(Kind.TEXT)
DAY = Column(Kind.DATE)
# What was, what is, and what that does; each is read the other way round as well.
LOOSER: dict[str, tuple[Column, Column]] = {
    "a lower minimum": (replace(INTEGER, minimum=2), replace(INTEGER, minimum=1)),
    "a higher maximum": (replace(INTEGER, maximum=2), replace(INTEGER, maximum=3)),
    "no minimum": (replace(DAY, minimum=date(2026, 1, 1)), DAY),
    "one more value": (replace(TEXT, allowed=("a",)), replace(TEXT, allowed=("b", "a"))),
    "more may miss": (replace(TEXT, missing_max=0.0), replace(TEXT, missing_max=0.1)),
    "shorter texts": (replace(TEXT, length_min=2), replace(TEXT, length_min=1)),
    "longer texts": (replace(TEXT, length_max=2), replace(TEXT, length_max=3)),
    "no pattern": (replace(TEXT, pattern="a"), TEXT),
    "values may repeat": (replace(TEXT, unique=True), TEXT),
    "no reference": (replace(TEXT, references=Reference("t", "id")), TEXT),
    "numbers for integers": (INTEGER, NUMBER),
    "a warning for a refusal": (TEXT, replace(TEXT, warn=frozenset({"present"}))),
    "a lower minimum that warns": (
        replace(INTEGER, minimum=2),
        replace(INTEGER, minimum=1, warn=frozenset({"minimum"})),
    ),
}
MIXED: dict[str, tuple[Column, Column]] = {
    "another pattern": (replace(TEXT, pattern="a"), replace(TEXT, pattern="a+")),
    "other values": (replace(TEXT, allowed=("a",)), replace(TEXT, allowed=("b",))),
    "another table": (
        replace(TEXT, references=Reference("t", "id")),
        replace(TEXT, references=Reference("u", "id")),
    ),
    "text for integers": (INTEGER, TEXT),
    "a lower minimum that refuses": (
        replace(INTEGER, minimum=2, warn=frozenset({"minimum"})),
        replace(INTEGER, minimum=1),
    ),
}


def effects(old: Contract, new: Contract) -> list[str]:
    return [str(change.effect) for change in compare(old, new)]


@pytest.mark.parametrize("case", LOOSER)
def test_a_change_of_a_column_is_looser_one_way_and_tighter_the_other(case: str) -> None:
    old, new = (Contract({"x": column}) for column in LOOSER[case])
    assert effects(old, new) == ["looser"]
    assert effects(new, old) == ["tighter"]


@pytest.mark.parametrize("case", MIXED)
def test_what_cannot_be_told_is_mixed_both_ways(case: str) -> None:
    old, new = (Contract({"x": column}) for column in MIXED[case])
    assert effects(old, new) == effects(new, old) == ["mixed"]


ANY: dict[str, Any] = {"columns": {"x": DAY, "y": DAY}}
OF_TABLES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "fewer rows": ({"rows": Rows(minimum=9)}, {"rows": Rows(minimum=8)}, "looser"),
    "more rows": ({"rows": Rows(maximum=9)}, {"rows": Rows(maximum=10)}, "looser"),
    "older": ({"freshness": Freshness("x", 1)}, {"freshness": Freshness("x", 2)}, "looser"),
    "fresh by another": (
        {"freshness": Freshness("x", 1)},
        {"freshness": Freshness("y", 2)},
        "mixed",
    ),
    "no key": ({"keys": (Key(("x", "y")),)}, {}, "looser"),
    "the same key": ({"keys": (Key(("x", "y")),)}, {"keys": (Key(("y", "x")),)}, ""),
    "a key that warns": ({"keys": (Key(("x",)),)}, {"keys": (Key(("x",), True),)}, "looser"),
    "equal from less": (
        {"comparisons": (Comparison("x", Operator.LESS, "y"),)},
        {"comparisons": (Comparison("x", Operator.EQUAL, "y"),)},
        "mixed",
    ),
    "unequal from less": (
        {"comparisons": (Comparison("x", Operator.LESS, "y"),)},
        {"comparisons": (Comparison("x", Operator.UNEQUAL, "y"),)},
        "looser",
    ),
    "at most from less": (
        {"comparisons": (Comparison("x", Operator.LESS, "y"),)},
        {"comparisons": (Comparison("x", Operator.AT_MOST, "y"),)},
        "looser",
    ),
    "other columns warn": (
        {"other_columns": Severity.REFUSE},
        {"other_columns": Severity.WARN},
        "looser",
    ),
    "other columns are allowed": ({"other_columns": Severity.WARN}, {}, "looser"),
    "another description": ({"description": "a"}, {"description": "b"}, ""),
    "another order": ({}, {"columns": {"y": DAY, "x": DAY}}, ""),
}


@pytest.mark.parametrize("case", OF_TABLES)
def test_a_change_of_the_table_is_told(case: str) -> None:
    before, after, effect = OF_TABLES[case]
    old, new = Contract(**(ANY | before)), Contract(**(ANY | after))
    turned = {"looser": "tighter"}.get(effect, effect)
    assert effects(old, new) == [effect] * bool(effect)
    assert effects(new, old) == [turned] * bool(effect)


def test_bounds_of_another_kind_are_not_compared() -> None:
    old = Contract({"x": replace(INTEGER, minimum=2, allowed=(2,))})
    new = Contract({"x": replace(DAY, minimum=date(2026, 1, 1), allowed=(date(2026, 1, 1),))})
    assert effects(old, new) == effects(new, old) == ["mixed"] * 3


def test_a_column_that_is_no_longer_named_becomes_another_column() -> None:
    old = Contract({"x": TEXT, "y": TEXT}, other_columns=Severity.REFUSE)
    new = Contract({"x": TEXT}, other_columns=Severity.REFUSE)
    assert list(map(str, compare(old, new))) == [
        "looser: columns.y.present: yes (refuse) -> nothing",
        'looser: columns.y.kind: "text" (refuse) -> nothing',
        "tighter: other_columns: 2 columns known (refuse) -> 1 columns known (refuse)",
    ]


def test_a_reviewer_reads_what_is_looser_first() -> None:
    old = parse(WHOLE)
    columns = {
        **old.columns,
        "amount": replace(old.columns["amount"], minimum=1.0, maximum=300_000.0),
        "state": replace(old.columns["state"], allowed=("open", "settled", "refused", "void")),
        "contract": replace(old.columns["contract"], pattern="[A-Z]{2}-[0-9]{7}"),
    }
    new = replace(
        old,
        columns=columns,
        freshness=Freshness("received", 7, warn=True),
        comparisons=(Comparison("received", Operator.LESS, "date settled"),),
    )
    assert list(map(str, compare(old, new))) == [
        'looser: freshness: "received" within 3 days (warn) -> "received" within 7 days (warn)',
        "looser: columns.amount.maximum: 250000.0 (refuse) -> 300000.0 (refuse)",
        'looser: columns.state.allowed: ["open", "settled", "refused"] (refuse) -> '
        '["open", "settled", "refused", "void"] (refuse)',
        r"mixed: columns.contract.pattern: '[A-Z]{2}-\d{6}' (refuse) -> "
        '"[A-Z]{2}-[0-9]{7}" (refuse)',
        'tighter: comparisons[received, "date settled"]: "received" <= "date settled" (refuse) -> '
        '"received" < "date settled" (refuse)',
        "tighter: columns.amount.minimum: 0.0 (refuse) -> 1.0 (refuse)",
    ]


@given(st.data())
def test_what_is_only_looser_passes_all_that_passed(data: st.DataObject) -> None:
    kinds = data.draw(kinds_of_columns(most=2))
    old = data.draw(contracts(kinds))
    name = data.draw(st.sampled_from(list(kinds)))
    new = replace(old, columns={**old.columns, name: data.draw(columns(kinds[name]))})
    told = {change.effect for change in compare(old, new)}
    assert {change.effect for change in compare(new, old)} == {TURNED[each] for each in told}
    table = data.draw(tables(kinds, rows_max=3))
    passed, passes = (check(each, table, today=TODAY).passes for each in (old, new))
    if told <= {Effect.LOOSER}:
        assert passes or not passed
    if told <= {Effect.TIGHTER}:
        assert passed or not passes


TURNED = {
    Effect.LOOSER: Effect.TIGHTER,
    Effect.TIGHTER: Effect.LOOSER,
    Effect.MIXED: Effect.MIXED,
}


@given(st.data())
def test_a_contract_is_no_change_of_itself(data: st.DataObject) -> None:
    contract = data.draw(contracts(data.draw(kinds_of_columns())))
    assert compare(contract, contract) == ()
