"""The search reaches k, stops where no column can be lowered, and is compared with all there is."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.protection import (
    Age,
    Drop,
    Groups,
    Plan,
    Prefix,
    Pseudonym,
    Replace,
    SmallGroups,
    Transform,
    apply_plan,
    generalise_until,
    k_anonymity,
)

CITIES = {"north": ("a", "b"), "south": ("c", "d")}
HIERARCHIES: dict[str, list[Transform]] = {
    "age": [Age(10), Age(30), Replace("*", missing=True)],
    "code": [Prefix(2), Prefix(1), Replace("*", missing=True)],
    "city": [Groups(CITIES), Replace("*", missing=True)],
}
NAMES = list(HIERARCHIES)
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(20, 95)),
        st.one_of(st.none(), st.from_regex("[12][12][12]", fullmatch=True)),
        st.sampled_from(["a", "b", "c", "d", None]),
    ),
    min_size=6,
    max_size=40,
)
LATTICE = list(product(*(range(len(each) + 1) for each in HIERARCHIES.values())))


def table_of(rows: list[tuple]) -> pl.DataFrame:
    schema = {"age": pl.Int64, "code": pl.String, "city": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def suppressed(table: pl.DataFrame, levels: tuple[int, ...], k: int) -> int:
    """How many rows a combination of levels loses, by doing it."""
    plan = Plan(
        {n: HIERARCHIES[n][at - 1] for n, at in zip(NAMES, levels, strict=True) if at},
        others="keep",
        small_groups=SmallGroups(tuple(NAMES), k),
    )
    _, applied = apply_plan(plan, table)
    return applied.rows_before - applied.rows_after


@given(ROWS, st.integers(2, 5), st.sampled_from([0.0, 0.1, 0.3]))
def test_what_is_found_reaches_k_and_no_column_can_be_lowered(rows, k, suppress_max):
    table, allowed = table_of(rows), int(suppress_max * len(rows))
    found = generalise_until(table, HIERARCHIES, k=k, suppress_max=suppress_max)
    done, applied = apply_plan(found.plan, table)
    assert applied.rows_before - applied.rows_after == found.rows_suppressed <= allowed
    assert done.is_empty() or k_anonymity(done, NAMES, k=k).smallest >= k
    levels = tuple(found.levels[name] for name in NAMES)
    for at, level in enumerate(levels):
        if level:
            lower = (*levels[:at], level - 1, *levels[at + 1 :])
            assert suppressed(table, lower, k) > allowed


@pytest.mark.slow
@given(ROWS, st.integers(2, 4), st.sampled_from([0.0, 0.2]))
def test_what_is_found_is_one_of_the_least_of_all_combinations(rows, k, suppress_max):
    table, allowed = table_of(rows), int(suppress_max * len(rows))
    reached = [each for each in LATTICE if suppressed(table, each, k) <= allowed]
    found = generalise_until(table, HIERARCHIES, k=k, suppress_max=suppress_max)
    levels = tuple(found.levels[name] for name in NAMES)
    minimal = [
        each
        for each in reached
        if not any(other != each and all(map(int.__le__, other, each)) for other in reached)
    ]
    assert levels in minimal
    assert sum(levels) >= min(map(sum, reached))


@pytest.mark.parametrize("k", [2, 5, 20])
def test_adult_reaches_k_and_comes_near_the_least_of_all_combinations(shared_data: Path, k):
    table = pl.read_csv(shared_data / "tabular-adult" / "adult_test.csv")
    land = table.get_column("native_country").unique().drop_nulls().sort().to_list()
    america = Groups({"here": ("United-States",)}, other="elsewhere")
    hierarchies: dict[str, list[Transform]] = {
        "age": [Age(5), Age(15), Age(45), Replace("*", missing=True)],
        "sex": [Replace("*", missing=True)],
        "race": [Groups({"White": ("White",)}, other="other"), Replace("*", missing=True)],
        "native_country": [america, Replace("*", missing=True)],
    }
    assert len(land) > 30
    found = generalise_until(table, hierarchies, k=k, suppress_max=0.01)
    done, applied = apply_plan(found.plan, table)
    assert applied.rows_before - applied.rows_after == found.rows_suppressed <= 162
    assert k_anonymity(done, list(hierarchies), k=k).smallest >= k
    heights = []
    for levels in product(*(range(len(each) + 1) for each in hierarchies.values())):
        columns = {
            name: each[at - 1]
            for (name, each), at in zip(hierarchies.items(), levels, strict=True)
            if at
        }
        generalised, _ = apply_plan(Plan(columns, others="keep"), table)
        if k_anonymity(generalised, list(hierarchies), k=k).rows_below <= 162:
            heights.append(sum(levels))
    assert min(heights) <= sum(found.levels.values()) <= min(heights) + 1


def test_a_table_that_is_already_anonymous_is_left_alone():
    found = generalise_until(table_of(5 * [(33, "111", "a")]), HIERARCHIES, k=5)
    assert (dict(found.levels), found.rows_suppressed) == ({"age": 0, "code": 0, "city": 0}, 0)


def test_k_that_nothing_reaches_is_refused():
    with pytest.raises(DataError, match="3 of 3 rows") as refused:
        generalise_until(table_of(3 * [(33, "111", "a")]), HIERARCHIES, k=4)
    assert refused.value.code == "data.anonymity"


BAD = {
    "a level that parts": ({"age": [Age(30), Age(10)]}, "data.hierarchy"),
    "a level that cuts across": ({"age": [Age(10), Age(15)]}, "data.hierarchy"),
    "a level under a key": ({"city": [Pseudonym("city")]}, "data.hierarchy"),
    "a level that drops": ({"city": [Drop()]}, "data.hierarchy"),
    "too many levels": ({"city": 33 * [Replace("*", missing=True)]}, "data.hierarchy"),
    "a column that is not there": ({"town": [Replace("*", missing=True)]}, "data.column"),
    "a level for another kind": ({"city": [Age()]}, "data.column"),
    "cells of no known kind": ({"other": [Replace("*")]}, "data.column"),
    "no columns": ({}, "data.plan"),
}


@pytest.mark.parametrize(("hierarchies", "code"), BAD.values(), ids=BAD.keys())
def test_hierarchies_are_refused_for(hierarchies, code):
    table = table_of([(age, "111", "a") for age in range(20, 80)])
    table = table.with_columns(pl.concat_list("age").alias("other"))
    with pytest.raises(DataError) as refused:
        generalise_until(table, hierarchies, k=2)
    assert refused.value.code == code


def test_a_share_out_of_range_is_the_callers_mistake():
    with pytest.raises(ValueError, match="a share lies between 0 and 1"):
        generalise_until(table_of([]), HIERARCHIES, k=2, suppress_max=1.5)
