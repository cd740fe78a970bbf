"""The metrics agree with scikit-learn's, and thresholds are kept or not, never forgotten."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from freehold.evaluation import (
    METRICS,
    EvaluationError,
    Threshold,
    accuracy_interval,
    judge,
    measure,
    top_confusions,
)


def predictions(rows: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    actual = np.concatenate([np.arange(classes), draw.integers(0, classes, rows - classes)])
    scores = draw.integers(1, 6, (rows, classes)).astype(float)  # few values: many ties
    scores[np.arange(rows), actual] += 2
    return actual, scores / scores.sum(axis=1, keepdims=True)


@given(st.integers(5, 60), st.integers(2, 5), st.integers(0, 10_000))
def test_every_metric_agrees_with_the_reference(rows: int, classes: int, seed: int) -> None:
    actual, given_ = predictions(rows, classes, seed)
    predicted = given_.argmax(axis=1)
    found = measure(actual, given_)
    scores = given_[:, 1] if classes == 2 else given_
    labels = np.arange(classes)
    expected = {
        "accuracy": reference.accuracy_score(actual, predicted),
        "balanced_accuracy": reference.balanced_accuracy_score(actual, predicted),
        "f1_macro": reference.f1_score(actual, predicted, average="macro", zero_division=0),
        "recall_min": reference.recall_score(actual, predicted, average=None).min(),
        "roc_auc": reference.roc_auc_score(actual, scores, multi_class="ovr"),
        "log_loss": reference.log_loss(actual, given_, labels=labels),
        "brier": ((given_ - np.eye(classes)[actual]) ** 2).sum(axis=1).mean(),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found["accuracy_lower"] <= found["accuracy"] <= found["accuracy_upper"]
    assert set(found) == set(METRICS)


def test_a_class_that_was_never_learned_counts_as_wrong() -> None:
    given_ = np.array([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]])
    found = measure(np.array([0, 1, -1]), given_)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["recall_min"] == 0
    assert found["roc_auc"] == 1


def test_what_is_not_defined_for_the_rows_is_left_out() -> None:
    given_ = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert "roc_auc" not in measure(np.array([1, 1]), given_)
    assert not {"roc_auc", "log_loss", "brier"} & set(measure(np.array([-1, -1]), given_))


def test_no_rows_are_no_judgement() -> None:
    with pytest.raises(EvaluationError):
        measure(np.array([], dtype=int), np.empty((0, 2)))
    with pytest.raises(ValueError, match="labels"):
        measure(np.array([1]), np.empty((0, 2)))


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        lower, upper = accuracy_interval(draw.random(200) < 0.8, seed=seed)
        covered += lower <= 0.8 <= upper
    assert 0.89 <= covered / 200 <= 0.99


def test_the_same_seed_gives_the_same_interval() -> None:
    right = np.arange(100) % 3 == 0
    assert accuracy_interval(right, seed=1) == accuracy_interval(right, seed=1)
    assert accuracy_interval(right, seed=1) != accuracy_interval(right, seed=2)


def test_confusions_are_listed_by_frequency() -> None:
    actual, predicted = np.array([0, 0, 1, 1, 1, 2]), np.array([0, 1, 2, 2, 0, 2])
    assert top_confusions(actual, predicted, limit=2) == [(1, 2, 2), (0, 1, 1)]
    assert top_confusions(actual, actual, limit=2) == []


@pytest.mark.parametrize(
    ("threshold", "is_passed"),
    [
        (Threshold("accuracy", at_least=0.9), True),
        (Threshold("accuracy", at_least=0.91), False),
        (Threshold("log_loss", at_most=0.3), True),
        (Threshold("log_loss", at_most=0.2), False),
        (Threshold("accuracy", at_least=0.8, at_most=0.85), False),
        (Threshold("roc_auc", at_least=0.0), False),
        (Threshold("brier", at_most=1.0), False),
    ],
)
def test_a_threshold_is_kept_or_not(threshold: Threshold, is_passed: bool) -> None:
    found = {"accuracy": 0.9, "log_loss": 0.3, "brier": float("nan")}
    [verdict] = judge(found, [threshold])
    assert verdict.is_passed is is_passed
    assert verdict.threshold is threshold


def test_a_threshold_needs_a_known_metric_and_a_bound() -> None:
    with pytest.raises(EvaluationError, match="accuracy"):
        Threshold("magic", at_least=1)
    with pytest.raises(ValueError, match="bound"):
        Threshold("accuracy")
