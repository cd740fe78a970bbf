"""Groups of rows: how they are joined, gathered and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.data.quality._limits import QualityLimits

Rows = NDArray[np.int64]
Similarities = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RowGroup:
    """Rows that repeat each other, ascending, counted from 0; 1 means equal."""

    rows: Rows
    similarity: float

    def as_json(self, *, rows_max: int) -> dict[str, Any]:
        """The size, the similarity and the first row numbers."""
        return {
            "size": len(self.rows),
            "similarity": round(self.similarity, 4),
            "rows": self.rows[:rows_max].tolist(),
        }


def groups_as_json(groups: Sequence[RowGroup], limits: QualityLimits) -> dict[str, Any]:
    """How many groups there are, and the largest of them."""
    return {
        "group_count": len(groups),
        "groups": [
            group.as_json(rows_max=limits.rows_told_per_group_max)
            for group in groups[: limits.groups_told_max]
        ],
    }


def fold_equal(table: pl.DataFrame) -> tuple[Rows, Rows]:
    """The first row of each content, and for every row the position of its content among them.

    A missing cell equals a missing cell.
    """
    names = [f"c{number}" for number in range(table.width)]
    rows = table.rename(dict(zip(table.columns, names, strict=True))).with_row_index("row")
    firsts = rows.unique(subset=names, keep="first", maintain_order=True)
    kept = firsts["row"].cast(pl.Int64).to_numpy()
    if len(kept) == table.height:
        return kept, kept
    told = firsts.select(*names, pl.int_range(pl.len(), dtype=pl.Int64).alias("position"))
    joined = rows.join(told, on=names, how="left", nulls_equal=True, maintain_order="left")
    return kept, joined["position"].to_numpy()


def merge(labels: Rows, pairs: Rows) -> Rows:
    """Join the groups of each pair of rows; a group's label is the least of its rows.

    Labels are lowered along the pairs and then followed to their ends, until nothing changes.
    """
    if not len(pairs):
        return labels
    labels = labels.copy()
    while True:
        left, right = labels[pairs[:, 0]], labels[pairs[:, 1]]
        differs = left != right
        if not differs.any():
            return labels
        left, right = left[differs], right[differs]
        np.minimum.at(labels, np.maximum(left, right), np.minimum(left, right))
        while True:
            followed = labels[labels]
            if np.array_equal(followed, labels):
                break
            labels = followed


def gather(labels: Rows, similarities: Similarities, rows: Rows) -> tuple[RowGroup, ...]:
    """The groups of two rows or more, the largest first.

    `labels` and `rows` tell of each row its group and its number; `similarities` of each group.
    """
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(order) else order
    sizes = np.diff(np.r_[starts, len(order)])
    several = np.flatnonzero(sizes > 1)
    several = several[np.argsort(-sizes[several], kind="stable")]
    return tuple(
        RowGroup(rows[order[start : start + size]], float(similarities[ordered[start]]))
        for start, size in zip(starts[several].tolist(), sizes[several].tolist(), strict=True)
    )
