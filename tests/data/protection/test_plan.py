"""A plan is read strictly, written in one form, and says what becomes of every column."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.protection import (
    Age,
    Bins,
    Bounds,
    CoarseDate,
    DateShift,
    Drop,
    Groups,
    Keep,
    Mask,
    Plan,
    Prefix,
    Pseudonym,
    Replace,
    SmallGroups,
    apply_plan,
    parse_plan,
)
from freehold.kernel import canonical

FORMAT = Path(__file__).resolve().parents[3] / "docs" / "formats" / "protection.md"
TEXT = """
version = 1
others = "drop"
[small_groups]
quasi = ["sex", "age"]
k = 5
[column.sex]
transform = "keep"
[column.age]
transform = "age"
width = 5
[column."née, Name"]
transform = "pseudonym"
normalise = ["spaces", "case"]
kind = "person"
"""


def refusal(text: bytes | str) -> DataError:
    with pytest.raises(DataError) as refused:
        parse_plan(text)
    assert refused.value.code == "data.plan"
    return refused.value


def test_a_plan_is_what_its_text_says():
    assert parse_plan(TEXT) == Plan(
        {
            "age": Age(5),
            "sex": Keep(),
            "née, Name": Pseudonym("person", normalise=("case", "spaces")),
        },
        others="drop",
        small_groups=SmallGroups(("age", "sex"), 5),
    )


def test_the_plan_in_the_format_page_is_read_and_written_as_there():
    (example,) = re.findall(r"```toml\n(.*?)```", FORMAT.read_text(encoding="utf-8"), re.DOTALL)
    assert parse_plan(example).dump() == example


def test_the_digest_tells_what_is_done_and_not_how_it_is_written():
    reordered = 'version=1\nothers="drop"\n' + TEXT.split('"drop"')[1].replace("5\n", "5 # x\n")
    assert parse_plan(reordered).digest() == parse_plan(TEXT).digest()
    assert parse_plan(TEXT.replace("= 5", "= 6", 1)).digest() != parse_plan(TEXT).digest()
    assert re.fullmatch("sha256:[0-9a-f]{64}", parse_plan(TEXT).digest())


LABELS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
KINDS = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
STEPS = st.sets(st.sampled_from(["nfkc", "case", "spaces"])).map(tuple)
NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9))
TRANSFORMS = st.one_of(
    st.builds(Keep),
    st.builds(Drop),
    st.builds(Mask, st.integers(0, 9), st.integers(0, 9), st.sampled_from("*#█")),
    st.builds(Mask, length=st.one_of(st.just("same"), st.integers(1, 9))),
    st.builds(Replace, st.one_of(st.booleans(), NUMBERS, LABELS), st.booleans()),
    st.builds(Prefix, st.integers(1, 9)),
    st.builds(Bins, st.floats(0.001, 1e9), NUMBERS, st.sampled_from(["label", "lower"])),
    st.builds(Bounds, st.sets(NUMBERS, min_size=1).map(lambda each: tuple(sorted(each)))),
    st.builds(
        lambda width, times: Age(width, width * times), st.integers(1, 15), st.integers(1, 9)
    ),
    st.builds(CoarseDate, st.sampled_from(["month", "quarter", "year"])),
    st.builds(
        lambda names, other: Groups({f"g{n}": (each,) for n, each in enumerate(names)}, other),
        st.sets(st.text(max_size=4).filter(str.isprintable), min_size=1),
        st.one_of(st.none(), LABELS),
    ),
    st.builds(Pseudonym, KINDS, STEPS, st.integers(20, 64)),
    st.builds(DateShift, LABELS, st.integers(1, 999), KINDS, STEPS),
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(
    st.dictionaries(NAMES, TRANSFORMS, max_size=5),
    st.sampled_from(["refuse", "keep", "drop"]),
    st.one_of(st.none(), st.integers(2, 99)),
)
def test_a_plan_is_read_as_it_was_written(columns, others, k):
    kept = [name for name, each in columns.items() if not isinstance(each, Drop)]
    groups = SmallGroups(tuple(kept), k) if k and kept else None
    plan = Plan(columns, others=others, small_groups=groups)
    again = parse_plan(plan.dump())
    assert again == plan
    assert again.dump() == plan.dump()
    assert parse_plan(plan.dump().encode()).digest() == plan.digest()


COLUMN = 'version = 1\n[column."a b"]\n'
REFUSED = {
    "no version": ("", "version: expected 1", ""),
    "another version": ("version = 2", "version: expected 1", ""),
    "a version that is a truth": ("version = true", "version: expected 1", ""),
    "no TOML": ("version =", "not TOML", ""),
    "no UTF-8": (b"\xff", "not TOML", ""),
    "deep nesting": ("a = " + "[" * 100_000, "not TOML", ""),
    "too many bytes": ("#" * 1_048_577, "at most 1048576", ""),
    "an unknown key": ("version = 1\ncolumns = 1", "found 'columns'", "did you mean 'column'?"),
    "columns that are no table": ("version = 1\ncolumn = 1", "column: expected a table", ""),
    "a column that is no table": ("version = 1\n[column]\na = 1", "column.a: expected a table", ""),
    "unknown others": ('version = 1\nothers = "all"', "others: ", ""),
    "no transform": (COLUMN, "column.a b.transform: expected one of", ""),
    "an unknown transform": (
        COLUMN + 'transform = "psuedonym"',
        "found 'psuedonym'",
        "did you mean 'pseudonym'?",
    ),
    "a transform that is no text": (COLUMN + "transform = 1", "column.a b.transform", ""),
    "an unknown parameter": (
        COLUMN + 'transform = "age"\nwidht = 1',
        "column.a b: expected one of the keys width, top",
        "did you mean 'width'?",
    ),
    "a parameter of keep": (COLUMN + 'transform = "keep"\nx = 1', "expected no other key", ""),
    "a parameter that is missing": (COLUMN + 'transform = "bins"', "column.a b: ", ""),
    "a parameter of another type": (COLUMN + 'transform = "age"\ntop = "x"', "column.a b: ", ""),
    "a truth for a number": (COLUMN + 'transform = "age"\ntop = true', "column.a b: ", ""),
    "a width of nothing": (COLUMN + 'transform = "bins"\nwidth = 0', "a b.width: expected", ""),
    "a width without end": (COLUMN + 'transform = "bins"\nwidth = inf', "a b.width: expected", ""),
    "bounds that fall": (COLUMN + 'transform = "bounds"\nbounds = [2, 1]', "ascend", ""),
    "no bounds": (COLUMN + 'transform = "bounds"\nbounds = []', "bounds: expected 1 to", ""),
    "a narrow last age group": (COLUMN + 'transform = "age"\ntop = 85', "multiple of width 10", ""),
    "ages by centuries": (COLUMN + 'transform = "age"\nwidth = 151', "1 to 150 years", ""),
    "two characters to fill": (COLUMN + 'transform = "mask"\nfill = "ab"', "one visible", ""),
    "a fill that is not seen": (COLUMN + 'transform = "mask"\nfill = " "', "one visible", ""),
    "a negative end": (COLUMN + 'transform = "mask"\nlast = -1', "last: expected 0 to", ""),
    "a mask of no length": (COLUMN + 'transform = "mask"\nlength = 0', "length: expected", ""),
    "a prefix of nothing": (COLUMN + 'transform = "prefix"\nkeep = 0', "keep: expected 1", ""),
    "no number": (COLUMN + 'transform = "replace"\nvalue = nan', "a finite number", ""),
    "a bell": (COLUMN + 'transform = "replace"\nvalue = "\\u0007"', "printable text", ""),
    "a long text": (
        COLUMN + f'transform = "replace"\nvalue = "{"x" * 1001}"',
        "at most 1000 characters",
        "",
    ),
    "a category in two groups": (
        COLUMN + 'transform = "groups"\ngroups = {a = ["x"], b = ["x"]}',
        "each category once",
        "",
    ),
    "no groups": (COLUMN + 'transform = "groups"\ngroups = {}', "at least one group", ""),
    "a week": (COLUMN + 'transform = "date"\nto = "week"', "column.a b: ", ""),
    "a kind in capitals": (COLUMN + 'transform = "pseudonym"\nkind = "P"', "lower-case", ""),
    "a short token": (
        COLUMN + 'transform = "pseudonym"\nkind = "p"\nlength = 19',
        "length: expected 20 to 64",
        "",
    ),
    "a step twice": (
        COLUMN + 'transform = "pseudonym"\nkind = "p"\nnormalise = ["case", "case"]',
        "at most once",
        "",
    ),
    "no days": (COLUMN + 'transform = "date_shift"\nperson = "p"\ndays = 0', "days: expected", ""),
    "groups of one": ('version = 1\n[small_groups]\nquasi = ["a"]\nk = 1', "k: expected 2", ""),
    "groups over nothing": ("version = 1\n[small_groups]\nquasi = []\nk = 2", "quasi: ", ""),
    "groups over a dropped column": (
        COLUMN + 'transform = "drop"\n[small_groups]\nquasi = ["a b"]\nk = 2',
        "does not drop",
        "",
    ),
    "groups over others that are dropped": (
        'version = 1\nothers = "drop"\n[small_groups]\nquasi = ["c"]\nk = 2',
        "does not drop",
        "",
    ),
}


@pytest.mark.parametrize(("text", "message", "hint"), REFUSED.values(), ids=REFUSED.keys())
def test_a_plan_is_refused_for(text, message, hint):
    error = refusal(text)
    assert message in error.message
    assert error.hint == hint


TABLE = pl.DataFrame({"name": ["x"], "age": [3], "born": [date(2000, 1, 1)]})
UNFIT = {
    "a column that is not there": (Plan({"nmae": Keep()}, others="keep"), "did you mean 'name'?"),
    "a person that is not there": (
        Plan({"born": DateShift("Name", 3)}, others="keep"),
        "did you mean 'name'?",
    ),
    "a column that it does not name": (Plan({"name": Keep(), "born": Drop()}), "name them in"),
    "groups over a column that is not there": (
        Plan({}, others="keep", small_groups=SmallGroups(("agee",), 2)),
        "did you mean 'age'?",
    ),
}


@pytest.mark.parametrize(("plan", "hint"), UNFIT.values(), ids=UNFIT.keys())
def test_a_table_is_refused_for(plan, hint):
    with pytest.raises(DataError) as refused:
        apply_plan(plan, TABLE, key=bytes(32))
    assert refused.value.code == "data.column"
    assert refused.value.hint.startswith(hint)


def test_what_was_done_is_told_without_the_key_and_fits_a_record():
    key = b"0123456789abcdef0123456789abcdef"
    plan = parse_plan(
        TEXT.replace("sex", "name").replace("née, Name", "born").replace("= 5", "= 2")
    )
    _, applied = apply_plan(plan, TABLE, key=key)
    told = canonical(applied.as_json()).decode()
    assert key.decode() not in told
    assert applied.plan == plan.digest()
    assert (applied.rows_before, applied.rows_after) == (1, 0)
    assert (applied.filtered_by, applied.k) == (("age", "name"), 2)
    by_output = {each.output: each for each in applied.columns}
    assert by_output["age"].parameters == {"width": 2, "top": 90}
    assert (by_output["age"].masks, by_output["name"].masks) == (True, False)
