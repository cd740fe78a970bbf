"""Looking columns up by name, and making every kind of column into codes or numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.data.errors import DataError

Codes = NDArray[np.int64]


def named(table: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The columns of these names.

    Raises:
        DataError: one of them is not in the table.
    """
    for name in names:
        if name not in table.columns:
            raise DataError(
                "data.column",
                f"the table has no column {name!r:.80}; it has {table.width} columns",
                "name a column as the header writes it",
            )
    return table.select(names)


def is_numeric(column: pl.Series) -> bool:
    """Whether a column measures something: numbers, dates and moments do, booleans do not."""
    return column.dtype.is_numeric() or column.dtype.is_temporal()


def numbers(column: pl.Series) -> NDArray[np.float64]:
    """The values of a numeric column as floats; what is missing or infinite is NaN."""
    physical = column.to_physical() if column.dtype.is_temporal() else column
    found = physical.cast(pl.Float64).to_numpy().astype(np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def codes(*columns: pl.Series) -> tuple[Codes, ...]:
    """The same number for the same value in all columns, from 0; a missing value is one of them.

    Columns of different kinds are compared as floats if all are numbers, else as text.
    """
    values = [column.rename("value") for column in columns]
    if len({column.dtype for column in columns}) > 1:
        kind = pl.Float64 if all(column.dtype.is_numeric() for column in columns) else pl.String
        values = [column.cast(kind) for column in values]
    together = pl.concat(values).to_frame()
    firsts = together.unique(maintain_order=True).with_row_index("code")
    found = together.join(firsts, on="value", how="left", nulls_equal=True, maintain_order="left")
    flat = found["code"].cast(pl.Int64).to_numpy()
    ends = np.cumsum([len(column) for column in columns])
    return tuple(np.split(flat, ends[:-1]))
