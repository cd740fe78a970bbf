"""Which rows two versions of a table do not share, by a key or by their content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.data.errors import DataError
from freehold.data.quality._columns import codes, named
from freehold.data.quality._groups import fold_equal
from freehold.data.quality._limits import DEFAULT_QUALITY_LIMITS, QualityLimits

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """The rows, counted from 0, by which two versions differ.

    `added` are rows of the newer version, `removed` of the older, `changed` pairs of both (older,
    newer) with one key and other content. `changed_columns` says how many rows changed in which
    column. Only columns that both versions have are compared; without a key no row is changed.
    """

    rows_before: int
    rows_after: int
    key: tuple[str, ...]
    added: Rows
    removed: Rows
    changed: Rows
    changed_columns: dict[str, int]
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]

    def as_json(self, *, limits: QualityLimits = DEFAULT_QUALITY_LIMITS) -> dict[str, Any]:
        """Counts, column names and the first row numbers."""
        told = limits.rows_told_max
        return {
            "rows_before": self.rows_before,
            "rows_after": self.rows_after,
            "key": list(self.key),
            "added": len(self.added),
            "removed": len(self.removed),
            "changed": len(self.changed),
            "added_rows": self.added[:told].tolist(),
            "removed_rows": self.removed[:told].tolist(),
            "changed_rows": self.changed[:told].tolist(),
            "changed_columns": dict(self.changed_columns),
            "columns_added": list(self.columns_added),
            "columns_removed": list(self.columns_removed),
        }


def difference(before: pl.DataFrame, after: pl.DataFrame, *, key: Sequence[str] = ()) -> Difference:
    """Compare two versions: by the columns `key`, which name a row, or else by whole rows.

    By content, a row that occurs three times before and five times after was added twice. The
    order of rows never counts. A column that changed its kind is compared as text, integers with
    fractions as floats.

    Raises:
        DataError: a key column that a version lacks, a key that is missing or occurs twice, or
            versions with no column in common.
    """
    both = [name for name in before.columns if name in after.columns]
    for table in (before, after):
        named(table, key)
    if not both:
        raise DataError(
            "data.column", "the versions have no column in common", "compare versions of one table"
        )
    older, newer = _positions(before.select(both), after.select(both))
    if key:
        older_key, newer_key = _positions(before.select(key), after.select(key))
        _check_key(before.select(key), older_key, "older")
        _check_key(after.select(key), newer_key, "newer")
        added, removed, changed = _by_key(older_key, newer_key, older=older, newer=newer)
    else:
        added, removed = _surplus(newer, older), _surplus(older, newer)
        changed = np.empty((0, 2), dtype=np.int64)
    return Difference(
        rows_before=before.height,
        rows_after=after.height,
        key=tuple(key),
        added=added,
        removed=removed,
        changed=changed,
        changed_columns=_changed_columns(before.select(both), after.select(both), changed),
        columns_added=tuple(name for name in after.columns if name not in both),
        columns_removed=tuple(name for name in before.columns if name not in both),
    )


def _positions(before: pl.DataFrame, after: pl.DataFrame) -> tuple[Rows, Rows]:
    """The same number for the same content, in both versions."""
    coded = [codes(before[name], after[name]) for name in before.columns]
    together = pl.DataFrame({str(n): np.concatenate(parts) for n, parts in enumerate(coded)})
    positions = fold_equal(together)[1]
    return positions[: before.height], positions[before.height :]


def _check_key(keys: pl.DataFrame, positions: Rows, version: str) -> None:
    for name in keys.columns:
        missing = keys[name].is_null().arg_true()
        if len(missing):
            raise DataError(
                "data.key",
                f"the key {name!r:.80} is missing at row index {missing[0]} of the "
                f"{version} version",
                "name a key that every row has, or compare by content",
            )
    firsts = np.unique(positions, return_index=True)[1]
    if len(firsts) < len(positions):
        repeated = np.setdiff1d(np.arange(len(positions)), firsts)[0]
        raise DataError(
            "data.key",
            f"the key at row index {repeated} of the {version} version occurs before it",
            "name columns that together tell rows apart, or compare by content",
        )


def _by_key(
    older_key: Rows, newer_key: Rows, *, older: Rows, newer: Rows
) -> tuple[Rows, Rows, Rows]:
    size = int(max(older_key.max(initial=-1), newer_key.max(initial=-1))) + 1
    at = np.full(size, -1, dtype=np.int64)
    at[older_key] = np.arange(len(older_key))
    matching = at[newer_key]
    kept = np.flatnonzero(matching >= 0)
    changed = kept[older[matching[kept]] != newer[kept]]
    return (
        np.flatnonzero(matching < 0),
        np.setdiff1d(np.arange(len(older_key)), matching[kept]),
        np.stack([matching[changed], changed], axis=1),
    )


def _surplus(rows: Rows, others: Rows) -> Rows:
    """The rows whose content has occurred as often before them as among the others."""
    size = int(max(rows.max(initial=-1), others.max(initial=-1))) + 1
    allowed = np.bincount(others, minlength=size)
    order = np.argsort(rows, kind="stable")
    starts = np.cumsum(np.bincount(rows, minlength=size))[rows[order]]
    starts -= np.bincount(rows, minlength=size)[rows[order]]
    occurrence = np.arange(len(rows)) - starts
    return np.sort(order[occurrence >= allowed[rows[order]]])


def _changed_columns(before: pl.DataFrame, after: pl.DataFrame, changed: Rows) -> dict[str, int]:
    counts = {}
    for name in before.columns:
        older, newer = codes(before[name].gather(changed[:, 0]), after[name].gather(changed[:, 1]))
        count = int((older != newer).sum())
        if count:
            counts[name] = count
    return counts
