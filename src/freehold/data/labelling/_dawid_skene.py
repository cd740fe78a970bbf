"""The likeliest labels where annotators err each in their own way.

Dawid and Skene (1979), *Maximum Likelihood Estimation of Observer Error-Rates Using the EM
Algorithm*: each annotator has a matrix of how often they say k where c is true; matrices, the
shares of the values and the true values are estimated together by expectation maximisation
(equations 2.3 to 2.5 there), from the shares of the votes.

It assumes that annotators err independently of each other and alike on all rows of one true value.
Where they share an error it finds the error. It needs no truth, and it proves none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freehold.data.errors import DataError
from freehold.data.labelling._limits import DEFAULT_LABEL_LIMITS
from freehold.data.labelling._ratings import Floats, Ratings

_LEAST = 1e-12  # a probability of zero, kept apart from the logarithm's edge
_TOLERANCE = 1e-7  # of the log-likelihood, relative; it gives the published digits
_NOISE = 0.5  # how much of a further start is chance; more of it swaps the values' meanings


@dataclass(frozen=True, slots=True)
class AnnotatorQuality:
    """One annotator: how often they would be right on rows like these, from so many ratings."""

    annotator: str
    ratings: int
    accuracy: float


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """What was found.

    Args:
        rows: identities; `values`: the values.
        probabilities: of each value for each row, rows x values.
        shares: of each value among the rows.
        errors: annotators x true value x value said; a probability over the last axis, and zeros
            for a true value that no row has.
        qualities: one for each annotator, in the order of `errors`.
        log_likelihood: of the ratings.
        iterations: steps of the best start; `is_converged` says whether it ended by itself.
    """

    rows: tuple[str, ...]
    values: tuple[str, ...]
    probabilities: Floats
    shares: Floats
    errors: Floats
    qualities: tuple[AnnotatorQuality, ...]
    log_likelihood: float
    iterations: int
    is_converged: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    truth: Floats
    shares: Floats
    errors: Floats
    log_likelihood: float
    iterations: int
    is_converged: bool


def dawid_skene(
    ratings: Ratings, *, seed: int = 0, starts: int = 1, iterations_max: int = 500
) -> Estimate:
    """Estimate the true values and each annotator's errors.

    The first start is from the votes, and needs no seed; each further one adds chance to them, and
    the likeliest of all is kept.

    Raises:
        DataError: `data.too_large`, more annotators x values x values than
            `LabelLimits.cells_max`; `data.too_few_rows`, no ratings.
        ValueError: ratings of unknown annotators, no start or iteration, or a negative seed.
    """
    if not ratings.annotators or starts < 1 or iterations_max < 1 or seed < 0:
        raise ValueError("expected known annotators, a start, an iteration and no negative seed")
    size, most = len(ratings.annotators) * len(ratings.values) ** 2, DEFAULT_LABEL_LIMITS.cells_max
    if size > most:
        raise DataError(
            "data.too_large",
            f"{size} error rates of {len(ratings.annotators)} annotators; at most {most} are held",
        )
    if not len(ratings):
        raise DataError("data.too_few_rows", "no row has a label", "label some rows")
    stream = np.random.PCG64(seed)
    best: _Fit | None = None
    for start in range(starts):
        truth = _votes(ratings)
        if start:
            chance = np.asarray(stream.random_raw(truth.size)) / 2.0**64
            truth = _normalised((1 - _NOISE) * truth + _NOISE * chance.reshape(truth.shape))
        fit = _fit(ratings, truth, iterations_max)
        if best is None or fit.log_likelihood > best.log_likelihood + abs(fit.log_likelihood) * (
            2 * _TOLERANCE
        ):
            best = fit
    assert best is not None  # noqa: S101  # there is a start
    return _estimate(ratings, best)


def _fit(ratings: Ratings, truth: Floats, iterations_max: int) -> _Fit:
    before = -np.inf
    for iteration in range(1, iterations_max + 1):
        shares, errors = truth.mean(axis=0), _errors(ratings, truth)
        truth, likelihood = _expected(ratings, shares, errors)
        if likelihood - before <= _TOLERANCE * abs(likelihood):
            return _Fit(truth, shares, errors, likelihood, iteration, is_converged=True)
        before = likelihood
    return _Fit(truth, shares, errors, likelihood, iterations_max, is_converged=False)


def _errors(ratings: Ratings, truth: Floats) -> Floats:
    """Annotators x true value x value said, from how likely each value is for each row."""
    size = len(ratings.values)
    cells = ratings.annotator_of * size + ratings.value_of
    shape = len(ratings.annotators), size
    said = [
        np.bincount(cells, weights=truth[ratings.row_of, value], minlength=shape[0] * size)
        for value in range(size)
    ]
    return _normalised(np.stack([each.reshape(shape) for each in said], axis=1))


def _expected(ratings: Ratings, shares: Floats, errors: Floats) -> tuple[Floats, float]:
    """How likely each value is for each row, and the log-likelihood of all ratings."""
    logs = np.log(np.maximum(errors, _LEAST))
    joint = np.empty((len(ratings.rows), len(ratings.values)))
    for value in range(len(ratings.values)):
        each = logs[ratings.annotator_of, value, ratings.value_of]
        joint[:, value] = np.bincount(ratings.row_of, weights=each, minlength=len(ratings.rows))
    joint += np.log(np.maximum(shares, _LEAST))
    highest = joint.max(axis=1, keepdims=True)
    scaled = np.exp(joint - highest)
    likelihood = float((highest[:, 0] + np.log(scaled.sum(axis=1))).sum())
    return _normalised(scaled), likelihood


def _votes(ratings: Ratings) -> Floats:
    """The share of each value among a row's ratings; all alike where it has none."""
    counts = ratings.counts()
    return _normalised(np.where(counts.sum(axis=1, keepdims=True) > 0, counts, 1.0))


def _normalised(weights: Floats) -> Floats:
    """Make the last axis sum to one, where it has anything."""
    total: Floats = weights.sum(axis=-1, keepdims=True)
    shares: Floats = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    return shares


def _estimate(ratings: Ratings, fit: _Fit) -> Estimate:
    ratings_of = np.bincount(ratings.annotator_of, minlength=len(ratings.annotators))
    right = np.einsum("c,acc->a", fit.shares, fit.errors)
    qualities = tuple(
        AnnotatorQuality(name, int(ratings_of[n]), float(right[n]))
        for n, name in enumerate(ratings.annotators)
    )
    return Estimate(
        rows=ratings.rows,
        values=ratings.values,
        probabilities=fit.truth,
        shares=fit.shares,
        errors=fit.errors,
        qualities=qualities,
        log_likelihood=fit.log_likelihood,
        iterations=fit.iterations,
        is_converged=fit.is_converged,
    )
