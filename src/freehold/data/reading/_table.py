"""Rows of plain Python values become one table, a batch at a time: each column has one kind of
value, told by all of its rows.

Lists and objects inside a row are kept as compact JSON text in the order of their keys. A key that
a row lacks, and None, are missing values. Nothing is converted but integers among numbers, and
dates among moments.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any, NoReturn, TypeAlias

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._columns import EXACT_MAX, check_names
from freehold.data.reading._foreign import polars_errors
from freehold.data.reading._limits import DataLimits

Row: TypeAlias = dict[str, Any]

_KINDS = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "text",
    date: "date",
    datetime: "moment",
    list: "nested",
    dict: "nested",
}
_SOURCES: dict[str, pl.DataType] = {
    "boolean": pl.Boolean(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "text": pl.String(),
    "date": pl.Date(),
    "moment": pl.Datetime("us"),
    "nested": pl.String(),
}
_MIXABLE = ({"integer", "number"}, {"date", "moment"})
_INTEGER_MAX = 2**63 - 1


class RowTable:
    """Batches of rows as frames, with the kinds that each column has shown and where.

    Args:
        limits: bounds on names, rows and cells.
        place: what a row is called in messages, `line` or `row`.
        first: the number of the first row that is added.
    """

    def __init__(self, limits: DataLimits, *, place: str = "line", first: int = 1) -> None:
        self._limits = limits
        self._place = place
        self._next = first
        self._frames: list[pl.DataFrame] = []
        self._kinds: dict[str, dict[str, int]] = {}  # column → kind → place where it was first seen
        self._large: dict[str, int] = {}  # column → first place of an integer that no float holds
        self._rows = 0

    def add(self, batch: list[Row]) -> None:
        """Append rows whose values are None or of the kinds above.

        Raises:
            DataError: bad names, a column of mixed kinds, an integer that no column holds, a bound.
        """
        for row in batch:
            if not row.keys() <= self._kinds.keys():
                self._kinds |= {name: {} for name in row if name not in self._kinds}
                check_names(list(self._kinds), self._limits)
        self._check_counts(len(batch))
        names = list(self._kinds)
        self._frames.append(pl.DataFrame([self._column(name, batch) for name in names]))
        self._rows += len(batch)
        self._next += len(batch)

    def finish(self) -> pl.DataFrame:
        """Join the batches into one table.

        Raises:
            DataError: no rows, or an integer too large among numbers.
        """
        names = list(self._kinds)
        if not self._rows:
            raise DataError("data.empty", "there are no rows of data", "expected at least one")
        check_names(names, self._limits)
        for name in self._large.keys() & {
            n for n, kinds in self._kinds.items() if "number" in kinds
        }:
            self._refuse_integer(name, self._large[name], EXACT_MAX)
        with polars_errors("data.types", f"the {self._place}s do not form a table"):
            table = pl.concat(self._frames, how="diagonal_relaxed")
        empty = [name for name in names if table.schema[name] == pl.Null]
        return table.with_columns(pl.col(empty).cast(pl.String)) if empty else table

    def _check_counts(self, more: int) -> None:
        rows = self._rows + more
        for count, limit, name in (
            (rows, self._limits.rows_max, "rows"),
            (rows * len(self._kinds), self._limits.cells_max, "cells"),
        ):
            if count > limit:
                raise DataError(
                    "data.too_large", f"the file has more than {limit} {name}", "split it"
                )

    def _column(self, name: str, batch: list[Row]) -> pl.Series:
        values = [row.get(name) for row in batch]
        types = set(map(type, values)) - {type(None)}
        kinds = {_KINDS[kind] for kind in types}
        self._check_kinds(name, kinds, values)
        if "integer" in kinds:
            self._check_integers(name, values)
        if "nested" in kinds:
            values = [None if v is None else _as_text(v) for v in values]
        wide = kinds & {"number", "moment"}
        kind = next(iter(wide or kinds), "")
        return pl.Series(name, values, _SOURCES.get(kind, pl.Null()), strict=False)

    def _check_kinds(self, name: str, kinds: set[str], values: list[Any]) -> None:
        seen = self._kinds[name]
        for kind in sorted(kinds - seen.keys()):
            first = next(i for i, v in enumerate(values) if _KINDS.get(type(v)) == kind)
            seen[kind] = self._next + first
        if len(seen) > 1 and seen.keys() not in _MIXABLE:
            (one, at), (other, there), *_ = sorted(seen.items(), key=lambda item: item[1])
            place = self._place
            raise DataError(
                "data.types",
                f"column {name!r:.80} holds {one} in {place} {at} and {other} in {place} {there}",
                "give every value of a column the same kind, for example text",
            )

    def _check_integers(self, name: str, values: list[Any]) -> None:
        for at, value in enumerate(values, self._next):
            if type(value) is int and abs(value) > EXACT_MAX:
                self._large.setdefault(name, at)
                if abs(value) > _INTEGER_MAX:
                    self._refuse_integer(name, at, _INTEGER_MAX)

    def _refuse_integer(self, name: str, at: int, limit: int) -> NoReturn:
        raise DataError(
            "data.number",
            f"{self._place} {at}, column {name!r:.80} holds an integer beyond {limit}; "
            "no column of its kind holds it exactly",
            "write it as text",
        )


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
