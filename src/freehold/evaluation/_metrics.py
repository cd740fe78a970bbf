"""How good predictions are, as pure functions over numbers, and whether that is good enough.

Rows whose label the model never learned count as wrong answers; the measures of its probabilities
(roc_auc, log_loss, brier) leave them out, for there is no probability to compare.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from freehold.evaluation.errors import EvaluationError

# name: what it tells; all but the last two are better when higher
METRICS: Mapping[str, str] = {
    "accuracy": "share of right answers",
    "accuracy_lower": "lower end of the 95 % confidence interval of accuracy",
    "accuracy_upper": "upper end of the 95 % confidence interval of accuracy",
    "balanced_accuracy": "mean over classes of the share of their rows that is found",
    "f1_macro": "mean over classes of the harmonic mean of precision and recall",
    "recall_min": "share found of the class that is found least",
    "roc_auc": "chance that a row of a class ranks above one of another, mean over classes",
    "log_loss": "mean surprise at the right answer, in nats",
    "brier": "mean squared error of the probabilities, summed over classes",
}
_BOOTSTRAPS = 2_000  # resamples; the ends move by about a thousandth of their width beyond
_SURPRISE_MAX = 1e-15  # a probability of zero counts as this (scikit-learn's bound of old)

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound that one metric has to keep; at least one side is given."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise EvaluationError(
                "evaluation.metric",
                f"no metric {self.metric!r:.40}; there are {', '.join(METRICS)}",
            )
        if self.at_least is None and self.at_most is None:
            raise ValueError("a threshold needs a bound")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one threshold was kept. A metric not defined for these rows never keeps it."""

    threshold: Threshold
    value: float | None
    is_passed: bool


def judge(metrics: Mapping[str, float], thresholds: Iterable[Threshold]) -> tuple[Verdict, ...]:
    """Hold each threshold against its metric."""
    return tuple(_verdict(threshold, metrics.get(threshold.metric)) for threshold in thresholds)


def measure(actual: Indices, probabilities: Numbers, *, seed: int = 0) -> dict[str, float]:
    """Compute every metric that is defined for these rows.

    Args:
        actual: the right class of each row as an index, -1 for a class that was never learned.
        probabilities: (rows, classes).
        seed: for the resampling behind the confidence interval.

    Raises:
        EvaluationError: there are no rows.
        ValueError: the shapes do not fit each other.
    """
    if actual.shape != probabilities.shape[:1]:
        raise ValueError(f"{actual.shape} labels for {probabilities.shape} probabilities")
    if not len(actual):
        raise EvaluationError("evaluation.rows", "there is no row to judge by", "add labelled rows")
    predicted = probabilities.argmax(axis=1)
    recalls = class_recalls(actual, predicted)
    lower, upper = accuracy_interval(actual == predicted, seed=seed)
    found = {
        "accuracy": float((actual == predicted).mean()),
        "accuracy_lower": lower,
        "accuracy_upper": upper,
        "balanced_accuracy": float(np.mean(list(recalls.values()))),
        "f1_macro": _f1_macro(actual, predicted),
        "recall_min": min(recalls.values()),
    }
    known = actual >= 0
    return found | _of_probabilities(actual[known], probabilities[known])


def accuracy_interval(is_right: NDArray[np.bool_], *, seed: int) -> tuple[float, float]:
    """Give the 95 % confidence interval of a share by the percentile bootstrap (Efron, 1979).

    Resampling n answers with replacement draws a binomial count of right ones.
    """
    rows = len(is_right)
    draws = np.random.default_rng(seed).binomial(rows, is_right.mean(), _BOOTSTRAPS) / rows
    lower, upper = np.quantile(draws, (0.025, 0.975))
    return float(lower), float(upper)


def class_recalls(actual: Indices, predicted: Indices) -> dict[int, float]:
    """Give the share found of each class that occurs; a class never learned has the index -1."""
    return {
        int(index): float((predicted[actual == index] == index).mean())
        for index in np.unique(actual)
    }


def top_confusions(
    actual: Indices, predicted: Indices, *, limit: int
) -> list[tuple[int, int, int]]:
    """List the most frequent errors as (actual, predicted, rows), the most frequent first."""
    wrong = actual != predicted
    pairs, counts = np.unique(
        np.stack([actual[wrong], predicted[wrong]], axis=1), axis=0, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")[:limit]
    return [(int(pairs[i, 0]), int(pairs[i, 1]), int(counts[i])) for i in order]


def _verdict(threshold: Threshold, value: float | None) -> Verdict:
    is_passed = (
        value is not None
        and math.isfinite(value)
        and (threshold.at_least is None or value >= threshold.at_least)
        and (threshold.at_most is None or value <= threshold.at_most)
    )
    return Verdict(threshold, value, is_passed)


def _f1_macro(actual: Indices, predicted: Indices) -> float:
    scores = []
    for index in np.union1d(actual, predicted):
        both = np.sum((actual == index) & (predicted == index))
        scores.append(2 * both / (np.sum(actual == index) + np.sum(predicted == index)))
    return float(np.mean(scores))


def _of_probabilities(actual: Indices, probabilities: Numbers) -> dict[str, float]:
    if not len(actual):
        return {}
    classes = probabilities.shape[1]
    hits = probabilities[np.arange(len(actual)), actual]
    truth = np.eye(classes)[actual]
    found = {
        "log_loss": float(-np.log(np.clip(hits, _SURPRISE_MAX, 1.0)).mean()),
        "brier": float(((probabilities - truth) ** 2).sum(axis=1).mean()),
    }
    if classes == 2:  # both classes give the same area; one is enough
        areas = [_area(actual == 1, probabilities[:, 1])]
    else:
        areas = [_area(actual == index, probabilities[:, index]) for index in range(classes)]
    if defined := [area for area in areas if area is not None]:
        found["roc_auc"] = float(np.mean(defined))
    return found


def _area(is_class: NDArray[np.bool_], scores: Numbers) -> float | None:
    """Area under the ROC curve as Mann and Whitney's U, ties counting half; None for one class."""
    positives, total = int(is_class.sum()), len(is_class)
    if positives in (0, total):
        return None
    _, group, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[group]
    u = ranks[is_class].sum() - positives * (positives + 1) / 2
    return float(u / (positives * (total - positives)))
