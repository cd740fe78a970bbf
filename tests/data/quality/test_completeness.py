"""What is missing is counted as one would by hand."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from freehold.data.quality import ColumnCompleteness, completeness

CELLS = st.one_of(st.none(), st.floats(0, 1), st.just(float("nan")))


def test_gaps_of_a_public_table_are_told_by_column(shared_data: Path) -> None:
    found = completeness(pl.read_csv(shared_data / "tabular-heart" / "heart_disease.csv"))
    assert (found.rows, found.cells, found.missing, found.complete_rows) == (304, 4256, 5, 299)
    assert found.columns == (ColumnCompleteness("ca", 5),)
    assert found.share == 1 - 5 / 4256


@given(st.lists(st.tuples(CELLS, CELLS), max_size=20))
def test_counts_are_those_of_a_naive_count(rows) -> None:
    table = pl.DataFrame(rows, schema={"a": pl.Float64, "b": pl.Float64}, orient="row")
    gaps = [[cell is None or cell != cell for cell in row] for row in rows]
    found = completeness(table)
    assert found.missing == sum(map(sum, gaps))
    assert found.complete_rows == sum(not any(row) for row in gaps)
    assert {each.name: each.missing for each in found.columns} == {
        name: count for index, name in enumerate("ab") if (count := sum(row[index] for row in gaps))
    }


def test_a_table_without_cells_lacks_nothing() -> None:
    assert completeness(pl.DataFrame()).share == 1
