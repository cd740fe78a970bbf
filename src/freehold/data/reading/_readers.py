"""Read any accepted format into one strict table, or say in words what is wrong with it.

Nothing is repaired, skipped or guessed: what cannot be read exactly is refused, with the row and
column where known.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import polars as pl
from polars.exceptions import PanicException

from freehold.data.errors import DataError
from freehold.data.reading._arrow import read_arrow
from freehold.data.reading._csv import read_csv
from freehold.data.reading._folder import read_folder
from freehold.data.reading._formats import Format, ReadOptions
from freehold.data.reading._gzip import unpacked
from freehold.data.reading._html import read_html
from freehold.data.reading._json import read_json
from freehold.data.reading._jsonlines import read_jsonl
from freehold.data.reading._limits import DEFAULT_DATA_LIMITS, DataLimits
from freehold.data.reading._parquet import read_parquet
from freehold.data.reading._pdf import read_pdf
from freehold.data.reading._workbook import read_workbook

_PACKED = {
    Format.CSV_GZ: Format.CSV,
    Format.TSV_GZ: Format.TSV,
    Format.JSONL_GZ: Format.JSONL,
}


@contextmanager
def telling_panics() -> Iterator[None]:
    """Tell in words that Polars gave up, as it does where it gets no thread, file or memory.

    Raises:
        DataError: `data.machine`.
    """
    try:
        yield
    except PanicException as error:
        raise DataError(
            "data.machine",
            f"reading was given up: {error}",
            "give the process more open files and memory (ulimit -n, -v), then try again",
        ) from error


def read_table(
    stream: BinaryIO,
    format: Format,
    options: ReadOptions | None = None,
    *,
    limits: DataLimits = DEFAULT_DATA_LIMITS,
) -> pl.DataFrame:
    """Read a seekable stream, from its start, as a table.

    Its columns are `Int64`, `Float64`, `Boolean`, `Date`, `Datetime` or `String`; null is a missing
    value. There is at least one row and one column.

    Raises:
        DataError: the bytes are not what `format` promises, or exceed `limits`.
    """
    options = options or ReadOptions()
    with telling_panics():
        if format not in _PACKED:
            return _read(stream, format, options, limits)
        with unpacked(stream, limits) as plain:
            return _read(plain, _PACKED[format], options, limits)


def _read(
    stream: BinaryIO, format: Format, options: ReadOptions, limits: DataLimits
) -> pl.DataFrame:
    match format:
        case Format.CSV:
            return read_csv(stream, ",", options, limits)
        case Format.TSV:
            return read_csv(stream, "\t", options, limits)
        case Format.JSONL:
            return read_jsonl(stream, limits)
        case Format.JSON:
            return read_json(stream, limits)
        case Format.PARQUET:
            return read_parquet(stream, limits)
        case Format.ARROW:
            return read_arrow(stream, limits)
        case Format.XLSX | Format.ODS:
            return read_workbook(stream, format, options, limits)
        case Format.HTML:
            return read_html(stream, limits)
        case Format.PDF:
            return read_pdf(stream, limits)
        case Format.TEXT:
            return read_folder(stream, limits)
        case _:
            raise ValueError(f"{format} is not read by itself")
