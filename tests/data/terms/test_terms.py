"""Files of terms, how they stand with time, and the gaps that follow from them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.terms import GAPS, Held, Terms, day_after, gaps_of, midnight, state_at

TEXT = """
supplier = "Example Registry"
contract = "2026-114, annex B"
licence = "cc-by-4.0"
purposes = ["research"]
supplier_uses = ["train-models"]
onward = ["EU"]
legal_basis = "public-task"
special_basis = "research"
starts = 2026-01-01
expires = 2027-12-31
"""
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MOMENTS = st.datetimes(timezones=st.just(UTC))


def test_a_file_is_read():
    terms = Terms.parse(TEXT)
    assert terms.supplier == "Example Registry"
    assert terms.supplier_uses == ("train-models",)
    assert (terms.starts, terms.expires) == (date(2026, 1, 1), date(2027, 12, 31))
    assert terms.keep_until is None


def test_the_file_in_the_documentation_is_one():
    page = (Path(__file__).parents[3] / "docs" / "formats" / "terms.md").read_text()
    example = [line[4:] for line in page.splitlines() if line.startswith("    ")]
    assert Terms.parse("\n".join(example)).expires == date(2027, 12, 31)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('licence = "cc-by-4.0"\n', "", "licence"),
        ("legal_basis", "legal_bases", "legal_bases"),
        ('"public-task"', '"public task"', "legal_basis"),
        ('"public-task"', '"none"', "special_basis"),
        ('["train-models"]', '["trains-models"]', "supplier_uses"),
        ('["train-models"]', '"train-models"', "supplier_uses"),
        ('["EU"]', '["Europe"]', "onward"),
        ('["EU"]', '["EU", "EU"]', "onward"),
        ('"cc-by-4.0"', '"CC BY 4.0"', "licence"),
        ('"Example Registry"', '""', "supplier"),
        ("2027-12-31", "2025-12-31", "expires"),
        ("2027-12-31", '"2027-12-31T"', "expires"),
        ("2027-12-31", "2027-12-31\nkeep_until = 2027-12-30", "keep_until"),
        ("2027-12-31", "2027-13-31", "TOML"),
        ("research", "x" * 65_536, "65536"),
    ],
)
def test_what_is_no_file_of_terms_is_refused(old, new, told):
    assert old in TEXT
    with pytest.raises(DataError, match=told) as error:
        Terms.parse(TEXT.replace(old, new))
    assert error.value.code == "data.terms"
    assert "terms.md" in error.value.hint


@given(now=MOMENTS, starts=st.none() | MOMENTS, ends=st.none() | MOMENTS)
def test_a_state_holds_until_it_says(now, starts, ends):
    state, until = state_at(now, starts=starts, ends=ends)
    is_over = ends is not None and ends <= now
    is_early = not is_over and starts is not None and now < starts
    assert state == ("expired" if is_over else "coming" if is_early else "in-force")
    if until is not None:
        assert until > now
        assert state_at(until - timedelta.resolution, starts=starts, ends=ends)[0] == state or (
            ends is not None and ends < until  # it ends before it begins
        )
        assert state_at(until, starts=starts, ends=ends)[0] != state


def test_the_last_day_is_whole():
    end = day_after(date(2027, 12, 31))
    assert end == datetime(2028, 1, 1, tzinfo=UTC)
    assert state_at(end - timedelta.resolution, starts=None, ends=end) == ("in-force", end)
    assert state_at(end, starts=None, ends=end) == ("expired", None)


def held(**changes: object) -> Held:
    fields: dict[str, object] = {"licence": "own", "allowed": ["research"]}
    return Held(["research"], **(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "codes"),
    [
        (Held(["research"]), ["no-terms"]),
        (held(), []),
        (held(supplier_uses=["sell", "share"]), ["supplier-uses"]),
        (held(ends=NOW), ["expired"]),
        (held(ends=NOW + timedelta(days=90)), ["expires-soon"]),
        (held(ends=NOW + timedelta(days=91)), []),
        (held(starts=NOW + timedelta(days=1)), []),
        (held(keep_until=NOW), ["overdue"]),
        (held(keep_until=NOW + timedelta(days=1)), []),
        (held(allowed=[]), ["purposes"]),
        (held(allowed=[], supplier_uses=["sell"], ends=NOW, keep_until=NOW), list(GAPS)[1:3]),
    ],
)
def test_gaps(known, codes):
    found = gaps_of(known, NOW)
    assert [gap.code for gap in found][: len(codes)] == codes
    assert bool(found) == bool(codes)
    assert all("{" not in gap.meaning for gap in found)


def test_a_gap_names_the_last_day_and_not_the_one_after():
    (gap,) = gaps_of(held(ends=midnight(date(2026, 12, 2))), NOW)
    assert "2026-12-01" in gap.meaning
