"""The rules that hold for the columns of every format: their names, and the kinds of values they
end up with.

A table has columns of integers (`Int64`), numbers (`Float64`), booleans, dates, moments
(`Datetime`, from Parquet only) and text (`String`); nothing else leaves this package.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._limits import DataLimits

EXACT_MAX = 2**53  # beyond it a float no longer holds every integer

_INTEGER = r"^(?:0|-?[1-9][0-9]{0,18})$"
_EXPONENT = r"(?:[eE][-+]?[0-9]{1,3})"
_NUMBER = (
    r"^-?(?:(?:0|[1-9][0-9]{0,14})"  # an integer that a float holds exactly
    rf"|(?:(?:0|[1-9][0-9]*)?\.[0-9]+|(?:0|[1-9][0-9]*)\.){_EXPONENT}?"
    rf"|(?:0|[1-9][0-9]*){_EXPONENT})$"
)
_BOOLEAN = r"^(?:true|True|TRUE|false|False|FALSE)$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_GLANCE = 64  # values looked at first; most columns of text are told by them


def check_names(names: Sequence[str], limits: DataLimits) -> None:
    """Refuse names that cannot name columns.

    Raises:
        DataError: none, empty, double, too long or too many.
    """
    if not names:
        raise DataError("data.header", "the table has no columns", "check the export that made it")
    if len(names) > limits.columns_max:
        raise DataError(
            "data.too_large", f"{len(names)} columns; at most {limits.columns_max} are read"
        )
    seen: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        if not name.strip():
            raise DataError("data.header", f"column {position} has an empty name", "name it")
        if len(name) > limits.column_name_chars_max:
            raise DataError(
                "data.header",
                f"the name of column {position} has {len(name)} characters; "
                f"expected at most {limits.column_name_chars_max}",
                "is the first row a header, and is the delimiter right?",
            )
        if name in seen:
            raise DataError(
                "data.header",
                f"columns {seen[name]} and {position} have the same name {name!r:.80}",
                "rename one of them",
            )
        seen[name] = position


def infer_column(text: pl.Series) -> pl.Series:
    """Turn a column of text into the narrowest kind that holds all its values without loss.

    Integers and numbers have no leading zeros or plus sign, so that postcodes and ids stay text.
    Booleans are true and false, dates `2026-11-24`. Only the whole column decides, never a sample.
    An empty column stays text.
    """
    values = text.drop_nulls()
    if not len(values):
        return text
    if _is_each(values, _INTEGER):
        integers = text.cast(pl.Int64, strict=False)
        if integers.null_count() == text.null_count():
            return integers
    if _is_each(values, _NUMBER):
        numbers = text.cast(pl.Float64, strict=False)
        if numbers.null_count() == text.null_count() and numbers.drop_nulls().is_finite().all():
            return numbers
    if _is_each(values, _BOOLEAN):
        return text.str.to_lowercase() == "true"
    if _is_each(values, _DATE):
        dates = text.str.to_date("%Y-%m-%d", strict=False)
        if dates.null_count() == text.null_count():
            return dates
    return text


def _is_each(values: pl.Series, pattern: str) -> bool:
    return values.head(_GLANCE).str.contains(pattern).all() and values.str.contains(pattern).all()
