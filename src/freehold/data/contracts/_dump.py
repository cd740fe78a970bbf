"""Write a contract as canonical TOML: the same contract gives the same bytes.

Rules that are not there are not written. Columns, keys, comparisons and allowed values keep their
order; all else has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from freehold.data.contracts._contract import Contract
from freehold.data.contracts._faults import toml_key, toml_text
from freehold.data.contracts._kinds import Kind
from freehold.data.contracts._parse import FORMAT
from freehold.data.contracts._parts import Column, Comparison, Freshness, Key, Reference, Rows
from freehold.data.contracts._validity import column_rules

_LINE_CHARS_MAX = 100  # a longer list stands one value a line, so that a diff shows which changed


def dump(contract: Contract) -> str:
    """Write `contract`; `parse` of the result gives it again."""
    tables = [
        _top(contract),
        _rows(contract.rows),
        _freshness(contract.freshness),
        *map(_key, contract.keys),
        *map(_comparison, contract.comparisons),
        *(_column(name, column) for name, column in contract.columns.items()),
    ]
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in tables if lines)


def toml_value(value: object, kind: Kind | None = None) -> str:
    """Write one value as TOML; a number of a column of `kind` number always with a point."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() if kind is Kind.NUMBER:
            return repr(float(value))
        case int() | float():
            return repr(value)
        case datetime() | date():
            return value.isoformat()
        case Reference():
            return f"{{ table = {toml_text(value.table)}, column = {toml_text(value.column)} }}"
        case tuple():
            return _list([toml_value(each, kind) for each in value])
    return toml_text(str(value))


def _list(values: list[str]) -> str:
    line = f"[{', '.join(values)}]"
    if len(line) <= _LINE_CHARS_MAX:
        return line
    return "[\n" + "".join(f"    {each},\n" for each in values) + "]"


def _top(contract: Contract) -> list[str]:
    lines = [f"format = {FORMAT}"]
    if contract.description:
        lines.append(f"description = {toml_text(contract.description)}")
    if contract.other_columns is not None:
        lines.append(f"other_columns = {toml_text(contract.other_columns)}")
    return lines


def _rows(rows: Rows) -> list[str]:
    bounds = {"minimum": rows.minimum, "maximum": rows.maximum}
    lines = [f"{name} = {count}" for name, count in bounds.items() if count is not None]
    return ["[rows]", *lines, *_warn(rows.warn, bounds)] if lines else []


def _freshness(freshness: Freshness | None) -> list[str]:
    if freshness is None:
        return []
    return [
        "[freshness]",
        f"column = {toml_text(freshness.column)}",
        f"days_max = {freshness.days_max}",
        *_warn_whole(freshness.warn),
    ]


def _key(key: Key) -> list[str]:
    return ["[[keys]]", f"columns = {toml_value(key.columns)}", *_warn_whole(key.warn)]


def _comparison(comparison: Comparison) -> list[str]:
    return [
        "[[comparisons]]",
        f"left = {toml_text(comparison.left)}",
        f"operator = {toml_text(comparison.operator)}",
        f"right = {toml_text(comparison.right)}",
        *_warn_whole(comparison.warn),
    ]


def _column(name: str, column: Column) -> list[str]:
    rules = column_rules(column)
    return [
        f"[columns.{toml_key(name)}]",
        f"kind = {toml_text(column.kind)}",
        *(
            f"{rule} = {toml_value(getattr(column, rule), column.kind)}"
            for rule in rules
            if rule not in ("present", "kind")
        ),
        *_warn(column.warn, rules),
    ]


def _warn(warn: frozenset[str], order: Iterable[str]) -> Iterator[str]:
    if warn:
        yield f"warn = {toml_value(tuple(rule for rule in order if rule in warn))}"


def _warn_whole(warn: bool) -> Iterator[str]:
    if warn:
        yield "warn = true"
