"""Read Parquet, after its own claims have been checked.

The footer and every page header are read here first (Apache Parquet format, `parquet.thrift`), so
that a file that lies about rows, sizes or places is refused before a decoder allocates for it.
Encrypted files are not read.

Values become the kinds of `_columns`, as `_kinds` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._columns import check_names
from freehold.data.reading._foreign import polars_errors
from freehold.data.reading._kinds import plain_column
from freehold.data.reading._limits import DataLimits
from freehold.data.reading._thrift import Fields, ThriftReader

_MAGIC = b"PAR1"
_ENCRYPTED = b"PARE"
_TAIL = 8  # footer length and magic
_HEADER_BYTES = 65_536  # a page header with statistics is far smaller
_HINT = "the file is cut off or damaged; write it again"
_DATA_PAGES = {0: 5, 3: 8}  # page type → field that holds its header


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One column of one row group: where its pages lie and how much they hold."""

    start: int
    size: int
    values: int


def read_parquet(stream: BinaryIO, limits: DataLimits) -> pl.DataFrame:
    """Read the whole stream.

    Raises:
        DataError: cut off, corrupt, untrue about itself, over a bound, or of kinds that are not
            read.
    """
    try:
        rows = _check_file(stream, limits)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:  # of `ThriftReader` and its fields
        raise DataError(
            "data.parquet", f"the Parquet headers are not readable: {error}", _HINT
        ) from error
    stream.seek(0)
    with polars_errors("data.parquet", "the Parquet file cannot be read", _HINT):
        table = pl.read_parquet(stream, glob=False, hive_partitioning=False)
    if table.height != rows:
        raise _corrupt(f"the footer claims {rows} rows and the pages hold {table.height}")
    check_names(table.columns, limits)
    return pl.DataFrame([plain_column(series) for series in table.get_columns()])


def _check_file(stream: BinaryIO, limits: DataLimits) -> int:
    size = stream.seek(0, 2)
    footer, pages_end = _read_footer(stream, size, limits)
    rows = _check_schema(footer, limits)
    if sum(group[3] for group in footer[4]) != rows:
        raise _corrupt(f"the footer claims {rows} rows and its row groups do not add up to them")
    unpacked = 0
    for group in footer[4]:
        for column in group[1]:
            if 1 in column:
                raise _corrupt("a column lies in another file")
            unpacked += _check_pages(stream, _chunk(column[3], pages_end), limits)
            if unpacked > limits.parquet_unpacked_bytes_max:
                raise _too_large(f"{unpacked} bytes unpacked", limits.parquet_unpacked_bytes_max)
    return rows


def _read_footer(stream: BinaryIO, size: int, limits: DataLimits) -> tuple[Fields, int]:
    if size == 0:
        raise DataError("data.empty", "the file is empty", "check the export that made it")
    if size > limits.table_bytes_max:
        raise _too_large(f"{size} bytes", limits.table_bytes_max)
    stream.seek(0)
    head = stream.read(4)
    stream.seek(max(0, size - _TAIL))
    tail = stream.read(_TAIL)
    if _ENCRYPTED in (head, tail[-4:]):
        raise DataError("data.parquet", "the Parquet file is encrypted", "decrypt it first")
    if head != _MAGIC:
        raise DataError(
            "data.parquet", f"the file does not begin with PAR1 but {head!r}", "is it Parquet?"
        )
    if size < 12 or tail[-4:] != _MAGIC:
        raise _corrupt("the file does not end with PAR1")
    length = int.from_bytes(tail[:4], "little")
    pages_end = size - _TAIL - length
    if pages_end < len(_MAGIC):
        raise _corrupt(f"the footer claims {length} bytes in a file of {size}")
    if length > limits.parquet_footer_bytes_max:
        raise _too_large(f"a footer of {length} bytes", limits.parquet_footer_bytes_max)
    stream.seek(pages_end)
    return ThriftReader(stream.read(length)).read_struct(), pages_end


def _check_schema(footer: Fields, limits: DataLimits) -> int:
    """Return the rows of the file."""
    root, *elements = footer[2]
    columns, rows = root.get(5, 0), footer[3]
    if len(elements) > limits.columns_max or columns > limits.columns_max:
        raise _too_large(f"{max(len(elements), columns)} columns", limits.columns_max)
    if rows < 0:
        raise _corrupt(f"the footer claims {rows} rows")
    if rows == 0:
        raise DataError("data.empty", "the file has no rows", "expected at least one")
    if rows > limits.rows_max:
        raise _too_large(f"{rows} rows", limits.rows_max)
    if rows * len(elements) > limits.cells_max:
        raise _too_large(f"{rows * len(elements)} cells", limits.cells_max)
    return int(rows)


def _chunk(metadata: Fields, pages_end: int) -> _Chunk:
    start = min(metadata[9], metadata.get(11) or metadata[9])  # a dictionary page comes first
    size, values = metadata[7], metadata[5]
    if start < len(_MAGIC) or size < 0 or start + size > pages_end:
        raise _corrupt(
            f"a column claims bytes {start} to {start + size}; its pages end at {pages_end}"
        )
    return _Chunk(start, size, values)


def _check_pages(stream: BinaryIO, chunk: _Chunk, limits: DataLimits) -> int:
    """Walk the page headers of a chunk; return the bytes that its pages claim unpacked."""
    position, end = chunk.start, chunk.start + chunk.size
    values = unpacked = 0
    while position < end and values < chunk.values:
        stream.seek(position)
        reader = ThriftReader(stream.read(min(_HEADER_BYTES, end - position)))
        page = reader.read_struct()
        kind, page_unpacked, packed = page[1], page[2], page[3]
        position += reader.position + packed
        if packed < 0 or page_unpacked < 0 or position > end:
            raise _corrupt(f"a page claims {packed} bytes beyond its column")
        if page_unpacked > limits.parquet_page_bytes_max:
            raise _too_large(f"a page of {page_unpacked} bytes", limits.parquet_page_bytes_max)
        if kind in _DATA_PAGES:
            values += page[_DATA_PAGES[kind]][1]
        unpacked += page_unpacked
    if values != chunk.values or values > limits.cells_max:
        raise _corrupt(f"a column claims {chunk.values} values and its pages {values}")
    return unpacked


def _corrupt(message: str) -> DataError:
    return DataError("data.parquet", message, _HINT)


def _too_large(what: str, limit: int) -> DataError:
    return DataError(
        "data.too_large", f"the Parquet file has {what}; at most {limit} are read", "split it"
    )
