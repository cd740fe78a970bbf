"""Read JSON lines strictly: each line is one object, each column has one kind of value.

Lists and objects inside a row are kept as compact JSON text in the order of their keys, so that
chat transcripts remain readable. A key that a row lacks, and null, are missing values. Strings stay
text, also those that look like dates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import NoneType
from typing import Any, BinaryIO, NoReturn, TypeAlias

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._columns import EXACT_MAX, check_names
from freehold.data.reading._encoding import check_text
from freehold.data.reading._foreign import polars_errors
from freehold.data.reading._limits import DataLimits
from freehold.kernel import LimitError, MalformedError, parse_json

_Row: TypeAlias = dict[str, Any]

_KINDS = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "text",
    list: "nested",
    dict: "nested",
}
_SPOKEN = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a text",
    list: "a list",
    NoneType: "null",
}
_SOURCES: dict[str, pl.DataType] = {
    "boolean": pl.Boolean(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "text": pl.String(),
    "nested": pl.String(),
}
_INTEGER_MAX = 2**63 - 1


def read_jsonl(stream: BinaryIO, limits: DataLimits) -> pl.DataFrame:
    """Read the whole stream.

    Raises:
        DataError: a line that is not one strict JSON object, a column of mixed kinds, bad names, a
            bound.
    """
    check_text(stream, limits)
    table = _Table(limits)
    for batch in _batches(stream, limits):
        table.add(batch)
    return table.finish()


def _batches(stream: BinaryIO, limits: DataLimits) -> Iterator[list[_Row]]:
    batch: list[_Row] = []
    size = 0
    for number, line in enumerate(_lines(stream, limits), 1):
        batch.append(_parse_line(line, number))
        size += len(line)
        if len(batch) == limits.batch_rows or size > limits.field_bytes_max:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _lines(stream: BinaryIO, limits: DataLimits) -> Iterator[bytes]:
    """Split at line feeds; blank lines may stand at the end only."""
    limit = limits.field_bytes_max
    number, blank = 0, 0
    while line := stream.readline(limit + 2):
        number += 1
        if len(line.rstrip(b"\r\n")) > limit:
            raise DataError(
                "data.too_large",
                f"line {number} has more than {limit} bytes",
                "write one object a line; a file that is one JSON list is not JSON lines",
            )
        if line in (b"\n", b"\r\n"):
            blank = blank or number
            continue
        if blank:
            raise DataError("data.json", f"line {blank} is blank; expected one object", "remove it")
        yield line


def _parse_line(line: bytes, number: int) -> _Row:
    try:
        row = parse_json(line)
    except LimitError as error:
        raise DataError("data.json", f"line {number}: {error.message}") from error
    except MalformedError as error:
        is_cut = not line.endswith(b"\n")
        raise DataError(
            "data.json",
            f"line {number}{', the last one, may be cut off' if is_cut else ''}: {error.message}",
            "write the file again to its end"
            if is_cut
            else "expected one strict JSON object a line",
        ) from error
    if type(row) is not dict:
        raise DataError(
            "data.json",
            f"line {number} holds {_SPOKEN[type(row)]}; expected an object",
            'write rows as {"name": value, …}',
        )
    return row


class _Table:
    """Batches of rows as frames, with the kinds that each column has shown and in which line."""

    def __init__(self, limits: DataLimits) -> None:
        self._limits = limits
        self._frames: list[pl.DataFrame] = []
        self._kinds: dict[str, dict[str, int]] = {}  # column → kind → line where it was first seen
        self._large: dict[str, int] = {}  # column → first line with an integer that no float holds
        self._rows = 0

    def add(self, batch: list[_Row]) -> None:
        """Append rows; line numbers equal row numbers, since blank lines are refused."""
        for row in batch:
            if not row.keys() <= self._kinds.keys():
                self._kinds |= {name: {} for name in row if name not in self._kinds}
                check_names(list(self._kinds), self._limits)
        self._check_counts(len(batch))
        names = list(self._kinds)
        self._frames.append(pl.DataFrame([self._column(name, batch) for name in names]))
        self._rows += len(batch)

    def finish(self) -> pl.DataFrame:
        """Join the batches into one table."""
        names = list(self._kinds)
        if not self._rows:
            raise DataError("data.empty", "the file has no rows", "expected one object a line")
        check_names(names, self._limits)
        for name in self._large.keys() & {
            n for n, kinds in self._kinds.items() if "number" in kinds
        }:
            self._refuse_integer(name, self._large[name], EXACT_MAX)
        with polars_errors("data.types", "the lines do not form a table"):
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

    def _column(self, name: str, batch: list[_Row]) -> pl.Series:
        values = [row.get(name) for row in batch]
        types = set(map(type, values)) - {type(None)}
        kinds = {_KINDS[kind] for kind in types}
        self._check_kinds(name, kinds, values)
        if "integer" in kinds:
            self._check_integers(name, values)
        if "nested" in kinds:
            values = [None if v is None else _as_text(v) for v in values]
        kind = "number" if "number" in kinds else next(iter(kinds), "")
        return pl.Series(name, values, _SOURCES.get(kind, pl.Null()), strict=False)

    def _check_kinds(self, name: str, kinds: set[str], values: list[Any]) -> None:
        seen = self._kinds[name]
        for kind in sorted(kinds - seen.keys()):
            first = next(i for i, v in enumerate(values) if _KINDS.get(type(v)) == kind)
            seen[kind] = self._rows + first + 1
        if len(seen) > 1 and seen.keys() != {"integer", "number"}:
            (one, at), (other, there), *_ = sorted(seen.items(), key=lambda item: item[1])
            raise DataError(
                "data.types",
                f"column {name!r:.80} holds {one} in line {at} and {other} in line {there}",
                "give every value of a column the same kind, for example text",
            )

    def _check_integers(self, name: str, values: list[Any]) -> None:
        for line, value in enumerate(values, self._rows + 1):
            if type(value) is int and abs(value) > EXACT_MAX:
                self._large.setdefault(name, line)
                if abs(value) > _INTEGER_MAX:
                    self._refuse_integer(name, line, _INTEGER_MAX)

    @staticmethod
    def _refuse_integer(name: str, line: int, limit: int) -> NoReturn:
        raise DataError(
            "data.number",
            f"line {line}, column {name!r:.80} holds an integer beyond {limit}; "
            "no column of its kind holds it exactly",
            "write it as text",
        )


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
