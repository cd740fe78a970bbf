"""Which formats are read, and how a caller may bend their reading.

It tells a format from a name, never from content: what a file is must not depend on who looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Literal

from freehold.data.errors import DataError


class Format(StrEnum):
    """The shape of a dataset's bytes."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    JSON = "json"
    PARQUET = "parquet"
    ARROW = "arrow"
    XLSX = "xlsx"
    ODS = "ods"
    TEXT = "text"
    HTML = "html"
    PDF = "pdf"
    CSV_GZ = "csv.gz"
    TSV_GZ = "tsv.gz"
    JSONL_GZ = "jsonl.gz"

    @property
    def is_text(self) -> bool:
        """Whether the bytes are UTF-8 from their start to their end, names of a folder included."""
        return self in _TEXTS


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read where a format leaves a choice.

    Args:
        delimiter: one ASCII character between the fields of CSV; None takes the format's own.
        formulas: `refuse` a cell of CSV or of a workbook whose text a spreadsheet would run, or
            keep it as `text`.
        missing: texts of such cells that mean a missing value, besides the empty one: `("NA",)`.
        sheet: the sheet of a workbook; None takes its only one.
    """

    delimiter: str | None = None
    formulas: Literal["refuse", "text"] = "refuse"
    missing: tuple[str, ...] = ()
    sheet: str | None = None

    def __post_init__(self) -> None:
        mark = self.delimiter
        if mark is not None and (len(mark) != 1 or not mark.isascii() or mark in '"\r\n\0'):
            raise ValueError(f"a delimiter is one ASCII character, no quote or line end: {mark!r}")
        if self.formulas not in ("refuse", "text"):
            raise ValueError(f"formulas is 'refuse' or 'text', got {self.formulas!r}")


_TEXTS = (Format.CSV, Format.TSV, Format.JSONL, Format.JSON, Format.TEXT, Format.HTML)
_SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".tab": Format.TSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".json": Format.JSON,
    ".parquet": Format.PARQUET,
    ".arrow": Format.ARROW,
    ".arrows": Format.ARROW,
    ".feather": Format.ARROW,
    ".ipc": Format.ARROW,
    ".xlsx": Format.XLSX,
    ".ods": Format.ODS,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".pdf": Format.PDF,
    ".tar": Format.TEXT,
    ".csv.gz": Format.CSV_GZ,
    ".tsv.gz": Format.TSV_GZ,
    ".jsonl.gz": Format.JSONL_GZ,
    ".ndjson.gz": Format.JSONL_GZ,
}
_HINTS = {
    ".gz": "unpack it first",
    ".zip": "unpack it first",
    ".zst": "unpack it first",
    ".bz2": "unpack it first",
    ".xz": "unpack it first",
    ".xls": "save it as a workbook without macros, *.xlsx",
    ".xlsb": "save it as a workbook without macros, *.xlsx",
    ".xlsm": "save it as a workbook without macros, *.xlsx",
    ".xltm": "save it as a workbook without macros, *.xlsx",
    ".fods": "save it as *.ods",
    ".txt": "put text files into a folder and give the folder",
    ".md": "put text files into a folder and give the folder",
}


def guess_format(name: str) -> Format:
    """Tell the format of a file from the end of its name; a `.tar` is a packed folder of texts.

    Raises:
        DataError: no known ending.
    """
    suffixes = PurePath(name.lower()).suffixes
    suffix = "".join(suffixes[-1:])
    found = _SUFFIXES.get("".join(suffixes[-2:])) or _SUFFIXES.get(suffix)
    if found is None:
        raise DataError(
            "data.format",
            f"no format is known for {name!r:.100}; expected one of {', '.join(_SUFFIXES)}",
            _HINTS.get(suffix, "rename the file or name its format"),
        )
    return found
