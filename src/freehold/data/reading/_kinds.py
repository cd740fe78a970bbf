"""Columns of any typed source become the kinds of `_columns`, or are refused.

Numbers of all widths become two kinds; decimals become numbers; NaN is a missing value; moments are
in UTC, without a zone; lists and structs are kept as JSON text, like in JSON lines. Bytes, times of
day and durations are refused.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._foreign import polars_errors

_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # years 1 and 9999, counted from 1970-01-01
_UNITS_PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def plain_column(series: pl.Series) -> pl.Series:
    """Return the same values as one of the kinds that leave this package.

    Raises:
        DataError: a kind that is not read, or a value that its kind here does not hold.
    """
    kind = series.dtype
    if kind.is_integer():
        with polars_errors("data.number", f"column {series.name!r:.80} holds integers beyond 2^63"):
            return series.cast(pl.Int64)
    if kind.is_decimal() or kind.is_float():
        return _finite(series.cast(pl.Float64))
    if isinstance(kind, pl.Categorical | pl.Enum | pl.Null):
        return series.cast(pl.String)
    if kind.is_nested():
        return _as_text(series)
    if isinstance(kind, pl.Date | pl.Datetime):
        return _moments(series, kind)
    if isinstance(kind, pl.String):
        return series.set(series == "", None) if (series == "").any() else series
    if isinstance(kind, pl.Boolean):
        return series
    raise DataError(
        "data.types",
        f"column {series.name!r:.80} holds {kind}; expected numbers, booleans, dates or text",
        "cast it before writing the file",
    )


def _moments(series: pl.Series, kind: pl.Date | pl.Datetime) -> pl.Series:
    """Refuse days that no calendar of ours has; Python's ends with the year 9999."""
    per_day = 1 if isinstance(kind, pl.Date) else _UNITS_PER_DAY[kind.time_unit]
    units = series.to_physical().cast(pl.Int64)
    is_outside = (units // per_day < _FIRST_DAY) | (units // per_day > _LAST_DAY)
    if is_outside.any():
        row = (is_outside.fill_null(False).arg_max() or 0) + 1
        raise DataError(
            "data.number",
            f"row {row}, column {series.name!r:.80} is outside the years 1 to 9999",
            "leave it empty",
        )
    if isinstance(kind, pl.Date):
        return series
    return units.cast(pl.Datetime(kind.time_unit)).cast(pl.Datetime("us"))


def _finite(series: pl.Series) -> pl.Series:
    numbers = series.fill_nan(None)
    if numbers.is_infinite().any():
        row = (numbers.is_infinite().fill_null(False).arg_max() or 0) + 1
        raise DataError(
            "data.number", f"row {row}, column {series.name!r:.80} is infinite", "leave it empty"
        )
    return numbers


def _as_text(series: pl.Series) -> pl.Series:
    try:
        with polars_errors("data.types", f"column {series.name!r:.80} is not readable"):
            values = series.to_list()
        texts = [None if v is None else _dump(v) for v in values]
    except (TypeError, ValueError) as error:
        raise DataError(
            "data.types",
            f"column {series.name!r:.80} holds {series.dtype}, which has no JSON: {error}",
            "flatten it before writing the file",
        ) from error
    return pl.Series(series.name, texts, pl.String)


def _dump(value: Any) -> str:
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_date_text
    )


def _date_text(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")
