"""What a contract says of a table, found cell by cell: slow, plain, and sharing no code with
`check` but the list of rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import polars as pl

from freehold.data.contracts import Contract, rules

Found = dict[
    str, tuple[str, int, list[int]]
]  # id of a rule -> state, rows that break it, the first

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}
KINDS = {
    "Int64": "integer",
    "Float64": "number",
    "Boolean": "boolean",
    "Date": "date",
    "Datetime(time_unit='us', time_zone=None)": "moment",
    "String": "text",
}


def naive_check(
    contract: Contract,
    table: pl.DataFrame,
    *,
    today: date,
    others: Mapping[str, pl.DataFrame],
    first_row: int,
) -> Found:
    """Check every rule in the order of the contract."""
    cells = {name: table[name].to_list() for name in table.columns}
    kinds = {name: KINDS[str(dtype)] for name, dtype in table.schema.items()}
    found: Found = {}

    def is_strange(name: str) -> bool:
        if name not in cells:
            return True
        kind = str(contract.columns[name].kind)
        wanted = {"number", "integer"} if kind == "number" else {kind}
        return kinds[name] not in wanted and any(cell is not None for cell in cells[name])

    def tell(rule_id: str, broken: list[int]) -> None:
        state = "broken" if broken else "holds"
        found[rule_id] = (state, len(broken), [row + first_row for row in broken[:5]])

    def tell_whole(rule_id: str, holds: bool) -> None:
        found[rule_id] = ("holds" if holds else "broken", 0, [])

    for rule in rules(contract):
        value: Any = rule.value
        name = value.column if rule.name == "freshness" else rule.column or ""
        match rule.name:
            case "rows_minimum":
                tell_whole(rule.id, table.height >= value)
            case "rows_maximum":
                tell_whole(rule.id, table.height <= value)
            case "other_columns":
                tell_whole(rule.id, all(each in contract.columns for each in cells))
            case "key":
                if any(each not in cells for each in value):
                    found[rule.id] = ("unchecked", 0, [])
                else:
                    tell(
                        rule.id, repeated(list(zip(*(cells[each] for each in value), strict=True)))
                    )
            case "comparison":
                if is_strange(value.left) or is_strange(value.right):
                    found[rule.id] = ("unchecked", 0, [])
                else:
                    pairs = zip(cells[value.left], cells[value.right], strict=True)
                    tell(rule.id, [n for n, pair in enumerate(pairs) if breaks(value, *pair)])
            case "present":
                tell_whole(rule.id, name in cells)
            case _ if name not in cells and rule.name != "freshness":
                pass
            case "missing_max":
                empty = [n for n, cell in enumerate(cells[name]) if cell is None]
                tell(rule.id, empty if empty and len(empty) / table.height > value else [])
            case "unique":
                numbered = [(n, cell) for n, cell in enumerate(cells[name]) if cell is not None]
                again = repeated([(cell,) for _, cell in numbered])
                tell(rule.id, [numbered[n][0] for n in again])
            case "kind":
                tell_whole(rule.id, not is_strange(name))
            case _ if is_strange(name):
                found[rule.id] = ("unchecked", 0, [])
            case "freshness":
                days = [(today - day(cell)).days for cell in cells[name] if cell is not None]
                tell_whole(rule.id, any(0 <= each <= value.days_max for each in days))
            case "references":
                other = others.get(value.table)
                is_there = other is not None and value.column in other.columns
                if any(cell is not None for cell in cells[name]) and not (
                    is_there and meets(table[name], other[value.column])  # type: ignore[index]
                ):
                    found[rule.id] = ("unchecked", 0, [])
                else:
                    known = other[value.column].to_list() if other is not None and is_there else []
                    tell(
                        rule.id,
                        [n for n, cell in enumerate(cells[name]) if cell not in [*known, None]],
                    )
            case _:
                tell(rule.id, where(cells[name], bad(rule.name, value)))
    return found


def repeated(keys: list[tuple[Any, ...]]) -> list[int]:
    """Places of keys that miss a part or stand there before."""
    return [n for n, key in enumerate(keys) if None in key or key in keys[:n]]


def where(cells: list[Any], is_bad: Callable[[Any], bool]) -> list[int]:
    """Places of the values that are bad; missing ones never are."""
    return [n for n, cell in enumerate(cells) if cell is not None and is_bad(cell)]


def bad(name: str, value: Any) -> Callable[[Any], bool]:
    """What breaks a rule about values."""
    return {
        "minimum": lambda cell: cell < value,
        "maximum": lambda cell: cell > value,
        "allowed": lambda cell: cell not in value,
        "pattern": lambda cell: re.fullmatch(value, cell) is None,
        "length_min": lambda cell: len(cell) < value,
        "length_max": lambda cell: len(cell) > value,
    }[name]


def breaks(comparison: Any, left: Any, right: Any) -> bool:
    """Whether both are there and stand otherwise."""
    if left is None or right is None:
        return False
    return not COMPARE[comparison.operator](left, right)


def meets(values: pl.Series, known: pl.Series) -> bool:
    """Whether values of the two columns can be equal; an empty column meets all."""
    if all(cell is None for cell in known.to_list()):
        return True
    pair = {KINDS[str(values.dtype)], KINDS[str(known.dtype)]}
    return len(pair) == 1 or pair == {"integer", "number"}


def day(cell: date | datetime) -> date:
    """The day of a date or a moment."""
    return cell.date() if isinstance(cell, datetime) else cell
