"""Equal rows are those that a dictionary finds."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data.quality import exact_duplicates

CELLS = st.one_of(st.none(), st.integers(0, 1))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=20))
def test_groups_are_those_of_a_dictionary(rows) -> None:
    table = pl.DataFrame(rows, schema={"row": pl.Int64, "c0": pl.Int64}, orient="row")
    held: dict[tuple, list[int]] = {}
    for number, row in enumerate(rows):
        held.setdefault(row, []).append(number)
    found = exact_duplicates(table)
    assert sorted(group.rows.tolist() for group in found.groups) == sorted(
        each for each in held.values() if len(each) > 1
    )
    assert found.redundant == len(rows) - len(held)
    sizes = [len(group.rows) for group in found.groups]
    assert sizes == sorted(sizes, reverse=True)


def test_the_rows_of_a_public_file_are_as_counted_before(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "tabular-adult" / "adult_train.csv")
    found = exact_duplicates(table)
    assert found.redundant == table.height - table.n_unique()
    assert found.as_json()["group_count"] == len(found.groups)


def test_a_missing_cell_equals_a_missing_cell_and_no_other() -> None:
    table = pl.DataFrame({"a": [None, None, 0.0, float("nan"), float("nan")]})
    assert [group.rows.tolist() for group in exact_duplicates(table).groups] == [[0, 1], [3, 4]]


def test_a_table_without_columns_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="without columns"):
        exact_duplicates(pl.DataFrame())
