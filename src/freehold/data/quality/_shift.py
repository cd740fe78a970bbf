"""How far the columns of a table have moved between two versions of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.data.errors import DataError
from freehold.data.quality._columns import codes, is_numeric, numbers

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]

_BINS = 10  # tenths of the older version, as the index is usually taken
_CATEGORIES_MAX = 50  # the rest counts as one: seldom values would make the index of their noise
_HALF_ROW = 0.5  # added to each count, so that an empty bin makes no infinite index
_SERIES_TERMS = 100  # of the Kolmogorov distribution; the last ones vanish


@dataclass(frozen=True, slots=True)
class ColumnShift:
    """One column that both versions have.

    `stability_index` is the population stability index: below 0.1 little has moved, above 0.25 much
    (Siddiqi, 2006, Credit Risk Scorecards). Numbers have the Kolmogorov-Smirnov distance and how
    probable one as large is without any shift; categories have the total variation, the share of
    rows that would have to change theirs. Missing values count in the index and the variation.
    """

    name: str
    kind: str
    missing_before: int
    missing_after: int
    stability_index: float
    ks: float | None = None
    ks_p: float | None = None
    variation: float | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """Two versions of a table: the columns of both, the most shifted first, and of one alone."""

    rows_before: int
    rows_after: int
    columns: tuple[ColumnShift, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    kind_changed: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Measures and column names."""
        return {
            "rows_before": self.rows_before,
            "rows_after": self.rows_after,
            "columns": [_rounded(asdict(column)) for column in self.columns],
            "added": list(self.added),
            "removed": list(self.removed),
            "kind_changed": list(self.kind_changed),
        }


def shift(before: pl.DataFrame, after: pl.DataFrame) -> Shift:
    """Measure each column that both versions have in the same kind.

    Integers and fractions are one kind, and so are categories of every other type.

    Raises:
        DataError: a version without rows.
    """
    for version, table in (("older", before), ("newer", after)):
        if not table.height:
            raise DataError(
                "data.too_few_rows",
                f"the {version} version has no rows",
                "compare tables with rows",
            )
    both = [name for name in before.columns if name in after.columns]
    same = [name for name in both if _kind(before[name]) == _kind(after[name])]
    found = [_column_shift(before[name], after[name]) for name in same]
    return Shift(
        rows_before=before.height,
        rows_after=after.height,
        columns=tuple(sorted(found, key=lambda column: -column.stability_index)),
        added=tuple(name for name in after.columns if name not in both),
        removed=tuple(name for name in before.columns if name not in both),
        kind_changed=tuple(name for name in both if name not in same),
    )


def _kind(column: pl.Series) -> str:
    if column.dtype.is_temporal():
        return str(column.dtype.base_type())
    return "number" if is_numeric(column) else "category"


def _column_shift(before: pl.Series, after: pl.Series) -> ColumnShift:
    if _kind(before) == "category":
        return _category_shift(before, after)
    older, newer = numbers(before), numbers(after)
    older_known, newer_known = older[~np.isnan(older)], newer[~np.isnan(newer)]
    edges = older_known[:0]
    if len(older_known):
        edges = np.unique(np.quantile(older_known, np.arange(1, _BINS) / _BINS))
    counts = [
        np.append(np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1), missing)
        for known, missing in (
            (older_known, len(older) - len(older_known)),
            (newer_known, len(newer) - len(newer_known)),
        )
    ]
    ks = _ks(older_known, newer_known) if len(older_known) and len(newer_known) else None
    return ColumnShift(
        name=before.name,
        kind="number",
        missing_before=int(counts[0][-1]),
        missing_after=int(counts[1][-1]),
        stability_index=_stability_index(*counts),
        ks=ks,
        ks_p=None if ks is None else _ks_probability(ks, len(older_known), len(newer_known)),
    )


def _category_shift(before: pl.Series, after: pl.Series) -> ColumnShift:
    older, newer = codes(before, after)
    size = int(max(older.max(), newer.max())) + 1
    old_counts, new_counts = np.bincount(older, minlength=size), np.bincount(newer, minlength=size)
    variation = np.abs(old_counts / len(older) - new_counts / len(newer)).sum() / 2
    order = np.argsort(-old_counts, kind="stable")
    kept, rest = order[:_CATEGORIES_MAX], order[_CATEGORIES_MAX:]
    return ColumnShift(
        name=before.name,
        kind="category",
        missing_before=before.null_count(),
        missing_after=after.null_count(),
        stability_index=_stability_index(
            np.append(old_counts[kept], old_counts[rest].sum()),
            np.append(new_counts[kept], new_counts[rest].sum()),
        ),
        variation=float(variation),
    )


def _stability_index(before: Codes, after: Codes) -> float:
    occurs = (before > 0) | (after > 0)
    expected, actual = before[occurs] + _HALF_ROW, after[occurs] + _HALF_ROW
    expected, actual = expected / expected.sum(), actual / actual.sum()
    return float(((actual - expected) * np.log(actual / expected)).sum())


def _ks(before: Numbers, after: Numbers) -> float:
    """The largest distance between the two cumulative shares."""
    before, after = np.sort(before), np.sort(after)
    at = np.concatenate([before, after])
    below_before = np.searchsorted(before, at, side="right") / len(before)
    below_after = np.searchsorted(after, at, side="right") / len(after)
    return float(np.abs(below_before - below_after).max())


def _ks_probability(distance: float, before: int, after: int) -> float:
    """The asymptotic probability, with the correction for few rows of Stephens (1970)."""
    root = float(np.sqrt(before / (before + after) * after))
    scaled = (root + 0.12 + 0.11 / root) * distance
    if scaled < 0.2:  # 1 to twelve digits, where the series does not converge
        return 1.0
    terms = np.arange(1, _SERIES_TERMS + 1)
    series = 2 * ((-1.0) ** (terms - 1) * np.exp(-2 * (terms * scaled) ** 2)).sum()
    return float(np.clip(series, 0, 1))


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 6) if isinstance(value, float) else value
        for name, value in values.items()
        if value is not None
    }
