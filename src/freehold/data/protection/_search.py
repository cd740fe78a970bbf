"""Find the least generalised plan that reaches k, greedily.

The search is that of Datafly (Sweeney 1997; 2002, "Achieving k-anonymity privacy protection using
generalization and suppression"): while more rows lie in small groups than may be suppressed,
generalise the column with the most different values by one level. It may overshoot, so it then goes
back: each column, the most different first, is lowered as far as k still holds. What is found can
not be lowered in any one column, but another combination may be less generalised: finding the best
is NP-hard (Meyerson and Williams 2004).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.data.errors import DataError
from freehold.data.protection._kinds import KNOWN, check_columns, check_kind, without_nan
from freehold.data.protection._limits import LIMITS
from freehold.data.protection._plain import Keep
from freehold.data.protection._plan import Plan, SmallGroups
from freehold.data.protection._transform import Given, Transform

_COUNT = "\0count"  # no reader gives such a name


@dataclass(frozen=True, slots=True)
class Generalisation:
    """What was found: the plan, the level of each column (0: as it was), and what it costs.

    The plan keeps other columns and removes small groups: `rows_suppressed` of `rows`.
    """

    plan: Plan
    levels: Mapping[str, int] = field(hash=False)
    rows: int
    rows_suppressed: int


def generalise_until(
    table: pl.DataFrame,
    hierarchies: Mapping[str, Sequence[Transform]],
    *,
    k: int,
    suppress_max: float = 0.0,
) -> Generalisation:
    """Find levels of `hierarchies` so that at most the share `suppress_max` of the rows lies in
    groups of fewer than `k`.

    Each column's hierarchy lists its transforms from the least to the most general; level 0, before
    the first, is the column as it is. Each must be a function of the one before: what one level
    joins, no later level parts. None may need a key. Missing values join others only at a level
    that fills them, such as `Replace("*", missing=True)`.

    Raises:
        DataError: data.column; data.value; data.hierarchy: a level that parts what the one before
            joined, too many, or one that needs a key or other columns; data.anonymity: the most
            general levels do not reach k; data.plan: no columns, or k under 2.
        ValueError: `suppress_max` outside 0 to 1.
    """
    if not 0 <= suppress_max <= 1:
        raise ValueError(f"a share lies between 0 and 1, got {suppress_max}")
    small_groups = SmallGroups(tuple(hierarchies), k)
    check_columns(table, hierarchies)
    lattice = _Lattice.build(table, hierarchies, k)
    allowed = int(suppress_max * table.height)
    levels = dict.fromkeys(hierarchies, 0)
    while lattice.below(levels) > allowed:
        higher = [name for name in levels if levels[name] < len(hierarchies[name])]
        if not higher:
            raise DataError(
                "data.anonymity",
                f"at the most general levels {lattice.below(levels)} of {table.height} rows lie in "
                f"groups of fewer than {k}; expected at most {allowed}",
                "add more general levels, lower k, or allow more rows to be suppressed",
            )
        levels[max(higher, key=lambda name: lattice.different(name, levels[name]))] += 1
    for name in sorted(levels, key=lambda name: -lattice.different(name, 0)):
        while levels[name] and lattice.below({**levels, name: levels[name] - 1}) <= allowed:
            levels[name] -= 1
    plan = Plan(
        {name: hierarchies[name][level - 1] if level else Keep() for name, level in levels.items()},
        others="keep",
        small_groups=small_groups,
    )
    return Generalisation(plan, levels, table.height, lattice.below(levels))


@dataclass(frozen=True, slots=True)
class _Lattice:
    """The different rows of the columns with their counts, and what each level makes of each value.

    `codes[name][level][v]` is the number of value `v` of the column at that level. A step of the
    search so groups the different rows by small numbers, and never the table again.
    """

    k: int
    rows: pl.DataFrame
    codes: Mapping[str, list[NDArray[np.uint32]]]

    @classmethod
    def build(
        cls, table: pl.DataFrame, hierarchies: Mapping[str, Sequence[Transform]], k: int
    ) -> _Lattice:
        names = list(hierarchies)
        counted = without_nan(table.select(names)).group_by(names).agg(pl.len().alias(_COUNT))
        codes, columns = {}, [counted.get_column(_COUNT).cast(pl.Int64)]
        for name in names:
            values = counted.get_column(name)
            check_kind(values, KNOWN, "a hierarchy")
            number = _numbers(values)
            first = pl.Series(number).arg_unique()
            distinct = values.gather(first)
            order = number[first.to_numpy()]
            codes[name] = _levels(distinct, order, hierarchies[name])
            columns.append(pl.Series(name, number))
        return cls(k, pl.DataFrame(columns), codes)

    def different(self, name: str, level: int) -> int:
        """How many different values a column has at a level."""
        return int(self.codes[name][level].max(initial=0)) + 1

    def below(self, levels: Mapping[str, int]) -> int:
        """How many rows lie in groups of fewer than k at these levels."""
        generalised = self.rows.with_columns(
            pl.Series(name, self.codes[name][level][self.rows.get_column(name).to_numpy()])
            for name, level in levels.items()
        )
        counts = generalised.group_by(list(levels)).agg(pl.col(_COUNT).sum()).get_column(_COUNT)
        return int(counts.filter(counts < self.k).sum())


def _numbers(values: pl.Series) -> NDArray[np.uint32]:
    """Number different values from 0, without a gap; a missing one is one of them."""
    ranks = (values.cast(pl.UInt8) if values.dtype == pl.Boolean else values).rank("dense")
    return (ranks if values.null_count() else ranks - 1).fill_null(0).cast(pl.UInt32).to_numpy()


def _levels(
    distinct: pl.Series, order: NDArray[np.uint32], hierarchy: Sequence[Transform]
) -> list[NDArray[np.uint32]]:
    """What each level makes of each different value, by its number in `order`."""
    name = distinct.name
    if len(hierarchy) > LIMITS.levels_max:
        _refuse(name, f"at most {LIMITS.levels_max} levels", f"{len(hierarchy)}")
    levels = [_by_number(distinct, order)]
    for transform in hierarchy:
        if transform.is_keyed or transform.others or transform.name == "drop":
            _refuse(name, "transforms without key that give a column", transform.name)
        check_kind(distinct, transform.takes, transform.name)
        levels.append(_by_number(transform.run(distinct, Given(distinct.to_frame())), order))
    for level, (finer, coarser) in enumerate(pairwise(levels), 1):
        pairs = len(np.unique(finer.astype(np.uint64) << np.uint64(32) | coarser))
        if pairs != len(np.unique(finer)):
            _refuse(name, "levels that each join what the one before joined", f"level {level}")
    return levels


def _by_number(cells: pl.Series, order: NDArray[np.uint32]) -> NDArray[np.uint32]:
    codes = np.zeros(int(order.max(initial=0)) + 1, dtype=np.uint32)
    codes[order] = _numbers(cells)
    return codes


def _refuse(name: str, expected: str, found: str) -> None:
    raise DataError(
        "data.hierarchy",
        f"the hierarchy of column {name!r:.80}: expected {expected}; found {found}",
        "order the transforms from the least to the most general",
    )
