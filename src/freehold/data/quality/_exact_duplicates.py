"""Rows that equal an earlier one in every cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from freehold.data.quality._groups import RowGroup, fold_equal, gather, groups_as_json
from freehold.data.quality._limits import DEFAULT_QUALITY_LIMITS, QualityLimits


@dataclass(frozen=True, slots=True, eq=False)
class ExactDuplicates:
    """Groups of equal rows, the largest first; rows in no group are not told."""

    rows: int
    groups: tuple[RowGroup, ...]

    @property
    def redundant(self) -> int:
        """How many rows would go if each group kept one."""
        return sum(len(group.rows) - 1 for group in self.groups)

    def as_json(self, *, limits: QualityLimits = DEFAULT_QUALITY_LIMITS) -> dict[str, Any]:
        """Counts, and of the largest groups the first row numbers."""
        return {
            "rows": self.rows,
            "redundant": self.redundant,
            **groups_as_json(self.groups, limits),
        }


def exact_duplicates(table: pl.DataFrame) -> ExactDuplicates:
    """Group the rows that are equal in every cell; a missing cell equals a missing cell.

    Raises:
        ValueError: a table without columns.
    """
    if not table.width:
        raise ValueError("a table without columns has no rows to compare")
    kept, positions = fold_equal(table)
    return ExactDuplicates(
        table.height, gather(positions, np.ones(len(kept)), np.arange(table.height))
    )
