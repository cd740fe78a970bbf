"""A column is counted as its values would be one by one, with its name as a word near each."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.detection import (
    RULES_DIGEST,
    Category,
    DetectionLimits,
    Detector,
    Kind,
    KindCount,
    Level,
)

VALUES = (
    "ann@example.org",
    "ann@example.org and bob@example.org",
    "4111111111111111",
    "call 541-714-1388",
    "ünd 219-09-9999",
    "nothing",
    "",
    "two\nlines with DE89370400440532013000",
    "2024-01-31",
)


def test_counts_tell_findings_values_and_whole_values() -> None:
    mails = ["ann@example.org", "ann@example.org or bob@example.org", None, "none"]
    found = Detector().scan_column(pl.Series("contact point", mails))
    assert found.counts == (KindCount(Kind.EMAIL, Level.VALID, findings=3, values=2, whole=1),)
    assert (found.values, found.missing) == (3, 1)
    assert found.share(Kind.EMAIL) == pytest.approx(2 / 3)
    assert found.share(Kind.EMAIL, Level.SHAPE) == 0
    assert found.categories == {Category.PERSONAL}
    assert found.rules_digest == RULES_DIGEST


@given(st.lists(st.none() | st.sampled_from(VALUES), max_size=60), st.integers(1, 200))
def test_a_column_is_counted_as_its_values_are(values: list[str | None], block: int) -> None:
    detector = Detector(limits=DetectionLimits(block_chars=block))
    findings: Counter[tuple[Kind, Level]] = Counter()
    holding: Counter[tuple[Kind, Level]] = Counter()
    for value in values:
        each = [(found.kind, found.level) for found in detector.scan(value or "")]
        findings.update(each)
        holding.update(set(each))
    counts = detector.scan_column(pl.Series("note", values, pl.String)).counts
    assert {(each.kind, each.level): each.findings for each in counts} == findings
    assert {(each.kind, each.level): each.values for each in counts} == holding


NAMED: dict[str, tuple[list[Any], Kind, Level]] = {
    "phone_number": (["917277336", "5417141388"], Kind.PHONE, Level.SHAPE),
    "mobilePhone": ([917277336, 5417141388], Kind.PHONE, Level.SHAPE),
    "date_of_birth": ([date(1984, 5, 12)], Kind.BIRTH_DATE, Level.VALID),
    "zip_code": (["28029", "SW1A 1AA"], Kind.POSTCODE, Level.SHAPE),
    "pesel": (["44051401359"], Kind.PL_PESEL, Level.VALID),
    "NHC": (["7803564"], Kind.MEDICAL_RECORD, Level.SHAPE),
    "order": (["4111111111111111"], Kind.PAYMENT_CARD, Level.SHAPE),
    "card": ([4111111111111111], Kind.PAYMENT_CARD, Level.VALID),
}


@pytest.mark.parametrize("name", NAMED)
def test_the_name_of_a_column_tells_what_its_values_are(name: str) -> None:
    values, kind, level = NAMED[name]
    counts = Detector().scan_column(pl.Series(name, values)).counts
    assert counts == (KindCount(kind, level, len(values), len(values), len(values)),)


def test_values_do_not_speak_for_each_other() -> None:
    found = Detector().scan_column(pl.Series("a", ["call me at", "917277336", "mobile"]))
    assert found.counts == ()


@pytest.mark.parametrize(
    "column",
    [pl.Series("a", [], pl.String), pl.Series("a", [None, None]), pl.Series("a", [True, False])],
    ids=["empty", "missing", "booleans"],
)
def test_a_column_without_text_holds_nothing(column: pl.Series) -> None:
    found = Detector().scan_column(column)
    assert (found.counts, found.share(Kind.EMAIL)) == ((), 0.0)


@pytest.mark.parametrize("column", [pl.Series("a", [["x"]]), pl.Series("a", [b"x"])])
def test_a_column_of_lists_or_bytes_is_refused(column: pl.Series) -> None:
    with pytest.raises(DataError, match="expected text") as refused:
        Detector().scan_column(column)
    assert refused.value.code == "data.contract"


def test_nothing_that_was_found_is_shown() -> None:
    found = Detector().scan_column(pl.Series("mail", ["ann@example.org"]))
    assert "ann" not in repr(found)
