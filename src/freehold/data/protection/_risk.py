"""How far a table's rows hide among each other, in counts: never a cell.

A group is the rows with equal values in all quasi-identifiers. A missing value, NaN included, is a
value like others there: missing ones match each other. Rows without a sensitive value are left out
of l-diversity and t-closeness and counted; a group with none of them tells nothing and is not
counted.

    k-anonymity   Samarati and Sweeney 1998; Sweeney 2002
    uniqueness    Sweeney 2000, "Simple Demographics Often Identify People Uniquely"
    l-diversity   Machanavajjhala, Kifer, Gehrke, Venkitasubramaniam 2007
    t-closeness   Li, Li, Venkatasubramanian 2007
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.data.errors import DataError
from freehold.data.protection._kinds import KNOWN, check_columns, check_kind, kind_of, without_nan
from freehold.data.protection._limits import LIMITS

_ORDERED = ("integer", "number", "date", "moment")
_ROUNDING = 1e-9  # what sums of 10^8 shares may be off; no group is told off for it
_COUNT, _SENSITIVE, _GROUP = "\0count", "\0sensitive", "\0group"  # no reader gives such names


class _Report:
    __slots__ = ()

    def as_json(self) -> dict[str, Any]:
        """The report as plain values, for `canonical`."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]  # each is a dataclass


@dataclass(frozen=True, slots=True)
class KAnonymity(_Report):
    """The table is `smallest`-anonymous. `below` is about groups of fewer than `k` rows.

    `sizes` is the histogram: pairs of a group's size and how many groups have it, ascending.
    """

    quasi: tuple[str, ...]
    k: int
    rows: int
    groups: int
    smallest: int
    rows_below: int
    groups_below: int
    sizes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Uniqueness(_Report):
    """How many rows are alone in their group over `columns`."""

    columns: tuple[str, ...]
    rows: int
    groups: int
    unique_rows: int


@dataclass(frozen=True, slots=True)
class LDiversity(_Report):
    """The least diversity of any group: `distinct` values, and `entropy` as the l that it reaches.

    `recursive` is the greatest l for which every group is recursively (c,l)-diverse, r1 < c·(rl +
    … + rm) over its counts in descending order; 0 if not even for l = 1. `rows_below` are those of
    groups that are not (c,l)-diverse for the `l` that was asked for. All are 0 without a group.
    """

    quasi: tuple[str, ...]
    sensitive: str
    l: int  # noqa: E741  # the name in the paper
    c: float
    rows: int
    rows_missing: int
    groups: int
    distinct: int
    entropy: float
    recursive: int
    rows_below: int
    groups_below: int


@dataclass(frozen=True, slots=True)
class TCloseness(_Report):
    """The greatest distance of any group's sensitive values from those of the whole table.

    `above` is about groups further away than the `t` that was asked for.
    """

    quasi: tuple[str, ...]
    sensitive: str
    distance: str
    t: float
    rows: int
    rows_missing: int
    groups: int
    greatest: float
    rows_above: int
    groups_above: int


def k_anonymity(table: pl.DataFrame, quasi: Sequence[str], *, k: int) -> KAnonymity:
    """Count the groups over `quasi` and those of fewer than `k` rows.

    Raises:
        DataError: data.column: no columns, one twice, or one that is not there.
        ValueError: k under 1.
    """
    if k < 1:
        raise ValueError(f"k is 1 or more, got {k}")
    counts = _group(table, quasi).get_column(_COUNT)
    below = counts.filter(counts < k)
    sizes = counts.value_counts(name="groups").sort(_COUNT)
    return KAnonymity(
        quasi=tuple(quasi),
        k=k,
        rows=table.height,
        groups=len(counts),
        smallest=_whole(counts.min()),
        rows_below=_whole(below.sum()),
        groups_below=len(below),
        sizes=tuple(sizes.iter_rows()),
    )


def uniqueness(
    table: pl.DataFrame, quasi: Sequence[str], *, columns_max: int | None = None
) -> tuple[Uniqueness, ...]:
    """Count the unique rows for each combination of `quasi` of up to `columns_max` columns.

    Combinations come by size, then in the order of `quasi`.

    Raises:
        DataError: data.column: no columns, one twice, or one that is not there.
        ValueError: more combinations than are counted, or `columns_max` under 1.
    """
    largest = len(quasi) if columns_max is None else min(columns_max, len(quasi))
    wanted = sum(math.comb(len(quasi), size) for size in range(1, largest + 1))
    if largest < 1 <= len(quasi) or wanted > LIMITS.combinations_max:
        raise ValueError(f"1 to {LIMITS.combinations_max} combinations are counted, got {wanted}")
    groups = _group(table, quasi)  # the rows once; every combination groups these groups
    found = []
    for size in range(1, largest + 1):
        for columns in combinations(quasi, size):
            counts = groups.group_by(columns).agg(pl.col(_COUNT).sum()).get_column(_COUNT)
            found.append(
                Uniqueness(columns, table.height, len(counts), _whole((counts == 1).sum()))
            )
    return tuple(found)


def l_diversity(
    table: pl.DataFrame,
    quasi: Sequence[str],
    sensitive: str,
    *,
    l: int = 2,  # noqa: E741  # the name in the paper
    c: float = 1.0,
) -> LDiversity:
    """Measure the least diversity of `sensitive` within the groups over `quasi`.

    Raises:
        DataError: data.column: as `k_anonymity`, or a sensitive column among `quasi`.
        ValueError: l under 1, or c that is not above 0.
    """
    if l < 1 or not c > 0:
        raise ValueError(f"l is 1 or more and c above 0, got {l} and {c}")
    cells = _cells(table, quasi, sensitive).sort(_GROUP, _COUNT, descending=[False, True])
    count = cells.get_column(_COUNT).to_numpy().astype(np.int64)
    starts, sizes, rows = _runs(cells, count)
    share = count / np.repeat(rows, sizes)
    entropies = np.add.reduceat(-share * np.log(share), starts)
    depths = _recursive(count, starts, c)
    below = depths < l
    return LDiversity(
        quasi=tuple(quasi),
        sensitive=sensitive,
        l=l,
        c=c,
        rows=table.height,
        rows_missing=table.height - int(count.sum()),
        groups=len(starts),
        distinct=int(_least(sizes)),
        entropy=float(np.exp(_least(entropies))) if len(starts) else 0.0,
        recursive=int(_least(depths)),
        rows_below=int(rows[below].sum()),
        groups_below=int(below.sum()),
    )


def t_closeness(
    table: pl.DataFrame,
    quasi: Sequence[str],
    sensitive: str,
    *,
    t: float = 0.2,
    distance: Literal["equal", "ordered"] | None = None,
) -> TCloseness:
    """Measure how far the sensitive values of each group lie from those of the whole table.

    The earth mover's distance, 0 to 1: with the `equal` distance between values half the sum of
    differences of shares; with the `ordered` distance, by rank over the different values of the
    table, the sum of differences of cumulated shares over m - 1. By default numbers and dates are
    ordered and others equal.

    Raises:
        DataError: data.column: as `l_diversity`.
        ValueError: t outside 0 to 1.
    """
    if not 0 <= t <= 1:
        raise ValueError(f"t lies between 0 and 1, got {t}")
    cells = _cells(table, quasi, sensitive)
    chosen = distance or ("ordered" if _is_ordered(table, sensitive) else "equal")
    ranks = cells.get_column(_SENSITIVE).rank("dense").cast(pl.Int64) - 1
    cells = cells.with_columns(ranks.alias(_SENSITIVE)).sort(_GROUP, _SENSITIVE)
    count = cells.get_column(_COUNT).to_numpy().astype(np.int64)
    rank = cells.get_column(_SENSITIVE).to_numpy()
    starts, sizes, rows = _runs(cells, count)
    overall = np.bincount(rank, weights=count) / max(1, count.sum())
    share = count / np.repeat(rows, sizes)
    work = _ordered_distances if chosen == "ordered" else _equal_distances
    distances = work(share, rank, starts=starts, overall=overall)
    above = distances > t + _ROUNDING
    return TCloseness(
        quasi=tuple(quasi),
        sensitive=sensitive,
        distance=chosen,
        t=t,
        rows=table.height,
        rows_missing=table.height - int(count.sum()),
        groups=len(starts),
        greatest=float(distances.max(initial=0.0)),
        rows_above=int(rows[above].sum()),
        groups_above=int(above.sum()),
    )


def _group(table: pl.DataFrame, quasi: Sequence[str]) -> pl.DataFrame:
    if not quasi or len(set(quasi)) != len(quasi):
        raise DataError(
            "data.column",
            f"{len(quasi)} quasi-identifiers, {len(set(quasi))} different; "
            "expected at least one, each once",
            "name the columns that others may know of a person",
        )
    check_columns(table, quasi)
    groups = without_nan(table.select(quasi)).group_by(quasi)
    return groups.agg(pl.len().cast(pl.Int64).alias(_COUNT))


def _cells(table: pl.DataFrame, quasi: Sequence[str], sensitive: str) -> pl.DataFrame:
    """Number the groups and count each sensitive value within each; missing ones are left out."""
    check_columns(table, [*quasi, sensitive])
    check_kind(table.get_column(sensitive), KNOWN, "a sensitive column")
    if sensitive in quasi:
        raise DataError(
            "data.column",
            f"the sensitive column {sensitive!r:.80} is a quasi-identifier as well",
            "a group has only one value of each quasi-identifier; leave it out of them",
        )
    renamed = table.select(*quasi, pl.col(sensitive).alias(_SENSITIVE))
    counted = _group(renamed, [*quasi, _SENSITIVE]).drop_nulls(_SENSITIVE)
    groups = counted.group_by(quasi).agg(_SENSITIVE, _COUNT).with_row_index(_GROUP)
    return groups.select(_GROUP, _SENSITIVE, _COUNT).explode(_SENSITIVE, _COUNT)


def _runs(
    cells: pl.DataFrame, count: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
    """Where each group starts in cells that are sorted by group, how many cells and rows it has."""
    group = cells.get_column(_GROUP).to_numpy()
    starts = np.flatnonzero(np.diff(group, prepend=-1.0))
    sizes = np.diff(starts, append=len(group))
    rows = np.add.reduceat(count, starts) if len(starts) else count[:0]
    return starts, sizes, rows


def _recursive(count: NDArray[np.int64], starts: NDArray[np.intp], c: float) -> NDArray[np.int64]:
    """The greatest l of each group with r1 < c·(rl + … + rm), its counts in descending order.

    The tail falls as l grows, so it is the number of tails that are great enough.
    """
    sizes = np.diff(starts, append=len(count))
    rows = np.add.reduceat(count, starts)
    before = np.cumsum(count) - count
    tails = np.repeat(rows + before[starts], sizes) - before
    reached = np.repeat(count[starts], sizes) < c * tails
    return np.add.reduceat(reached.astype(np.int64), starts)


def _equal_distances(
    share: NDArray[np.float64],
    rank: NDArray[np.int64],
    *,
    starts: NDArray[np.intp],
    overall: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Half of Σ|p - q|. Of the values that a group lacks, |p - q| is q: what is left of 1."""
    there = overall[rank]
    return (1 + np.add.reduceat(np.abs(share - there) - there, starts)) / 2


def _ordered_distances(
    share: NDArray[np.float64],
    rank: NDArray[np.int64],
    *,
    starts: NDArray[np.intp],
    overall: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Σ|P - Q| / (m - 1) over the ranks, P and Q cumulated.

    P is constant between two ranks that a group has, and Q ascends: the sum over such a stretch
    follows from sums of Q up to where it passes P. So the work is one step for each cell, not for
    each group and value.
    """
    values = len(overall)
    if values < 2:
        return np.zeros(len(starts))
    cumulated = np.cumsum(overall)
    sums = np.concatenate(([0.0], np.cumsum(cumulated)))
    sizes = np.diff(starts, append=len(rank))
    running = np.cumsum(share)
    level = running - np.repeat(running[starts] - share[starts], sizes)
    ends = np.append(rank[1:], values)
    ends[starts[1:] - 1] = values
    crossing = np.clip(np.searchsorted(cumulated, level), rank, ends)
    under = level * (crossing - rank) - (sums[crossing] - sums[rank])
    over = (sums[ends] - sums[crossing]) - level * (ends - crossing)
    ahead = sums[rank[starts]]  # before its first value a group has P = 0
    return (np.add.reduceat(under + over, starts) + ahead) / (values - 1)


def _is_ordered(table: pl.DataFrame, column: str) -> bool:
    return kind_of(table.schema[column]) in _ORDERED


def _least(values: NDArray[np.generic]) -> Any:
    return values.min() if len(values) else 0


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int) else 0
