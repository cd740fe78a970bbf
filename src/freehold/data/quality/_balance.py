"""How rows are shared out: between the classes of a label, and between groups of persons.

No value of a cell is held: a class or group is told by its count and by the first row that has it,
so that only who may read the table can learn its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from freehold.data.errors import DataError
from freehold.data.quality._columns import named
from freehold.data.quality._groups import fold_equal
from freehold.data.quality._limits import DEFAULT_QUALITY_LIMITS, QualityLimits

_COLUMNS_MAX = 8  # 255 combinations of columns; each is counted


@dataclass(frozen=True, slots=True)
class Group:
    """The rows that have the same values: the first of them (from 0), and how many they are."""

    first_row: int
    rows: int
    share: float


@dataclass(frozen=True, slots=True)
class ClassBalance:
    """The classes of one column, the largest first; rows without a label have no class.

    `evenness` is the entropy of the classes over that of equal ones (Pielou): 1 where all are
    equal, toward 0 where one has nearly all. `ratio` is the largest class over the smallest.
    """

    column: str
    rows: int
    missing: int
    classes: tuple[Group, ...]
    evenness: float
    ratio: float

    def as_json(self, *, limits: QualityLimits = DEFAULT_QUALITY_LIMITS) -> dict[str, Any]:
        """Counts, shares and row numbers; of very many classes the smallest are left out."""
        return asdict(self) | {
            "class_count": len(self.classes),
            "classes": [asdict(each) for each in self.classes[: limits.classes_told_max]],
        }


@dataclass(frozen=True, slots=True)
class GroupCoverage:
    """The groups that some columns form, the smallest first, and the combinations with no rows.

    `absent` counts combinations of values that occur apart and never together.
    """

    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    absent: int

    @property
    def smallest(self) -> Group:
        """The group with the fewest rows."""
        return self.groups[0]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many rows each group has, for each named column and each combination of them.

    `below` counts over all combinations the groups with fewer than `rows_min` rows.
    """

    rows: int
    rows_min: int
    coverages: tuple[GroupCoverage, ...]

    @property
    def below(self) -> int:
        """How many groups have too few rows to say anything of them."""
        return sum(g.rows < self.rows_min for each in self.coverages for g in each.groups)

    def as_json(self, *, limits: QualityLimits = DEFAULT_QUALITY_LIMITS) -> dict[str, Any]:
        """Counts, shares, column names and row numbers; of many groups the largest are left out."""
        each_max = max(1, limits.classes_told_max // len(self.coverages))
        return {
            "rows": self.rows,
            "rows_min": self.rows_min,
            "below": self.below,
            "coverages": [
                {
                    "columns": list(each.columns),
                    "group_count": len(each.groups),
                    "absent": each.absent,
                    "groups": [asdict(group) for group in each.groups[:each_max]],
                }
                for each in self.coverages
            ],
        }


def class_balance(table: pl.DataFrame, target: str) -> ClassBalance:
    """Count the classes of the column `target`.

    Raises:
        DataError: no such column, or no row with a label.
    """
    labels = named(table, [target])
    is_labelled = labels.to_series().is_not_null().to_numpy()
    groups = [group for group in _groups(labels) if is_labelled[group.first_row]]
    if not groups:
        raise DataError(
            "data.too_few_rows", f"column {target!r:.80} has no value", "add rows with a label"
        )
    counts = np.array([group.rows for group in groups])
    shares = counts / counts.sum()
    entropy = float(-(shares * np.log(shares)).sum())
    return ClassBalance(
        column=target,
        rows=table.height,
        missing=table.height - int(counts.sum()),
        classes=tuple(sorted(groups, key=lambda group: (-group.rows, group.first_row))),
        evenness=entropy / float(np.log(len(groups))) if len(groups) > 1 else 0.0,
        ratio=float(counts.max() / counts.min()),
    )


def coverage(table: pl.DataFrame, columns: Sequence[str], *, rows_min: int = 30) -> Coverage:
    """Count the rows of each group of each column, and of each combination of the columns.

    A missing value is a group of its own. Below 30 rows a share is known to no better than 18
    points either way (the normal approximation of a binomial share of one half).

    Raises:
        DataError: a column that the table does not have, or no rows.
        ValueError: no column, one twice, or more than 8.
    """
    if not 0 < len(columns) <= _COLUMNS_MAX or len(set(columns)) < len(columns):
        raise ValueError(f"expected 1 to {_COLUMNS_MAX} different columns, got {len(columns)}")
    chosen = named(table, columns)
    if not table.height:
        raise DataError("data.too_few_rows", "no rows; expected at least one", "add rows")
    values = {name: chosen[name].n_unique() for name in columns}
    found = []
    for size in range(1, len(columns) + 1):
        for names in combinations(columns, size):
            groups = sorted(_groups(chosen.select(names)), key=lambda g: (g.rows, g.first_row))
            possible = int(np.prod([values[name] for name in names], dtype=object))
            found.append(GroupCoverage(names, tuple(groups), possible - len(groups)))
    return Coverage(table.height, rows_min, tuple(found))


def _groups(columns: pl.DataFrame) -> list[Group]:
    firsts, positions = fold_equal(columns)
    counts = np.bincount(positions, minlength=len(firsts))
    return [
        Group(first, count, count / columns.height)
        for first, count in zip(firsts.tolist(), counts.tolist(), strict=True)
    ]
