"""Hold a table against a contract: one pass counts what breaks each rule, a second finds the first
rows of the rules that are broken.

A missing value breaks only `missing_max` and keys. A column without any value is of every kind: a
reader cannot tell. What cannot be checked is told as unchecked, never taken to hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import polars as pl

from freehold.data.contracts._contract import Contract
from freehold.data.contracts._kinds import kind_of
from freehold.data.contracts._limits import DEFAULT_CONTRACT_LIMITS
from freehold.data.contracts._masks import (
    breaks_comparison,
    breaks_key,
    breaks_presence,
    breaks_reference,
    breaks_uniqueness,
    breaks_value_rule,
)
from freehold.data.contracts._report import Outcome, Report, State
from freehold.data.contracts._rules import Rule, rules

_NAMES_SHOWN = 5  # of columns that the contract does not name
_NAME_CHARS_SHOWN = 80

Verdict: TypeAlias = (
    Outcome | pl.Expr
)  # how a rule fared, or the rows that break it, still to be counted


def check(
    contract: Contract,
    table: pl.DataFrame,
    *,
    today: date,
    others: Mapping[str, pl.DataFrame] | None = None,
    first_row: int = 2,
) -> Report:
    """Check every rule of `contract`.

    Of a column that is not there only `present` is reported; it has no values to judge.

    Args:
        contract: what is promised.
        table: as `read_table` yields it; NaN is a missing value.
        today: the day of the check, in UTC; freshness is counted back from it.
        others: the tables that `references` name.
        first_row: the number that an editor gives to the first row of data: 2 under a header of one
            line, else 1.
    """
    cleaned = table.with_columns(pl.col(pl.Float64).fill_nan(None))
    cells = {column.name: column for column in cleaned.get_columns()}
    judge = _Judge(contract, cells, rows=table.height, today=today, others=others or {})
    judged = [
        (rule, judge.verdict(rule))
        for rule in rules(contract)
        if rule.name == "present" or rule.column is None or rule.column in cells
    ]
    return Report(rows=table.height, outcomes=tuple(_count(cleaned, judged, first_row)))


def _count(
    table: pl.DataFrame, judged: Sequence[tuple[Rule, Verdict]], first_row: int
) -> list[Outcome]:
    masks = {rule.id: verdict for rule, verdict in judged if isinstance(verdict, pl.Expr)}
    counts = _one_row(table, {name: mask.sum() for name, mask in masks.items()})
    most = DEFAULT_CONTRACT_LIMITS.rows_shown
    places = _one_row(
        table,
        {
            name: mask.arg_true().head(most).implode()
            for name, mask in masks.items()
            if counts[name]
        },
    )
    outcomes = []
    for rule, verdict in judged:
        if isinstance(verdict, Outcome):
            outcomes.append(verdict)
        elif not counts[rule.id]:
            outcomes.append(Outcome(rule, State.HOLDS))
        else:
            first = tuple(place + first_row for place in places[rule.id])
            outcomes.append(Outcome(rule, State.BROKEN, counts[rule.id], first))
    return outcomes


def _one_row(table: pl.DataFrame, expressions: Mapping[str, pl.Expr]) -> dict[str, Any]:
    if not expressions:
        return {}
    return table.select(each.alias(name) for name, each in expressions.items()).row(0, named=True)


@dataclass(frozen=True, slots=True)
class _Judge:
    """What a rule is judged by: the contract and the columns of the table by name."""

    contract: Contract
    cells: Mapping[str, pl.Series]
    rows: int
    today: date
    others: Mapping[str, pl.DataFrame]

    def verdict(self, rule: Rule) -> Verdict:
        """Say how a rule fared, or which rows would break it."""
        match rule.name:
            case "rows_minimum" | "rows_maximum":
                return self._rows(rule)
            case "other_columns":
                return self._other_columns(rule)
            case "freshness":
                return self._freshness(rule)
            case "key":
                return self._key(rule)
            case "comparison":
                return self._comparison(rule)
            case "present":
                is_there = rule.column in self.cells
                return _whole(rule, is_there, "the table has no such column")
        return self._column(rule, str(rule.column))

    def _rows(self, rule: Rule) -> Outcome:
        limit: Any = rule.value
        found = self.rows
        if rule.name == "rows_minimum":
            return _whole(rule, found >= limit, f"{found} rows; expected at least {limit}")
        return _whole(rule, found <= limit, f"{found} rows; expected at most {limit}")

    def _other_columns(self, rule: Rule) -> Outcome:
        others = [name for name in self.cells if name not in self.contract.columns]
        shown = ", ".join(repr(name[:_NAME_CHARS_SHOWN]) for name in others[:_NAMES_SHOWN])
        more = ", …" if len(others) > _NAMES_SHOWN else ""
        return _whole(rule, not others, f"{len(others)} that the contract has not: {shown}{more}")

    def _freshness(self, rule: Rule) -> Outcome:
        freshness: Any = rule.value
        name, days = freshness.column, freshness.days_max
        fault = self._fault(name)
        if fault:
            return Outcome(rule, State.UNCHECKED, reason=fault)
        if not self._has_values(name):
            return _whole(rule, False, "no row has a value")
        past = self.cells[name].cast(pl.Date)
        past = past.filter(past <= self.today)
        if past.is_empty():
            return _whole(rule, False, "no row has a value that is not in the future")
        newest: Any = past.max()
        is_fresh = (self.today - newest).days <= days
        return _whole(rule, is_fresh, f"no row is of the last {days} days")

    def _key(self, rule: Rule) -> Verdict:
        names: Any = rule.value
        absent = [name for name in names if name not in self.cells]
        if absent:
            reason = f"the table has no column {absent[0][:_NAME_CHARS_SHOWN]!r}"
            return Outcome(rule, State.UNCHECKED, reason=reason)
        return breaks_key(names)

    def _comparison(self, rule: Rule) -> Verdict:
        comparison: Any = rule.value
        sides = (comparison.left, comparison.right)
        fault = next(filter(None, map(self._fault, sides)), "")
        if fault:
            return Outcome(rule, State.UNCHECKED, reason=fault)
        if not all(map(self._has_values, sides)):
            return Outcome(rule, State.HOLDS)
        left, right = (self.cells[name] for name in sides)
        return breaks_comparison(left, comparison.operator, right)

    def _column(self, rule: Rule, name: str) -> Verdict:
        column = self.contract.columns[name]
        if rule.name == "missing_max":
            return self._missing(rule, name)
        if rule.name == "unique":
            return breaks_uniqueness(name)
        fault = self._fault(name)
        if rule.name == "kind":
            return _whole(rule, not fault, fault)
        if fault:
            return Outcome(rule, State.UNCHECKED, reason=fault)
        if not self._has_values(name):
            return Outcome(rule, State.HOLDS)
        if rule.name == "references":
            return self._reference(rule, self.cells[name])
        return breaks_value_rule(rule, self.cells[name], column.kind)

    def _missing(self, rule: Rule, name: str) -> Verdict:
        most: Any = rule.value
        missing = self.cells[name].null_count()
        if not missing or missing / self.rows <= most:
            return Outcome(rule, State.HOLDS)
        return breaks_presence(name)

    def _reference(self, rule: Rule, values: pl.Series) -> Verdict:
        reference: Any = rule.value
        other = self.others.get(reference.table)
        if other is None or reference.column not in other.columns:
            what = "was not given" if other is None else "has not the column that is referred to"
            return Outcome(rule, State.UNCHECKED, reason=f"the other table {what}")
        known = other[reference.column]
        if known.null_count() < len(known) and not self._meets(values, known):
            return Outcome(rule, State.UNCHECKED, reason="the other column is of another kind")
        return breaks_reference(values, known)

    @staticmethod
    def _meets(values: pl.Series, known: pl.Series) -> bool:
        kind, other = kind_of(values.dtype), kind_of(known.dtype)
        return kind is not None and other is not None and kind.compares_with(other)

    def _fault(self, name: str) -> str:
        if name not in self.cells:
            return f"the table has no column {name[:_NAME_CHARS_SHOWN]!r}"
        expected = self.contract.columns[name].kind
        dtype = self.cells[name].dtype
        found = kind_of(dtype)
        if expected.accepts(found) or not self._has_values(name):
            return ""
        return f"expected {expected}; the column holds {found or dtype.base_type().__name__}"

    def _has_values(self, name: str) -> bool:
        return self.cells[name].null_count() < self.rows


def _whole(rule: Rule, holds: bool, reason: str) -> Outcome:
    """The outcome of a rule about the table as a whole."""
    return Outcome(rule, State.HOLDS) if holds else Outcome(rule, State.BROKEN, reason=reason)
