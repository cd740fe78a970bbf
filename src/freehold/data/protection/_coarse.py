"""Transforms that generalise: numbers into bins, ages, dates, categories.

The bounds of bins are decimal numbers, worked out exactly and compared as the nearest binary ones:
0.3 lies in [0.3,0.4) and not, by a rounding error, below it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.data.errors import DataError
from freehold.data.protection._kinds import DATES, NUMBERS, as_text
from freehold.data.protection._limits import LIMITS
from freehold.data.protection._transform import (
    Given,
    Transform,
    check_label,
    refuse,
    refuse_cells,
)

Number: TypeAlias = int | float

_EXACT = 2**53  # up to here a whole number is the same as int and as float
_FORMATS = {"month": "%Y-%m", "year": "%Y"}


@dataclass(frozen=True, slots=True)
class Bins(Transform):
    """Put numbers into half-open bins of one width: `[20,30)`.

    Bins start at `origin` and at every `width` from it in both directions. `output` is the label,
    or the lower bound as a number for what has to reckon with it.
    """

    name: ClassVar[str] = "bins"
    takes: ClassVar[tuple[str, ...]] = NUMBERS

    width: Number
    origin: Number = 0
    output: Literal["label", "lower"] = "label"

    def __post_init__(self) -> None:
        """Refuse parameters out of range; 10.0 is 10."""
        for parameter in ("width", "origin"):
            object.__setattr__(self, parameter, _number(parameter, getattr(self, parameter)))
        if self.width <= 0:
            refuse("width", "a number above 0", self.width)

    def run(self, cells: pl.Series, given: Given) -> pl.Series:
        """Give each number's bin."""
        values, missing = _values(cells)
        _refuse_endless(cells, self.name)
        if missing.all():
            return pl.Series(cells.name, [None] * len(cells), dtype=self._dtype())
        steps = self._steps(cells.name, values[~missing])
        width, origin = Fraction(str(self.width)), Fraction(str(self.origin))
        bounds = [_plain(origin + step * width) for step in steps]
        bins = np.searchsorted(np.array(bounds), values, side="right")
        if self.output == "lower":
            outputs = pl.Series([bounds[0], *bounds], dtype=self._dtype())
        else:
            outputs = pl.Series(_labels(bounds))
        return _take(outputs, bins, missing).alias(cells.name)

    def _steps(self, column: str, values: NDArray[Any]) -> list[int]:
        """Which bounds to work out, counted from the origin: those around each number.

        A quotient may be off by one from rounding, so each number brings a neighbour more.
        """
        if values.dtype.kind == "i" and self._is_whole:
            low, high = int(values.min()) - self.origin, int(values.max()) - self.origin
            _refuse_far(column, max(-low, high) + 2 * self.width, 2**63)
            steps = (values - self.origin) // self.width
        else:
            quotients = (values.astype(np.float64) - self.origin) / self.width
            _refuse_far(column, float(np.abs(quotients).max()), 2**50)
            steps = np.floor(quotients).astype(np.int64)
        different = np.unique(steps)
        if len(different) > LIMITS.bins_max:
            raise DataError(
                "data.value",
                f"column {column!r:.80}: {len(different)} different bins of this width; "
                f"expected at most {LIMITS.bins_max}",
                "choose a greater width, or bounds",
            )
        around = np.concatenate([different + step for step in (-1, 0, 1, 2)])
        return [int(step) for step in np.unique(around)]

    @property
    def _is_whole(self) -> bool:
        return isinstance(self.width, int) and isinstance(self.origin, int)

    def _dtype(self) -> type[pl.DataType]:
        if self.output == "label":
            return pl.String
        return pl.Int64 if self._is_whole else pl.Float64


@dataclass(frozen=True, slots=True)
class Bounds(Transform):
    """Put numbers into the bins between given bounds: `<18`, `[18,65)`, `>=65`."""

    name: ClassVar[str] = "bounds"
    takes: ClassVar[tuple[str, ...]] = NUMBERS

    bounds: tuple[Number, ...]

    def __post_init__(self) -> None:
        """Refuse bounds that do not ascend; 10.0 is 10."""
        numbers = tuple(_number("bounds", each) for each in self.bounds)
        object.__setattr__(self, "bounds", numbers)
        if not 1 <= len(numbers) <= LIMITS.bins_max:
            refuse("bounds", f"1 to {LIMITS.bins_max} numbers", f"{len(numbers)} numbers")
        if any(after <= before for before, after in pairwise(numbers)):
            refuse("bounds", "numbers that ascend", list(numbers))

    def run(self, cells: pl.Series, given: Given) -> pl.Series:
        """Give each number's bin."""
        values, missing = _values(cells)
        bins = np.searchsorted(np.array(self.bounds), values, side="right")
        return _take(pl.Series(_labels(self.bounds)), bins, missing).alias(cells.name)


@dataclass(frozen=True, slots=True)
class Age(Transform):
    """Put ages in completed years into groups of `width` years, and all from `top` on into one:
    `30-39`, `90+`.

    The default `top` is the bound of the HIPAA Safe Harbor method, 45 CFR 164.514(b)(2)(i)(C).
    """

    name: ClassVar[str] = "age"
    takes: ClassVar[tuple[str, ...]] = NUMBERS

    width: int = 10
    top: int = 90

    def __post_init__(self) -> None:
        """Refuse a last group that is narrower than the others."""
        if not 1 <= self.width <= 150:
            refuse("width", "1 to 150 years", self.width)
        if not self.width <= self.top <= 150 or self.top % self.width:
            refuse("top", f"a multiple of width {self.width}, at most 150", self.top)

    def run(self, cells: pl.Series, given: Given) -> pl.Series:
        """Give each age's group."""
        refuse_cells(
            (cells < 0).fill_null(value=False).alias(cells.name),
            self.name,
            "years, 0 or more",
            "make them missing before",
        )
        values, missing = _values(cells)
        starts = list(range(0, self.top, self.width))
        labels = [
            str(start) if self.width == 1 else f"{start}-{start + self.width - 1}"
            for start in starts
        ]
        bins = np.searchsorted(np.array([*starts[1:], self.top]), values, side="right")
        return _take(pl.Series([*labels, f"{self.top}+"]), bins, missing).alias(cells.name)


@dataclass(frozen=True, slots=True)
class CoarseDate(Transform):
    """Keep of dates and moments the month, the quarter or the year: `2024-03`, `2024-Q1`, `2024`.

    The output is text, since a date at the start of its month would look exact.
    """

    name: ClassVar[str] = "date"
    takes: ClassVar[tuple[str, ...]] = DATES

    to: Literal["month", "quarter", "year"]

    def run(self, cells: pl.Series, given: Given) -> pl.Series:
        """Give each date's period."""
        if self.to == "quarter":
            years = cells.dt.to_string("%Y-Q")
            return (years + cells.dt.quarter().cast(pl.String)).alias(cells.name)
        return cells.dt.to_string(_FORMATS[self.to])


@dataclass(frozen=True, slots=True)
class Groups(Transform):
    """Put each category into the group that lists it.

    A category in no group becomes `other`; without `other` it is refused, so that a new value
    never comes through unseen.
    """

    name: ClassVar[str] = "groups"
    takes: ClassVar[tuple[str, ...]] = ("text", "integer")

    groups: Mapping[str, tuple[str, ...]] = field(hash=False)
    other: str | None = None

    def __post_init__(self) -> None:
        """Refuse a category in two groups; order tells nothing."""
        ordered = {group: tuple(sorted(self.groups[group])) for group in sorted(self.groups)}
        object.__setattr__(self, "groups", ordered)
        if not ordered:
            refuse("groups", "at least one group", {})
        seen: dict[str, str] = {}
        for group, categories in ordered.items():
            check_label("groups", group)
            for category in categories:
                if category in seen:
                    refuse("groups", "each category once", f"one in {seen[category]} and {group}")
                seen[category] = group
        if self.other is not None:
            check_label("other", self.other)

    def run(self, cells: pl.Series, given: Given) -> pl.Series:
        """Give each category's group."""
        group_of = {each: group for group, members in self.groups.items() for each in members}
        old, new = list(group_of), list(group_of.values())
        text = as_text(cells)
        found = text.replace_strict(old, new, default=None, return_dtype=pl.String)
        unlisted = found.is_null() & text.is_not_null()
        if self.other is None:
            refuse_cells(
                unlisted,
                self.name,
                "categories that a group lists",
                "add them to a group, or give `other`",
            )
            return found
        return found.set(unlisted, self.other)


def _number(parameter: str, value: Number) -> Number:
    if not math.isfinite(value) or abs(value) > _EXACT:
        refuse(parameter, "a finite number, at most 2^53", value)
    return int(value) if float(value).is_integer() else value


def _values(cells: pl.Series) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The numbers, zero where missing, and where they are missing or NaN."""
    missing = cells.is_null()
    if cells.dtype.is_float():
        missing = missing | cells.is_nan().fill_null(value=True)
        cells = cells.cast(pl.Float64).fill_nan(0.0)
    else:
        cells = cells.cast(pl.Int64)
    return cells.fill_null(0).to_numpy(), missing.to_numpy()


def _refuse_endless(cells: pl.Series, transform: str) -> None:
    if cells.dtype.is_float():
        refuse_cells(
            cells.is_infinite().fill_null(value=False).alias(cells.name),
            transform,
            "finite numbers",
            "choose bounds, whose last bin has no end",
        )


def _refuse_far(column: str, found: Number, most: int) -> None:
    """Refuse numbers whose bins have no exact bounds in 64 bits."""
    if found >= most:
        raise DataError(
            "data.value",
            f"column {column!r:.80}: numbers too far from the origin for bins of this width",
            "choose a greater width, or bounds, whose first and last bins have no end",
        )


def _plain(value: Fraction) -> Number:
    return int(value) if value.denominator == 1 else float(value)


def _labels(bounds: Sequence[Number]) -> list[str]:
    """One label more than bounds: below the first, between each two, from the last on."""
    between = [f"[{low},{high})" for low, high in pairwise(bounds)]
    return [f"<{bounds[0]}", *between, f">={bounds[-1]}"]


def _take(outputs: pl.Series, bins: NDArray[np.intp], missing: NDArray[np.bool_]) -> pl.Series:
    indices = pl.Series(bins.astype(np.uint32)).set(pl.Series(missing), None)
    return outputs.gather(indices)
