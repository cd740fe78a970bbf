"""Arrow: both formats come back equal; damaged and exploding files are refused, memory bounded."""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from freehold.data import DEFAULT_DATA_LIMITS, DataError, DataLimits, Format, read_table

SOURCES = Path(__file__).resolve().parents[3] / "src"


def write(table: pl.DataFrame, **options: Any) -> bytes:
    stream = io.BytesIO()
    table.write_ipc(stream, **options)
    return stream.getvalue()


def write_stream(table: pl.DataFrame, **options: Any) -> bytes:
    stream = io.BytesIO()
    table.write_ipc_stream(stream, **options)
    return stream.getvalue()


def read(content: bytes, limits: DataLimits = DEFAULT_DATA_LIMITS) -> pl.DataFrame:
    return read_table(io.BytesIO(content), Format.ARROW, limits=limits)


TABLE = pl.DataFrame(
    {
        "integer": [1, None, -3] * 50,
        "number": [0.5, None, -1e300] * 50,
        "boolean": [True, None, False] * 50,
        "text": ["x", None, "größe"] * 50,
        "date": [date(2024, 2, 29), None, date(1, 1, 1)] * 50,
        "moment": [datetime(2024, 1, 1, 12, 30, 0, 5), None, datetime(1969, 1, 1)] * 50,
    }
)
SMALL = pl.DataFrame({"a": list(range(20)), "b": [f"text {i % 7}" for i in range(20)]})


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("writer", [write, write_stream])
def test_what_was_written_is_read_back_equal(writer: Any, compression: str) -> None:
    assert read(writer(TABLE, compression=compression)).equals(TABLE)


def test_kinds_of_all_widths_become_few() -> None:
    table = pl.DataFrame(
        {
            "small": pl.Series([1, 255], dtype=pl.UInt8),
            "single": pl.Series([0.5, float("nan")], dtype=pl.Float32),
            "decimal": pl.Series([Decimal("1.25"), None], dtype=pl.Decimal(10, 2)),
            "category": pl.Series(["x", "y"], dtype=pl.Categorical),
            "empty": ["", "x"],
            "list": [[1, None], []],
            "struct": [{"a": "é"}, {"a": None}],
            "moment": pl.Series([datetime(2024, 1, 1, tzinfo=UTC), None]),
        }
    )
    assert read(write(table)).rows() == [
        (1, 0.5, 1.25, "x", None, "[1,null]", '{"a":"é"}', datetime(2024, 1, 1)),
        (255, None, None, "y", "x", "[]", '{"a":null}', None),
    ]


SOUND, SOUND_STREAM = write(SMALL), write_stream(SMALL)
REFUSED: dict[str, tuple[bytes, str, str]] = {
    "no bytes": (b"", "data.empty", "empty"),
    "no rows": (write(SMALL.clear()), "data.empty", "no rows"),
    "another kind of file": (b"a,b\n1,2\n", "data.arrow", "neither as an Arrow file"),
    "Parquet": (b"PAR1" + bytes(50), "data.arrow", "neither as an Arrow file|cannot be read"),
    "Feather version 1": (b"FEA1" + bytes(50), "data.arrow", "Feather version 1"),
    "a file without its end": (SOUND[:-6], "data.arrow", "does not end with ARROW1"),
    "a stream without its end": (SOUND_STREAM[:-8], "data.arrow", "no end mark"),
    "a file of magic alone": (b"ARROW1\0\0ARROW1", "data.arrow", "cannot be read"),
    "bytes": (write(pl.DataFrame({"a": [b"\0"]})), "data.types", "'a' holds Binary"),
    "times of day": (write(pl.DataFrame({"a": [time(1)]})), "data.types", "'a' holds Time"),
    "an infinite number": (
        write(pl.DataFrame({"a": [1.0, float("inf")]})),
        "data.number",
        "row 2, column 'a' is infinite",
    ),
    "columns without end": (
        write(pl.DataFrame({f"c{i}": [1] for i in range(2_001)})),
        "data.too_large",
        "2001 columns; at most 2000",
    ),
    "a column without a name": (write(pl.DataFrame({"": [1]})), "data.header", "empty name"),
    "rows without bytes": (
        write(pl.DataFrame({"a": pl.repeat(None, 2**31, eager=True, dtype=pl.Null)})),
        "data.too_large",
        "2147483648 rows; at most 100000000",
    ),
    "lists without bytes": (
        write(
            pl.DataFrame({"a": pl.Series([[None] * 1000]).cast(pl.List(pl.Null))}).select(
                pl.col("a").repeat_by(1_000_000)
            )
        ),
        "data.too_large",
        "'a' holds more than 500000000 values",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_no_sound_table_is_refused(case: str) -> None:
    content, code, words = REFUSED[case]
    with pytest.raises(DataError, match=words) as caught:
        read(content)
    assert caught.value.code == code


@pytest.mark.parametrize("content", [SOUND, SOUND_STREAM], ids=["file", "stream"])
def test_a_file_cut_off_is_refused(content: bytes) -> None:
    for end in range(0, len(content), len(content) // 6):
        with pytest.raises(DataError) as caught:
            read(content[:end])
        assert caught.value.code in ("data.arrow", "data.empty")


@pytest.mark.slow
@pytest.mark.parametrize("content", [SOUND, SOUND_STREAM], ids=["file", "stream"])
def test_a_damaged_file_is_refused_or_read_and_nothing_else_happens(content: bytes) -> None:
    source = random.Random(3)
    for _ in range(30):
        damaged = bytearray(content)
        for _ in range(3):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        try:
            read(bytes(damaged))
        except DataError:
            continue


def test_a_buffer_that_claims_to_unpack_to_a_bomb_is_refused_or_not_believed() -> None:
    table = pl.DataFrame({"a": list(range(1_000))})
    content = bytearray(write(table, compression="zstd"))
    at = content.find(struct.pack("<q", 8_000) + b"\x28\xb5\x2f\xfd")  # before a zstd frame
    assert at > 0
    content[at : at + 8] = struct.pack("<q", 2**40)
    try:
        assert read(bytes(content), DataLimits(apart_memory_bytes_max=1_500_000_000)).equals(table)
    except DataError as error:
        if error.code not in ("data.too_large", "data.arrow"):
            raise


def test_a_packed_bomb_is_refused_with_memory_bounded() -> None:
    content = write(
        pl.DataFrame({"a": pl.zeros(200_000_000, pl.Int64, eager=True)}), compression="zstd"
    )
    assert len(content) < 1_000_000
    with pytest.raises(DataError, match="bytes of memory to read") as caught:
        read(content, DataLimits(apart_memory_bytes_max=1_500_000_000, rows_max=10**9))
    assert caught.value.code == "data.too_large"


def test_bounds_hold() -> None:
    for limits in (
        DataLimits(rows_max=19),
        DataLimits(columns_max=1),
        DataLimits(cells_max=39),
        DataLimits(table_bytes_max=100),
    ):
        with pytest.raises(DataError) as caught:
            read(SOUND, limits)
        assert caught.value.code == "data.too_large"


READ_WHERE_NO_PROCESS_STARTS = """
import io, json, subprocess, sys
def refuse(event, args):
    if event == "subprocess.Popen":
        raise PermissionError(1, "Operation not permitted")
sys.addaudithook(refuse)
from freehold.data import DataError, Format, read_table
with open(sys.argv[1], "rb") as file:
    print(json.dumps(read_table(file, Format(sys.argv[2])).rows()))
try:
    read_table(io.BytesIO(open(sys.argv[1], "rb").read()[:-20] + b"ARROW1"), Format.ARROW)
except DataError as error:
    print(error.code)
"""


def test_a_job_that_may_start_no_process_reads_in_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    path.write_bytes(SOUND)
    done = subprocess.run(
        [sys.executable, "-c", READ_WHERE_NO_PROCESS_STARTS, str(path), "arrow"],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": str(SOURCES)},
    )
    rows, code = done.stdout.decode().splitlines()
    assert list(map(tuple, json.loads(rows))) == SMALL.rows()
    assert code == "data.arrow"
