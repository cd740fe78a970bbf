"""What is missing from a table, column by column and row by row."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True, slots=True)
class ColumnCompleteness:
    """How many values of a column are missing."""

    name: str
    missing: int


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of a table is there: by cell, by row, and of each column that lacks something."""

    rows: int
    cells: int
    missing: int
    complete_rows: int
    columns: tuple[ColumnCompleteness, ...]

    @property
    def share(self) -> float:
        """The share of cells that have a value."""
        return 1 - self.missing / self.cells if self.cells else 1.0

    def as_json(self) -> dict[str, Any]:
        """Counts and column names."""
        return asdict(self) | {
            "share": round(self.share, 6),
            "columns": [asdict(column) for column in self.columns],
        }


def completeness(table: pl.DataFrame) -> Completeness:
    """Count the missing cells; a number that is no number (NaN) is missing too."""
    absent = table.select(_is_absent(column) for column in table.get_columns())
    counts = [(column.name, int(column.sum())) for column in absent.get_columns()]
    has_gap = absent.select(pl.any_horizontal(pl.all())).to_series() if table.width else None
    return Completeness(
        rows=table.height,
        cells=table.height * table.width,
        missing=sum(count for _, count in counts),
        complete_rows=table.height - (int(has_gap.sum()) if has_gap is not None else 0),
        columns=tuple(ColumnCompleteness(name, count) for name, count in counts if count),
    )


def _is_absent(column: pl.Series) -> pl.Series:
    if column.dtype.is_float():
        return column.is_null() | column.is_nan().fill_null(True)
    return column.is_null()
