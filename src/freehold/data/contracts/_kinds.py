"""The kinds of values that a column holds, as `read_table` yields them."""

from __future__ import annotations

import math
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

import polars as pl

Value: TypeAlias = bool | int | float | str | date | datetime

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1  # what `Int64` holds


class Kind(StrEnum):
    """What one column holds."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    MOMENT = "moment"
    TEXT = "text"

    @property
    def is_numeric(self) -> bool:
        """Integers and numbers can be compared with each other."""
        return self in (Kind.INTEGER, Kind.NUMBER)

    @property
    def is_ordered(self) -> bool:
        """Tell whether a least and a greatest value mean something."""
        return self not in (Kind.BOOLEAN, Kind.TEXT)

    def accepts(self, found: Kind | None) -> bool:
        """Tell whether a column of kind `found` is one of this kind.

        A column of numbers that are all whole in one file is read as integers, and is no fault.
        """
        return found is self or (self is Kind.NUMBER and found is Kind.INTEGER)

    def compares_with(self, other: Kind) -> bool:
        """Tell whether values of two columns can stand on the two sides of `<`."""
        return self is other or (self.is_numeric and other.is_numeric)


_WRITTEN = {
    Kind.INTEGER: "a whole number of at most 64 bits",
    Kind.NUMBER: "a finite number that a float holds exactly",
    Kind.BOOLEAN: "true or false",
    Kind.DATE: "a date (2026-11-24)",
    Kind.MOMENT: "a date with a time, in UTC (2026-11-24T06:02:49)",
    Kind.TEXT: "text",
}

DTYPES = {
    Kind.INTEGER: pl.Int64(),
    Kind.NUMBER: pl.Float64(),
    Kind.BOOLEAN: pl.Boolean(),
    Kind.DATE: pl.Date(),
    Kind.MOMENT: pl.Datetime("us"),
    Kind.TEXT: pl.String(),
}


def kind_of(dtype: pl.DataType) -> Kind | None:
    """Name the kind of a column; None for one that `read_table` never yields."""
    return next((kind for kind, known in DTYPES.items() if dtype == known), None)


def written(kind: Kind) -> str:
    """Say what a value of this kind looks like in a contract."""
    return _WRITTEN[kind]


def is_value_of(kind: Kind, value: object) -> bool:
    """Tell whether a value of a contract is one of `kind`."""
    match value:
        case bool():
            return kind is Kind.BOOLEAN
        case int():
            if kind is Kind.NUMBER:
                return abs(value) <= 2**1000 and float(value) == value
            return kind is Kind.INTEGER and INTEGER_MIN <= value <= INTEGER_MAX
        case float():
            return kind is Kind.NUMBER and math.isfinite(value)
        case datetime():
            return kind is Kind.MOMENT and value.tzinfo is None
        case date():
            return kind is Kind.DATE
        case str():
            return kind is Kind.TEXT
    return False
