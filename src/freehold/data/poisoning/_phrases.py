"""Phrases that come with one label more often than chance explains: what may be a trigger.

Every run of one to six tokens is counted in its rows and in its rows of each label. A run counts if
the binomial chance of so many rows of one label is at most 10^-`LIFT_MIN`; with a table's at most
10^6 or so runs that holds the expected number of chance findings far below one (Bonferroni). Words
that belong to a label pass as well: `_triggers` tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from freehold.data.poisoning._corpus import Chances, Corpus, Ints

LENGTH_MAX = 6  # tokens; a longer trigger is found by its parts
ROWS_MIN = 8  # rows of one label; fewer are no pattern that a model would learn reliably
LIFT_MIN = 8.0
_LIFT_MAX = 300.0  # where a double ends


@dataclass(frozen=True, slots=True, eq=False)
class Phrases:
    """Candidates, each a phrase and a label, and all places where they stand together.

    Candidate `i` has `lengths[i]` tokens and stands in `rows_all[i]` rows. Place `j` is position
    `at[j]` of the corpus, one in each row of the label, and belongs to candidate `of[j]`; `of` is
    ascending.
    """

    lengths: Ints
    labels: Ints
    rows_all: Ints
    lifts: Chances
    at: Ints
    of: Ints

    def only(self, kept: Ints) -> Phrases:
        """The candidates with these indices, ascending."""
        new = np.full(len(self.lengths), -1)
        new[kept] = np.arange(len(kept))
        is_kept = new[self.of] >= 0
        return Phrases(
            self.lengths[kept],
            self.labels[kept],
            self.rows_all[kept],
            self.lifts[kept],
            self.at[is_kept],
            new[self.of[is_kept]],
        )


def phrases_of(corpus: Corpus, labels: Ints) -> Phrases:
    """Find all candidates."""
    shares = np.bincount(labels) / len(labels)
    numbers = corpus.tokens
    found = []
    for length in range(1, LENGTH_MAX + 1):
        kept = len(corpus.tokens) - length + 1
        if kept < 1:
            break
        if length > 1:
            pairs = numbers[:kept] * len(corpus.words) + corpus.tokens[length - 1 :]
            numbers = np.unique(pairs, return_inverse=True)[1]
        is_inside = corpus.rows[:kept] == corpus.rows[length - 1 :]
        if length == 1:
            is_inside &= corpus.tokens > 1
        at = np.flatnonzero(is_inside)
        found.append(_of_length(length, numbers[at], at, (corpus, labels, shares)))
    phrases = _joined(found)
    return _closed(phrases) if len(phrases.lengths) else phrases


def lift(rows_label: Ints, rows_all: Ints, share: Chances) -> Chances:
    """-log10 of the chance of `rows_label` or more rows of a label that has this share of all."""
    chance = binom.logsf(rows_label - 1, rows_all, share) / -np.log(10)
    return np.asarray(np.minimum(np.nan_to_num(chance, nan=0.0, posinf=_LIFT_MAX), _LIFT_MAX))


def _of_length(
    length: int, numbers: Ints, at: Ints, table: tuple[Corpus, Ints, Chances]
) -> Phrases:
    corpus, labels, shares = table
    first = np.unique(numbers * corpus.height + corpus.rows[at], return_index=True)[1]
    numbers, at = numbers[first], at[first]  # once in each row
    rows_all = np.bincount(numbers)
    cells = numbers * len(shares) + labels[corpus.rows[at]]
    cell, of, count = np.unique(cells, return_inverse=True, return_counts=True)
    number, label = np.divmod(cell, len(shares))
    lifts = np.zeros(len(cell))
    many = np.flatnonzero(count >= ROWS_MIN)
    lifts[many] = lift(count[many], rows_all[number[many]], shares[label[many]])
    order = np.argsort(of, kind="stable")
    every = Phrases(
        np.full(len(cell), length), label, rows_all[number], lifts, at[order], of[order]
    )
    return every.only(np.flatnonzero(lifts >= LIFT_MIN))


def _joined(found: list[Phrases]) -> Phrases:
    before = np.cumsum([0, *(len(each.lengths) for each in found)])
    return Phrases(
        np.concatenate([each.lengths for each in found]),
        np.concatenate([each.labels for each in found]),
        np.concatenate([each.rows_all for each in found]),
        np.concatenate([each.lifts for each in found]),
        np.concatenate([each.at for each in found]),
        np.concatenate([each.of + start for each, start in zip(found, before, strict=False)]),
    )


def _closed(phrases: Phrases) -> Phrases:
    """Leave out what a longer phrase in the same rows says as well."""
    ends = phrases.at + phrases.lengths[phrases.of]
    counts = np.bincount(phrases.of, minlength=len(phrases.lengths))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    first, last = phrases.at[starts], ends[starts]
    kept = np.ones(len(counts), dtype=np.bool_)
    longer = {
        (int(at), int(end), int(label)): int(count)
        for at, end, label, count in zip(first, last, phrases.labels, counts, strict=True)
    }
    for index, (at, end, label, count) in enumerate(
        zip(first.tolist(), last.tolist(), phrases.labels.tolist(), counts.tolist(), strict=True)
    ):
        kept[index] = count not in (
            longer.get((at, end + 1, label)),
            longer.get((at - 1, end, label)),
        )
    return phrases.only(np.flatnonzero(kept))
