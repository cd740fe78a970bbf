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
    PARQUET = "parquet"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read where a format leaves a choice.

    Args:
        delimiter: one ASCII character between the fields of CSV; None takes the format's own.
        formulas: `refuse` a CSV cell that a spreadsheet would run, or keep it as `text`.
        missing: texts of CSV cells that mean a missing value, besides the empty one: `("NA",)`.
    """

    delimiter: str | None = None
    formulas: Literal["refuse", "text"] = "refuse"
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        mark = self.delimiter
        if mark is not None and (len(mark) != 1 or not mark.isascii() or mark in '"\r\n\0'):
            raise ValueError(f"a delimiter is one ASCII character, no quote or line end: {mark!r}")
        if self.formulas not in ("refuse", "text"):
            raise ValueError(f"formulas is 'refuse' or 'text', got {self.formulas!r}")


_SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".tab": Format.TSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".tar": Format.TEXT,
}
_HINTS = {
    ".gz": "unpack it first",
    ".zip": "unpack it first",
    ".zst": "unpack it first",
    ".bz2": "unpack it first",
    ".xz": "unpack it first",
    ".xlsx": "save the sheet as CSV in UTF-8",
    ".xls": "save the sheet as CSV in UTF-8",
    ".ods": "save the sheet as CSV in UTF-8",
    ".json": "write one object a line and name it .jsonl",
    ".txt": "put text files into a folder and give the folder",
    ".md": "put text files into a folder and give the folder",
}


def guess_format(name: str) -> Format:
    """Tell the format of a file from the end of its name; a `.tar` is a packed folder of texts.

    Raises:
        DataError: no known ending.
    """
    suffix = PurePath(name.lower()).suffix
    found = _SUFFIXES.get(suffix)
    if found is None:
        raise DataError(
            "data.format",
            f"no format is known for {name!r:.100}; expected one of {', '.join(_SUFFIXES)}",
            _HINTS.get(suffix, "rename the file or name its format"),
        )
    return found
