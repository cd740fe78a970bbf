"""Parquet: sound files come back equal; files that lie are refused before a decoder sees them."""

from __future__ import annotations

import io
import random
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from freehold.data import DEFAULT_DATA_LIMITS, DataError, DataLimits, Format, read_table

MAGIC = b"PAR1"


def write(table: pl.DataFrame, **options: Any) -> bytes:
    stream = io.BytesIO()
    table.write_parquet(stream, **options)
    return stream.getvalue()


def read(content: bytes, limits: DataLimits = DEFAULT_DATA_LIMITS) -> pl.DataFrame:
    return read_table(io.BytesIO(content), Format.PARQUET, limits=limits)


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def zigzag(value: int) -> bytes:
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def footer(rows: int, columns: int = 1, groups: bytes = b"\x0c", pages: bytes = b"") -> bytes:
    """A file by hand, in Thrift's compact encoding: pages; version, schema, rows, row groups."""
    root = b"\x48\x01r\x15" + zigzag(columns) + b"\x00"
    leaf = b"\x15\x04\x25\x00\x18\x01a\x00"
    schema = b"\xfc" + varint(columns + 1) + root + leaf * columns
    body = b"\x15\x02\x19" + schema + b"\x16" + zigzag(rows) + b"\x19" + groups + b"\x00"
    return MAGIC + pages + body + len(body).to_bytes(4, "little") + MAGIC


def one_page(
    *, rows: int = 5, in_chunk: int = 5, in_page: int = 5, more: int = 0, packed: int = 40
) -> bytes:
    """A file of one column and one page of 40 bytes, with claims that may be false."""
    page = b"\x15\x00\x15\x50\x15" + zigzag(packed) + b"\x2c\x15" + zigzag(in_page) + b"\x00\x00"
    page += bytes(40)
    size = zigzag(len(page) + more)
    column = b"\x56" + zigzag(in_chunk) + b"\x16" + size + b"\x16" + size + b"\x26\x08\x00"
    group = b"\x19\x1c\x3c" + column + b"\x00\x16" + size + b"\x16" + zigzag(rows) + b"\x00"
    return footer(rows, groups=b"\x1c" + group, pages=page)


TABLE = pl.DataFrame(
    {
        "integer": [1, None, -3] * 500,
        "number": [0.5, None, -1e300] * 500,
        "boolean": [True, None, False] * 500,
        "text": ["x", None, "größe"] * 500,
        "date": [date(2024, 2, 29), None, date(1, 1, 1)] * 500,
        "moment": [datetime(2024, 1, 1, 12, 30, 0, 5), None, datetime(1969, 1, 1)] * 500,
    }
)
SMALL = pl.DataFrame({"a": list(range(50)), "b": [f"text {i % 7}" for i in range(50)]})


@pytest.mark.parametrize("compression", ["uncompressed", "snappy", "gzip", "lz4", "zstd", "brotli"])
@pytest.mark.parametrize("options", [{}, {"row_group_size": 100}, {"data_page_size": 100}], ids=str)
def test_what_was_written_is_read_back_equal(compression: str, options: dict[str, int]) -> None:
    assert read(write(TABLE, compression=compression, **options)).equals(TABLE)


def test_kinds_of_all_widths_become_few() -> None:
    table = pl.DataFrame(
        {
            "small": pl.Series([1, 255], dtype=pl.UInt8),
            "single": pl.Series([0.5, float("nan")], dtype=pl.Float32),
            "decimal": pl.Series([Decimal("1.25"), None], dtype=pl.Decimal(10, 2)),
            "category": pl.Series(["x", "y"], dtype=pl.Categorical),
            "nothing": pl.Series([None, None], dtype=pl.Null),
            "empty": ["", "x"],
            "moment": pl.Series([datetime(2024, 1, 1, tzinfo=UTC), None]).dt.convert_time_zone(
                "America/New_York"
            ),
        }
    )
    read_back = read(write(table))
    assert list(read_back.schema.values()) == [
        *(pl.Int64(), pl.Float64(), pl.Float64(), pl.String(), pl.String(), pl.String()),
        pl.Datetime("us"),
    ]
    assert read_back.rows() == [
        (1, 0.5, 1.25, "x", None, None, datetime(2024, 1, 1)),  # in UTC
        (255, None, None, "y", None, "x", None),
    ]


def test_lists_and_structs_are_kept_as_json_text() -> None:
    table = pl.DataFrame({"l": [[1, None], [], None], "s": [{"b": "é", "a": date(2024, 1, 1)}] * 3})
    assert read(write(table)).rows() == [
        ("[1,null]", '{"b":"é","a":"2024-01-01"}'),
        ("[]", '{"b":"é","a":"2024-01-01"}'),
        (None, '{"b":"é","a":"2024-01-01"}'),
    ]


UNREADABLE: dict[str, tuple[pl.DataFrame, str, str]] = {
    "bytes": (pl.DataFrame({"a": [b"\0"]}), "data.types", "'a' holds Binary"),
    "times of day": (pl.DataFrame({"a": [time(1, 2)]}), "data.types", "'a' holds Time"),
    "bytes in a list": (pl.DataFrame({"a": [[b"\0"]]}), "data.types", "no JSON"),
    "NaN in a list": (pl.DataFrame({"a": [[float("nan")]]}), "data.types", "no JSON"),
    "integers beyond 2^63": (
        pl.DataFrame({"a": pl.Series([2**63], dtype=pl.UInt64)}),
        "data.number",
        "2\\^63",
    ),
    "infinity": (pl.DataFrame({"a": [0.0, float("-inf")]}), "data.number", "row 2, column 'a'"),
    "a day that no calendar has": (
        pl.DataFrame({"a": pl.Series([0, 2**31 - 1], dtype=pl.Int32).cast(pl.Date)}),
        "data.number",
        "row 2, column 'a' is outside",
    ),
    "a moment that no calendar has": (
        pl.DataFrame({"a": pl.Series([None, 2**62]).cast(pl.Datetime("ms"))}),
        "data.number",
        "row 2, column 'a' is outside",
    ),
    "no rows": (pl.DataFrame({"a": []}, schema={"a": pl.Int64}), "data.empty", "no rows"),
    "an empty name": (pl.DataFrame({"": [1]}), "data.header", "column 1 has an empty name"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_no_table_here_holds_is_refused(case: str) -> None:
    table, code, words = UNREADABLE[case]
    with pytest.raises(DataError, match=words) as caught:
        read(write(table))
    assert caught.value.code == code


LYING: dict[str, tuple[bytes, str, str]] = {
    "no bytes": (b"", "data.empty", "empty"),
    "another format": (b"a,b\n1,2\n", "data.parquet", "does not begin with PAR1"),
    "only the first mark": (MAGIC, "data.parquet", "does not end with PAR1"),
    "marks and nothing else": (MAGIC + bytes(4) + MAGIC, "data.parquet", "not readable"),
    "an encrypted footer": (b"PARE" + bytes(8) + b"PARE", "data.parquet", "encrypted"),
    "a footer longer than the file": (
        MAGIC + b"\xff\xff\xff\x7f" + MAGIC,
        "data.parquet",
        "footer claims 2147483647 bytes",
    ),
    "rows without end": (footer(2**62), "data.too_large", f"{2**62} rows"),
    "fewer rows than none": (footer(-1), "data.parquet", "claims -1 rows"),
    "rows in no row group": (footer(5), "data.parquet", "do not add up"),
    "columns without end": (footer(5, columns=3_000), "data.too_large", "3000 columns"),
    "cells without end": (footer(10**8, columns=100), "data.too_large", f"{10**10} cells"),
    "headers nested without end": (
        MAGIC + b"\x1c" * 50_000 + (50_000).to_bytes(4, "little") + MAGIC,
        "data.parquet",
        "nested too deep",
    ),
    "more values than the pages hold": (
        one_page(rows=6, in_chunk=6),
        "data.parquet",
        "claims 6 values and its pages 5",
    ),
    "a column that goes on past the pages": (
        one_page(more=100),
        "data.parquet",
        "claims bytes 4 to 155; its pages end at 55",
    ),
    "a page that goes on past its column": (
        one_page(packed=41),
        "data.parquet",
        "claims 41 bytes beyond its column",
    ),
    "a page of less than no bytes": (one_page(packed=-9), "data.parquet", "claims -9 bytes"),
    "rows that no column holds": (one_page(rows=7), "data.parquet", "cannot be read|claims"),
    "true claims about bytes that are no values": (one_page(), "data.parquet", "cannot be read"),
    "a list longer than the file": (
        footer(5, groups=b"\xfc" + varint(2**60)),
        "data.parquet",
        "goes on past",
    ),
}


@pytest.mark.parametrize("case", LYING)
def test_a_file_that_lies_about_itself_is_refused(case: str) -> None:
    content, code, words = LYING[case]
    with pytest.raises(DataError, match=words) as caught:
        read(content)
    assert caught.value.code == code


def test_a_file_cut_off_anywhere_is_refused() -> None:
    content = write(SMALL)
    for end in range(len(content)):
        with pytest.raises(DataError) as caught:
            read(content[:end])
        assert caught.value.code in ("data.parquet", "data.empty")


def test_a_page_that_claims_a_bomb_is_refused_before_it_is_unpacked() -> None:
    content = write(pl.DataFrame({"a": ["x" * 1_000_000]}), compression="zstd")
    assert len(content) < 10_000
    with pytest.raises(DataError, match="a page of 1000004 bytes; at most 500000") as caught:
        read(content, DataLimits(parquet_page_bytes_max=500_000))
    assert caught.value.code == "data.too_large"
    with pytest.raises(DataError, match="bytes unpacked; at most 900000"):
        read(content, DataLimits(parquet_unpacked_bytes_max=900_000))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (DataLimits(rows_max=49), "50 rows; at most 49"),
        (DataLimits(columns_max=1), "2 columns; at most 1"),
        (DataLimits(cells_max=99), "100 cells; at most 99"),
        (DataLimits(table_bytes_max=100), "at most 100 are read"),
        (DataLimits(parquet_footer_bytes_max=10), "at most 10 are read"),
    ],
)
def test_each_bound_refuses_one_more_and_only_that(limits: DataLimits, words: str) -> None:
    content = write(SMALL)
    with pytest.raises(DataError, match=words) as caught:
        read(content, limits)
    assert caught.value.code == "data.too_large"
    assert read(content, DataLimits(rows_max=50, columns_max=2, cells_max=100)).equals(SMALL)


@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_are_refused_or_read_and_nothing_else_happens(
    capfd: pytest.CaptureFixture[str],
) -> None:
    source = random.Random(20)
    content = write(TABLE.head(20), compression="snappy", row_group_size=7)
    for _ in range(400):
        damaged = bytearray(content)
        for _ in range(source.randrange(1, 5)):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        try:
            table = read(bytes(damaged))
        except DataError:
            continue
        assert table.height == 20
    capfd.readouterr()  # a Rust panic prints where it was before it is caught
