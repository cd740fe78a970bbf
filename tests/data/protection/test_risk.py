"""Risk reports agree with a naive reckoning by the definitions of the papers."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.protection import (
    k_anonymity,
    l_diversity,
    suppress_small_groups,
    t_closeness,
    uniqueness,
)
from freehold.kernel import canonical

ADULT = ["age", "sex", "race", "native_country"]
SOME = st.one_of(st.none(), st.integers(0, 3))
ROWS = st.lists(
    st.tuples(SOME, st.sampled_from([None, "x", "y"]), st.one_of(st.none(), st.integers(0, 6))),
    max_size=40,
)
SCHEMA = {"a": pl.Int64, "b": pl.String, "s": pl.Int64}


def table_of(rows: list[tuple]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def groups_of(rows: list[tuple]) -> list[Counter]:
    """The counts of the sensitive values that are there, group by group."""
    groups: dict[tuple, Counter] = defaultdict(Counter)
    for *quasi, sensitive in rows:
        if sensitive is not None:
            groups[tuple(quasi)][sensitive] += 1
    return list(groups.values())


@given(ROWS, st.integers(1, 6))
def test_k_anonymity_is_what_counting_rows_gives(rows, k):
    found = k_anonymity(table_of(rows), ["a", "b"], k=k)
    sizes = Counter(row[:2] for row in rows).values()
    assert found.smallest == min(sizes, default=0)
    assert (found.rows, found.groups) == (len(rows), len(sizes))
    assert found.rows_below == sum(size for size in sizes if size < k)
    assert found.groups_below == sum(size < k for size in sizes)
    assert found.sizes == tuple(sorted(Counter(sizes).items()))


@given(ROWS)
def test_uniqueness_is_what_counting_rows_gives(rows):
    found = uniqueness(table_of(rows), ["a", "b", "s"])
    wanted = [c for size in (1, 2, 3) for c in combinations(range(3), size)]
    assert [each.columns for each in found] == [tuple("abs"[i] for i in c) for c in wanted]
    for each, columns in zip(found, wanted, strict=True):
        counts = Counter(tuple(row[i] for i in columns) for row in rows).values()
        assert (each.groups, each.unique_rows) == (len(counts), list(counts).count(1))
    assert uniqueness(table_of(rows), ["a", "b", "s"], columns_max=1) == found[:3]


def recursive(counts: Counter, c: float) -> int:
    """The greatest l of one group, as the definition has it."""
    falling = sorted(counts.values(), reverse=True)
    return max(
        (n for n in range(1, len(falling) + 1) if falling[0] < c * sum(falling[n - 1 :])), default=0
    )


@given(ROWS, st.sampled_from([0.5, 1.0, 2.0, 3.5]), st.integers(1, 4))
def test_l_diversity_is_what_the_definition_gives(rows, c, wanted):
    found = l_diversity(table_of(rows), ["a", "b"], "s", c=c, l=wanted)
    groups = groups_of(rows)
    entropies = [
        -sum(n / group.total() * math.log(n / group.total()) for n in group.values())
        for group in groups
    ]
    assert found.distinct == min(map(len, groups), default=0)
    assert found.entropy == pytest.approx(math.exp(min(entropies)) if groups else 0)
    assert found.recursive == min((recursive(group, c) for group in groups), default=0)
    below = [group.total() for group in groups if recursive(group, c) < wanted]
    assert (found.groups_below, found.rows_below) == (len(below), sum(below))
    assert (found.groups, found.rows) == (len(groups), len(rows))
    assert found.rows_missing == sum(row[2] is None for row in rows)


def distances(groups: list[Counter], *, ordered: bool) -> list[float]:
    """The earth mover's distances, as the definitions have them."""
    overall: Counter = sum(groups, Counter())
    values = sorted(overall)
    found = []
    for group in groups:
        gaps = [group[v] / group.total() - overall[v] / overall.total() for v in values]
        if ordered:
            moved = sum(abs(sum(gaps[: n + 1])) for n in range(len(gaps)))
            found.append(moved / (len(values) - 1) if len(values) > 1 else 0.0)
        else:
            found.append(sum(map(abs, gaps)) / 2)
    return found


@pytest.mark.parametrize("distance", ["equal", "ordered"])
@given(rows=ROWS, t=st.sampled_from([0.05, 0.1503, 0.303]))
def test_t_closeness_is_what_the_definition_gives(distance, rows, t):
    found = t_closeness(table_of(rows), ["a", "b"], "s", t=t, distance=distance)
    groups = groups_of(rows)
    naive = distances(groups, ordered=distance == "ordered")
    assert found.greatest == pytest.approx(max(naive, default=0), abs=1e-9)
    above = [group.total() for group, d in zip(groups, naive, strict=True) if d > t]
    assert (found.groups_above, found.rows_above) == (len(above), sum(above))
    assert (found.groups, found.distance) == (len(groups), distance)


def test_the_example_of_the_paper_on_t_closeness():
    # Li, Li and Venkatasubramanian 2007, 4.1: incomes 3k to 11k; {3k,4k,5k} and {6k,8k,11k}.
    # Table III has each of the nine incomes once; the distances are 0.375 and 0.167.
    incomes = [3, 4, 5, 6, 11, 8, 7, 9, 10]
    table = pl.DataFrame({"group": [1, 1, 1, 2, 2, 2, 3, 3, 3], "income": incomes})
    assert t_closeness(table, ["group"], "income").greatest == pytest.approx(0.375)
    others = table.with_columns(pl.when(pl.col("group") == 2).then(2).otherwise(1).alias("group"))
    small = t_closeness(others, ["group"], "income", t=0.16)
    assert small.greatest == pytest.approx(1 / 6)
    assert small.groups_above == 1


def test_numbers_and_dates_are_ordered_and_text_is_not():
    table = pl.DataFrame({"q": [1, 1], "n": [1, 2], "t": ["a", "b"], "b": [True, False]})
    chosen = [t_closeness(table, ["q"], name).distance for name in ("n", "t", "b")]
    assert chosen == ["ordered", "equal", "equal"]


def test_nan_is_missing():
    table = pl.DataFrame({"q": [math.nan, None, 1.0], "s": [math.nan, 1.0, 1.0]})
    assert k_anonymity(table, ["q"], k=2).sizes == ((1, 1), (2, 1))
    assert l_diversity(table, ["q"], "s").rows_missing == 1
    kept, _ = suppress_small_groups(table, ["q"], 2)
    assert kept.height == 2


@given(ROWS, st.integers(2, 6))
def test_suppression_reaches_k_and_keeps_all_that_may_stay(rows, k):
    table = table_of(rows)
    kept, applied = suppress_small_groups(table, ["a", "b"], k)
    sizes = Counter(row[:2] for row in rows)
    assert kept.rows() == [row for row in rows if sizes[row[:2]] >= k]
    assert (applied.rows_before, applied.rows_after) == (len(rows), kept.height)
    after = k_anonymity(kept, ["a", "b"], k=k)
    assert after.rows_below == 0
    assert after.rows == len(rows) - k_anonymity(table, ["a", "b"], k=k).rows_below


def test_reports_of_adult_hold_counts_and_no_cells(shared_data: Path):
    table = pl.read_csv(shared_data / "tabular-adult" / "adult_test.csv")
    grouped, combined = k_anonymity(table, ADULT, k=5), uniqueness(table, ADULT)
    reports = [
        grouped,
        *combined,
        l_diversity(table, ADULT, "target"),
        t_closeness(table, ADULT, "hours_per_week"),
    ]
    counts = Counter(table.select(ADULT).iter_rows()).values()
    assert grouped.rows_below == sum(n for n in counts if n < 5)
    assert combined[-1].unique_rows == list(counts).count(1)
    told = canonical([each.as_json() for each in reports]).decode()
    cells = set(table.select(pl.selectors.string()).unpivot().get_column("value").unique())
    assert not [cell for cell in cells if f'"{cell}"' in told]


def test_heart_disease_is_reported_as_counting_gives(shared_data: Path):
    table = pl.read_csv(shared_data / "tabular-heart" / "heart_disease.csv")
    rows = table.select("age", "sex", "target").rows()
    groups = groups_of(rows)
    found = l_diversity(table, ["age", "sex"], "target", l=2, c=3)
    assert (found.groups, found.distinct) == (len(groups), min(map(len, groups)))
    assert found.groups_below == sum(recursive(group, 3) < 2 for group in groups)
    close = t_closeness(table, ["age", "sex"], "target", distance="equal")
    assert close.greatest == pytest.approx(max(distances(groups, ordered=False)))


TABLE = pl.DataFrame({"a": [1], "b": [2]})


@pytest.mark.parametrize(
    "work",
    [
        lambda: k_anonymity(TABLE, [], k=2),
        lambda: k_anonymity(TABLE, ["a", "a"], k=2),
        lambda: k_anonymity(TABLE, ["c"], k=2),
        lambda: uniqueness(TABLE, []),
        lambda: l_diversity(TABLE, ["a"], "a"),
        lambda: l_diversity(TABLE, ["a"], "c"),
        lambda: t_closeness(TABLE, ["c"], "b"),
        lambda: t_closeness(TABLE.with_columns(c=pl.concat_list("b")), ["a"], "c"),
        lambda: suppress_small_groups(TABLE, ["c"], 2),
    ],
)
def test_columns_that_make_no_groups_are_refused(work):
    with pytest.raises(DataError) as refused:
        work()
    assert refused.value.code == "data.column"


@pytest.mark.parametrize(
    "work",
    [
        lambda: k_anonymity(TABLE, ["a"], k=0),
        lambda: uniqueness(TABLE, ["a"], columns_max=0),
        lambda: uniqueness(TABLE, [str(n) for n in range(11)]),
        lambda: l_diversity(TABLE, ["a"], "b", l=0),
        lambda: l_diversity(TABLE, ["a"], "b", c=0),
        lambda: t_closeness(TABLE, ["a"], "b", t=1.5),
    ],
)
def test_numbers_out_of_range_are_the_callers_mistake(work):
    with pytest.raises(ValueError, match="got"):
        work()
