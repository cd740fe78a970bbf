"""Every result is small, plain, and holds no cell of the table that it judges."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from freehold.data.quality import (
    class_balance,
    completeness,
    coverage,
    difference,
    exact_duplicates,
    label_errors,
    near_duplicate_rows,
    near_duplicates,
    outliers,
    part_leakage,
    rare_categories,
    shift,
    target_leakage,
)
from freehold.kernel import DEFAULT_LIMITS, canonical

SECRET = "zweifelhaft"
NUMBER = 987_654_321_987
ROWS = 4_000
BODY_BYTES_MAX = DEFAULT_LIMITS.body_bytes_max / 2


def secrets(seed: int) -> pl.DataFrame:
    """A table in which every cell of interest would be noticed in a result."""
    chance = np.random.default_rng(seed)
    people = chance.integers(0, 1_500, ROWS)
    return pl.DataFrame(
        {
            "name": [f"{SECRET} person of the number {each}" for each in people],
            "group": [f"{SECRET} {each % 30}" for each in people],
            "part": [f"{SECRET}-{min(int(each), 700)}" for each in chance.exponential(90, ROWS)],
            "sum": [NUMBER + int(each) * 1_000 for each in chance.standard_cauchy(ROWS)],
            "y": [SECRET + "+" if each % 3 else SECRET + "-" for each in people],
        }
    ).with_columns(sum=pl.when(pl.col("sum") % 7 == 0).then(None).otherwise("sum"))


JUDGED: dict[str, Callable[[pl.DataFrame, pl.DataFrame], Any]] = {
    "completeness": lambda one, two: completeness(one),
    "outliers": lambda one, two: outliers(one),
    "outliers by quartiles": lambda one, two: outliers(one, method="iqr"),
    "rare categories": lambda one, two: rare_categories(one),
    "class balance": lambda one, two: class_balance(one, "y"),
    "classes by the thousand": lambda one, two: class_balance(one, "name"),
    "coverage": lambda one, two: coverage(one, ["group", "part", "y"]),
    "exact duplicates": lambda one, two: exact_duplicates(one.select("name", "group")),
    "near duplicates of texts": lambda one, two: near_duplicates(one["name"]),
    "near duplicates of rows": lambda one, two: near_duplicate_rows(one, threshold=0.5),
    "leakage between parts": lambda one, two: part_leakage(one, two, target="y"),
    "leakage of texts": lambda one, two: part_leakage(one, two, target="y", text="name"),
    "leakage of the target": lambda one, two: target_leakage(one, two, target="y"),
    "shift": shift,
    "difference by content": difference,
    "difference by key": lambda one, two: difference(
        one.unique("name", keep="first", maintain_order=True),
        two.unique("name", keep="first", maintain_order=True),
        key=["name"],
    ),
    "label errors": lambda one, two: label_errors(
        np.arange(ROWS) % 2, np.random.default_rng(1).dirichlet([0.2, 0.2], ROWS)
    ),
}


@pytest.mark.parametrize("case", JUDGED)
def test_a_result_is_plain_small_and_tells_no_value(case: str) -> None:
    found = JUDGED[case](secrets(1), secrets(2))
    told = found.as_json()
    encoded = canonical(told)
    assert json.loads(encoded) == told
    assert len(encoded) < BODY_BYTES_MAX
    for text in (encoded.decode(), repr(found)):
        assert SECRET not in text
        assert str(NUMBER)[:8] not in text


@pytest.mark.parametrize("case", JUDGED)
def test_a_result_is_the_same_twice(case: str) -> None:
    first, second = (JUDGED[case](secrets(1), secrets(2)).as_json() for _ in range(2))
    assert first == second


def test_the_results_of_the_widest_table_fit_the_body_of_an_act() -> None:
    """A quarter of the widest table, in a quarter of the room."""
    names = [f"{number:04}" + "ü" * 252 for number in range(500)]
    table = pl.DataFrame({name: [*range(40), *[10**9] * 60] for name in names})
    texts = table.select(pl.all().cast(pl.String))
    for found in (
        completeness(table.with_columns(pl.all().replace(1, None))),
        outliers(table, method="iqr"),
        outliers(table.with_columns(pl.all().replace(10**9, 20))),
        rare_categories(texts, share_min=0.5),
        shift(table, table.with_columns(pl.all() + 1)),
        difference(table, table.with_columns(pl.all().replace(7, 8))),
        target_leakage(table, table, target=names[0]),
    ):
        assert len(canonical(found.as_json())) < BODY_BYTES_MAX / 4
