"""Confident learning agrees with cleanlab on who is suspect, and ranks them better."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from cleanlab.count import compute_confident_joint, estimate_joint  # type: ignore[import-untyped]
from cleanlab.filter import find_label_issues  # type: ignore[import-untyped]
from cleanlab.rank import get_label_quality_scores  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from freehold.data import DataError
from freehold.data.quality import LabelErrors, QualityLimits, label_errors

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]


@pytest.fixture(scope="module")
def reviews(shared_data: Path) -> tuple[Codes, Numbers, NDArray[np.bool_]]:
    """Labels, probabilities, and whether most of five people refused the label."""
    folder = shared_data / "label-errors-imdb"
    table = pl.read_csv(folder / "imdb_labels_and_probs.csv")
    votes = {
        each["id"].removeprefix("test/") + ".txt": each["mturk"]["given"]
        for each in json.loads((folder / "imdb_mturk.json").read_text())
    }
    wrong = np.array([votes.get(name, 5) < 3 for name in table["id"]])
    probabilities = table.select("p0", "p1").to_numpy()
    return table["given_label"].to_numpy(), probabilities, wrong


def made_up(classes: int, seed: int, rows: int = 400) -> tuple[Codes, Codes, Numbers]:
    """True labels, labels of which a tenth are wrong, and probabilities of a fair model."""
    chance = np.random.default_rng(seed)
    true = np.r_[np.arange(classes), chance.integers(0, classes, rows - classes)]
    labels = np.where(chance.random(rows) < 0.1, (true + 1) % classes, true)
    labels[:classes] = np.arange(classes)
    logits = chance.normal(size=(rows, classes)) + 2 * np.eye(classes)[true]
    weights = np.exp(logits)
    return true, labels, weights / weights.sum(axis=1, keepdims=True)


def test_the_ranking_is_at_least_as_precise_as_that_of_cleanlab(reviews) -> None:
    labels, probabilities, wrong = reviews
    assert wrong.sum() == 725
    even = probabilities / probabilities.sum(axis=1, keepdims=True)
    found = label_errors(labels, probabilities)
    ours = average_precision_score(wrong, found.scores)
    for method in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
        theirs = get_label_quality_scores(labels, even, method=method)
        assert ours > average_precision_score(wrong, -theirs) + 0.001
    assert ours == pytest.approx(0.650, abs=0.001)


def test_the_suspects_are_those_of_cleanlab(reviews) -> None:
    labels, probabilities, _ = reviews
    even = probabilities / probabilities.sum(axis=1, keepdims=True)
    found = label_errors(labels, probabilities)
    theirs = find_label_issues(labels, even, filter_by="confident_learning")
    assert sorted(found.rows) == np.flatnonzero(theirs).tolist()
    assert len(found.rows) == 1_076
    assert (np.diff(found.scores[found.rows]) <= 0).all()


@given(st.integers(2, 8), st.integers(0, 10_000))
def test_the_joint_is_that_of_cleanlab(classes: int, seed: int) -> None:
    _, labels, probabilities = made_up(classes, seed)
    found = label_errors(labels, probabilities)
    counted = compute_confident_joint(labels, probabilities, calibrate=False)
    theirs = estimate_joint(labels, probabilities, confident_joint=counted)
    np.testing.assert_allclose(found.joint * 400, theirs * 400, atol=1)  # it rounds to whole rows
    assert found.joint.sum() == pytest.approx(1)


@given(st.integers(2, 8), st.integers(0, 10_000))
def test_scores_follow_bayes_rule_row_by_row(classes: int, seed: int) -> None:
    _, labels, probabilities = made_up(classes, seed, rows=60)
    found = label_errors(labels, probabilities)
    counts = found.joint * len(labels) + 1
    for row, label in enumerate(labels):
        weights = [
            counts[label, true] / counts[:, true].sum() * probabilities[row, true]
            for true in range(classes)
        ]
        assert found.scores[row] == pytest.approx(1 - weights[label] / sum(weights))


def test_errors_of_one_class_with_another_are_ranked_better_than_by_self_confidence() -> None:
    true, labels, probabilities = made_up(6, seed=5, rows=5_000)
    found = label_errors(labels, probabilities)
    theirs = get_label_quality_scores(labels, probabilities, method="self_confidence")
    ours = average_precision_score(labels != true, found.scores)
    assert ours > average_precision_score(labels != true, -theirs) + 0.02


def test_no_label_of_a_sure_and_right_model_is_suspect() -> None:
    labels = np.array([0, 1, 2] * 5)
    found = label_errors(labels, np.eye(3)[labels])
    assert not len(found.rows)
    assert found.noise == pytest.approx(0)
    assert found.thresholds.tolist() == [1, 1, 1]


def test_a_result_tells_row_numbers_and_only_the_surest() -> None:
    _, labels, probabilities = made_up(3, seed=1)
    found = label_errors(labels, probabilities)
    told = found.as_json(limits=QualityLimits(rows_told_max=2, classes_joint_max=2))
    assert told["suspects"] == found.rows[:2].tolist()
    assert (told["suspected"], told["joint"]) == (len(found.rows), None)
    assert isinstance(found, LabelErrors)


HALF = np.full((2, 2), 0.5)
REFUSED: dict[str, tuple[Codes, Numbers, str, str]] = {
    "no rows": (np.array([], dtype=int), np.empty((0, 2)), "data.too_few_rows", "no rows"),
    "a label too high": (np.array([0, 2]), HALF, "data.probabilities", "row index 1 .* 0 to 1"),
    "a label below 0": (np.array([-1, 0]), HALF, "data.probabilities", "row index 0"),
    "a sum of 2": (np.array([0, 1]), HALF * [[1], [2]], "data.probabilities", "row index 1"),
    "a negative number": (
        np.array([0, 1]),
        np.array([[0.5, 0.5], [-0.5, 1.5]]),
        "data.probabilities",
        "row index 1",
    ),
    "no number": (np.array([0, 1]), HALF * np.nan, "data.probabilities", "row index 0"),
    "a class without rows": (np.array([0, 0]), HALF, "data.probabilities", "class 1 has no rows"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_judged_is_refused(case: str) -> None:
    labels, probabilities, code, words = REFUSED[case]
    with pytest.raises(DataError, match=words) as caught:
        label_errors(labels, probabilities)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("labels", "probabilities"),
    [
        (np.array([0]), HALF),
        (np.array([[0, 1]]), HALF),
        (np.array([0, 1]), HALF[0]),
        (np.array([0.0, 1.0]), HALF),
    ],
)
def test_arrays_of_other_shapes_or_kinds_are_a_mistake_of_the_caller(labels, probabilities) -> None:
    with pytest.raises(ValueError, match="labels"):
        label_errors(labels, probabilities)
