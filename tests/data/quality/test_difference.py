"""The difference of two versions turns one into the other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.quality import difference

CELLS = st.one_of(st.none(), st.integers(0, 2))
ROWS = st.lists(st.tuples(CELLS, CELLS), max_size=15)
KEYED = st.dictionaries(st.integers(0, 9), CELLS, max_size=9)


def frame(rows: list) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"a": pl.Int64, "b": pl.Int64}, orient="row")


@given(ROWS, ROWS)
def test_by_content_the_rows_of_one_version_less_and_more_are_the_other(before, after) -> None:
    found = difference(frame(before), frame(after))
    removed = Counter(before[row] for row in found.removed)
    added = Counter(after[row] for row in found.added)
    assert Counter(before) - removed + added == Counter(after)
    assert not removed & added
    assert not len(found.changed)


@given(KEYED, KEYED)
def test_by_key_rows_are_added_removed_or_changed(before, after) -> None:
    old, new = list(before.items()), list(after.items())
    found = difference(frame(old), frame(new), key=["a"])
    assert {new[row][0] for row in found.added} == after.keys() - before.keys()
    assert {old[row][0] for row in found.removed} == before.keys() - after.keys()
    changed = {old[left][0] for left, right in found.changed if old[left][0] == new[right][0]}
    both = before.keys() & after.keys()
    assert changed == {key for key in both if before[key] != after[key]}
    assert len(found.changed) == len(changed)
    assert found.changed_columns == ({"b": len(changed)} if changed else {})


def test_columns_that_come_and_go_are_named_and_not_compared() -> None:
    before = pl.DataFrame({"k": [1, 2], "x": [1, 2], "old": [0, 0]})
    after = pl.DataFrame({"new": [0, 0], "x": [2, 9], "k": [2, 1]})
    found = difference(before, after, key=["k"])
    assert (found.columns_added, found.columns_removed) == (("new",), ("old",))
    assert (found.changed.tolist(), found.changed_columns) == ([[0, 1]], {"x": 1})


def test_integers_are_compared_with_fractions_as_numbers_and_with_texts_as_text() -> None:
    whole = pl.DataFrame({"a": [1, 2]})
    assert not len(difference(whole, pl.DataFrame({"a": [1.0, 2.0]})).added)
    assert difference(whole, pl.DataFrame({"a": ["1", "x"]})).added.tolist() == [1]


def test_a_key_of_two_columns_tells_rows_apart() -> None:
    before = pl.DataFrame({"a": [1, 1], "b": [1, 2], "x": [0, 0]})
    after = pl.DataFrame({"a": [1, 1], "b": [2, 3], "x": [5, 0]})
    found = difference(before, after, key=["a", "b"])
    assert (found.added.tolist(), found.removed.tolist()) == ([1], [0])
    assert found.changed.tolist() == [[1, 0]]


def test_what_was_done_to_a_public_table_is_found(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "tabular-heart" / "heart_disease.csv").with_row_index("id")
    table = table.with_columns(pl.col("id").cast(pl.Int64))
    older = pl.col("age") + 1
    after = pl.concat(
        [
            table[5:].with_columns(
                age=pl.when(pl.col("id").is_in([9, 20])).then(older).otherwise("age")
            ),
            table[:2].with_columns(id=pl.col("id") + 10_000),
        ]
    )
    found = difference(table, after, key=["id"])
    assert found.removed.tolist() == [0, 1, 2, 3, 4]
    assert found.added.tolist() == [299, 300]
    assert found.changed.tolist() == [[9, 4], [20, 15]]
    assert found.changed_columns == {"age": 2}


REFUSED: dict[str, tuple[list, list[str], str, str]] = {
    "a missing key": ([(1, 0), (None, 0)], ["a"], "data.key", "'a' is missing at row index 1"),
    "a key twice": ([(1, 0), (2, 0), (1, 1)], ["a"], "data.key", "row index 2 .* occurs before"),
    "no such column": ([(1, 0)], ["c"], "data.column", "no column 'c'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_key_that_names_no_row_is_refused(case: str) -> None:
    rows, key, code, words = REFUSED[case]
    for versions in ((frame(rows), frame([])), (frame([]), frame(rows))):
        with pytest.raises(DataError, match=words) as caught:
            difference(*versions, key=key)
        assert caught.value.code == code


def test_tables_with_nothing_in_common_are_refused() -> None:
    with pytest.raises(DataError, match="no column in common") as caught:
        difference(pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [1]}))
    assert caught.value.code == "data.column"
