"""Who agrees with the others, and on which rows people do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freehold.data.labelling._agreement import krippendorff_alpha, row_disagreement
from freehold.data.labelling._ratings import Ratings


@dataclass(frozen=True, slots=True)
class AnnotatorAgreement:
    """How far one annotator agrees with the rest.

    Args:
        annotator: their id.
        ratings: what they rated in all.
        shared: their ratings of rows that somebody else rated too.
        agreement: over these, the mean share of the others' ratings that are the same; NaN where
            there are none.
        alpha_without: Krippendorff's alpha of the others. Well above that of all, this annotator is
            the one who differs.
    """

    annotator: str
    ratings: int
    shared: int
    agreement: float
    alpha_without: float


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One row: its votes, the most frequent value first, and its share of disagreeing pairs."""

    row: str
    votes: tuple[tuple[str, int], ...]
    disagreement: float


def agreement_by_annotator(ratings: Ratings) -> tuple[AnnotatorAgreement, ...]:
    """Compare each annotator with the rest, in the order of their ids."""
    counts = ratings.counts()
    others = counts.sum(axis=1)[ratings.row_of] - 1
    same = counts[ratings.row_of, ratings.value_of] - 1
    share = np.divide(same, others, out=np.full(len(ratings), np.nan), where=others > 0)
    found = []
    for index, annotator in enumerate(ratings.annotators):
        mine = share[ratings.annotator_of == index]
        compared = mine[~np.isnan(mine)]
        found.append(
            AnnotatorAgreement(
                annotator=annotator,
                ratings=len(mine),
                shared=len(compared),
                agreement=float(compared.mean()) if len(compared) else float("nan"),
                alpha_without=krippendorff_alpha(ratings.without(annotator)),
            )
        )
    return tuple(found)


def hardest_rows(ratings: Ratings, count: int | None = None) -> tuple[Disagreement, ...]:
    """The rows on which annotators disagree, the most first; at most `count` of them.

    Of rows with the same disagreement the one with more ratings comes first, then by identity.
    """
    counts = ratings.counts()
    apart = row_disagreement(counts)
    sizes = counts.sum(axis=1)
    order = sorted(
        np.flatnonzero(apart > 0).tolist(),
        key=lambda row: (-apart[row], -sizes[row], ratings.rows[row]),
    )
    return tuple(
        Disagreement(ratings.rows[row], votes(ratings, counts[row]), float(apart[row]))
        for row in order[:count]
    )


def votes(
    ratings: Ratings, counts: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[tuple[str, int], ...]:
    """The values that a row got and how often, the most frequent first, then by scale."""
    given = np.flatnonzero(counts)
    order = given[np.argsort(-counts[given], kind="stable")]
    return tuple((ratings.values[value], int(counts[value])) for value in order)
