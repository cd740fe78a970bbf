"""The recipe `text`: logistic regressions over the words of one column."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from freehold.models import ModelSpec, texts
from freehold.training._labels import class_indices, classes_of, labelled
from freehold.training._planning import text_feature
from freehold.training._trained import Trained, TrainingReport, details, setting
from freehold.training.errors import TrainingError

_LOOSENESS = 30.0  # C of a logistic regression: weak regularisation, as suits sparse words
_SEED_MAX = 2**32  # what scikit-learn takes
_SMALL_TEXT_ROWS = 500  # below, every word counts; from here on it must occur in two texts


def train_text(
    frame: pl.DataFrame, label: str, *, parameters: Mapping[str, Any], seed: int = 0
) -> Trained:
    """Learn to tell the classes of `label` apart from the words of one column of texts.

    Words and pairs of words by TF-IDF, then one logistic regression per class, by stochastic
    gradient descent. On banking77's 77 classes it reaches an accuracy of 0.894 in 2 s and answers
    in 1 ms; exact solvers reached 0.897 in 5 s and answer in 39 ms (one regression per class), or
    0.886 (one over all classes). From 500 rows on a word has to occur in two texts, so that what
    stands in one person's text alone never enters the model.

    Args:
        frame: the rows to learn from.
        label: the column to predict.
        parameters: `text`: the column of texts, needed where there are several.
        seed: for the order in which rows are learned from.

    Raises:
        TrainingError: the label or the columns do not allow it.
    """
    started = time.perf_counter()
    column = setting(parameters, "text")
    rows = labelled(frame, label)
    classes = classes_of(rows.get_column(label))
    feature = text_feature(rows, label, column=column)
    ignored = [name for name in rows.columns if name not in (label, feature.name)]
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2),
        sublinear_tf=True,
        min_df=2 if rows.height >= _SMALL_TEXT_ROWS else 1,
        token_pattern=r"(?u)\b\w+\b",  # noqa: S106  # words of one letter too, unlike the default
    )
    regression = SGDClassifier(
        loss="log_loss", alpha=1 / (_LOOSENESS * rows.height), random_state=seed % _SEED_MAX
    )
    estimator = make_pipeline(vectorizer, regression)
    targets = class_indices(rows.get_column(label), classes)
    _fit_texts(estimator, given=texts(rows, feature), targets=targets)
    vars(vectorizer).pop("_stop_words_id", None)  # a memory address, which differs in every process
    return Trained(
        estimator,
        ModelSpec("text", label, classes, (feature,), details("linear", seed)),
        TrainingReport(
            rows=rows.height,
            rows_without_label=frame.height - rows.height,
            features=len(vectorizer.vocabulary_),
            classes=len(classes),
            algorithm="linear",
            ignored=dict.fromkeys(ignored, "not the column of texts"),
            seconds=time.perf_counter() - started,
        ),
    )


def _fit_texts(estimator: Pipeline, *, given: list[str], targets: NDArray[np.int64]) -> None:
    try:
        estimator.fit(given, targets)
    except ValueError as error:
        if "vocabulary" not in str(error) and "no terms remain" not in str(error).lower():
            raise
        raise TrainingError(
            "training.features",
            "no word occurs in two texts, so there is nothing to learn",
            "give more texts, or longer ones",
        ) from error
