"""Tell from a column which classes there are to choose among, or why it is no label."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.models import Label
from freehold.training.errors import TrainingError

_CLASSES_MAX = 1_000  # beyond, neither a person nor a confusion table can follow
_NUMBERS_MAX = 100  # different integers; more of them are a quantity (an age, an amount)


def labelled(frame: pl.DataFrame, label: str) -> pl.DataFrame:
    """Give the rows that have a label; whole numbers kept as floats become integers.

    Raises:
        TrainingError: the column is missing or empty, or holds fractions or times.
    """
    if label not in frame.columns:
        raise TrainingError(
            "training.label_missing",
            f"there is no column {label!r:.100}; there are {', '.join(frame.columns)[:400]}",
            "name the column that is to be predicted",
        )
    rows = frame.filter(frame.get_column(label).is_not_null())
    if rows.is_empty():
        raise TrainingError(
            "training.label_missing",
            f"the column {label!r:.100} is empty",
            "label at least some rows of each class",
        )
    column = rows.get_column(label)
    if column.dtype == pl.Float64 and (column == column.round()).all():
        column = column.cast(pl.Int64)
    if column.dtype not in (pl.String, pl.Int64, pl.Boolean):
        raise _continuous(label, f"it holds {column.dtype}, not classes")
    return rows.with_columns(column)


def classes_of(column: pl.Series) -> tuple[Label, ...]:
    """List the classes of a label's column, in ascending order.

    Raises:
        TrainingError: there is one class alone, or so many that the column is no label.
    """
    classes: tuple[Label, ...] = tuple(column.unique().sort().to_list())
    if len(classes) < 2:
        raise TrainingError(
            "training.label_single",
            f"all {len(column)} rows have the same label in {column.name!r:.100}",
            "add rows of another class: from one class there is nothing to tell apart",
        )
    bound = _NUMBERS_MAX if column.dtype == pl.Int64 else _CLASSES_MAX
    if len(classes) > bound or len(classes) * 2 > len(column):
        raise _continuous(column.name, f"it has {len(classes)} different values in {len(column)}")
    return classes


def class_indices(column: pl.Series, classes: tuple[Label, ...]) -> NDArray[np.int64]:
    """Give each label's index among `classes`; -1 for one that is not among them."""
    index = {_text(value): number for number, value in enumerate(classes)}
    return np.array([index.get(_text(value), -1) for value in column.to_list()], dtype=np.int64)


def _text(value: Label) -> str:
    """Compare labels by what is written: a test file may hold `1` as text where training had 1."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _continuous(label: str, why: str) -> TrainingError:
    return TrainingError(
        "training.label_continuous",
        f"the column {label!r:.100} is no label for classes: {why}",
        "choose another column, or put its values into a few groups first",
    )
