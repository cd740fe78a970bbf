"""Pseudonyms and shifts hang on key, kind and person alone, and are those of RFC 2104."""

from __future__ import annotations

import hashlib
import hmac
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.protection import DateShift, Plan, Pseudonym, apply_plan, collision_chance

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
PEOPLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))


def pseudonyms(cells: list, transform: Pseudonym | None = None, *, key: bytes = KEY) -> list:
    plan = Plan({"a": transform or Pseudonym("person")})
    table = pl.DataFrame({"a": pl.Series(cells, dtype=None if any(cells) else pl.String)})
    return apply_plan(plan, table, key=key)[0].get_column("a").to_list()


def shifted(rows: list[tuple], transform: DateShift, *, key: bytes = KEY) -> list:
    table = pl.DataFrame(rows, schema={"who": pl.String, "on": pl.Date}, orient="row")
    plan = Plan({"on": transform}, others="keep")
    return apply_plan(plan, table, key=key)[0].get_column("on").to_list()


def test_a_token_is_the_hmac_that_the_format_says():
    data = b"freehold/pseudonym/v1\0person\0ann lee"
    digest = hmac.digest(KEY, data, hashlib.sha256).hex()
    assert pseudonyms(["  Ann  LEE "]) == ["person_" + digest[:32]]
    assert pseudonyms(["Ann Lee"], Pseudonym("person", length=64)) == ["person_" + digest]


def test_tokens_stay_the_same_for_ever():
    assert pseudonyms(["ann"]) == ["person_423b43387a35724c3334c932bad502cf"]


@given(st.lists(PEOPLE, min_size=1), st.integers(20, 64))
def test_equal_cells_get_equal_tokens_and_others_others(cells, length):
    transform = Pseudonym("person", normalise=(), length=length)
    tokens = pseudonyms(cells, transform)
    by_cell = dict(zip(cells, tokens, strict=True))
    assert tokens == [by_cell[cell] for cell in cells]
    present = {cell: token for cell, token in by_cell.items() if cell}
    assert len(set(present.values())) == len(present)
    assert all(len(token) == len("person_") + length for token in present.values())
    assert by_cell.get("") is None


@given(PEOPLE.filter(str.strip))
def test_other_keys_and_kinds_give_other_tokens(cell):
    (ours,) = pseudonyms([cell])
    (theirs,) = pseudonyms([cell], key=OTHER_KEY)
    (patient,) = pseudonyms([cell], Pseudonym("patient"))
    assert len({each.partition("_")[2] for each in (ours, theirs, patient)}) == 3


SAME = {
    "case": (["STRASSE", "straße"], ("case",)),
    "spaces": (["Ann Lee", " Ann\u00a0 Lee\t"], ("spaces",)),
    "composed and decomposed": (["Zoë", "Zoe\u0308"], ("nfkc",)),
    "ligatures and widths": (["ﬁx１", "fix1"], ("nfkc",)),
    "marks that fold into letters": (
        ["\u1f83\u0300\u0337", "\u1f03\u1f76\u0337"],
        ("nfkc", "case"),
    ),
    "all of them": (["ＺＯË  x", "zoe\u0308 X "], ("nfkc", "case", "spaces")),
}


@pytest.mark.parametrize(("cells", "steps"), SAME.values(), ids=SAME.keys())
def test_normalising_joins_what_is_declared_and_nothing_else(cells, steps):
    assert len(set(pseudonyms(cells, Pseudonym("p", normalise=steps)))) == 1
    assert len(set(pseudonyms(cells, Pseudonym("p", normalise=())))) == 2


@given(PEOPLE)
def test_what_is_normal_stays_normal(cell):
    upper = pseudonyms([cell, cell.upper(), f" {cell} "])
    assert upper[0] == upper[2]
    if cell.upper().casefold() == cell.casefold():
        assert upper[0] == upper[1]


def test_missing_and_blank_cells_are_missing():
    assert pseudonyms([None, " \t", "a"])[:2] == [None, None]
    assert pseudonyms([None]) == [None]


def test_numbers_dates_and_text_are_one_identity():
    assert pseudonyms([42]) == pseudonyms(["42"])
    assert pseudonyms([date(2020, 1, 2)]) == pseudonyms(["2020-01-02"])


@given(st.lists(st.tuples(PEOPLE.filter(str.strip), DAYS), min_size=1), st.integers(1, 400))
def test_a_shift_keeps_the_intervals_of_a_person_and_moves_every_date(rows, days):
    moved = shifted(rows, DateShift("who", days, normalise=()))
    shifts: dict[str, set[timedelta]] = {}
    for (who, before), after in zip(rows, moved, strict=True):
        shifts.setdefault(who, set()).add(after - before)
    for found in shifts.values():
        (shift,) = found
        assert timedelta(0) < abs(shift) <= timedelta(days)


def test_every_shift_is_taken_about_as_often():
    people = [(f"p{number}", date(2020, 1, 1)) for number in range(6_000)]
    moved = shifted(people, DateShift("who", 3))
    counts = pl.Series(moved).value_counts().get_column("count")
    assert (len(counts), counts.sum()) == (6, 6_000)
    assert min(counts.to_list()) > 850  # 1000 each; five standard deviations are 144
    assert moved != shifted(people, DateShift("who", 3), key=OTHER_KEY)


def test_a_date_without_a_person_goes_and_moments_keep_their_time():
    assert shifted([(None, date(2020, 1, 1)), ("a", None)], DateShift("who", 9)) == [None, None]
    table = pl.DataFrame({"who": [7], "at": [datetime(2020, 2, 28, 12, 34)]})
    plan = Plan({"at": DateShift("who", 9)}, others="drop")
    (moved,) = apply_plan(plan, table, key=KEY)[0].get_column("at")
    assert (moved.hour, moved.minute) == (12, 34)
    assert moved.date() != date(2020, 2, 28)


@pytest.mark.parametrize("key", [None, b"", bytes(31)])
@pytest.mark.parametrize("transform", [Pseudonym("p"), DateShift("b", 3)])
def test_no_key_or_a_short_one_is_refused(key, transform):
    table = pl.DataFrame({"a": [date(2020, 1, 1)], "b": ["x"]})
    with pytest.raises(DataError) as refused:
        apply_plan(Plan({"a": transform}, others="keep"), table, key=key)
    assert refused.value.code == "data.pseudonym_key"


def test_a_person_that_is_no_identity_is_refused():
    table = pl.DataFrame({"a": [date(2020, 1, 1)], "b": [1.5]})
    with pytest.raises(DataError, match="column 'b'"):
        apply_plan(Plan({"a": DateShift("b", 3)}, others="keep"), table, key=KEY)


def test_the_chance_of_a_collision_is_the_birthday_bound():
    assert collision_chance(1, 32) == 0
    assert collision_chance(1_000_000, 32) < 2e-27
    assert collision_chance(1_000_000, 20) < 5e-13
    assert collision_chance(2, 1) == 1 / 16
    assert collision_chance(10**9, 4) == 1
    with pytest.raises(ValueError, match="no tokens of 65 digits"):
        collision_chance(1, 65)
