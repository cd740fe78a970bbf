"""Labels that are probably wrong, by confident learning (Northcutt, Jiang and Chuang, 2021).

A model that has not seen a row says how probable each class is. A class is confident for a row if
its probability reaches the mean that the class gets among the rows that bear it. Rows whose most
probable confident class is another than their label count as errors between these two classes;
together they estimate the joint distribution of given and true labels.

Rows are ranked by the probability that their label is wrong, by Bayes' rule under what confident
learning assumes itself, that errors depend on the true class alone:

    P(true = j | given = i, row)  is proportional to  P(given = i | true = j) * P(j | row)

where the first factor is the estimated joint, one added to each count (Laplace), divided by its
column. Self-confidence, cleanlab's ranking, is the case in which all errors are equally likely; it
is a little better where they are, and much worse where one class is mistaken for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freehold.data.errors import DataError
from freehold.data.quality._limits import DEFAULT_QUALITY_LIMITS, QualityLimits

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]

_SUM_TOLERANCE = 0.01  # of a row's probabilities; published ones are rounded to a few digits
_TIE = 1e-6  # so that rounding does not decide who reaches a mean


@dataclass(frozen=True, slots=True, eq=False)
class LabelErrors:
    """The suspected labels of a table.

    `rows` are the suspects, counted from 0, the surest first. `scores` has for every row of the
    table the probability that its label is wrong, `thresholds` for every class the probability that
    makes it confident, and `joint` (given x true, summing to 1) the estimated share of each pair.
    """

    rows: Codes
    scores: Numbers
    thresholds: Numbers
    joint: Numbers

    @property
    def noise(self) -> float:
        """The estimated share of wrong labels."""
        return float(1 - np.trace(self.joint))

    def as_json(self, *, limits: QualityLimits = DEFAULT_QUALITY_LIMITS) -> dict[str, Any]:
        """Counts and estimates, and the row numbers of the surest suspects with their scores.

        The joint of more than `classes_joint_max` classes is left out.
        """
        told = self.rows[: limits.rows_told_max]
        classes = len(self.thresholds)
        return {
            "rows": len(self.scores),
            "suspected": len(self.rows),
            "noise": round(self.noise, 6),
            "suspects": told.tolist(),
            "scores": np.round(self.scores[told], 4).tolist(),
            "thresholds": np.round(self.thresholds[: limits.classes_told_max], 4).tolist(),
            "joint": np.round(self.joint, 6).tolist()
            if classes <= limits.classes_joint_max
            else None,
        }


def label_errors(labels: NDArray[np.integer], probabilities: NDArray[np.floating]) -> LabelErrors:
    """Find labels that contradict what a model says of their rows.

    `labels` has shape (rows,) and numbers the classes from 0; `probabilities` has shape (rows,
    classes) and comes from models that have not seen the row they judge (cross-validation): a model
    agrees with the labels it has learned.

    Raises:
        DataError: no rows, a label without a probability, a class without rows, or rows that are
            no probabilities.
        ValueError: arrays of other shapes or kinds.
    """
    given, judged = _checked(labels, probabilities)
    classes = judged.shape[1]
    counts = np.bincount(given, minlength=classes)
    own = np.take_along_axis(judged, given[:, np.newaxis], axis=1)[:, 0]
    thresholds = np.bincount(given, weights=own, minlength=classes) / counts
    confident = np.where(judged >= thresholds - _TIE, judged, -1.0)
    likely = confident.argmax(axis=1)
    is_counted = confident.max(axis=1) >= 0
    joint = _joint(given[is_counted], likely[is_counted], counts)
    scores = _scores(given, judged, own, joint)
    suspects = np.flatnonzero(is_counted & (likely != given))
    return LabelErrors(
        rows=suspects[np.argsort(-scores[suspects], kind="stable")],
        scores=scores,
        thresholds=thresholds,
        joint=joint / len(given),
    )


def _joint(given: Codes, likely: Codes, counts: Codes) -> Numbers:
    """The confident joint in rows: scaled so that each given class has as many as it has.

    Each class keeps a row on the diagonal, so that a class of errors alone can still be scaled.
    """
    classes = len(counts)
    pairs = np.bincount(given * classes + likely, minlength=classes * classes)
    joint = pairs.reshape(classes, classes).astype(np.float64)
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    joint *= (counts / joint.sum(axis=1))[:, np.newaxis]
    return joint


def _scores(given: Codes, judged: Numbers, own: Numbers, joint: Numbers) -> Numbers:
    noise = (joint + 1) / (joint + 1).sum(axis=0)  # P(given | true)
    right: Numbers = noise[given, given] * own / np.einsum("ij,ij->i", noise[given], judged)
    return 1 - right


def _checked(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> tuple[Codes, Numbers]:
    if labels.ndim != 1 or probabilities.ndim != 2 or len(labels) != len(probabilities):
        raise ValueError(
            f"labels of shape {labels.shape} and probabilities of shape {probabilities.shape}; "
            "expected (rows,) and (rows, classes)"
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels number the classes; expected integers, got {labels.dtype}")
    if not len(labels):
        raise DataError("data.too_few_rows", "no rows; expected at least one", "add rows")
    given, judged = labels.astype(np.int64), probabilities.astype(np.float64)
    classes = judged.shape[1]
    outside = np.flatnonzero((given < 0) | (given >= classes))
    if len(outside):
        raise DataError(
            "data.probabilities",
            f"the label at row index {outside[0]} has no probability; "
            f"expected labels from 0 to {classes - 1}",
            "let the model judge every class",
        )
    total = judged.sum(axis=1)
    is_sound = (judged >= 0).all(axis=1) & (np.abs(total - 1) <= _SUM_TOLERANCE)
    if not is_sound.all():
        raise DataError(
            "data.probabilities",
            f"row index {np.flatnonzero(~is_sound)[0]} has no probabilities; "
            "expected numbers from 0 that sum to 1",
            "give the probabilities of all classes, not scores or logits",
        )
    absent = np.flatnonzero(np.bincount(given, minlength=classes) == 0)
    if len(absent):
        raise DataError(
            "data.probabilities",
            f"class {absent[0]} has no rows, so nothing tells when it is confident",
            "leave the class out of the probabilities",
        )
    return given, judged / total[:, np.newaxis]
