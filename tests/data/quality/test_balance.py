"""Classes and groups are counted as a counter counts them."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import log, prod
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.quality import Group, class_balance, coverage

CELLS = st.one_of(st.none(), st.sampled_from("xyz"))


def test_classes_come_largest_first_and_by_their_first_row() -> None:
    found = class_balance(pl.DataFrame({"y": [None, "a", "b", "b", "b"]}), "y")
    assert found.classes == (Group(2, 3, 0.6), Group(1, 1, 0.2))
    assert (found.missing, found.ratio) == (1, 3)
    assert found.evenness == pytest.approx(-(0.75 * log(0.75) + 0.25 * log(0.25)) / log(2))


def test_intents_of_a_public_file_are_counted(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "support-banking77" / "train.csv")
    found = class_balance(table, "category")
    counts = Counter(table["category"])
    assert [each.rows for each in found.classes] == sorted(counts.values(), reverse=True)
    assert found.ratio == max(counts.values()) / min(counts.values())
    assert all(counts[table["category"][each.first_row]] == each.rows for each in found.classes)


def test_one_class_is_not_even() -> None:
    assert class_balance(pl.DataFrame({"y": ["a", "a"]}), "y").evenness == 0


@pytest.mark.parametrize("table", [{"y": [None, None]}, {"y": []}])
def test_a_target_without_values_is_refused(table) -> None:
    with pytest.raises(DataError, match="no value") as caught:
        class_balance(pl.DataFrame(table, schema={"y": pl.String}), "y")
    assert caught.value.code == "data.too_few_rows"


def test_a_column_that_is_not_there_is_refused_by_name() -> None:
    for work in (lambda t: class_balance(t, "b"), lambda t: coverage(t, ["a", "b"])):
        with pytest.raises(DataError, match="no column 'b'") as caught:
            work(pl.DataFrame({"a": [1]}))
        assert caught.value.code == "data.column"


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=30), st.integers(1, 5))
def test_groups_are_those_of_a_counter(rows, rows_min: int) -> None:
    names = list("abc")
    table = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    found = coverage(table, names, rows_min=rows_min)
    chosen = [pick for size in (1, 2, 3) for pick in combinations(range(3), size)]
    assert [each.columns for each in found.coverages] == [
        tuple(names[index] for index in pick) for pick in chosen
    ]
    below = 0
    for pick, each in zip(chosen, found.coverages, strict=True):
        picked = [tuple(row[index] for index in pick) for row in rows]
        counts = Counter(picked)
        assert {picked[group.first_row]: group.rows for group in each.groups} == counts
        assert all(picked.index(picked[g.first_row]) == g.first_row for g in each.groups)
        assert sum(group.share for group in each.groups) == pytest.approx(1)
        assert each.smallest.rows == min(counts.values())
        possible = prod(len({row[index] for row in rows}) for index in pick)
        assert each.absent == possible - len(counts)
        below += sum(count < rows_min for count in counts.values())
    assert found.below == below


def test_groups_of_persons_of_a_public_table_are_covered(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "tabular-adult" / "adult_train.csv")
    found = coverage(table, ["sex", "race"])
    pairs = next(each for each in found.coverages if each.columns == ("sex", "race"))
    smallest = table.row(pairs.smallest.first_row, named=True)
    same = (pl.col("sex") == smallest["sex"]) & (pl.col("race") == smallest["race"])
    assert table.filter(same).height == pairs.smallest.rows
    assert pairs.smallest.rows == table.group_by("sex", "race").len()["len"].min()


@pytest.mark.parametrize("columns", [[], ["a", "a"], list("abcdefghi")])
def test_no_column_one_twice_or_too_many_are_a_mistake_of_the_caller(columns) -> None:
    with pytest.raises(ValueError, match="1 to 8 different columns"):
        coverage(pl.DataFrame({name: [1] for name in "abcdefghi"}), columns)


def test_a_table_without_rows_has_no_groups() -> None:
    with pytest.raises(DataError, match="no rows") as caught:
        coverage(pl.DataFrame({"a": []}), ["a"])
    assert caught.value.code == "data.too_few_rows"
