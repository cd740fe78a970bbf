"""A contract as a flat list of rules, each with a name of its own that reports and reviews use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from freehold.data.contracts._contract import Contract
from freehold.data.contracts._faults import show_path, toml_key
from freehold.data.contracts._parts import Severity
from freehold.data.contracts._validity import column_rules


@dataclass(frozen=True, slots=True)
class Rule:
    """One promise.

    Args:
        id: its place in the contract: `columns.age.minimum`, `keys[branch, number]`,
            `comparisons[received, settled]`. The same in two contracts for what is promised about
            the same thing.
        name: what is promised: `minimum`, `key`, `comparison`, …
        severity: what happens when it is broken.
        value: what the contract says; its type depends on `name`.
        column: the column that it is about, if it is about one.
    """

    id: str
    name: str
    severity: Severity
    value: object
    column: str | None = None


def rules(contract: Contract) -> tuple[Rule, ...]:
    """List the rules of a contract in the order in which a report shows them."""
    return (*_table_rules(contract), *_column_rules(contract))


def _table_rules(contract: Contract) -> Iterator[Rule]:
    rows = contract.rows
    for name, count in (("minimum", rows.minimum), ("maximum", rows.maximum)):
        if count is not None:
            yield Rule(f"rows.{name}", f"rows_{name}", _severity(name in rows.warn), count)
    if contract.other_columns is not None:
        names = frozenset(contract.columns)
        yield Rule("other_columns", "other_columns", contract.other_columns, names)
    fresh = contract.freshness
    if fresh is not None:
        yield Rule("freshness", "freshness", _severity(fresh.warn), fresh)
    for key in contract.keys:
        names_shown = ", ".join(map(toml_key, sorted(key.columns)))
        yield Rule(f"keys[{names_shown}]", "key", _severity(key.warn), key.columns)
    for each in contract.comparisons:
        sides = f"{toml_key(each.left)}, {toml_key(each.right)}"
        yield Rule(f"comparisons[{sides}]", "comparison", _severity(each.warn), each)


def _column_rules(contract: Contract) -> Iterator[Rule]:
    for name, column in contract.columns.items():
        for rule in column_rules(column):
            value = True if rule == "present" else getattr(column, rule)
            shown = show_path(("columns", name, rule))
            yield Rule(shown, rule, _severity(rule in column.warn), value, name)


def _severity(is_warning: bool) -> Severity:
    return Severity.WARN if is_warning else Severity.REFUSE
