"""How far annotators agree, beyond what chance would give.

- percent agreement: Fleiss (1971), P̄: the share of agreeing pairs of a row's ratings, averaged over
  the rows; with two annotators the share of rows on which they agree.
- Cohen's kappa: Cohen (1960); with weights Cohen (1968), linear or quadratic by rank.
- Fleiss' kappa: Fleiss (1971), equations 3 to 7.
- Krippendorff's alpha: Krippendorff (2011), *Computing Krippendorff's Alpha-Reliability*, E, with
  the differences for nominal, ordinal, interval and ratio data of *Content Analysis* (2004), 11.3.

A coefficient is NaN where it is undefined: no row has two ratings, or all ratings are the same. NaN
passes no threshold, so that a gate stays shut.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from freehold.data.errors import DataError
from freehold.data.labelling._guideline import Scale
from freehold.data.labelling._ratings import Floats, Integers, Ratings

Weighting = Literal["linear", "quadratic"]


def percent_agreement(ratings: Ratings) -> float:
    """The share of agreeing pairs of a row's ratings, averaged over the rows with two or more."""
    return _ratio(*_agreeing(ratings))


def cohen_kappa(
    ratings: Ratings, one: str, other: str, *, weighting: Weighting | None = None
) -> float:
    """Cohen's kappa of two annotators over the rows that both rated.

    `weighting` counts a disagreement by how many places apart the values are on the scale: linear,
    or quadratic.

    Raises:
        ValueError: an annotator without ratings, or one who rated a row twice; weights on a
            nominal scale.
    """
    if weighting is not None and ratings.scale is Scale.NOMINAL:
        raise ValueError("values on a nominal scale are not one further apart than others")
    table = _table(ratings, one, other, weights=ratings.row_weights())
    ranks = np.arange(len(ratings.values), dtype=np.float64)
    apart = np.abs(ranks[:, None] - ranks)
    match weighting:
        case None:
            apart = np.sign(apart)
        case "quadratic":
            apart = apart**2
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))
    return 1 - _ratio(float((apart * table).sum() * table.sum()), float((apart * expected).sum()))


def confusion(ratings: Ratings, one: str, other: str) -> Integers:
    """How often `one` gave each value (first axis) where `other` gave each (second axis).

    Raises:
        ValueError: an annotator without ratings, or one who rated a row twice.
    """
    return _table(ratings, one, other, weights=np.ones(len(ratings.rows))).astype(np.int64)


def fleiss_kappa(ratings: Ratings) -> float:
    """Fleiss' kappa: the same number of ratings for each row, by whomever.

    Raises:
        DataError: `data.agreement`, rows with different numbers of ratings, or with one.
    """
    counts = ratings.counts()
    sizes = counts.sum(axis=1)
    if not len(sizes) or sizes.min() != sizes.max() or sizes[0] < 2:
        raise DataError(
            "data.agreement",
            "Fleiss' kappa needs the same number of labels on each row, at least 2",
            "use Krippendorff's alpha, which takes rows as they are",
        )
    weights = ratings.row_weights()
    shares = _shares(weights @ counts)
    expected = float((shares**2).sum())
    observed = _ratio(*_agreeing(ratings))
    return _ratio(observed - expected, 1 - expected)


def krippendorff_alpha(ratings: Ratings, *, scale: Scale | None = None) -> float:
    """Krippendorff's alpha, on the ratings' own scale or on another; rows with one rating drop out.

    Raises:
        ValueError: an interval or ratio scale for values that stand for no numbers.
    """
    scale = scale or ratings.scale
    counts = ratings.counts()
    sizes = counts.sum(axis=1)
    is_shared = sizes >= 2
    counts, sizes = counts[is_shared], sizes[is_shared]
    weights = ratings.row_weights()[is_shared]
    totals = weights @ counts
    apart = _differences(ratings, scale, totals)
    within = np.einsum("uc,uc->u", counts @ apart, counts)
    observed = float((weights / (sizes - 1)) @ within)
    expected = float(totals @ apart @ totals)
    return 1 - _ratio(observed * float(totals.sum() - 1), expected)


def row_disagreement(counts: Floats) -> Floats:
    """The share of disagreeing pairs of each row's ratings (rows x values); 0 where it has one."""
    sizes = counts.sum(axis=1)
    pairs = np.maximum(sizes * (sizes - 1), 1)
    return 1 - np.where(sizes < 2, 1, (counts * (counts - 1)).sum(axis=1) / pairs)


def _differences(ratings: Ratings, scale: Scale, totals: Floats) -> Floats:
    """The squared difference of each two values, values x values."""
    if scale is Scale.NOMINAL:
        return np.asarray(1 - np.eye(len(totals)), dtype=np.float64)
    if scale is Scale.ORDINAL:
        # The ratings between two values, half of each end included, are the distance of their
        # midranks.
        numbers = np.cumsum(totals) - totals / 2
    elif ratings.numbers is None:
        raise ValueError(f"these values stand for no numbers on the scale {scale}")
    else:
        numbers = np.array(ratings.numbers, dtype=np.float64)
    apart = np.abs(numbers[:, None] - numbers)
    if scale is Scale.RATIO:
        sums = numbers[:, None] + numbers
        apart = np.divide(apart, sums, out=np.zeros_like(apart), where=sums > 0)
    return np.asarray(apart**2, dtype=np.float64)


def _agreeing(ratings: Ratings) -> tuple[float, float]:
    """The rows' shares of agreeing pairs, summed, and the rows with two or more ratings."""
    counts = ratings.counts()
    weights = np.where(counts.sum(axis=1) >= 2, ratings.row_weights(), 0.0)
    return float(weights @ (1 - row_disagreement(counts))), float(weights.sum())


def _table(ratings: Ratings, one: str, other: str, *, weights: Floats) -> Floats:
    """The weight of the rows on which the two gave each pair of values."""
    mine = ratings.annotator_of == ratings.annotator(one)
    theirs = ratings.annotator_of == ratings.annotator(other)
    rows = ratings.row_of[mine], ratings.row_of[theirs]
    if any(len(np.unique(each)) < len(each) for each in rows):
        raise ValueError("an annotator rated a row more than once")
    both, first, second = np.intersect1d(*rows, assume_unique=True, return_indices=True)
    size = len(ratings.values)
    cells = ratings.value_of[mine][first] * size + ratings.value_of[theirs][second]
    found = np.bincount(cells, weights=weights[both], minlength=size * size)
    return found.reshape(size, size).astype(np.float64)


def _shares(totals: Floats) -> Floats:
    total = totals.sum()
    return totals / total if total else np.full_like(totals, np.nan)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
