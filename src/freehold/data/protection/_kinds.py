"""Which kinds of cells a transform takes, and their one form as text or numbers.

Refusals say column and kind, never a cell. The casts here lose nothing, so that no foreign error
can quote a cell.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import polars as pl

from freehold.data.errors import DataError

_KINDS = {
    pl.Int8: "integer",
    pl.Int16: "integer",
    pl.Int32: "integer",
    pl.Int64: "integer",
    pl.UInt8: "integer",
    pl.UInt16: "integer",
    pl.UInt32: "integer",
    pl.Float32: "number",
    pl.Float64: "number",
    pl.String: "text",
    pl.Categorical: "text",
    pl.Enum: "text",
    pl.Boolean: "boolean",
    pl.Date: "date",
    pl.Datetime: "moment",
}

KNOWN = ("integer", "number", "text", "boolean", "date", "moment")
ANY = (*KNOWN, "other")
NUMBERS = ("integer", "number")
DATES = ("date", "moment")
IDENTITIES = ("text", "integer", "date", "moment")


def kind_of(dtype: pl.DataType) -> str:
    """Name what a column of this type holds; `other` is what no reader gives."""
    return _KINDS.get(dtype.base_type(), "other")


def check_kind(cells: pl.Series, takes: tuple[str, ...], transform: str) -> None:
    """Refuse a column whose kind the transform does not take.

    Raises:
        DataError: data.column.
    """
    found = kind_of(cells.dtype)
    if found not in takes:
        raise DataError(
            "data.column",
            f"column {cells.name!r:.80}: {transform} takes {' or '.join(takes)}; found {found}",
            "choose another transform, or read the column as another kind",
        )


def check_columns(table: pl.DataFrame, names: Iterable[str]) -> None:
    """Refuse names that are no column of `table`, with those that resemble them.

    Raises:
        DataError: data.column.
    """
    for name in names:
        if name not in table.columns:
            raise DataError(
                "data.column",
                f"there is no column {name!r:.80} among the {table.width} of the table",
                near(name, table.columns) or "name a column that the table has",
            )


def near(found: str, options: Iterable[str]) -> str:
    """Say `did you mean …?` for the options that resemble `found`, or nothing."""
    by_lower = {option.lower(): option for option in sorted(options)}
    lower = found.lower()
    matches = (
        [lower] if lower in by_lower else difflib.get_close_matches(lower, by_lower, cutoff=0.7)
    )
    shown = " or ".join(f"{by_lower[match]!r:.80}" for match in matches)
    return f"did you mean {shown}?" if shown else ""


def as_text(cells: pl.Series) -> pl.Series:
    """Give text, whole numbers, dates and moments as text; dates as ISO 8601."""
    return cells if cells.dtype == pl.String else cells.cast(pl.String)


def without_nan(table: pl.DataFrame) -> pl.DataFrame:
    """Give NaN as missing, so that a table has one way to lack a number."""
    return table.with_columns(pl.selectors.float().fill_nan(None))
