"""The end of a name tells the format, and nothing else does."""

from __future__ import annotations

import pytest

from freehold.data import DataError, Format, ReadOptions, guess_format


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("claims.csv", Format.CSV),
        ("CLAIMS.CSV", Format.CSV),
        ("a.b/claims.2024.tsv", Format.TSV),
        ("claims.tab", Format.TSV),
        ("claims.jsonl", Format.JSONL),
        ("claims.ndjson", Format.JSONL),
        ("claims.parquet", Format.PARQUET),
        ("letters.tar", Format.TEXT),
        ("claims.json", Format.JSON),
        ("claims.arrow", Format.ARROW),
        ("claims.arrows", Format.ARROW),
        ("claims.feather", Format.ARROW),
        ("claims.IPC", Format.ARROW),
        ("claims.xlsx", Format.XLSX),
        ("claims.ods", Format.ODS),
        ("page.html", Format.HTML),
        ("page.htm", Format.HTML),
        ("report.pdf", Format.PDF),
        ("claims.2024.csv.gz", Format.CSV_GZ),
        ("claims.tsv.gz", Format.TSV_GZ),
        ("claims.jsonl.gz", Format.JSONL_GZ),
        ("claims.ndjson.gz", Format.JSONL_GZ),
    ],
)
def test_a_known_ending_tells_the_format(name: str, format: Format) -> None:
    assert guess_format(name) is format


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("claims", "rename the file"),
        ("csv", "rename the file"),
        ("", "rename the file"),
        ("claims.gz", "unpack"),
        ("claims.parquet.gz", "unpack"),
        ("claims.csv.zip", "unpack"),
        ("claims.xls", "without macros"),
        ("claims.xlsm", "without macros"),
        ("claims.xlsb", "without macros"),
        ("letter.txt", "into a folder"),
        ("model.pkl", "rename the file"),
    ],
)
def test_another_ending_is_refused_with_the_next_step(name: str, hint: str) -> None:
    with pytest.raises(DataError, match="no format is known") as caught:
        guess_format(name)
    assert caught.value.code == "data.format"
    assert hint in caught.value.hint


def test_formulas_are_refused_or_kept_and_nothing_else() -> None:
    with pytest.raises(ValueError, match="'refuse' or 'text'"):
        ReadOptions(formulas="run")  # type: ignore[arg-type]
