"""Read Arrow IPC, the file format and the stream format, which Feather version 2 is too.

Polars parses it apart, for a few bytes of Arrow can claim any number of rows and any size of a
packed buffer. Values become the kinds of `_columns`, as `_kinds` says. Arrow has no checksums: a
changed byte inside a column may be read as another value.
"""

from __future__ import annotations

import io
from typing import BinaryIO

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._apart import parse_apart
from freehold.data.reading._columns import check_names
from freehold.data.reading._foreign import polars_errors
from freehold.data.reading._kinds import plain_column
from freehold.data.reading._limits import DataLimits

_MAGIC = b"ARROW1"
_FEATHER_1 = b"FEA1"
_CONTINUED = b"\xff\xff\xff\xff"
_OLD_END = bytes(4)  # of a stream before version 0.15, where no length has the mark before it
_HINT = "the file is cut off or damaged; write it again"


def read_arrow(stream: BinaryIO, limits: DataLimits) -> pl.DataFrame:
    """Read the whole stream.

    Raises:
        DataError: cut off, corrupt, over a bound, or of kinds that are not read.
    """
    _check_ends(stream, limits)
    found = list(
        parse_apart(
            stream,
            "arrow",
            limits=limits,
            rows_max=limits.rows_max,
            columns_max=limits.columns_max,
            cells_max=limits.cells_max,
        )
    )
    plain = found[-1]
    with polars_errors("data.arrow", "the Arrow file cannot be read", _HINT):
        table = pl.read_ipc(io.BytesIO(plain if isinstance(plain, bytes) else b""))
    if not table.height:
        raise DataError("data.empty", "the file has no rows", "expected at least one")
    check_names(table.columns, limits)
    return pl.DataFrame([plain_column(series) for series in table.get_columns()])


def _check_ends(stream: BinaryIO, limits: DataLimits) -> None:
    size = stream.seek(0, 2)
    if size == 0:
        raise DataError("data.empty", "the file is empty", "check the export that made it")
    if size > limits.table_bytes_max:
        raise DataError(
            "data.too_large",
            f"the Arrow file has {size} bytes; at most {limits.table_bytes_max} are read",
            "split it",
        )
    stream.seek(0)
    head = stream.read(len(_MAGIC))
    stream.seek(max(0, size - 8))
    tail = stream.read(8)
    if head.startswith(_FEATHER_1):
        raise DataError("data.arrow", "the file is Feather version 1", "write version 2")
    if head == _MAGIC:
        if not tail.endswith(_MAGIC):
            raise DataError("data.arrow", "the Arrow file does not end with ARROW1", _HINT)
        return
    is_new = head.startswith(_CONTINUED)
    if not is_new and head[3:4] != b"\0":
        raise DataError(
            "data.arrow", "the file begins neither as an Arrow file nor as a stream", "is it Arrow?"
        )
    if not tail.endswith(_CONTINUED + _OLD_END if is_new else _OLD_END):
        raise DataError("data.arrow", "the Arrow stream has no end mark", _HINT)
