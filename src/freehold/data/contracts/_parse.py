"""Read a contract from TOML, strictly: what is not understood is refused by line and path.

The format is described in docs/formats/data-contract.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from freehold.data.contracts._contract import Contract
from freehold.data.contracts._faults import KeyPath, Misfit, near, one_of, show
from freehold.data.contracts._kinds import Kind
from freehold.data.contracts._limits import DEFAULT_CONTRACT_LIMITS
from freehold.data.contracts._lines import line_of
from freehold.data.contracts._parts import (
    Column,
    Comparison,
    Freshness,
    Key,
    Operator,
    Reference,
    Rows,
    Severity,
)
from freehold.data.errors import DataError

FORMAT = 1  # raised when a file of today would mean something else

_ALLOW = "allow"
_TYPES = {
    bool: "true or false",
    int: "a whole number",
    str: "text",
    list: "a list",
    dict: "a table",
}
_COLUMN_KEYS = (
    "kind",
    "missing_max",
    "minimum",
    "maximum",
    "allowed",
    "pattern",
    "length_min",
    "length_max",
    "unique",
    "references",
    "warn",
)

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


def parse(text: str) -> Contract:
    """Read a contract.

    Raises:
        DataError: `data.contract`, with the line and the path of the key that is wrong, and near
            matches of a name that is not known.
    """
    document = _document(text)
    try:
        return _contract(_Table((), document))
    except Misfit as misfit:
        line = line_of(text, misfit.path)
        where = "" if line is None else f"line {line}, "
        raise DataError(misfit.code, f"{where}{misfit.message}", misfit.hint) from misfit


def _document(text: str) -> dict[str, Any]:
    most = DEFAULT_CONTRACT_LIMITS.contract_bytes_max
    try:
        size = len(text.encode())
        if size > most:
            raise Misfit((), f"expected at most {most} bytes; found {size}")
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError and surrogates are ValueErrors
        raise Misfit((), f"expected TOML; {error}", "correct the contract there") from error


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of the file at its path; values are asked for by key and type."""

    path: KeyPath
    values: Mapping[str, Any]

    def only(self, *keys: str) -> None:
        """Refuse every key that is not one of `keys`."""
        for key in self.values:
            if key not in keys:
                raise Misfit(
                    (*self.path, key),
                    f"expected {one_of(keys)}; found {show(key)}",
                    near(key, keys),
                )

    def required(self, key: str, kind: type[T]) -> T:
        """Read the value of a key that has to be there."""
        value = self.optional(key, kind)
        if value is None:
            raise Misfit((*self.path, key), f"expected {_TYPES[kind]}; found nothing")
        return value

    def optional(self, key: str, kind: type[T]) -> T | None:
        """Read a value of exactly this type, or None where the key is not there."""
        value = self.values.get(key)
        if value is not None and type(value) is not kind:
            raise Misfit((*self.path, key), f"expected {_TYPES[kind]}; found {show(value)}")
        return value

    def choice(self, key: str, options: type[E]) -> E:
        """Read one of the members of an enumeration."""
        return options(self.word(key, [str(each) for each in options]))

    def word(self, key: str, options: Iterable[str]) -> str:
        """Read one of a few words."""
        known, value = list(options), self.required(key, str)
        if value not in known:
            raise Misfit(
                (*self.path, key),
                f"expected {one_of(known)}; found {show(value)}",
                near(value, known),
            )
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of texts that repeats nothing; empty where the key is not there."""
        values = self.optional(key, list) or []
        for index, value in enumerate(values):
            path = (*self.path, key, index)
            if not isinstance(value, str):
                raise Misfit(path, f"expected text; found {show(value)}")
            if value in values[:index]:
                raise Misfit(path, f"{show(value)} stands there twice")
        return tuple(values)

    def table(self, key: str) -> _Table:
        """Read a table; an empty one where the key is not there."""
        return _Table((*self.path, key), self.optional(key, dict) or {})

    def tables(self, key: str) -> list[_Table]:
        """Read an array of tables (`[[key]]`); none where the key is not there."""
        found = []
        for index, value in enumerate(self.optional(key, list) or []):
            path = (*self.path, key, index)
            if not isinstance(value, dict):
                raise Misfit(
                    path, f"expected a table; found {show(value)}", f"begin each with [[{key}]]"
                )
            found.append(_Table(path, value))
        return found

    def is_true(self, key: str) -> bool:
        """Read true or false; false where the key is not there."""
        return self.optional(key, bool) or False


def _contract(top: _Table) -> Contract:
    top.only(
        "format",
        "description",
        "other_columns",
        "rows",
        "freshness",
        "keys",
        "comparisons",
        "columns",
    )
    if top.required("format", int) != FORMAT:
        raise Misfit(
            ("format",),
            f"expected {FORMAT}; found {show(top.values['format'])}",
            "a newer Freehold wrote this contract; read it with that",
        )
    columns = top.table("columns")
    return Contract(
        description=top.optional("description", str) or "",
        other_columns=_other_columns(top),
        rows=_rows(top.table("rows")),
        freshness=_freshness(top.table("freshness")) if "freshness" in top.values else None,
        keys=tuple(map(_key, top.tables("keys"))),
        comparisons=tuple(map(_comparison, top.tables("comparisons"))),
        columns={name: _column(columns.table(name)) for name in columns.values},
    )


def _other_columns(top: _Table) -> Severity | None:
    if "other_columns" not in top.values:
        return None
    word = top.word("other_columns", [_ALLOW, *map(str, Severity)])
    return None if word == _ALLOW else Severity(word)


def _rows(table: _Table) -> Rows:
    table.only("minimum", "maximum", "warn")
    return Rows(
        minimum=table.optional("minimum", int),
        maximum=table.optional("maximum", int),
        warn=frozenset(table.texts("warn")),
    )


def _freshness(table: _Table) -> Freshness:
    table.only("column", "days_max", "warn")
    return Freshness(
        column=table.required("column", str),
        days_max=table.required("days_max", int),
        warn=table.is_true("warn"),
    )


def _key(table: _Table) -> Key:
    table.only("columns", "warn")
    table.required("columns", list)
    return Key(columns=table.texts("columns"), warn=table.is_true("warn"))


def _comparison(table: _Table) -> Comparison:
    table.only("left", "operator", "right", "warn")
    return Comparison(
        left=table.required("left", str),
        operator=_operator(table),
        right=table.required("right", str),
        warn=table.is_true("warn"),
    )


def _operator(table: _Table) -> Operator:
    turned = {">": Operator.LESS, ">=": Operator.AT_MOST}.get(str(table.values.get("operator")))
    if turned is not None:
        raise Misfit(
            (*table.path, "operator"),
            f"expected {one_of(Operator)}; found {show(table.values['operator'])}",
            f"exchange left and right and write {show(str(turned))}",
        )
    return table.choice("operator", Operator)


def _column(table: _Table) -> Column:
    table.only(*_COLUMN_KEYS)
    kind = table.choice("kind", Kind)
    allowed = table.optional("allowed", list)
    return Column(
        kind=kind,
        missing_max=_share(table, "missing_max"),
        minimum=_value(kind, table.values.get("minimum")),
        maximum=_value(kind, table.values.get("maximum")),
        allowed=None if allowed is None else tuple(_value(kind, each) for each in allowed),
        pattern=table.optional("pattern", str),
        length_min=table.optional("length_min", int),
        length_max=table.optional("length_max", int),
        unique=table.is_true("unique"),
        references=_reference(table.table("references")) if "references" in table.values else None,
        warn=frozenset(table.texts("warn")),
    )


def _share(table: _Table, key: str) -> float | None:
    value = table.values.get(key)
    if value is not None and type(value) not in (int, float):
        raise Misfit((*table.path, key), f"expected a number from 0 to 1; found {show(value)}")
    return value if value is None else float(value)


def _reference(table: _Table) -> Reference:
    table.only("table", "column")
    return Reference(table=table.required("table", str), column=table.required("column", str))


def _value(kind: Kind, value: Any) -> Any:
    """Bring a value into the one form in which its kind holds it; others are refused later."""
    if kind is Kind.MOMENT and isinstance(value, datetime) and value.tzinfo is not None:
        with suppress(OverflowError):  # in UTC it lies before the year 1 or after 9999
            return value.astimezone(UTC).replace(tzinfo=None)
    return value
