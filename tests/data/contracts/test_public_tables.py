"""Contracts on public tables: they hold there, and each planted fault is found in its row."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from freehold.data import Format, ReadOptions, read_table
from freehold.data.contracts import Report, check, dump, parse, suggest

TODAY = date(2026, 11, 24)
ADULT = "tabular-adult/adult_train.csv"
HEART = "tabular-heart/heart_disease.csv"
BANK = "tabular-bank-marketing/bank-full.csv"
QUERIES = "support-banking77/train.csv"
TABLES = (ADULT, HEART, BANK, QUERIES)

CONTRACTS = {
    ADULT: """\
format = 1
other_columns = "warn"
[rows]
minimum = 10_000
[columns.age]
kind = "integer"
missing_max = 0
minimum = 17
maximum = 90
[columns.sex]
kind = "text"
allowed = ["Female", "Male"]
[columns.fnlwgt]
kind = "number"
minimum = 1
[columns.native_country]
kind = "text"
pattern = '\\?|[A-Z][A-Za-z()&-]+'
[columns.occupation]
kind = "text"
missing_max = 0.001
length_max = 20
[columns.target]
kind = "text"
pattern = "[<>]=?50K"
""",
    HEART: """\
format = 1
other_columns = "refuse"
[[keys]]
columns = ["age", "trestbps", "chol", "thalch", "oldpeak"]
[[comparisons]]
left = "oldpeak"
operator = "<"
right = "trestbps"
"""
    + "".join(
        f'[columns.{name}]\nkind = "{"number" if name == "oldpeak" else "integer"}"\nminimum = 0\n'
        for name in "age trestbps chol thalch oldpeak ca sex cp exang slope thal restecg fbs "
        "target".split()
    ),
    BANK: """\
format = 1
[rows]
minimum = 40_000
maximum = 50_000
[columns.day]
kind = "integer"
minimum = 1
maximum = 31
[columns.month]
kind = "text"
length_min = 3
length_max = 3
[columns.pdays]
kind = "integer"
minimum = -1
warn = ["minimum"]
[columns.y]
kind = "text"
missing_max = 0
allowed = ["no", "yes"]
""",
    QUERIES: """\
format = 1
[[keys]]
columns = ["text"]
[columns.text]
kind = "text"
length_min = 5
length_max = 500
[columns.category]
kind = "text"
references = { table = "categories", column = "category" }
""",
}


@pytest.fixture(scope="module")
def read(shared_data: Path) -> Callable[[str], pl.DataFrame]:
    """Read a public table."""

    def reading(name: str) -> pl.DataFrame:
        with (shared_data / name).open("rb") as stream:
            return read_table(stream, Format.CSV, ReadOptions(formulas="text"))

    return reading


@pytest.fixture(scope="module")
def others(shared_data: Path) -> dict[str, pl.DataFrame]:
    """The table that the queries refer to."""
    path = shared_data / "support-banking77" / "categories.json"
    return {"categories": pl.DataFrame({"category": json.loads(path.read_text(encoding="utf-8"))})}


def kept(report: Report) -> list[str]:
    """The rules that are not kept, as a person reads them."""
    return list(map(str, (*report.refusals, *report.warnings)))


@pytest.mark.parametrize("name", TABLES)
def test_a_public_table_keeps_the_contract_written_for_it(read, others, name: str) -> None:
    report = check(parse(CONTRACTS[name]), read(name), today=TODAY, others=others)
    unnamed = [each for each in kept(report) if not each.startswith("other_columns")]
    assert unnamed == []
    assert report.passes


@pytest.mark.parametrize("name", TABLES)
def test_a_public_table_keeps_what_is_suggested_from_it(read, name: str) -> None:
    table = read(name)
    contract = suggest(table)
    assert kept(check(contract, table, today=TODAY)) == []
    assert parse(dump(contract)) == contract


# True findings: the second file of adult cuts texts after 18 characters ("Asian-Pac-Islande").
SECOND = {
    ADULT: (
        "tabular-adult/adult_test.csv",
        ["columns.race.allowed: broken; 639 rows: 21, 96, 143, 222, 223, …"],
        ["columns.marital_status.allowed: broken; 210 rows: 56, 120, 190, 439, 636, …"],
    ),
    QUERIES: (
        "support-banking77/test.csv",
        [],
        ["rows.minimum: broken; 3080 rows; expected at least 5001"],
    ),
}


@pytest.mark.parametrize("name", SECOND)
def test_a_suggestion_from_one_part_finds_what_is_wrong_with_the_other(read, name: str) -> None:
    second, refusals, warnings = SECOND[name]
    report = check(suggest(read(name)), read(second), today=TODAY)
    assert list(map(str, report.refusals)) == refusals
    assert list(map(str, report.warnings)) == warnings


def cell(column: str, rows: list[int], value: Any) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Put `value` into rows of a column, counted as an editor counts them."""

    def plant(table: pl.DataFrame) -> pl.DataFrame:
        cells = table[column].to_list()
        for row in rows:
            cells[row - 2] = value
        return table.with_columns(pl.Series(column, cells, strict=False))

    return plant


def repeat(source: int, row: int) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Put one row in the place of another."""
    return lambda table: pl.concat(
        [table[: row - 2], table[source - 2 : source - 1], table[row - 1 :]]
    )


PLANTED: dict[str, tuple[str, Callable[[pl.DataFrame], pl.DataFrame], list[str]]] = {
    "an age typed twice": (
        ADULT,
        cell("age", [19_538, 40], 3939),
        ["columns.age.maximum: broken; 2 rows: 40, 19538"],
    ),
    "a missing age": (
        ADULT,
        cell("age", [2], None),
        ["columns.age.missing_max: broken; 1 row: 2"],
    ),
    "a few missing occupations": (ADULT, cell("occupation", list(range(2, 21)), None), []),
    "too many missing occupations": (
        ADULT,
        cell("occupation", list(range(2, 22)), None),
        ["columns.occupation.missing_max: broken; 20 rows: 2, 3, 4, 5, 6, …"],
    ),
    "another spelling": (
        ADULT,
        cell("sex", [77], "male"),
        ["columns.sex.allowed: broken; 1 row: 77"],
    ),
    "the labels of the other file": (
        ADULT,
        cell("target", [100, 200], ">50K."),
        ["columns.target.pattern: broken; 2 rows: 100, 200"],
    ),
    "a country in another alphabet": (
        ADULT,
        cell("native_country", [5], "Ελλάδα"),
        ["columns.native_country.pattern: broken; 1 row: 5"],
    ),
    "an export cut off": (
        ADULT,
        lambda table: table[:4711],
        ["rows.minimum: broken; 4711 rows; expected at least 10000"],
    ),
    "an age in words": (
        ADULT,
        cell("age", [9], "forty"),
        [
            "columns.age.kind: broken; expected integer; the column holds text",
            "columns.age.minimum: unchecked; expected integer; the column holds text",
            "columns.age.maximum: unchecked; expected integer; the column holds text",
        ],
    ),
    "a column of another name": (
        ADULT,
        lambda table: table.rename({"sex": "gender"}),
        ["columns.sex.present: broken; the table has no such column"],
    ),
    "a patient twice": (
        HEART,
        repeat(17, 200),
        ["keys[age, chol, oldpeak, thalch, trestbps]: broken; 1 row: 200"],
    ),
    "a decimal point lost": (
        HEART,
        cell("oldpeak", [3], 1500.0),
        ["comparisons[oldpeak, trestbps]: broken; 1 row: 3"],
    ),
    "a column more": (
        HEART,
        lambda table: table.with_columns(name=pl.lit("?")),
        ["other_columns: broken; 1 that the contract has not: 'name'"],
    ),
    "the 32nd of a month": (
        BANK,
        cell("day", [40_005], 32),
        ["columns.day.maximum: broken; 1 row: 40005"],
    ),
    "a month in full": (
        BANK,
        cell("month", [1000], "june"),
        ["columns.month.length_max: broken; 1 row: 1000"],
    ),
    "a sentinel of another system": (
        BANK,
        cell("pdays", [6], -999),
        ["columns.pdays.minimum: broken; 1 row: 6"],
    ),
    "a table read twice": (
        BANK,
        lambda table: pl.concat([table, table]),
        ["rows.maximum: broken; 80008 rows; expected at most 50000"],
    ),
    "an intent that nobody defined": (
        QUERIES,
        cell("category", [7], "card_arival"),
        ["columns.category.references: broken; 1 row: 7"],
    ),
    "a query twice": (QUERIES, repeat(2, 5000), ["keys[text]: broken; 1 row: 5000"]),
    "an empty query": (
        QUERIES,
        cell("text", [10], ""),
        ["columns.text.length_min: broken; 1 row: 10"],
    ),
}


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_fault_is_found_in_its_row(read, others, case: str) -> None:
    name, plant, expected = PLANTED[case]
    report = check(parse(CONTRACTS[name]), plant(read(name)), today=TODAY, others=others)
    found = [each for each in kept(report) if name != ADULT or not each.startswith("other_col")]
    assert found == expected
    is_warning = case == "a sentinel of another system"
    assert report.passes == (is_warning or not expected)


def test_a_row_is_where_an_editor_shows_it(shared_data: Path, read) -> None:
    with (shared_data / ADULT).open(newline="", encoding="utf-8") as lines:
        reader = csv.reader(lines)
        column = next(reader).index("age")
        rows = [reader.line_num for fields in reader if int(fields[column]) == 17]
    tight = parse(CONTRACTS[ADULT].replace("minimum = 17", "minimum = 18"))
    report = check(tight, read(ADULT), today=TODAY)
    assert [(each.breaking, list(each.first_rows)) for each in report.refusals] == [
        (len(rows), rows[:5])
    ]
