"""Read a JSON file that is one array of objects: each object is a row, as in JSON lines.

The array is cut into its elements by their brackets alone, outside strings, and each element is
then parsed strictly by itself; so a file of any size is held once, as bytes, and never as Python
objects. Other shapes (one object, objects in a row, columns as arrays) are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._encoding import check_text
from freehold.data.reading._jsonlines import SPOKEN
from freehold.data.reading._limits import DataLimits
from freehold.data.reading._table import Row, RowTable
from freehold.kernel import LimitError, MalformedError, parse_json

_SPACE = re.compile(rb"[ \t\r\n]*")
# A whole string, a bracket, or a quote that opens a string without an end. Possessive, so that a
# string is looked at once, whatever is in it.
_MARK = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}"]', re.DOTALL)
_OPENING, _CLOSING = (b"{", b"["), (b"}", b"]")
_SCALAR = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^,\[\]{}"]++', re.DOTALL)
_SHAPE_HINT = "write an array of objects, [{…}, …], or one object a line and name it .jsonl"


def read_json(stream: BinaryIO, limits: DataLimits) -> pl.DataFrame:
    """Read the whole stream.

    Raises:
        DataError: not one array of strict JSON objects, a column of mixed kinds, bad names, a
            bound.
    """
    check_text(stream, limits)
    table = RowTable(limits, place="row")
    batch: list[Row] = []
    size = 0
    for number, element in enumerate(_elements(stream.read(), limits), 1):
        batch.append(_parse(element, number))
        size += len(element)
        if len(batch) == limits.batch_rows or size > limits.field_bytes_max:
            table.add(batch)
            batch, size = [], 0
    if batch:
        table.add(batch)
    return table.finish()


def _elements(data: bytes, limits: DataLimits) -> Iterator[bytes]:
    """Cut the array; an element has its brackets closed and may still be anything inside."""
    at = _after_space(data, 0)
    if data[at : at + 1] != b"[":
        what = "an object" if data[at : at + 1] == b"{" else "no array"
        hint = "columns as arrays are not read; " if what == "an object" else ""
        raise DataError(
            "data.json", f"the file holds {what}; expected an array", hint + _SHAPE_HINT
        )
    at = _after_space(data, at + 1)
    number = 1
    if data[at : at + 1] == b"]":
        raise DataError("data.empty", "the array has no rows", "expected at least one object")
    while True:
        end = _element_end(data, at, number=number, limits=limits)
        yield data[at:end]
        at = _after_space(data, end)
        separator = data[at : at + 1]
        if separator == b"]":
            break
        if separator != b",":
            raise _cut_off(number) if not separator else _malformed(number)
        at = _after_space(data, at + 1)
        number += 1
    if _after_space(data, at + 1) < len(data):
        raise DataError("data.json", "the file goes on after its array", _SHAPE_HINT)


def _element_end(data: bytes, start: int, *, number: int, limits: DataLimits) -> int:
    if data[start : start + 1] not in _OPENING:
        scalar = _SCALAR.match(data, start)
        if scalar is None:
            raise _cut_off(number) if start == len(data) else _malformed(number)
        return scalar.end()
    depth = 0
    last = start + limits.field_bytes_max
    for mark in _MARK.finditer(data, start):
        if mark.end() > last:
            raise DataError(
                "data.too_large",
                f"row {number} has more than {limits.field_bytes_max} bytes",
                "look for a bracket or quote that is never closed in or before this row",
            )
        token = mark.group() if mark.end() - mark.start() == 1 else b""
        if token in _OPENING:
            depth += 1
        elif token in _CLOSING:
            depth -= 1
            if not depth:
                return mark.end()
        elif token:
            break
    raise _cut_off(number)


def _parse(element: bytes, number: int) -> Row:
    try:
        row = parse_json(element)
    except LimitError as error:
        raise DataError("data.json", f"row {number}: {error.message}") from error
    except MalformedError as error:
        raise DataError(
            "data.json", f"row {number}: {error.message}", "expected one strict JSON object"
        ) from error
    if type(row) is not dict:
        raise DataError(
            "data.json",
            f"row {number} holds {SPOKEN[type(row)]}; expected an object",
            'write rows as {"name": value, …}',
        )
    return row


def _after_space(data: bytes, at: int) -> int:
    found = _SPACE.match(data, at)
    return found.end() if found else at


def _cut_off(number: int) -> DataError:
    return DataError(
        "data.json",
        f"the file ends within row {number}; it is cut off",
        "write the file again to its end",
    )


def _malformed(number: int) -> DataError:
    return DataError(
        "data.json", f"row {number} is not followed by a comma or the array's end", _SHAPE_HINT
    )
