"""JSON: an array of objects and nothing else, read as the same rows in JSON lines would be."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DEFAULT_DATA_LIMITS, DataError, DataLimits, Format, read_table


def read(
    content: bytes, limits: DataLimits = DEFAULT_DATA_LIMITS, format: Format = Format.JSON
) -> pl.DataFrame:
    return read_table(io.BytesIO(content), format, limits=limits)


MALFORMED: dict[str, tuple[bytes, str, str]] = {
    "no bytes": (b"", "data.empty", "empty"),
    "an empty array": (b" [ ] ", "data.empty", "no rows"),
    "an array of empty objects": (b"[{},{}]", "data.header", "no columns"),
    "one object": (b'{"a":1}', "data.json", "holds an object; expected an array"),
    "columns as arrays": (b'{"a":[1,2],"b":[3,4]}', "data.json", "columns as arrays are not read"),
    "objects in lines": (b'{"a":1}\n{"a":2}\n', "data.json", "name it .jsonl"),
    "a text": (b'"a"', "data.json", "no array"),
    "numbers": (b"[1,2]", "data.json", "row 1 holds an integer"),
    "null among rows": (b'[{"a":1},null]', "data.json", "row 2 holds null"),
    "arrays": (b"[[1],[2]]", "data.json", "row 1 holds a list"),
    "cut off between rows": (b'[{"a":1},', "data.json", "ends within row 2"),
    "cut off after a row": (b'[{"a":1}', "data.json", "ends within row 1"),
    "cut off inside a row": (b'[{"a":1},{"a":', "data.json", "ends within row 2"),
    "cut off inside a text": (b'[{"a":"]}', "data.json", "ends within row 1"),
    "no comma": (b'[{"a":1} {"a":2}]', "data.json", "row 1 is not followed"),
    "a comma too many": (b'[{"a":1},]', "data.json", "row 1 is not followed|row 2"),
    "bytes after the end": (b'[{"a":1}] x', "data.json", "goes on after its array"),
    "two arrays": (b'[{"a":1}][{"a":1}]', "data.json", "goes on after its array"),
    "a bracket of another kind": (b'[{"a":1]]', "data.json", "row 1: not JSON"),
    "a key twice": (b'[{"a":1,"a":2}]', "data.json", "row 1"),
    "NaN": (b'[{"a":NaN}]', "data.json", "row 1"),
    "mixed kinds": (b'[{"a":1},{"a":"x"}]', "data.types", "integer in row 1 and text in row 2"),
    "nesting without end": (b'[{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}]", "data.json", "deep"),
    "a NUL byte": (b'[{"a":"\0"}]', "data.nul", "offset 7"),
    "Latin-1": (b'[{"a":"\xfc"}]', "data.encoding", "0xfc at offset 7"),
    "mixed encodings": ('[{"a":"ü"},'.encode() + b'{"a":"\xfc"}]', "data.encoding", "0xfc"),
    "UTF-16": ('[{"a":1}]'.encode("utf-16"), "data.encoding", "UTF-16"),
    "columns without end": (
        json.dumps([{f"c{i}": 1 for i in range(100_000)}]).encode(),
        "data.too_large",
        "columns; at most 2000",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_refused_by_code_and_place(case: str) -> None:
    content, code, words = MALFORMED[case]
    with pytest.raises(DataError) as caught:
        read(content)
    assert caught.value.code == code
    assert re.search(words, f"{caught.value.message} {caught.value.hint}")


def test_a_sound_file_is_read_as_it_stands() -> None:
    content = '\ufeff[\n {"a": 1, "b": "x]}\\"["},\n {"b": "ü", "c": [1, {"d": null}]}\n]\n'
    assert read(content.encode()).to_dict(as_series=False) == {
        "a": [1, None],
        "b": ['x]}"[', "ü"],
        "c": [None, '[1,{"d":null}]'],
    }


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (DataLimits(field_bytes_max=9), "row 2 has more than 9 bytes"),
        (DataLimits(rows_max=1), "more than 1 rows"),
        (DataLimits(cells_max=1), "more than 1 cells"),
        (DataLimits(table_bytes_max=10), "more than 10 bytes"),
    ],
)
def test_each_bound_refuses_one_more(limits: DataLimits, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(b'[{"a":"x"},{"a":"xy"}]', limits)
    assert caught.value.code == "data.too_large"


@pytest.mark.parametrize("flood", [b"[", b'{"a":', b'"', b'"\\"', b'"\\"\\"'])
def test_a_flood_of_marks_that_never_close_is_refused_at_once(flood: bytes) -> None:
    with pytest.raises(DataError) as caught:
        read(b'[{"a":' + flood * 500_000)
    assert caught.value.code in ("data.json", "data.too_large")


def test_the_hard_cases_of_json_are_refused_or_read_as_by_the_strict_parser(
    shared_data: Path,
) -> None:
    lines = (shared_data / "adversarial-json" / "test_parsing.jsonl").read_bytes().splitlines()
    for case in map(json.loads, lines):
        value = base64.b64decode(case["content_base64"])
        try:
            table = read(b'[{"a":' + value + b"}]")
        except DataError:
            assert case["expect"] != "accept" or not is_column(value), case["name"]
            continue
        assert case["expect"] != "reject", case["name"]
        assert table.height == 1


def is_column(value: bytes) -> bool:
    """Whether a value alone makes a column that JSON lines read too."""
    try:
        read(b'{"a":' + value.replace(b"\n", b" ").replace(b"\r", b" ") + b"}", format=Format.JSONL)
    except DataError:
        return False
    return True


ROWS = st.lists(
    st.fixed_dictionaries(
        {"k": st.just("key")},
        optional={
            "i": st.integers(-(2**53), 2**53) | st.none(),
            "t": st.text(st.characters(codec="utf-8", exclude_characters="\0")),
            "n": st.lists(st.text(st.sampled_from('[]{},"\\:'))),
        },
    ),
    min_size=1,
)


@given(ROWS, st.sampled_from([None, 1]), st.booleans())
def test_an_array_is_read_as_the_same_rows_in_lines(
    rows: list[dict[str, Any]], indent: int | None, is_ascii: bool
) -> None:
    array = json.dumps(rows, indent=indent, ensure_ascii=is_ascii).encode()
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    limits = DataLimits(batch_rows=2)
    assert read(array, limits).equals(read(lines, limits, Format.JSONL))


@given(st.lists(st.sampled_from(list(b'[]{},:"\\ 1a')), max_size=20).map(bytes))
def test_any_bytes_are_refused_or_are_an_array_of_objects(content: bytes) -> None:
    try:
        table = read(b"[" + content + b"]")
    except DataError:
        return
    parsed = json.loads(b"[" + content + b"]")
    assert [type(row) for row in parsed] == [dict] * table.height
