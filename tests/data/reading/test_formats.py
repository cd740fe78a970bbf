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
        ("claims.csv.gz", "unpack"),
        ("claims.xlsx", "save the sheet as CSV"),
        ("claims.json", "one object a line"),
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
