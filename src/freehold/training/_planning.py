"""Choose from the training rows which columns a tabular model reads, and as what.

A category keeps the values that occur often enough; a rare value could name a person, so it counts
as *other* and never enters the model.
"""

from __future__ import annotations

import polars as pl

from freehold.models import Feature, FeatureKind
from freehold.training.errors import TrainingError

_CATEGORIES_MAX = 100  # of one column; the rest count as other
_RARE_ROWS = 10  # a value in fewer rows is rare
_SMALL_TABLE_ROWS = 500  # below, a value is rare that occurs in fewer than 2 % of the rows

_KINDS: dict[type[pl.DataType], FeatureKind] = {
    pl.Int64: FeatureKind.number,
    pl.Float64: FeatureKind.number,
    pl.Boolean: FeatureKind.boolean,
    pl.Date: FeatureKind.time,
    pl.Datetime: FeatureKind.time,
    pl.String: FeatureKind.category,
}


def plan_features(frame: pl.DataFrame, label: str) -> tuple[tuple[Feature, ...], dict[str, str]]:
    """Choose the features, and name each column left out with the reason.

    Raises:
        TrainingError: nothing is left.
    """
    features: list[Feature] = []
    ignored: dict[str, str] = {}
    for series in frame.drop(label).get_columns():
        values = series.drop_nulls()
        if values.n_unique() < 2 and values.len() in (0, series.len()):
            ignored[series.name] = "always the same"
            continue
        kind = _KINDS[series.dtype.base_type()]
        categories = _categories(values) if kind is FeatureKind.category else ()
        if kind is FeatureKind.category and not categories:
            ignored[series.name] = "every value is rare"
            continue
        features.append(Feature(series.name, kind, categories))
    if not features:
        raise TrainingError(
            "training.features",
            f"no column is left to learn {label!r:.100} from",
            "; ".join(f"{name}: {reason}" for name, reason in ignored.items())[:400]
            or "add columns beside the label",
        )
    return tuple(features), ignored


def text_feature(frame: pl.DataFrame, label: str, *, column: str | None) -> Feature:
    """Find the column of texts: the one named, or the only one there is.

    Raises:
        TrainingError: it is missing or holds no texts, or several columns could be meant.
    """
    texts = [s.name for s in frame.drop(label).get_columns() if s.dtype == pl.String]
    if column is None and len(texts) == 1:
        return Feature(texts[0], FeatureKind.text)
    if column is None or column not in texts:
        wanted = "one column of texts" if column is None else f"texts in {column!r:.100}"
        raise TrainingError(
            "training.text",
            f"expected {wanted}, columns of texts are: {', '.join(texts)[:400] or 'none'}",
            "name the column by the parameter 'text'",
        )
    return Feature(column, FeatureKind.text)


def _categories(values: pl.Series) -> tuple[str, ...]:
    rows = values.len()
    rare = _RARE_ROWS if rows >= _SMALL_TABLE_ROWS else max(2, rows // 50)
    counts = values.value_counts(name="rows of this value")
    often = counts.filter(counts.get_column("rows of this value") >= rare)
    often = often.sort("rows of this value", values.name, descending=[True, False])
    return tuple(sorted(often.get_column(values.name).head(_CATEGORIES_MAX).to_list()))
