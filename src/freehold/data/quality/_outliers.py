"""Numbers far from the rest of their column, and categories that hardly occur."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.data.quality._columns import codes, is_numeric, numbers
from freehold.data.quality._limits import DEFAULT_QUALITY_LIMITS, QualityLimits

Numbers = NDArray[np.float64]
Fences = tuple[float, float]
Method = Literal["modified-z", "iqr"]

_Z_MAX = 3.5  # Iglewicz and Hoaglin, 1993, How to detect and handle outliers, page 12
_MAD_TO_DEVIATION = 0.6745  # the upper quartile of the normal distribution; the same page
_MEAN_TO_DEVIATION = 1.253314  # deviation over mean absolute deviation of the normal distribution
_IQR_FACTOR = 1.5  # Tukey, 1977, Exploratory Data Analysis, 2D


@dataclass(frozen=True, slots=True)
class ColumnOutliers:
    """One numeric column: how many values lie under and over the fences, and in which rows.

    `rows` are the first of them, counted from 0, the farthest first.
    """

    name: str
    method: Method
    low: int
    high: int
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outliers:
    """The columns that have outliers, of the `columns_judged` numeric ones."""

    rows: int
    columns_judged: int
    columns: tuple[ColumnOutliers, ...]

    def as_json(self) -> dict[str, Any]:
        """Counts, column names and row numbers."""
        return asdict(self) | {
            "columns": [asdict(column) | {"rows": list(column.rows)} for column in self.columns]
        }


@dataclass(frozen=True, slots=True)
class RareColumn:
    """One column of categories: how many occur, how many hardly, and one row of each such."""

    name: str
    categories: int
    rare: int
    rows_affected: int
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RareCategories:
    """The columns with categories that fewer than `share_min` of the rows have."""

    rows: int
    share_min: float
    columns: tuple[RareColumn, ...]

    def as_json(self) -> dict[str, Any]:
        """Counts, column names and row numbers."""
        return asdict(self) | {
            "columns": [asdict(column) | {"rows": list(column.rows)} for column in self.columns]
        }


def outliers(
    table: pl.DataFrame,
    *,
    method: Method = "modified-z",
    limits: QualityLimits = DEFAULT_QUALITY_LIMITS,
) -> Outliers:
    """Find the numbers (dates and moments too) outside the fences of their column.

    `modified-z`: 0.6745 times the distance from the median, over the median of such distances, is
    over 3.5 (Iglewicz and Hoaglin, 1993); where more than half the values are equal, the mean of
    the distances stands for their median. `iqr`: over 1.5 interquartile ranges beyond a quartile
    (Tukey, 1977). Both hold as long as less than half, or a quarter, of the values are astray.

    Raises:
        ValueError: another method.
    """
    if method not in _FENCES:
        raise ValueError(f"the methods are {', '.join(_FENCES)}, got {method!r}")
    judged = [column for column in table.get_columns() if is_numeric(column)]
    found = [_astray(column, method, limits) for column in judged]
    return Outliers(
        table.height, len(judged), tuple(each for each in found if each.low + each.high)
    )


def rare_categories(
    table: pl.DataFrame,
    *,
    share_min: float = 0.01,
    categories_max: int = 1_000,
    limits: QualityLimits = DEFAULT_QUALITY_LIMITS,
) -> RareCategories:
    """Find the categories of text and boolean columns that hardly occur.

    A column of more than `categories_max` values, or of more than half as many as rows, holds
    names or prose and no categories.

    Raises:
        ValueError: a share outside 0 to 1.
    """
    if not 0 < share_min < 1:
        raise ValueError(f"a share lies between 0 and 1, got {share_min}")
    found = []
    for column in table.get_columns():
        values = column.n_unique()
        if is_numeric(column) or values > min(categories_max, table.height / 2):
            continue
        (coded,) = codes(column)
        counts = np.bincount(coded)
        first = np.unique(coded, return_index=True)[1]
        rare = np.flatnonzero(counts < share_min * table.height)
        rare = rare[column.is_not_null().to_numpy()[first[rare]]]
        if len(rare):
            rare = rare[np.argsort(counts[rare], kind="stable")]
            rows = tuple(first[rare][: limits.rows_told_per_column_max].tolist())
            present = values - bool(column.null_count())
            affected = int(counts[rare].sum())
            found.append(RareColumn(column.name, present, len(rare), affected, rows))
    return RareCategories(table.height, share_min, tuple(found))


def _astray(column: pl.Series, method: Method, limits: QualityLimits) -> ColumnOutliers:
    values = numbers(column)
    known = values[~np.isnan(values)]
    low, high = _FENCES[method](known) if len(known) else (-np.inf, np.inf)
    beyond = np.fmax(np.fmax(low - values, values - high), 0)
    rows = np.flatnonzero(beyond > 0)
    rows = rows[np.argsort(-beyond[rows], kind="stable")]
    return ColumnOutliers(
        name=column.name,
        method=method,
        low=int((known < low).sum()),
        high=int((known > high).sum()),
        rows=tuple(rows[: limits.rows_told_per_column_max].tolist()),
    )


def _modified_z(values: Numbers) -> Fences:
    median = float(np.median(values))
    distances = np.abs(values - median)
    reach = _Z_MAX * float(np.median(distances)) / _MAD_TO_DEVIATION
    if not reach:
        reach = _Z_MAX * _MEAN_TO_DEVIATION * float(np.mean(distances))
    return median - reach, median + reach


def _iqr(values: Numbers) -> Fences:
    lower, upper = (float(each) for each in np.quantile(values, [0.25, 0.75]))
    reach = _IQR_FACTOR * (upper - lower)
    return lower - reach, upper + reach


_FENCES: dict[str, Callable[[Numbers], Fences]] = {"modified-z": _modified_z, "iqr": _iqr}
