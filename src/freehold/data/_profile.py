"""What a table holds, in numbers small enough for the body of one act.

It counts and measures; it keeps no cell but the least and greatest of each column of numbers or
dates.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import polars as pl

from freehold.data.reading import (
    BOM,
    DEFAULT_DATA_LIMITS,
    DataLimits,
    Format,
    ReadOptions,
    read_table,
    telling_panics,
)

_KINDS = {
    pl.Int64: "integer",
    pl.Float64: "number",
    pl.Boolean: "boolean",
    pl.Date: "date",
    pl.Datetime: "moment",
    pl.String: "text",
}


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column: its kind, how many values are missing and how many differ, and the span of the
    rest.

    `minimum` and `maximum` are written as text (numbers and dates only), so that no JSON reader
    rounds them; lengths are in characters (text only).
    """

    name: str
    kind: str
    missing: int
    distinct: int
    minimum: str | None = None
    maximum: str | None = None
    length_min: int | None = None
    length_max: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """One table. `duplicate_rows` counts the rows that repeat an earlier one, exactly."""

    format: Format
    rows: int
    columns: tuple[ColumnProfile, ...]
    duplicate_rows: int
    bytes: int
    encoding: str | None

    def as_json(self) -> dict[str, Any]:
        """The profile as plain values, for `canonical`."""
        return {
            "format": str(self.format),
            "rows": self.rows,
            "columns": [asdict(column) for column in self.columns],
            "duplicate_rows": self.duplicate_rows,
            "bytes": self.bytes,
            "encoding": self.encoding,
        }


def profile(
    stream: BinaryIO,
    format: Format,
    options: ReadOptions | None = None,
    *,
    limits: DataLimits = DEFAULT_DATA_LIMITS,
) -> Profile:
    """Read a seekable stream strictly and describe what it holds.

    Raises:
        DataError: as `read_table`.
    """
    table = read_table(stream, format, options, limits=limits)
    stream.seek(0)
    head = stream.read(len(BOM))
    with telling_panics():
        return Profile(
            format=format,
            rows=table.height,
            columns=tuple(map(_profile_column, table.get_columns())),
            duplicate_rows=table.height - table.n_unique(),
            bytes=stream.seek(0, 2),
            encoding=None if not format.is_text else "utf-8-sig" if head == BOM else "utf-8",
        )


def _profile_column(column: pl.Series) -> ColumnProfile:
    values = column.drop_nulls()
    kind = _KINDS[column.dtype.base_type()]
    described: dict[str, Any] = {}
    if len(values) and kind == "text":
        lengths = values.str.len_chars()
        described = {"length_min": lengths.min(), "length_max": lengths.max()}
    elif len(values) and kind != "boolean":
        described = {"minimum": str(values.min()), "maximum": str(values.max())}
    return ColumnProfile(
        name=column.name,
        kind=kind,
        missing=column.null_count(),
        distinct=values.n_unique(),
        **described,
    )
