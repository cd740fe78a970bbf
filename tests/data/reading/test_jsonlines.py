"""JSON lines: strict objects, one kind of value in a column, nothing large and nothing doubtful."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DEFAULT_DATA_LIMITS, DataError, DataLimits, Format, read_table


def read(content: bytes | str, limits: DataLimits = DEFAULT_DATA_LIMITS) -> pl.DataFrame:
    data = content.encode() if isinstance(content, str) else content
    return read_table(io.BytesIO(data), Format.JSONL, limits=limits)


MALFORMED: dict[str, tuple[bytes, str, str]] = {
    "no bytes": (b"", "data.empty", "empty"),
    "blank lines only": (b"\n\r\n\n", "data.empty", "no rows"),
    "a blank line between rows": (b'{"a":1}\n\n{"a":2}\n', "data.json", "line 2 is blank"),
    "a list": (b'{"a":1}\n[1]\n', "data.json", "line 2 holds a list"),
    "a number": (b"1\n", "data.json", "line 1 holds an integer"),
    "null": (b"null\n", "data.json", "line 1 holds null"),
    "the same key twice": (b'{"a":1,"a":2}\n', "data.json", "line 1: .*same key twice"),
    "the same key twice, deep": (b'{"a":{"b":1,"b":2}}\n', "data.json", "same key twice"),
    "NaN": (b'{"a":1}\n{"a":NaN}\n', "data.json", "line 2: .*NaN"),
    "infinity": (b'{"a":-Infinity}\n', "data.json", "-Infinity"),
    "a number out of range": (b'{"a":1e999}\n', "data.json", "out of range"),
    "nesting without end": (b'{"a":' + b"[" * 100_000, "data.json", "line 1: .*deeper than 64"),
    "objects without end": (b'{"a":' * 100_000, "data.json", "line 1: .*deeper than 64"),
    "a file cut off": (b'{"a":1}\n{"a":2', "data.json", "line 2, the last one, may be cut off"),
    "two objects in a line": (b'{"a":1}{"a":2}\n', "data.json", "line 1: .*Extra data"),
    "one JSON list over many lines": (b'[\n{"a":1}\n]\n', "data.json", "line 1"),
    "an escaped lone surrogate": (b'{"a":"\\ud800"}\n', "data.json", "surrogates"),
    "a control character": (b'{"a":"\x01"}\n', "data.json", "control character"),
    "a NUL byte": (b'{"a":"\0"}\n', "data.nul", "offset 6"),
    "Latin-1": (b'{"a":"\xfc"}\n', "data.encoding", "offset 6"),
    "UTF-16": ('{"a":1}\n'.encode("utf-16"), "data.encoding", "UTF-16"),
    "no columns": (b"{}\n{}\n", "data.header", "no columns"),
    "an empty name": (b'{"":1}\n', "data.header", "column 1 has an empty name"),
    "a name over the limit": (b'{"' + b"n" * 300 + b'":1}\n', "data.header", "300 characters"),
    "text and number": (
        b'{"a":1}\n{"a":null}\n{"a":"x"}\n',
        "data.types",
        "'a' holds integer in line 1 and text in line 3",
    ),
    "boolean and number": (b'{"a":1.5}\n{"a":true}\n', "data.types", "number .* boolean in line 2"),
    "list and text": (b'{"a":[]}\n{"a":"[]"}\n', "data.types", "nested .* text in line 2"),
    "an integer of no kind": (b'{"a":9223372036854775808}\n', "data.number", "line 1"),
    "an integer that no float holds": (
        b'{"a":9007199254740993}\n{"a":1.5}\n',
        "data.number",
        "line 1, column 'a'",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
@pytest.mark.parametrize("batch_rows", [1, 2, 16_384])
def test_a_malformed_file_is_refused_by_code_and_place(case: str, batch_rows: int) -> None:
    content, code, words = MALFORMED[case]
    with pytest.raises(DataError, match=words) as caught:
        read(content, DataLimits(batch_rows=batch_rows))
    assert caught.value.code == code


def test_a_line_of_100_megabytes_is_refused_before_it_is_held() -> None:
    class Counting(io.BytesIO):
        largest = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            line = super().readline(size)
            Counting.largest = max(Counting.largest, len(line))
            return line

    stream = Counting(b'{"a":"' + b"x" * 100_000_000 + b'"}\n')
    with pytest.raises(DataError, match="line 1 has more than 16777216 bytes"):
        read_table(stream, Format.JSONL)
    assert Counting.largest < 17_000_000


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (DataLimits(field_bytes_max=13), "line 2 has more than 13 bytes"),
        (DataLimits(rows_max=1), "more than 1 rows"),
        (DataLimits(cells_max=3), "more than 3 cells"),
        (DataLimits(columns_max=1), "2 columns; at most 1"),
        (DataLimits(table_bytes_max=29), "more than 29 bytes"),
    ],
)
def test_each_bound_refuses_one_more_and_only_that(limits: DataLimits, words: str) -> None:
    content = '{"a":1,"b":2}\r\n{"a":11,"b":2}'
    with pytest.raises(DataError, match=words) as caught:
        read(content + "\n", limits)
    assert caught.value.code == "data.too_large"
    exact = DataLimits(
        field_bytes_max=14, rows_max=2, cells_max=4, columns_max=2, table_bytes_max=30
    )
    assert read(content + "\n", exact).height == 2


def test_a_file_that_names_new_columns_for_ever_is_refused() -> None:
    lines = "".join(f'{{"k{i}":1}}\n' for i in range(2_001))
    with pytest.raises(DataError, match="2001 columns"):
        read(lines)


def test_few_bytes_cannot_claim_many_cells() -> None:
    wide = json.dumps({f"k{i}": 1 for i in range(2_000)})
    with pytest.raises(DataError, match="more than 10000000 cells"):
        read(wide + "\n" + "{}\n" * 10_000, DataLimits(cells_max=10_000_000))


ACCEPTED: dict[str, tuple[str, dict[str, list[Any]]]] = {
    "a row": ('{"a":1,"b":"x"}', {"a": [1], "b": ["x"]}),
    "a byte order mark": ('\ufeff{"a":1}\n', {"a": [1]}),
    "Windows line ends and blank lines at the end": ('{"a":1}\r\n\r\n\n', {"a": [1]}),
    "a key that only some rows have": (
        '{"a":1}\n{"b":2}\n{}\n',
        {"a": [1, None, None], "b": [None, 2, None]},
    ),
    "null": ('{"a":null,"b":null}\n{"a":true}', {"a": [None, True], "b": [None, None]}),
    "integers among floats": ('{"a":1}\n{"a":2.5}\n{"a":3}\n', {"a": [1.0, 2.5, 3.0]}),
    "the largest integer": ('{"a":9223372036854775807}\n', {"a": [2**63 - 1]}),
    "texts that look like others": (
        '{"a":"1","b":"true","c":"2024-01-01","d":"=1+1"}',
        {"a": ["1"], "b": ["true"], "c": ["2024-01-01"], "d": ["=1+1"]},
    ),
    "lists and objects as JSON text in the order of their keys": (
        '{"m":[{"role":"user","content":"hé"}],"o":{"b":1,"a":[]}}\n{"m":[],"o":[null]}\n',
        {
            "m": ['[{"role":"user","content":"hé"}]', "[]"],
            "o": ['{"b":1,"a":[]}', "[null]"],
        },
    ),
    "line separators within a text": (
        '{"a":"x\u2028y\u0085z"}\n{"a":"\\n"}\n',
        {"a": ["x\u2028y\u0085z", "\n"]},
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
@pytest.mark.parametrize("batch_rows", [1, 2, 16_384])
def test_a_sound_file_is_read_as_it_stands(case: str, batch_rows: int) -> None:
    content, expected = ACCEPTED[case]
    table = read(content, DataLimits(batch_rows=batch_rows))
    assert table.columns == list(expected)
    assert table.to_dict(as_series=False) == expected


# Valid JSON that is not a row here: a key stands twice, or a column has no name, or there is none.
NOT_ROWS = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_object_empty.json",
    "y_object_empty_key.json",
    "y_object_with_newlines.json",  # not one line
}


def test_every_line_of_the_public_suite_is_read_or_refused(shared_data: Path) -> None:
    lines = (shared_data / "adversarial-json" / "test_parsing.jsonl").read_text().splitlines()
    assert len(lines) == 318
    objects_read = 0
    for case in map(json.loads, lines):
        name, content = case["name"], base64.b64decode(case["content_base64"])
        if case["expect"] == "accept" and name not in NOT_ROWS:
            value = json.loads(content)
            if isinstance(value, dict):
                assert read(content).columns == list(value), name
                objects_read += 1
                continue
        if case["expect"] == "either":
            try:
                read(content)
            except DataError:
                continue
            assert isinstance(json.loads(content), dict), name
            continue
        with pytest.raises(DataError):
            pytest.fail(f"{name} was read as {read(content)}")
    assert objects_read == 7


def test_a_public_file_has_its_documented_rows(shared_data: Path) -> None:
    with (shared_data / "text-gsm8k-train" / "train.jsonl").open("rb") as stream:
        table = read_table(stream, Format.JSONL)
    assert table.shape == (7_473, 2)
    assert table.schema == {"question": pl.String, "answer": pl.String}


CELLS = {
    "integer": st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
    "number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.none() | st.booleans(),
    "text": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
}


@st.composite
def rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    kinds = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=4))
    row = st.fixed_dictionaries({f"c{i}": CELLS[kind] for i, kind in enumerate(kinds)})
    return draw(st.lists(row, min_size=1, max_size=10))


@given(rows(), st.sampled_from([1, 3, 16_384]))
def test_what_was_written_as_json_lines_is_read_back_equal(
    table: list[dict[str, Any]], batch_rows: int
) -> None:
    content = "".join(json.dumps(row) + "\n" for row in table)
    assert read(content, DataLimits(batch_rows=batch_rows)).to_dicts() == table
