"""Turn rows into what an estimator reads, the same way in training, evaluation and serving.

Numbers stay, truth values become 0 and 1, times become days since 1970, categories become the index
of their value (one more for every value not learned), and what is missing becomes NaN. So an
estimator sees one matrix of float64 and the artifact holds no code for this.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.models._spec import Feature, FeatureKind
from freehold.models.errors import InputError

_SECONDS_PER_DAY = 86_400.0
_ACCEPTED: dict[FeatureKind, tuple[str, tuple[type[pl.DataType], ...]]] = {
    FeatureKind.number: ("numbers", (pl.Int64, pl.Float64)),
    FeatureKind.boolean: ("truth values", (pl.Boolean,)),
    FeatureKind.time: ("dates or times", (pl.Date, pl.Datetime)),
    FeatureKind.category: ("texts", (pl.String,)),
    FeatureKind.text: ("texts", (pl.String,)),
}


def matrix(frame: pl.DataFrame, features: Sequence[Feature]) -> NDArray[np.float64]:
    """Build the matrix (rows, features) that a tabular estimator reads; missing values are NaN.

    Raises:
        InputError: a feature's column is missing, holds another kind, or holds an infinite number.
    """
    rows = np.empty((frame.height, len(features)))
    for index, feature in enumerate(features):
        rows[:, index] = _numbers(_column(frame, feature), feature)
    return rows


def texts(frame: pl.DataFrame, feature: Feature) -> list[str]:
    """Give the texts of one column; a missing one is empty.

    Raises:
        InputError: the column is missing or holds another kind.
    """
    return _column(frame, feature).fill_null("").to_list()


def _column(frame: pl.DataFrame, feature: Feature) -> pl.Series:
    """Give the feature's column, in a type of its kind."""
    if feature.name not in frame.columns:
        raise InputError(
            "models.column_missing",
            f"the column {feature.name!r:.100} is missing, which the model reads",
            "give every feature of the model; a missing value may be null",
        )
    series = frame.get_column(feature.name)
    what, accepted = _ACCEPTED[feature.kind]
    if series.null_count() == len(series):
        return pl.Series(feature.name, [None] * len(series), dtype=accepted[0])
    if series.dtype.base_type() not in accepted:
        raise InputError(
            "models.column_type",
            f"the column {feature.name!r:.100} holds {series.dtype}, the model expects {what}",
        )
    return series


def _numbers(series: pl.Series, feature: Feature) -> NDArray[np.float64]:
    if feature.kind is FeatureKind.category:
        known = {value: float(index) for index, value in enumerate(feature.categories)}
        other = float(len(feature.categories))
        series = series.replace_strict(known, default=other, return_dtype=pl.Float64).set(
            series.is_null(), None
        )
    elif feature.kind is FeatureKind.time:
        series = series.cast(pl.Datetime("us")).dt.epoch("s") / _SECONDS_PER_DAY
    numbers = series.cast(pl.Float64).to_numpy(allow_copy=True)
    if np.isinf(numbers).any():
        raise InputError(
            "models.value",
            f"the column {feature.name!r:.100} holds an infinite number",
            "give null where a value is not known",
        )
    return numbers
