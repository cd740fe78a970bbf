"""Read CSV and TSV strictly: the shape is checked first, then Polars parses, then whole columns
tell their kinds.

An empty cell, quoted or not, is a missing value. TSV is CSV with tabs, quotes included, as
spreadsheets write it.
"""

from __future__ import annotations

import csv
from typing import BinaryIO

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._columns import check_names, infer_column
from freehold.data.reading._csv_scan import CsvShape, scan_csv
from freehold.data.reading._encoding import check_text
from freehold.data.reading._foreign import polars_errors
from freehold.data.reading._formats import ReadOptions
from freehold.data.reading._formulas import refuse_formulas
from freehold.data.reading._limits import DataLimits

_DELIMITERS = ",;\t|"  # a single column with one of them in its name was cut in the wrong place


def read_csv(
    stream: BinaryIO, delimiter: str, options: ReadOptions, limits: DataLimits
) -> pl.DataFrame:
    """Read the whole stream.

    Raises:
        DataError: anything that RFC 4180, UTF-8 or `limits` do not allow, no rows, or a refused
            formula.
    """
    delimiter = options.delimiter or delimiter
    start = check_text(stream, limits)
    shape = scan_csv(stream, delimiter, limits)
    names = _read_header(stream, start, shape=shape, delimiter=delimiter, limits=limits)
    if options.formulas == "refuse":
        for column, name in enumerate(names, 1):
            refuse_formulas(pl.Series("header", [name]), column=column, first_row=1)
    if shape.rows < 2:
        raise DataError("data.empty", "the file has a header and no rows", "expected at least one")
    cells = _parse(stream, names, shape, delimiter)
    columns = []
    for column, series in enumerate(cells.get_columns(), 1):
        text = _without_missing(series, options.missing)
        inferred = infer_column(text)
        if inferred.dtype == pl.String and options.formulas == "refuse":
            refuse_formulas(inferred, column=column, first_row=2)
        columns.append(inferred)
    return pl.DataFrame(columns)


def _read_header(
    stream: BinaryIO, start: int, *, shape: CsvShape, delimiter: str, limits: DataLimits
) -> list[str]:
    size = shape.header_end - start
    if size > limits.header_bytes_max:
        raise DataError(
            "data.header",
            f"the first row has {size} bytes; expected at most {limits.header_bytes_max}",
            "the first row has to hold the names of the columns",
        )
    stream.seek(start)
    text = stream.read(size).decode()
    longest = max(map(len, text.split(delimiter)))
    if longest > 4 * limits.column_name_chars_max:  # the csv module has a bound of its own
        raise DataError(
            "data.header",
            f"a name of {longest} characters in the first row; "
            f"expected at most {limits.column_name_chars_max}",
            "the first row has to hold the names of the columns",
        )
    rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    names = rows[0] if rows else []
    check_names(names, limits)
    if len(names) == 1 and any(other in names[0] for other in _DELIMITERS):
        raise DataError(
            "data.header",
            f"one column, named {names[0]!r:.80}; expected {delimiter!r} between the names",
            "name the delimiter if it is another one, or rename the column",
        )
    return names


def _parse(stream: BinaryIO, names: list[str], shape: CsvShape, delimiter: str) -> pl.DataFrame:
    stream.seek(shape.header_end)
    body = stream.read(shape.end - shape.header_end)
    with polars_errors("data.ragged", "the rows cannot be parsed"):
        cells = pl.read_csv(
            body,
            has_header=False,
            schema=dict.fromkeys(names, pl.String),
            infer_schema=False,
            separator=delimiter,
        )
    if cells.height != shape.rows - 1:  # two readers of one file must agree on its rows
        raise DataError(
            "data.ragged",
            f"{shape.rows - 1} rows were counted and {cells.height} were parsed",
            "report this file; its quotes or line ends are read in two ways",
        )
    return cells


def _without_missing(text: pl.Series, missing: tuple[str, ...]) -> pl.Series:
    absent = text.is_in(["", *missing])
    return text.set(absent, None) if absent.any() else text
