"""Read a job's data and split it the one way that training and evaluation share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import polars as pl

from freehold.data import Format, ReadOptions, read_table, split_rows
from freehold.training._labels import labelled


def read_rows(data: BinaryIO, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Read the stored file of a dataset by the job parameters `format` and `options`.

    Raises:
        DataError: the bytes are not what the format promises.
    """
    given = dict(parameters.get("options", {}))
    given["missing"] = tuple(given.get("missing", ()))  # JSON has lists alone
    return read_table(data, Format(parameters["format"]), ReadOptions(**given))


def split(
    frame: pl.DataFrame, label: str, *, seed: int, holdout: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the rows to learn from and those held out, each class in its share. Rows without a label
    are in neither part.

    Raises:
        DataError: fewer than two labelled rows.
        TrainingError: the label's column is missing, empty or no label.
    """
    rows = labelled(frame, label)
    labels = rows.get_column(label).to_list()
    learn, held_out = split_rows(rows.height, seed=seed, holdout=holdout, labels=labels)
    return rows[learn], rows[held_out]
