"""Read JSON lines strictly: each line is one object, each column has one kind of value.

Lists and objects inside a row are kept as compact JSON text in the order of their keys, so that
chat transcripts remain readable. A key that a row lacks, and null, are missing values. Strings stay
text, also those that look like dates.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType
from typing import BinaryIO

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._encoding import check_text
from freehold.data.reading._limits import DataLimits
from freehold.data.reading._table import Row, RowTable
from freehold.kernel import LimitError, MalformedError, parse_json

SPOKEN = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a text",
    list: "a list",
    NoneType: "null",
}


def read_jsonl(stream: BinaryIO, limits: DataLimits) -> pl.DataFrame:
    """Read the whole stream.

    Raises:
        DataError: a line that is not one strict JSON object, a column of mixed kinds, bad names, a
            bound.
    """
    check_text(stream, limits)
    table = RowTable(limits)
    for batch in _batches(stream, limits):
        table.add(batch)
    return table.finish()


def _batches(stream: BinaryIO, limits: DataLimits) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for number, line in enumerate(_lines(stream, limits), 1):
        batch.append(_parse_line(line, number))
        size += len(line)
        if len(batch) == limits.batch_rows or size > limits.field_bytes_max:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _lines(stream: BinaryIO, limits: DataLimits) -> Iterator[bytes]:
    """Split at line feeds; blank lines may stand at the end only."""
    limit = limits.field_bytes_max
    number, blank = 0, 0
    while line := stream.readline(limit + 2):
        number += 1
        if len(line.rstrip(b"\r\n")) > limit:
            raise DataError(
                "data.too_large",
                f"line {number} has more than {limit} bytes",
                "write one object a line; a file that is one JSON list is not JSON lines",
            )
        if line in (b"\n", b"\r\n"):
            blank = blank or number
            continue
        if blank:
            raise DataError("data.json", f"line {blank} is blank; expected one object", "remove it")
        yield line


def _parse_line(line: bytes, number: int) -> Row:
    try:
        row = parse_json(line)
    except LimitError as error:
        raise DataError("data.json", f"line {number}: {error.message}") from error
    except MalformedError as error:
        is_cut = not line.endswith(b"\n")
        raise DataError(
            "data.json",
            f"line {number}{', the last one, may be cut off' if is_cut else ''}: {error.message}",
            "write the file again to its end"
            if is_cut
            else "expected one strict JSON object a line",
        ) from error
    if type(row) is not dict:
        raise DataError(
            "data.json",
            f"line {number} holds {SPOKEN[type(row)]}; expected an object",
            'write rows as {"name": value, …}',
        )
    return row
