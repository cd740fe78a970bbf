"""Labels as CSV, for spreadsheets and other tools, and back.

Columns `row`, `annotator`, `guideline`, `labels`, `at`, and `revision` where the history goes with
them; several labels of one row stand in one cell, with `|` between them.

What a spreadsheet would run or rewrite (a formula, `007`, `1.50`, `TRUE`) is written with an
apostrophe before it, as spreadsheets mark text, and so is a cell that begins with one. Reading
takes one apostrophe away. A file in which somebody put a formula is refused by the reader.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import BinaryIO

import polars as pl

from freehold.data.errors import DataError
from freehold.data.labelling._entries import KEY, Place, check_entries, frame_of
from freehold.data.labelling._layer import LabelLayer, layer_of
from freehold.data.labelling._texts import SEPARATOR
from freehold.data.reading import DEFAULT_DATA_LIMITS, DataLimits, Format, read_table

_COLUMNS = ("row", "annotator", "guideline", "labels", "at")
_REVISION = "revision"
_MARK = "'"
_NUMBER = re.compile(r"[-+0-9.eE]+")
# The mark itself, a formula's first character (OWASP, CSV injection; full-width forms too), a
# number that is no plain integer, or a truth value.
_MARKED = (
    r"^(?:['=+\-@\uFF1D\uFF0B\uFF0D\uFF20]"
    r"|(?:0[0-9]+|[0-9]*\.[0-9]*|[0-9]*\.?[0-9]*[eE][-+]?[0-9]+)$"
    r"|(?i:true|false)$)"
)


def write_labels_csv(layer: LabelLayer, stream: BinaryIO, *, with_history: bool = False) -> None:
    """Write what holds, or all revisions, as CSV in UTF-8.

    Raises:
        DataError: `data.too_few_rows`, a layer without labels, which CSV cannot tell.
    """
    entries = layer.entries() if with_history else layer.current()
    if not entries.height:
        raise DataError("data.too_few_rows", "the layer has no labels to write", "label some rows")
    columns = [*_COLUMNS, _REVISION] if with_history else list(_COLUMNS)
    text = pl.col("row", "annotator", "labels", "at")
    entries.select(columns).with_columns(pl.col("labels").list.join(SEPARATOR)).with_columns(
        pl.when(text.str.contains(_MARKED)).then(_MARK + text).otherwise(text).name.keep()
    ).write_csv(stream)


def read_labels_csv(
    stream: BinaryIO,
    into: LabelLayer,
    *,
    rows: Collection[str],
    annotators: Collection[str],
    data_limits: DataLimits = DEFAULT_DATA_LIMITS,
) -> LabelLayer:
    """Read labels of the layer's dataset, under its guidelines, as a layer of their own.

    `into` itself is not changed: `into.merge(read)` joins the two, and refuses what contradicts it.

    Args:
        stream: seekable, UTF-8; columns in any order; without `revision` each row and annotator
            stands once.
        rows: identities of the dataset version's rows.
        annotators: ids of those who may label.

    Raises:
        DataError: as `read_table`; `data.header`, other columns; `data.types`, a cell that cannot
            be told from others of its column; `data.label`, a row, annotator, guideline or label
            that is not known; `data.label_conflict`, a row twice by one annotator. With row (the
            header is row 1) and column, never the cell.
    """
    table = read_table(stream, Format.CSV, limits=data_limits)
    _check_columns(table.columns)
    place = _placed(table.columns)
    for column in table.columns:
        _refuse_first(table[column].is_null(), column, place, "it is empty")
    allowed = {name for guideline in into.guidelines for name in guideline.names}
    labels = _texts(table["labels"], allowed, place)
    given = frame_of(
        {
            "row": _texts(table["row"], rows, place),
            "annotator": _texts(table["annotator"], annotators, place),
            _REVISION: _revisions(table, place),
            "guideline": _integers(table["guideline"], place),
            "labels": [each.split(SEPARATOR) for each in labels],
            "at": _texts(table["at"], (), place),
        },
        place,
    )
    for column, known, what in (("row", rows, "row"), ("annotator", annotators, "annotator")):
        is_unknown = ~given[column].is_in(list(known))
        _refuse_first(is_unknown, column, place, f"it is no {what} that is known here")
    entries = check_entries(given, into.guidelines, into.limits, place)
    _check_revisions(entries, place)
    return layer_of(into.dataset, into.guidelines, entries, into.limits)


def _check_columns(columns: Sequence[str]) -> None:
    if set(columns) - {_REVISION} != set(_COLUMNS):
        raise DataError(
            "data.header",
            f"the columns are {', '.join(columns)!r:.200}; expected {', '.join(_COLUMNS)} and, "
            f"for the history, {_REVISION}",
            "rename them, and leave the others out",
        )


def _placed(columns: Sequence[str]) -> Place:
    """Name a cell as a spreadsheet does, for the columns of a file."""
    return lambda index, column: f"row {index + 2}, column {columns.index(column) + 1} ({column})"


def _texts(column: pl.Series, known: Collection[str], place: Place) -> list[str]:
    """The cells as they were written, though the reader may have taken them for other kinds."""
    if column.dtype in (pl.Float64, pl.Boolean):
        return _told_apart(column, known, place)
    text = column.cast(pl.String)  # whole numbers and dates are written in one way alone
    is_marked = pl.col(column.name).str.starts_with(_MARK)
    cells = pl.when(is_marked).then(pl.col(column.name).str.slice(1)).otherwise(column.name)
    return text.to_frame().select(cells).to_series().to_list()


def _told_apart(column: pl.Series, known: Collection[str], place: Place) -> list[str]:
    """The one known text for each number or truth value: `1.50` and `TRUE` lost their spelling."""
    by_value: dict[object, list[str]] = {}
    for text in known:
        by_value.setdefault(_valued(text, column.dtype), []).append(text)
    kind = "truth values" if column.dtype == pl.Boolean else "numbers"
    found = []
    for index, value in enumerate(column.to_list()):
        texts = by_value.get(value, ())
        if len(texts) != 1:
            raise DataError(
                "data.types",
                f"{place(index, column.name)}: the column reads as {kind}, and "
                f"{len(texts)} known texts are spelled so; expected one",
                f"write {_MARK} before each cell of the column, so that it is text",
            )
        found.append(texts[0])
    return found


def _valued(text: str, kind: pl.DataType) -> float | bool | None:
    if kind == pl.Boolean:
        return {"true": True, "false": False}.get(text.lower())
    try:
        return float(text) if _NUMBER.fullmatch(text) else None
    except ValueError:
        return None


def _revisions(table: pl.DataFrame, place: Place) -> list[int]:
    if _REVISION not in table.columns:
        return [1] * table.height
    return _integers(table[_REVISION], place)


def _integers(column: pl.Series, place: Place) -> list[int]:
    if column.dtype != pl.Int64:
        raise DataError(
            "data.types",
            f"{place(0, column.name)}: expected whole numbers in the whole column",
            "correct the cells that are none",
        )
    return column.to_list()


def _check_revisions(entries: pl.DataFrame, place: Place) -> None:
    """Refuse a row that an annotator labels twice, or whose revisions are not 1, 2, 3 …."""
    twice = entries.select(*KEY, _REVISION).is_duplicated()
    rank = entries.select(pl.col(_REVISION).rank("ordinal").over(KEY)).to_series()
    wrong = twice | (rank != entries[_REVISION])
    if wrong.any():
        raise DataError(
            "data.label_conflict",
            f"{place(wrong.arg_max() or 0, 'row')}: the annotator labels this row twice, or its "
            "revisions are not 1, 2, 3 …",
            "give each row and annotator once, or number what they said",
        )


def _refuse_first(is_wrong: pl.Series, column: str, place: Place, problem: str) -> None:
    if is_wrong.any():
        raise DataError(
            "data.label", f"{place(is_wrong.arg_max() or 0, column)}: {problem}", "correct it there"
        )
