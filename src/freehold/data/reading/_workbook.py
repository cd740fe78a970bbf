"""Read one sheet of a workbook, *.xlsx (ECMA-376) or *.ods (OpenDocument): the table that begins in
its first cell, with the names of the columns in row 1.

The archive is checked first: sizes, names, and that it holds no macros, no links to other files or
databases, no DTD and no password. Then calamine parses it apart, for a sheet of two cells can claim
any number of them.

Numbers that are all whole become integers, since a workbook knows only numbers. Of a formula its
stored value is read. An error, a formula without its value (both in *.xlsx), merged cells (in
*.xlsx), a time of day, a blank row inside the table, and a column of mixed kinds are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._apart import parse_apart, value
from freehold.data.reading._columns import EXACT_MAX, check_names
from freehold.data.reading._formats import Format, ReadOptions
from freehold.data.reading._formulas import refuse_formulas
from freehold.data.reading._limits import DataLimits
from freehold.data.reading._package import check_workbook
from freehold.data.reading._table import Row, RowTable

_FIRST_ROW = 2  # of values, as a spreadsheet counts


def read_workbook(
    stream: BinaryIO, format: Format, options: ReadOptions, limits: DataLimits
) -> pl.DataFrame:
    """Read the sheet that `options` name, or the only one.

    Raises:
        DataError: not such a workbook, cut off, over a bound, or anything in it that is refused.
    """
    check_workbook(stream, format, limits)
    rows = _rows(
        parse_apart(
            stream,
            "workbook",
            limits=limits,
            sheet=options.sheet,
            is_xlsx=format is Format.XLSX,
            columns_max=limits.columns_max,
        )
    )
    names = _names(next(rows, []), limits)
    table = RowTable(limits, place="row", first=_FIRST_ROW)
    batch: list[Row] = []
    for number, cells in enumerate(_without_blank_end(rows), _FIRST_ROW):
        batch.append(_row(cells, names, number=number, options=options, limits=limits))
        if len(batch) == limits.batch_rows:
            table.add(batch)
            batch = []
    if batch:
        table.add(batch)
    columns = [_narrow(series) for series in table.finish().get_columns()]
    if options.formulas == "refuse":
        for column, series in enumerate(columns, 1):
            refuse_formulas(pl.Series("header", [series.name]), column=column, first_row=1)
            if series.dtype == pl.String:
                refuse_formulas(series, column=column, first_row=_FIRST_ROW)
    return pl.DataFrame(columns)


def _rows(found: Iterator[Any]) -> Iterator[list[Any]]:
    return ([value(cell) for cell in cells] for cells in found)


def _names(cells: list[Any], limits: DataLimits) -> list[str]:
    for column, cell in enumerate(cells, 1):
        if cell is not None and not isinstance(cell, str):
            raise DataError(
                "data.header",
                f"row 1, column {column} holds no text; expected the name of the column",
                "write the names of the columns into row 1, as text",
            )
    names = [cell or "" for cell in cells]
    check_names(names, limits)
    return names


def _without_blank_end(rows: Iterator[list[Any]]) -> Iterator[list[Any]]:
    blank = 0
    for number, cells in enumerate(rows, _FIRST_ROW):
        if all(cell is None for cell in cells):
            blank = blank or number
            continue
        if blank:
            raise DataError(
                "data.ragged",
                f"row {blank} is blank and row {number} is not; expected one table",
                "delete blank rows, and what stands below the table",
            )
        yield cells


def _row(
    cells: list[Any], names: list[str], *, number: int, options: ReadOptions, limits: DataLimits
) -> Row:
    row = dict(zip(names, cells, strict=True))
    for column, (name, cell) in enumerate(row.items(), 1):
        if isinstance(cell, str):
            if len(cell) > limits.field_bytes_max:
                raise DataError(
                    "data.too_large",
                    f"row {number}, column {column} has {len(cell)} characters; "
                    f"expected at most {limits.field_bytes_max}",
                    "shorten the text",
                )
            if cell in options.missing:
                row[name] = None
        elif isinstance(cell, list):
            raise DataError(
                "data.types",
                f"row {number}, column {column} holds a time of day or a duration",
                "write it as text or as a number",
            )
    return row


def _narrow(series: pl.Series) -> pl.Series:
    if series.dtype != pl.Float64:
        return series
    is_whole = (series == series.floor()) & (series.abs() <= EXACT_MAX)
    return series.cast(pl.Int64) if is_whole.all() else series
