"""Packed tables: read as what they hold; bombs and damaged files are refused while they unpack."""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import replace

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

CSV = b"a,b\n1,x\n2,y\n"
PACKED = gzip.compress(CSV)


@pytest.mark.parametrize("chunk_bytes", [1, 2, 7, 1_048_576])
@pytest.mark.parametrize("format", [Format.CSV_GZ, Format.TSV_GZ, Format.JSONL_GZ])
def test_a_packed_table_is_read_as_the_plain_one(format: Format, chunk_bytes: int) -> None:
    plain = {
        Format.CSV_GZ: (Format.CSV, CSV),
        Format.TSV_GZ: (Format.TSV, b"a\tb\n1\tx\n"),
        Format.JSONL_GZ: (Format.JSONL, b'{"a":1}\n{"a":2}\n'),
    }
    kind, content = plain[format]
    limits = replace(DEFAULT_DATA_LIMITS, chunk_bytes=chunk_bytes)
    table = read_table(io.BytesIO(gzip.compress(content)), format, limits=limits)
    assert table.equals(read_table(io.BytesIO(content), kind))


def test_several_members_are_one_file() -> None:
    members = gzip.compress(CSV[:5]) + gzip.compress(b"") + gzip.compress(CSV[5:])
    assert read_table(io.BytesIO(members), Format.CSV_GZ).rows() == [(1, "x"), (2, "y")]


def test_options_hold_inside() -> None:
    packed = gzip.compress(b"a;b\n1;=1+1\n")
    options = ReadOptions(delimiter=";", formulas="text")
    assert read_table(io.BytesIO(packed), Format.CSV_GZ, options).rows() == [(1, "=1+1")]


def damaged(at: int, bits: int = 0xFF) -> bytes:
    return PACKED[:at] + bytes([PACKED[at] ^ bits]) + PACKED[at + 1 :]


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "no bytes": (b"", "data.empty", "empty"),
    "nothing inside": (gzip.compress(b""), "data.empty", "empty"),
    "a plain file": (CSV, "data.gzip", "not gzip"),
    "another container": (b"PK\x03\x04" + bytes(100), "data.gzip", "not gzip"),
    "zlib without a header": (zlib.compress(CSV), "data.gzip", "not gzip"),
    "a wrong checksum": (damaged(-8 % len(PACKED)), "data.gzip", "not gzip"),
    "a wrong length": (damaged(-1 % len(PACKED)), "data.gzip", "not gzip"),
    "other bytes after the end": (PACKED + b"more", "data.gzip", "not gzip|too early"),
    "packed twice": (gzip.compress(PACKED), "data.gzip", "packed twice"),
    "a NUL byte inside": (gzip.compress(b"a\n\0\n"), "data.nul", "offset 2"),
    "another encoding inside": (gzip.compress(b"a\n\xfc\n"), "data.encoding", "0xfc at offset 2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_damaged_file_is_refused(case: str) -> None:
    content, code, words = REFUSED[case]
    with pytest.raises(DataError, match=words) as caught:
        read_table(io.BytesIO(content), Format.CSV_GZ)
    assert caught.value.code == code


def test_a_file_cut_off_anywhere_is_refused() -> None:
    for end in range(len(PACKED)):
        with pytest.raises(DataError) as caught:
            read_table(io.BytesIO(PACKED[:end]), Format.CSV_GZ)
        assert caught.value.code in ("data.gzip", "data.empty")


def test_a_bomb_is_refused_after_the_bytes_that_are_free() -> None:
    row = b"1,x\n"
    content = gzip.compress(b"a,b\n" + row * 100_000)
    with pytest.raises(DataError, match="more than 200 times as many") as caught:
        read_table(io.BytesIO(content), Format.CSV_GZ, limits=DataLimits(gzip_free_bytes=10_000))
    assert caught.value.code == "data.too_large"
    assert read_table(io.BytesIO(content), Format.CSV_GZ).height == 100_000
    with pytest.raises(DataError, match="unpacks to more than 1000 bytes"):
        read_table(io.BytesIO(content), Format.CSV_GZ, limits=DataLimits(table_bytes_max=1_000))


def test_a_bomb_of_gigabytes_is_stopped_early() -> None:
    class Counting(io.BytesIO):
        """Counts the bytes that were asked for."""

        served = 0

        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            self.served += len(found)
            return found

    megabytes = gzip.compress(bytes(10_000_000)) * 1_000
    stream = Counting(megabytes)
    with pytest.raises(DataError, match="times as many"):
        read_table(stream, Format.CSV_GZ, limits=replace(DEFAULT_DATA_LIMITS, chunk_bytes=65_536))
    assert stream.served < 200_000


@given(st.binary(max_size=3_000), st.integers(1, 40))
def test_what_was_packed_is_unpacked_equal_at_any_chunk(noise: bytes, chunk_bytes: int) -> None:
    text = noise.hex()
    limits = replace(DEFAULT_DATA_LIMITS, chunk_bytes=chunk_bytes)
    table = read_table(
        io.BytesIO(gzip.compress(f"a\nx{text}\n".encode())), Format.CSV_GZ, limits=limits
    )
    assert table["a"].to_list() == [f"x{text}"]


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7, 8, 9, 64])
def test_text_that_packs_well_comes_out_whole_at_any_chunk(chunk_bytes: int) -> None:
    limits = replace(DEFAULT_DATA_LIMITS, chunk_bytes=chunk_bytes)
    for length in range(1, 2_000, 97):
        packed = gzip.compress(b"a\n" + b"x" * length + b"\n")
        table = read_table(io.BytesIO(packed), Format.CSV_GZ, limits=limits)
        assert table["a"].to_list() == ["x" * length]
