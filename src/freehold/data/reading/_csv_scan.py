"""Check the shape of a CSV file before anything parses it: one pass, constant memory.

RFC 4180 without its doubts. A field is quoted as a whole or not at all, a quote in it is doubled,
every row has as many fields as the first. The scan holds one chunk, so that a field of any size is
refused before it is held.

Quotes make it simple to do in bulk: a byte lies inside a quoted field exactly if the quotes before
it are odd in number, doubled ones included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from freehold.data.errors import DataError
from freehold.data.reading._encoding import chunks
from freehold.data.reading._limits import DataLimits

_LF, _CR, _QUOTE = 10, 13, 34
_UNCLOSED = "look for a quote that is never closed in or before this row"

_Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CsvShape:
    """What the scan found: fields of a row, rows with the header, and where they lie (bytes)."""

    columns: int
    rows: int
    header_end: int
    end: int


def scan_csv(stream: BinaryIO, delimiter: str, limits: DataLimits) -> CsvShape:
    """Scan from where the stream stands to its end.

    Positions in the result count from the start of the stream.

    Raises:
        DataError: ragged or blank rows, wrong quotes or line ends, a field, row or file over a
            bound.
    """
    scan = _Scan(stream.tell(), ord(delimiter), limits)
    held = b""
    for chunk in chunks(stream, limits.chunk_bytes):
        if held:
            scan.feed(held, following=chunk[0])
        held = chunk
    scan.feed(held, following=ord(delimiter))
    return scan.finish()


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some bytes, their quotes, and their marks: delimiters and line feeds outside quotes."""

    text: bytes
    data: NDArray[np.uint8]
    quotes: _Positions
    marks: _Positions
    is_end: NDArray[np.bool_]  # which marks are line feeds
    previous: int
    following: int

    def left_of(self, at: _Positions) -> NDArray[np.uint8]:
        return np.where(at > 0, self.data[at - 1], np.uint8(self.previous))

    def right_of(self, at: _Positions) -> NDArray[np.uint8]:
        last = len(self.data) - 1
        return np.where(at < last, self.data[np.minimum(at + 1, last)], np.uint8(self.following))


class _Scan:
    """The state between two chunks. Rows count from 1, positions from the start of the stream."""

    def __init__(self, start: int, delimiter: int, limits: DataLimits) -> None:
        self._delimiter = delimiter
        self._limits = limits
        self._at = start  # position of the chunk's first byte
        self._previous = _LF  # the byte before it
        self._is_quoted = False  # whether it lies inside quotes
        self._row = 1  # number of the row that is not yet complete
        self._row_start = start
        self._field_start = start
        self._fields = 0  # complete fields of that row
        self._columns = 0  # fields of the first row, once known
        self._header_end = start
        self._blank_from: int | None = None  # only line ends follow from here

    def feed(self, text: bytes, *, following: int) -> None:
        """Take the next bytes; `following` is the byte after them, a delimiter at the end."""
        if self._blank_from is not None:
            self._refuse_after_blank(text)
            return
        data = np.frombuffer(text, np.uint8)
        quotes = np.flatnonzero(data == _QUOTE)
        marks = np.flatnonzero((data == self._delimiter) | (data == _LF))
        marks = marks[self._is_outside(quotes, marks)]
        chunk = _Chunk(text, data, quotes, marks, data[marks] == _LF, self._previous, following)
        self._check_quotes(chunk)
        self._check_line_ends(chunk)
        self._check_sizes(chunk)
        self._check_rows(chunk)
        self._is_quoted ^= bool(len(quotes) & 1)
        self._at += len(text)
        self._previous = text[-1]

    def finish(self) -> CsvShape:
        """Close the last row, which needs no line feed, and say what was found."""
        if self._is_quoted:
            self._refuse(
                "data.quote", "opens a quote that is never closed", (self._row, self._fields + 1)
            )
        if self._blank_from is None and self._at > self._row_start:
            fields = self._fields + 1
            if not self._columns:
                self._columns, self._header_end = fields, self._at
            elif fields != self._columns:
                self._refuse_ragged(self._row, fields)
            self._row += 1
            self._check_counts(self._columns, self._row - 1)
        end = self._at if self._blank_from is None else self._blank_from
        return CsvShape(self._columns, self._row - 1, self._header_end, end)

    def _is_outside(self, quotes: _Positions, at: _Positions) -> NDArray[np.bool_]:
        before = np.searchsorted(quotes, at)
        outside: NDArray[np.bool_] = (before + self._is_quoted) & 1 == 0
        return outside

    def _check_quotes(self, chunk: _Chunk) -> None:
        """An opening quote begins a field, a closing one ends it; a doubled one is both."""
        quotes = chunk.quotes
        if not len(quotes):
            return
        opens = ((np.arange(len(quotes)) + self._is_quoted) & 1) == 0
        beside = np.where(opens, chunk.left_of(quotes), chunk.right_of(quotes))
        is_fine = (beside == self._delimiter) | (beside == _LF) | (beside == _QUOTE)
        is_fine |= ~opens & (beside == _CR)
        if not is_fine.all():
            bad = int(np.argmin(is_fine))
            what = (
                "a quote inside an unquoted field" if opens[bad] else "text after a closing quote"
            )
            self._refuse("data.quote", f"has {what}", self._place(int(quotes[bad]), chunk))

    def _check_line_ends(self, chunk: _Chunk) -> None:
        returns = np.flatnonzero(chunk.data == _CR)
        if not len(returns):
            return
        is_lone = self._is_outside(chunk.quotes, returns) & (chunk.right_of(returns) != _LF)
        if is_lone.any():
            row, _ = self._place(int(returns[np.argmax(is_lone)]), chunk)
            raise DataError(
                "data.newline",
                f"row {row} has a carriage return without a line feed; expected LF or CRLF",
                "save the file with Unix or Windows line ends",
            )

    def _check_sizes(self, chunk: _Chunk) -> None:
        """Refuse a field over the bound, the one that the chunk leaves open included."""
        limit = self._limits.field_bytes_max
        marks = chunk.marks
        starts = np.concatenate(([self._field_start - self._at], marks + 1))
        is_long = np.append(marks, len(chunk.text)) - starts > limit
        if is_long.any():
            place = self._place(max(0, int(starts[np.argmax(is_long)])), chunk)
            raise DataError(
                "data.too_large",
                f"row {place[0]}, column {place[1]} has more than {limit} bytes in one field",
                _UNCLOSED,
            )
        self._field_start = self._at + int(starts[-1])

    def _check_rows(self, chunk: _Chunk) -> None:
        """Compare each complete row with the first one."""
        marks = chunk.marks
        ends = np.flatnonzero(chunk.is_end)
        fields = np.diff(ends, prepend=-1 - self._fields)
        starts = np.concatenate(([self._row_start - self._at], marks[ends] + 1))
        if len(ends) and not self._columns:
            self._columns, self._header_end = int(fields[0]), self._at + int(starts[1])
        open_fields = len(marks) - 1 - int(ends[-1]) if len(ends) else len(marks) + self._fields
        self._check_counts(max(self._columns, open_fields + 1), self._row - 1 + len(ends))
        is_bad = fields != self._columns
        if self._columns == 1:
            is_bad |= self._is_blank(chunk, starts[:-1], marks[ends])
        if is_bad.any():
            first = int(np.argmax(is_bad))
            self._row += first
            self._begin_blank(chunk, int(starts[first]), int(fields[first]))
            return
        self._row += len(ends)
        self._row_start = self._at + int(starts[-1])
        self._fields = open_fields

    @staticmethod
    def _is_blank(chunk: _Chunk, starts: _Positions, ends: _Positions) -> NDArray[np.bool_]:
        has_return = np.equal(chunk.left_of(ends), _CR)
        return np.equal(ends, starts + has_return)

    def _begin_blank(self, chunk: _Chunk, start: int, fields: int) -> None:
        """Blank lines may end a table of several columns; anywhere else they are wrong rows."""
        line = (bytes([chunk.previous]) if start < 0 else b"") + chunk.text[max(start, 0) :]
        is_blank = start >= -1 and line.startswith((b"\n", b"\r\n"))
        if not is_blank or self._columns == 1:
            self._refuse_ragged(self._row, 0 if is_blank else fields)
        self._blank_from = self._at + start
        self._refuse_after_blank(line)

    def _refuse_after_blank(self, text: bytes) -> None:
        if text.strip(b"\r\n"):
            self._refuse_ragged(self._row, 0)

    def _check_counts(self, columns: int, rows: int) -> None:
        """Refuse more than the bounds; `rows` counts complete ones, the header included."""
        for count, limit, name in (
            (columns, self._limits.columns_max, "columns"),
            (rows - 1, self._limits.rows_max, "rows"),
            ((rows - 1) * self._columns, self._limits.cells_max, "cells"),
        ):
            if count > limit:
                raise DataError(
                    "data.too_large",
                    f"the file has more than {limit} {name}",
                    "split it, or check the delimiter and the line ends",
                )

    def _place(self, at: int, chunk: _Chunk) -> tuple[int, int]:
        """Row and column, from 1, of a position in the chunk."""
        before = int(np.searchsorted(chunk.marks, at))
        ends = np.flatnonzero(chunk.is_end[:before])
        if len(ends):
            return self._row + len(ends), before - int(ends[-1])
        return self._row, self._fields + before + 1

    def _refuse_ragged(self, row: int, fields: int) -> NoReturn:
        if not fields:
            raise DataError(
                "data.ragged",
                f"row {row} is blank; expected fields",
                'remove the line, or write "" for a missing value of a single column',
            )
        raise DataError(
            "data.ragged",
            f"row {row} has {fields} fields; expected {self._columns} as in row 1",
            "a field with a delimiter or a line end needs quotes; the delimiter is an option",
        )

    @staticmethod
    def _refuse(code: str, what: str, place: tuple[int, int]) -> NoReturn:
        raise DataError(
            code,
            f"row {place[0]}, column {place[1]} {what}",
            "quote the whole field and double the quotes in it; " + _UNCLOSED,
        )
