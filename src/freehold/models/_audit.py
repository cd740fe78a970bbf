"""Refuse what an artifact must not hold, before and after it is opened.

Before: any type or function that no recipe makes, by its name. After: indices that would lead the
compiled code of the estimators out of their arrays, which it does not check itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from freehold.models.errors import ArtifactError

# What the recipes' estimators consist of, and nothing else.
TRUSTED = frozenset(
    {
        "builtins.bool",
        "builtins.dict",
        "builtins.float",
        "builtins.int",
        "builtins.list",
        "builtins.slice",
        "builtins.str",
        "builtins.tuple",
        "functools.partial",  # of check_array, in the boosting's own preprocessing
        "numpy.bool",
        "numpy.dtype",
        "numpy.float32",
        "numpy.float64",
        "numpy.int64",
        "numpy.ndarray",
        "numpy.random._generator.Generator",
        "numpy.uint64",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfMultinomialLoss",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn.compose._column_transformer.ColumnTransformer",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.feature_extraction.text.TfidfTransformer",
        "sklearn.feature_extraction.text.TfidfVectorizer",
        "sklearn.impute._base.MissingIndicator",
        "sklearn.impute._base.SimpleImputer",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.linear_model._stochastic_gradient.SGDClassifier",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._encoders.OneHotEncoder",
        "sklearn.preprocessing._encoders.OrdinalEncoder",
        "sklearn.preprocessing._function_transformer.FunctionTransformer",
        "sklearn.preprocessing._label.LabelEncoder",
        "sklearn.utils.validation.check_array",
    }
)
_CATEGORY_MAX = 254  # the boosting keeps the categories of one feature in 256 bits


def refuse_untrusted(schema: Any) -> None:
    """Refuse a skops schema that names anything outside `TRUSTED`.

    Raises:
        ArtifactError: with the first such name.
    """
    for node in _nodes(schema):
        if "__class__" in node or "__module__" in node:
            name = f"{node.get('__module__')}.{node.get('__class__')}"
            if name not in TRUSTED:
                raise ArtifactError(
                    "models.untrusted",
                    f"the artifact holds a {name:.100}, which no recipe makes",
                    "import models of other makers in an open format, such as ONNX",
                )


def refuse_wild_indices(estimator: Any) -> None:
    """Refuse an estimator whose arrays point outside each other.

    Raises:
        ArtifactError: its trees or its vocabulary are not consistent.
    """
    for part in _parts(estimator):
        kind = type(part).__name__
        if kind == "HistGradientBoostingClassifier":
            _check_boosting(part)
        elif kind == "TfidfVectorizer":
            _check_vocabulary(part)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _parts(estimator: Any) -> Iterator[Any]:
    yield estimator
    if type(estimator).__name__ == "Pipeline":
        for _, step in estimator.steps:
            yield from _parts(step)


def _check_boosting(boosting: Any) -> None:
    for tree in (tree for trees in boosting._predictors for tree in trees):
        nodes = tree.nodes
        index = np.arange(len(nodes))
        inner = nodes["is_leaf"] == 0
        categorical = inner & (nodes["is_categorical"] == 1)
        _require(len(nodes) > 0, "a tree is empty")
        for side in ("left", "right"):
            child = nodes[side].astype(np.int64)
            # a child comes after its parent, so that every walk ends
            _require(bool((child[inner] > index[inner]).all()), "a tree runs in a circle")
            _require(bool((child[inner] < len(nodes)).all()), "a tree points outside itself")
        feature = nodes["feature_idx"][inner]
        known = (feature >= 0) & (feature < boosting._bin_mapper.n_bins_non_missing_.shape[0])
        _require(bool(known.all()), "a tree reads a feature that is not there")
        for sets in (tree.raw_left_cat_bitsets, tree.binned_left_cat_bitsets):
            _require(sets.ndim == 2 and sets.shape[1] == 8, "a tree's categories are misshapen")
            inside = nodes["bitset_idx"][categorical] < len(sets)
            _require(bool(inside.all()), "a tree reads categories that are not there")
    for is_categorical, values in zip(
        boosting._bin_mapper.is_categorical_, boosting._bin_mapper.bin_thresholds_, strict=True
    ):
        if is_categorical and len(values):
            fits = bool(((values >= 0) & (values <= _CATEGORY_MAX)).all())
            _require(fits, "a category is out of bounds")


def _check_vocabulary(vectorizer: Any) -> None:
    columns = sorted(vectorizer.vocabulary_.values())
    _require(columns == list(range(len(columns))), "the vocabulary has gaps")
    _require(vectorizer.idf_.shape == (len(columns),), "the vocabulary does not fit its weights")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ArtifactError("models.artifact", f"the model is damaged: {otherwise}")
