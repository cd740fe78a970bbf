"""Answer a question about some rows with a model. Pure: no process, no state.

A question is `{"rows": {column: [values]}}`, the answer `{"labels": […], "probabilities": [[…]],
"classes": […]}`. A column may be missing its values (null), never itself; a column that the model
does not read is refused, because it would be ignored without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from freehold.models import Feature, FeatureKind, InputError, LoadedModel
from freehold.serving.errors import ServingError

_ROWS_MAX = 10_000  # one answer is one record and one body; more rows are a batch job
_TEXT_CHARS_MAX = 262_144  # one text; what the gateway takes as a prompt


def predict(model: LoadedModel, question: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one question.

    Raises:
        InputError: a column is missing or unknown.
        ServingError: the question has another form, too many rows, or a value of another kind.
    """
    rows = question.get("rows")
    if set(question) != {"rows"} or not isinstance(rows, dict) or not rows:
        raise ServingError(
            "serving.request", 'expected {"rows": {column: [values]}} with the model\'s columns'
        )
    frame = rows_frame(model.spec.features, rows)
    probabilities = model.probabilities(frame)
    classes = model.spec.classes
    return {
        "labels": [classes[index] for index in probabilities.argmax(axis=1)],
        "probabilities": probabilities.tolist(),
        "classes": list(classes),
    }


def rows_frame(features: tuple[Feature, ...], rows: Mapping[str, Any]) -> pl.DataFrame:
    """Check columns against what a model reads, and build its table.

    Raises:
        InputError: a column is missing or unknown.
        ServingError: columns of different lengths, too many rows, or a value of another kind.
    """
    names = [feature.name for feature in features]
    for name in names:
        if name not in rows:
            raise InputError(
                "models.column_missing",
                f"the column {name!r:.100} is missing, which the model reads",
                "give every feature of the model; a missing value may be null",
            )
    for name in rows:
        if name not in names:
            raise InputError(
                "models.column_unknown",
                f"the model does not read a column {name!r:.100}",
                f"it reads {', '.join(names)}"[:400],
            )
    _check_lengths(rows)
    return pl.DataFrame([_series(feature, rows[feature.name]) for feature in features])


def _check_lengths(rows: Mapping[str, Any]) -> None:
    if not all(isinstance(values, list) for values in rows.values()):
        raise ServingError("serving.request", "expected a list of values for each column")
    lengths = {len(values) for values in rows.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise ServingError(
            "serving.request", f"expected columns of one length over 0, got {sorted(lengths)[:5]}"
        )
    if max(lengths) > _ROWS_MAX:
        raise ServingError(
            "serving.too_many_rows",
            f"{max(lengths)} rows, at most {_ROWS_MAX} are answered at once",
            "ask in several parts",
        )


def _series(feature: Feature, values: list[Any]) -> pl.Series:
    expected, dtype, convert = _READERS[feature.kind]
    read: list[Any] = []
    for row, value in enumerate(values):
        converted = None if value is None else convert(value)
        if converted is None and value is not None:
            raise ServingError(
                "serving.value",
                f"the column {feature.name!r:.100}, row {row}: expected {expected} or null, "
                f"got {type(value).__name__}",
            )
        read.append(converted)
    return pl.Series(feature.name, read, dtype=dtype)


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e308 else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= _TEXT_CHARS_MAX else None


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is None else None


_READERS: Mapping[FeatureKind, tuple[str, pl.DataType, Callable[[Any], Any]]] = {
    FeatureKind.number: ("a finite number", pl.Float64(), _number),
    FeatureKind.boolean: ("true, false", pl.Boolean(), _boolean),
    FeatureKind.category: ("a text", pl.String(), _string),
    FeatureKind.text: (f"a text of at most {_TEXT_CHARS_MAX} characters", pl.String(), _string),
    FeatureKind.time: ("a time like 2026-11-24 or 2026-11-24T06:02:49", pl.Datetime("us"), _time),
}
