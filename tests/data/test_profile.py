"""A profile counts what a naive count finds, and fits the body of an act."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import (
    DEFAULT_DATA_LIMITS,
    ColumnProfile,
    DataError,
    Format,
    ReadOptions,
    profile,
)
from freehold.kernel import DEFAULT_LIMITS, canonical

CONTENT = (
    "id,price,on,ok,note\n"
    "1,1.5,2024-01-31,true,größer\n"
    "9007199254740993,-2.5,2023-12-01,false,\n"
    "1,1.5,2024-01-31,true,größer\n"
    ",,,,\n"
)


def test_each_column_is_described_by_its_kind() -> None:
    found = profile(io.BytesIO(CONTENT.encode()), Format.CSV)
    assert found.columns == (
        ColumnProfile("id", "integer", 1, 2, "1", "9007199254740993"),
        ColumnProfile("price", "number", 1, 2, "-2.5", "1.5"),
        ColumnProfile("on", "date", 1, 2, "2023-12-01", "2024-01-31"),
        ColumnProfile("ok", "boolean", 1, 2),
        ColumnProfile("note", "text", 2, 1, length_min=6, length_max=6),
    )
    assert (found.rows, found.duplicate_rows, found.encoding) == (4, 1, "utf-8")
    assert found.bytes == len(CONTENT.encode())


def test_a_column_without_values_is_described() -> None:
    found = profile(io.BytesIO(b"a,b\n1,\n2,\n"), Format.CSV)
    assert found.columns[1] == ColumnProfile("b", "text", 2, 0)


def test_a_byte_order_mark_is_told() -> None:
    assert profile(io.BytesIO(b"\xef\xbb\xbfa\n1\n"), Format.CSV).encoding == "utf-8-sig"


def test_the_options_are_those_of_reading() -> None:
    content = b"a\n=1+1\nNA\n"
    with pytest.raises(DataError):
        profile(io.BytesIO(content), Format.CSV)
    found = profile(io.BytesIO(content), Format.CSV, ReadOptions(formulas="text", missing=("NA",)))
    assert found.columns[0].missing == 1


def test_the_profile_of_the_widest_table_fits_the_body_of_an_act() -> None:
    limits = DEFAULT_DATA_LIMITS
    names = [
        f"{i:04}" + "ü" * (limits.column_name_chars_max - 4) for i in range(limits.columns_max)
    ]
    text = ",".join(names) + "\n" + ",".join(["-1.2345678901234567e-300"] * len(names)) + "\n"
    encoded = canonical(profile(io.BytesIO(text.encode()), Format.CSV).as_json())
    assert len(encoded) < DEFAULT_LIMITS.body_bytes_max / 2


def test_the_profile_of_a_public_file_is_plain_json(shared_data: Path) -> None:
    path = shared_data / "tabular-adult" / "adult_test.csv"
    with path.open("rb") as stream:
        found = profile(stream, Format.CSV)
    with path.open(newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    assert json.loads(canonical(found.as_json())) == found.as_json()
    assert found.as_json()["format"] == "csv"
    assert (found.rows, found.bytes) == (16_281, path.stat().st_size)
    assert found.duplicate_rows == len(rows) - len(set(map(tuple, rows)))
    sex = next(column for column in found.columns if column.name == "sex")
    assert sex == ColumnProfile("sex", "text", 0, 2, length_min=4, length_max=6)


CELLS = st.sampled_from(["", "x", "yy", "é", "x "])


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=30))
def test_the_counts_are_those_of_a_naive_count(rows: list[tuple[str, str]]) -> None:
    content = "a,b\n" + "".join(f"{a},{b}\n" for a, b in rows)
    found = profile(io.BytesIO(content.encode()), Format.CSV)
    assert found.duplicate_rows == len(rows) - len(set(rows))
    for index, column in enumerate(found.columns):
        values = [row[index] for row in rows if row[index]]
        lengths = [len(value) for value in values]
        assert (column.missing, column.distinct) == (len(rows) - len(values), len(set(values)))
        assert column.length_min == (min(lengths) if lengths else None)
        assert column.length_max == (max(lengths) if lengths else None)
