"""Rows that repeat others, exactly or nearly, in time that grows with the rows and no faster.

Rows that are equal once evened out are folded into one first. The rest meet in the buckets of
`_sketch`; each pair that meets is compared exactly, by the Jaccard similarity of its sets of
tokens, so that no group rests on an estimate alone. Within a bucket a row is compared with its
first and with a few before it, never with all: a million rows in one bucket make millions of pairs,
not billions. What the sketches can miss is a pair, never a truth about one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.data.errors import DataError
from freehold.data.quality._groups import (
    RowGroup,
    Rows,
    Similarities,
    fold_equal,
    gather,
    groups_as_json,
    merge,
)
from freehold.data.quality._limits import DEFAULT_QUALITY_LIMITS, QualityLimits
from freehold.data.quality._sketch import bucket, cuts, sketch, slots_per_band
from freehold.data.quality._tokens import (
    Tokens,
    cells,
    check_seed,
    distinct,
    even_out,
    shingles,
)

_THRESHOLD_MIN = 0.5  # below it most pairs of sentences meet, and few are repetitions
_CHARACTERS_MAX = 64  # a longer run is the text itself


@dataclass(frozen=True, slots=True, eq=False)
class NearDuplicates:
    """Groups of rows that repeat each other, the largest first; rows in no group are not told.

    A group holds together by pairs that are each at least as similar as `threshold`; two of its
    rows may be less similar than that to each other. `missing` rows have no text and no group.
    """

    rows: int
    missing: int
    threshold: float
    groups: tuple[RowGroup, ...]

    @property
    def redundant(self) -> int:
        """How many rows would go if each group kept one."""
        return sum(len(group.rows) - 1 for group in self.groups)

    def as_json(self, *, limits: QualityLimits = DEFAULT_QUALITY_LIMITS) -> dict[str, Any]:
        """Counts, and of the largest groups the first row numbers."""
        return {
            "rows": self.rows,
            "missing": self.missing,
            "threshold": self.threshold,
            "redundant": self.redundant,
            **groups_as_json(self.groups, limits),
        }


def near_duplicates(
    texts: pl.Series,
    *,
    threshold: float = 0.8,
    characters: int = 5,
    seed: int = 0,
    limits: QualityLimits = DEFAULT_QUALITY_LIMITS,
) -> NearDuplicates:
    """Group texts that are nearly the same: alike in `threshold` of their runs of `characters`.

    Case and white space do not count. Five characters are what Leskovec, Rajaraman and Ullman
    (Mining of Massive Datasets, 3.2) advise for short texts.

    Raises:
        DataError: a column of another kind than text.
        ValueError: a threshold outside 0.5 to 1, a run outside 2 to 64, or a seed over 32 bits.
    """
    _check(threshold, seed)
    if not 2 <= characters <= _CHARACTERS_MAX:
        raise ValueError(f"a run has 2 to {_CHARACTERS_MAX} characters, got {characters}")
    if texts.dtype != pl.String:
        raise DataError(
            "data.column", "near duplicates of texts need a column of text", "name another column"
        )
    evened = even_out(texts).alias("content")
    present = evened.is_not_null().arg_true().cast(pl.Int64).to_numpy()
    kept, repeats = fold_equal(evened.drop_nulls().to_frame())
    unique = evened.gather(present[kept])
    sizes = unique.str.len_chars().to_numpy().astype(np.int64) - (characters - 1)
    search = _Search(
        shingles(unique, characters=characters, seed=seed),
        sizes=np.maximum(sizes, 1),
        threshold=threshold,
        limits=limits,
    )
    labels, similarities = search.links(seed)
    return NearDuplicates(
        rows=len(texts),
        missing=len(texts) - len(present),
        threshold=threshold,
        groups=gather(labels[repeats], similarities, present),
    )


def near_duplicate_rows(
    table: pl.DataFrame,
    *,
    threshold: float = 0.8,
    seed: int = 0,
    limits: QualityLimits = DEFAULT_QUALITY_LIMITS,
) -> NearDuplicates:
    """Group rows that agree in most of their cells.

    Similarity is Jaccard's over cells: of 15 columns, rows that agree in 14 are 14/16 alike.

    Raises:
        ValueError: a table without columns, a threshold outside 0.5 to 1, or a seed over 32 bits.
    """
    _check(threshold, seed)
    if not table.width:
        raise ValueError("a table without columns has no rows to compare")
    kept, repeats = fold_equal(table)
    unique = table[kept]
    search = _Search(
        cells(unique, seed=seed),
        sizes=np.full(unique.height, table.width, dtype=np.int64),
        threshold=threshold,
        limits=limits,
    )
    labels, similarities = search.links(seed)
    return NearDuplicates(
        rows=table.height,
        missing=0,
        threshold=threshold,
        groups=gather(labels[repeats], similarities, np.arange(table.height)),
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """One search through rows that all differ."""

    tokens: Tokens
    sizes: Rows
    threshold: float
    limits: QualityLimits

    def links(self, seed: int) -> tuple[Rows, Similarities]:
        """Each row's group (its least row), and by that row the least similarity that joins it.

        Rows are joined band by band; what is joined already, or was refused, is not compared again.
        """
        labels = np.arange(len(self.sizes))
        least = np.ones(len(labels))
        refused = labels[:0]
        sketches = sketch(
            self.tokens,
            self.sizes,
            slots=slots_per_band(self.threshold),
            chunk_tokens=self.limits.chunk_tokens,
            seed=seed,
        )
        for keys in sketches.keys:
            for pairs in self._meetings(*bucket(keys)):
                fresh = _fresh(pairs, labels, refused)
                likely = fresh[sketches.may_be_alike(fresh, self.threshold)]
                alike = self._similarities(likely)
                links = likely[alike >= self.threshold]
                np.minimum.at(least, links[:, 0], alike[alike >= self.threshold])
                labels = merge(labels, links)
                refused = np.append(refused, _keys(likely[alike < self.threshold], len(labels)))
        of_group = np.ones(len(labels))
        np.minimum.at(of_group, labels, least)
        return labels, of_group

    def _meetings(self, rows: Rows, begins: NDArray[np.bool_]) -> Iterator[Rows]:
        """Pairs from the buckets: each row with the first of its own, then with those before it.

        The first come alone, for what they join (all of a million near-equal rows) needs no more.
        """
        number = np.cumsum(begins) - 1
        yield np.stack([rows[np.flatnonzero(begins)[number]], rows], axis=1)
        pairs = []
        for back in range(1, self.limits.neighbours_max + 1):
            same = np.flatnonzero(number[back:] == number[:-back])
            pairs.append(np.stack([rows[same], rows[same + back]], axis=1))
        yield np.concatenate(pairs)

    def _similarities(self, pairs: Rows) -> Similarities:
        """The Jaccard similarity of each pair; 0 where the sizes alone rule the threshold out."""
        found = np.zeros(len(pairs))
        for start, end in self._portions(pairs):
            found[start:end] = self._compared(pairs[start:end])
        return found

    def _portions(self, pairs: Rows) -> Iterator[tuple[int, int]]:
        """Cut pairs, which are in order of their first rows, so that a first row counts once."""
        is_new = np.r_[True, pairs[1:, 0] != pairs[:-1, 0]][: len(pairs)]
        cost = self.sizes[pairs[:, 1]] + is_new * self.sizes[pairs[:, 0]]
        floor = self.limits.pair_tokens_at_a_time // self.limits.pairs_at_a_time
        yield from cuts(np.maximum(cost, floor), self.limits.pair_tokens_at_a_time)

    def _compared(self, pairs: Rows) -> Similarities:
        rows, at = np.unique(pairs, return_inverse=True)
        words, counts = distinct(*self.tokens(rows))
        starts = np.cumsum(counts) - counts
        left, right = at.reshape(-1, 2).T
        small, large = (
            np.minimum(counts[left], counts[right]),
            np.maximum(counts[left], counts[right]),
        )
        found = np.zeros(len(pairs))
        possible = np.flatnonzero(small >= self.threshold * large)
        for start, end in cuts((small + large)[possible], self.limits.pair_tokens_at_a_time):
            chosen = possible[start:end]
            numbers = np.arange(len(chosen), dtype=np.uint64) << np.uint64(32)
            keys = np.concatenate(
                [
                    np.repeat(numbers, counts[side[chosen]])
                    | words[_spans(starts[side[chosen]], counts[side[chosen]])]
                    for side in (left, right)
                ]
            )
            keys.sort()
            twice = keys[1:][keys[1:] == keys[:-1]] >> np.uint64(32)
            shared = np.bincount(twice.astype(np.int64), minlength=len(chosen))
            found[chosen] = shared / ((small + large)[chosen] - shared)
        return found


def _check(threshold: float, seed: int) -> None:
    if not _THRESHOLD_MIN <= threshold <= 1:
        raise ValueError(f"a threshold lies between {_THRESHOLD_MIN} and 1, got {threshold}")
    check_seed(seed)


def _fresh(pairs: Rows, labels: Rows, refused: Rows) -> Rows:
    """The pairs that are neither joined nor refused yet, each once and in order."""
    apart = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]
    keys = np.sort(_keys(apart, len(labels)))
    keys = keys[np.r_[True, keys[1:] != keys[:-1]][: len(keys)]]
    keys = keys[~np.isin(keys, refused, assume_unique=True, kind="sort")]
    return np.stack(np.divmod(keys, len(labels)), axis=1)


def _keys(pairs: Rows, rows: int) -> Rows:
    return pairs[:, 0] * rows + pairs[:, 1]


def _spans(starts: Rows, counts: Rows) -> Rows:
    """The indices of all spans, one span after another."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(counts.sum())
