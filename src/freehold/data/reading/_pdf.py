"""Read the text of a PDF: one row a page, with the columns `page` and `text`.

pypdf parses it apart and strictly. Text is what the file says in its order, without layout; a page
without text is a missing value, and a file without any is refused, since pictures are not read.
Text that no reader of the page would see (white, or behind a picture) is not told apart.
"""

from __future__ import annotations

from typing import BinaryIO, cast

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._apart import parse_apart
from freehold.data.reading._limits import DataLimits
from freehold.data.reading._table import Row, RowTable

_HEAD, _END = b"%PDF-", b"%%EOF"
_TAIL_BYTES = 1_024  # readers look for the end mark there (ISO 32000-1, annex H.3.18)


def read_pdf(stream: BinaryIO, limits: DataLimits) -> pl.DataFrame:
    """Read every page.

    Raises:
        DataError: no PDF, cut off, encrypted, damaged, over a bound, or without text.
    """
    _check_ends(stream, limits)
    rows: list[Row] = []
    for found in parse_apart(
        stream,
        "pdf",
        limits=limits,
        pages_max=limits.pdf_pages_max,
        stream_bytes_max=limits.pdf_stream_bytes_max,
    ):
        page, text = cast(tuple[int, str | None], found)
        if text is not None and len(text) > limits.field_bytes_max:
            raise DataError(
                "data.too_large",
                f"page {page} has more than {limits.field_bytes_max} characters",
                "split it",
            )
        rows.append({"page": page, "text": text})
    if all(row["text"] is None for row in rows):
        raise DataError(
            "data.empty",
            f"none of the {len(rows)} pages has text",
            "a scan holds pictures; recognise its text (OCR) first",
        )
    table = RowTable(limits, place="page")
    table.add(rows)
    return table.finish()


def _check_ends(stream: BinaryIO, limits: DataLimits) -> None:
    size = stream.seek(0, 2)
    if size == 0:
        raise DataError("data.empty", "the file is empty", "check the export that made it")
    if size > limits.pdf_bytes_max:
        raise DataError(
            "data.too_large",
            f"the PDF has {size} bytes; at most {limits.pdf_bytes_max} are read",
            "split it",
        )
    stream.seek(0)
    if stream.read(len(_HEAD)) != _HEAD:
        raise DataError("data.pdf", "the file does not begin with %PDF-", "is it a PDF?")
    stream.seek(max(0, size - _TAIL_BYTES))
    if _END not in stream.read():
        raise DataError(
            "data.pdf", "the PDF does not end with %%EOF; it is cut off", "fetch or print it again"
        )
