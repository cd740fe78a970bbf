"""The recipe `tabular`: logistic regression or histogram gradient boosting over columns."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from freehold.models import Feature, FeatureKind, ModelSpec, matrix
from freehold.training._labels import class_indices, classes_of, labelled
from freehold.training._planning import plan_features
from freehold.training._trained import Trained, TrainingReport, details, setting

_BOOSTING_ROWS_MIN = 1_000  # below, a linear model generalises better
_BOOSTING_CLASSES_MAX = 20  # it grows one tree per class and round
_SEED_MAX = 2**32  # what scikit-learn takes


def train_tabular(
    frame: pl.DataFrame, label: str, *, parameters: Mapping[str, Any], seed: int = 0
) -> Trained:
    """Learn to tell the classes of `label` apart from the other columns.

    Args:
        frame: the rows to learn from.
        label: the column to predict.
        parameters: `algorithm`: `auto` (default), `linear` (logistic regression) or `boosting`
            (histogram gradient boosting). `auto` boosts from 1,000 rows on, up to 20 classes.
        seed: for what is drawn at random.

    Raises:
        TrainingError: the label or the columns do not allow it.
    """
    started = time.perf_counter()
    algorithm = setting(parameters, "algorithm", allowed=("auto", "linear", "boosting")) or "auto"
    rows = labelled(frame, label)
    classes = classes_of(rows.get_column(label))
    features, ignored = plan_features(rows, label)
    if algorithm == "auto":
        many = rows.height >= _BOOSTING_ROWS_MIN and len(classes) <= _BOOSTING_CLASSES_MAX
        algorithm = "boosting" if many else "linear"
    estimator = (_boosting if algorithm == "boosting" else _linear)(features, seed % _SEED_MAX)
    targets = class_indices(rows.get_column(label), classes)
    estimator.fit(matrix(rows, features), targets)
    return Trained(
        estimator,
        ModelSpec("tabular", label, classes, features, details(algorithm, seed)),
        TrainingReport(
            rows=rows.height,
            rows_without_label=frame.height - rows.height,
            features=len(features),
            classes=len(classes),
            algorithm=algorithm,
            ignored=ignored,
            seconds=time.perf_counter() - started,
        ),
    )


def _linear(features: tuple[Feature, ...], seed: int) -> Pipeline:
    """Fill gaps by the median and mark them, scale, one column per category; then regress."""
    categories = [i for i, f in enumerate(features) if f.kind is FeatureKind.category]
    numbers = [i for i, f in enumerate(features) if f.kind is not FeatureKind.category]
    filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    prepared = ColumnTransformer(
        [
            ("numbers", make_pipeline(filled, StandardScaler()), numbers),
            ("categories", OneHotEncoder(handle_unknown="ignore"), categories),
        ],
        sparse_threshold=0.0,
    )
    return make_pipeline(prepared, LogisticRegression(max_iter=2_000, random_state=seed))


def _boosting(features: tuple[Feature, ...], seed: int) -> HistGradientBoostingClassifier:
    """Gradient boosting over histograms; it takes missing values and categories as they are."""
    categories = [i for i, f in enumerate(features) if f.kind is FeatureKind.category]
    return HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=200,
        early_stopping=False,
        categorical_features=categories or None,
        random_state=seed,
    )
