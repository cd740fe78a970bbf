"""The file: what is refused, with its line; and that what is written reads as it was."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.contracts import (
    DEFAULT_CONTRACT_LIMITS,
    Column,
    Comparison,
    Contract,
    Freshness,
    Key,
    Kind,
    Operator,
    Reference,
    Rows,
    Severity,
    dump,
    parse,
)
from tests.data.contracts.made import contracts, kinds_of_columns

PAGE = Path(__file__).resolve().parents[3] / "docs" / "formats" / "data-contract.md"
WHOLE = """\
format = 1
description = "Claims as the intake office exports them, once a day."
other_columns = "warn"

[rows]
minimum = 1000
maximum = 2000000
warn = ["maximum"]

[freshness]
column = "received"
days_max = 3
warn = true

[[keys]]
columns = ["branch", "number"]

[[comparisons]]
left = "received"
operator = "<="
right = "date settled"

[columns.branch]
kind = "text"
missing_max = 0.0
length_min = 4
length_max = 4
references = { table = "branches", column = "code" }

[columns.number]
kind = "integer"
minimum = 1

[columns.received]
kind = "date"
minimum = 2019-01-01

[columns."date settled"]
kind = "date"
missing_max = 0.4
warn = ["missing_max"]

[columns.amount]
kind = "number"
minimum = 0.0
maximum = 250000.0

[columns.state]
kind = "text"
allowed = ["open", "settled", "refused"]

[columns.contract]
kind = "text"
pattern = '[A-Z]{2}-\\d{6}'
unique = true

[columns.seen]
kind = "moment"
maximum = 2030-01-01T00:00:00
"""


def test_every_rule_is_read() -> None:
    contract = parse(WHOLE)
    assert contract == Contract(
        description="Claims as the intake office exports them, once a day.",
        other_columns=Severity.WARN,
        rows=Rows(1000, 2_000_000, frozenset({"maximum"})),
        freshness=Freshness("received", 3, warn=True),
        keys=(Key(("branch", "number")),),
        comparisons=(Comparison("received", Operator.AT_MOST, "date settled"),),
        columns={
            "branch": Column(
                Kind.TEXT,
                missing_max=0.0,
                length_min=4,
                length_max=4,
                references=Reference("branches", "code"),
            ),
            "number": Column(Kind.INTEGER, minimum=1),
            "received": Column(Kind.DATE, minimum=date(2019, 1, 1)),
            "date settled": Column(Kind.DATE, missing_max=0.4, warn=frozenset({"missing_max"})),
            "amount": Column(Kind.NUMBER, minimum=0.0, maximum=250_000.0),
            "state": Column(Kind.TEXT, allowed=("open", "settled", "refused")),
            "contract": Column(Kind.TEXT, pattern=r"[A-Z]{2}-\d{6}", unique=True),
            "seen": Column(Kind.MOMENT, maximum=datetime(2030, 1, 1)),
        },
    )


def test_a_contract_in_canonical_form_is_written_as_it_was() -> None:
    assert dump(parse(WHOLE)) == WHOLE


def test_the_example_of_the_documentation_is_canonical() -> None:
    example = PAGE.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    assert dump(parse(example)) == example


@given(st.data())
def test_what_is_written_reads_as_it_was(data: st.DataObject) -> None:
    contract = data.draw(contracts(data.draw(kinds_of_columns())))
    text = dump(contract)
    assert parse(text) == contract
    assert dump(parse(text)) == text


@given(st.text(), st.text(min_size=1).filter(str.strip))
def test_any_text_is_written_as_toml(text: str, name: str) -> None:
    contract = Contract({name: Column(Kind.TEXT, allowed=(text,))}, description=text)
    assert parse(dump(contract)) == contract


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_written_as_toml(number: float) -> None:
    contract = Contract({"x": Column(Kind.NUMBER, minimum=number)})
    assert parse(dump(contract)) == contract


def test_a_number_is_written_with_a_point() -> None:
    contract = Contract({"x": Column(Kind.NUMBER, minimum=0, allowed=(1, 2.5))})
    assert "minimum = 0.0\nallowed = [1.0, 2.5]\n" in dump(contract)


def test_a_long_list_stands_one_value_a_line() -> None:
    names = tuple(f"category {n}" for n in range(20))
    text = dump(Contract({"x": Column(Kind.TEXT, allowed=names)}))
    assert '    "category 7",\n' in text
    assert parse(text).columns["x"].allowed == names


def test_a_moment_with_an_offset_is_read_in_utc() -> None:
    text = 'format = 1\n[columns.x]\nkind = "moment"\nminimum = 2026-11-24T01:00:00+02:00\n'
    assert parse(text).columns["x"].minimum == datetime(2026, 11, 23, 23)


def test_allowing_other_columns_is_the_default() -> None:
    text = 'format = 1\n[columns.x]\nkind = "text"\n'
    spoken = text.replace("\n", '\nother_columns = "allow"\n', 1)
    assert dump(parse(spoken)) == dump(parse(text))


X = 'format = 1\n[columns.x]\nkind = "text"\n'
N = 'format = 1\n[columns.x]\nkind = "integer"\n'
REFUSED: dict[str, tuple[str, str, str]] = {
    "no TOML": ("format = \n", "expected TOML; Invalid value .at line 1", ""),
    "a number of five thousand digits": (N + f"minimum = {'9' * 5000}\n", "expected TOML", ""),
    "half of a surrogate pair": ("# \ud800\n", "expected TOML", ""),
    "lists without end": (X + "allowed = " + "[" * 5000, "expected TOML", ""),
    "no format": ('[columns.x]\nkind = "text"\n', "^format: expected a whole number", ""),
    "a later format": ("format = 2\n", "^line 1, format: expected 1; found 2", "newer"),
    "no columns": ("format = 1\n", "^columns: expected 1 to 2000 columns; found 0", ""),
    "an unknown table": (
        X + "[row]\nminimum = 1\n",
        "^line 4, row: expected one of format, .*, columns; found .row.",
        'did you mean "rows"?',
    ),
    "an unknown rule": (
        X + 'minimun = 1\n[columns.y]\nkind = "text"\n',
        "^line 4, columns.x.minimun: expected one of kind, .*; found .minimun.",
        'did you mean "minimum"?',
    ),
    "an unknown kind": (
        'format = 1\n[columns."due date"]\nkind = "int"\n',
        '^line 3, columns."due date".kind: expected one of integer, number',
        "",
    ),
    "another case": (
        'format = 1\n[columns.x]\nkind = "Text"\n',
        "^line 3",
        'did you mean "text"?',
    ),
    "no kind": (
        "format = 1\n\n\n[columns.x]\nunique = true\n",
        "^line 4, columns.x.kind: expected text; found nothing",
        "",
    ),
    "a column that is no table": (
        "format = 1\ncolumns = 3\n",
        "^line 2, columns: expected a t",
        "",
    ),
    "a yes in quotes": (X + 'unique = "yes"\n', "^line 4, .*unique: expected true or false", ""),
    "a number in quotes": (X + 'length_max = "8"\n', "^line 4, .*length_max: expected a whole", ""),
    "true for a number": (X + "length_max = true\n", "^line 4, .*found true", ""),
    "a bound of another kind": (N + 'minimum = "1"\n', "^line 4, .*minimum: expected a whole", ""),
    "a part of a whole number": (N + "minimum = 1.0\n", "^line 4, .*minimum: expected a whole", ""),
    "a bound beyond 64 bits": (N + f"minimum = {2**63}\n", "^line 4, .*at most 64 bits", ""),
    "a number that floats do not hold": (
        f'format = 1\n[columns.x]\nkind = "number"\nminimum = {2**53 + 1}\n',
        "^line 4, .*that a float holds exactly",
        "",
    ),
    "a bound without end": (
        'format = 1\n[columns.x]\nkind = "number"\nmaximum = inf\n',
        "^line 4, .*a finite number",
        "",
    ),
    "a date for a moment": (
        'format = 1\n[columns.x]\nkind = "moment"\nmaximum = 2026-11-24\n',
        "^line 4, .*a date with a time",
        "",
    ),
    "a moment before all time": (
        'format = 1\n[columns.x]\nkind = "moment"\nmaximum = 0001-01-01T00:00:00+01:00\n',
        "^line 4, .*a date with a time",
        "",
    ),
    "a bound of text": (
        X + 'minimum = "a"\n',
        "^line 4, .*found text",
        "length_min and length_max",
    ),
    "a length of numbers": (N + "length_min = 1\n", "^line 4, .*a column of text; found int", ""),
    "bounds that cross": (N + "minimum = 2\nmaximum = 1\n", "^line 5, .*at least the minimum", ""),
    "lengths that cross": (X + "length_min = 2\nlength_max = 1\n", "^line 5, .*at least leng", ""),
    "a negative length": (X + "length_min = -1\n", "^line 4, .*a whole number from 0", ""),
    "a share in percent": (X + "missing_max = 5\n", "^line 4, .*from 0 to 1; found 5", "0.05 is"),
    "a share that is no number": (X + "missing_max = nan\n", "^line 4, .*; found nan", ""),
    "a share in quotes": (X + 'missing_max = "5%"\n', "^line 4, .*a number from 0 to 1", ""),
    "no allowed value": (
        X + "allowed = []\n",
        "^line 4, .*1 to 10000 values; found 0",
        "references",
    ),
    "an allowed value of another kind": (
        X + 'allowed = [\n  "a",  # with a comment\n  2,\n]\n',
        r"^line 4, columns.x.allowed\[1\]: expected text; found 2",
        "",
    ),
    "an allowed value twice": (
        X + 'allowed = ["a", "a"]\n',
        r"\[1\]: \"a\" stands there twice",
        "",
    ),
    "a pattern with look-ahead": (X + "pattern = '(?=a)'\n", "^line 4, .*pattern of RE2", "look"),
    "a pattern with a reference": (X + r"pattern = '(a)\1'" + "\n", "invalid escape", ""),
    "a pattern that is not closed": (X + "pattern = '['\n", r"missing \]", ""),
    "a pattern that grows too large": (
        X + r"pattern = '(?:\pL{100}){10}'" + "\n",
        "pattern of RE2; pattern too large",
        "",
    ),
    "a pattern that nobody reads": (
        X + f"pattern = '{'a' * 1001}'\n",
        "at most 1000 characters; found 1001",
        "",
    ),
    "a warning about no rule": (
        X + 'length_max = 3\nwarn = ["length_min"]\n',
        r"^line 5, .*warn: expected rules that stand here \(present, kind, length_max\)",
        'did you mean "length_max"?',
    ),
    "a warning about no rows": (X + '[rows]\nwarn = ["minimum"]\n', r"^line 5, .*\(none\)", ""),
    "a reference without a column": (
        X + 'references = { table = "t" }\n',
        "^line 4, columns.x.references.column: expected text; found nothing",
        "",
    ),
    "rows that cross": (X + "[rows]\nminimum = 9\nmaximum = 8\n", "^line 6, rows.maximum", ""),
    "freshness of no date": (
        X + '[freshness]\ncolumn = "x"\ndays_max = 1\n',
        "^line 5, freshness.column: expected a column of dates or moments; found text",
        "",
    ),
    "a key of no column": (X + "[[keys]]\ncolumns = []\n", "^line 5, .*at least one column", ""),
    "a key of an unknown column": (
        X + '[[keys]]\ncolumns = ["x"]\n\n[[keys]]\ncolumns = ["xx"]\n',
        r"^line 8, keys\[1\].columns\[0\]: expected a column that \[columns\] defines, one of x",
        "",
    ),
    "a key twice": (
        X + '[[keys]]\ncolumns = ["x"]\n[[keys]]\ncolumns = ["x"]\n',
        "^line 7, .*another key has the same columns",
        "remove",
    ),
    "one key that is no list of tables": (X + '[keys]\ncolumns = ["x"]\n', "^line 4, keys: .*", ""),
    "a comparison turned round": (
        X + '[[comparisons]]\nleft = "x"\noperator = ">="\nright = "y"\n',
        r"^line 6, comparisons\[0\].operator: expected one of <, <=, =, !=; found \">=\"",
        'exchange left and right and write "<="',
    ),
    "a comparison of two kinds": (
        X
        + '[[comparisons]]\nleft = "x"\noperator = "<"\nright = "y"\n[columns.y]\nkind = "date"\n',
        "^line 7, .*a column that compares with text; found date",
        "",
    ),
    "a comparison with itself": (
        X + '[[comparisons]]\nleft = "x"\noperator = "<"\nright = "x"\n',
        "^line 7, .*another column than the left one",
        "",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_understood_is_refused_by_line(case: str) -> None:
    text, words, hint = REFUSED[case]
    with pytest.raises(DataError, match=words) as caught:
        parse(text)
    assert caught.value.code == "data.contract"
    assert hint in caught.value.hint


def test_a_contract_over_the_limit_is_refused() -> None:
    text = X + "#" * DEFAULT_CONTRACT_LIMITS.contract_bytes_max
    with pytest.raises(DataError, match="expected at most 4194304 bytes; found"):
        parse(text)


def test_the_widest_contract_is_read() -> None:
    column = Column(Kind.TEXT, missing_max=0.5, pattern="[a-z]{3}", length_min=3, length_max=3)
    names = [f"{n:04}" + "ü" * 252 for n in range(DEFAULT_CONTRACT_LIMITS.columns_max)]
    contract = Contract(dict.fromkeys(names, column))
    assert parse(dump(contract)) == contract


def test_lines_are_given_up_where_finding_them_would_take_long() -> None:
    values = "".join(f'  "{n}",\n' for n in range(9_000))
    with pytest.raises(DataError, match=r"^line 2, columns.x.uniqe: ") as caught:
        parse(X + f"allowed = [\n{values}]\nuniqe = true\n")
    assert caught.value.hint == 'did you mean "unique"?'


BUILT = {
    "a bound that is no number": Column(Kind.NUMBER, minimum=math.nan),
    "a bound of another kind": Column(Kind.DATE, minimum=datetime(2026, 11, 24)),
    "a truth as a number": Column(Kind.INTEGER, allowed=(True,)),
    "half of a surrogate pair": Column(Kind.TEXT, pattern="\ud800"),
}


@pytest.mark.parametrize("case", BUILT)
def test_code_cannot_build_what_a_file_cannot_say(case: str) -> None:
    with pytest.raises(DataError, match=r"^columns\.x\."):
        Contract({"x": BUILT[case]})


def test_a_contract_does_not_change() -> None:
    columns = {"x": Column(Kind.TEXT)}
    contract = Contract(columns)
    columns["y"] = Column(Kind.TEXT)
    assert list(contract.columns) == ["x"]
    with pytest.raises(TypeError):
        contract.columns["z"] = Column(Kind.TEXT)  # type: ignore[index]
    assert replace(contract, description="a").columns == contract.columns


def test_the_file_is_toml_to_others() -> None:
    assert tomllib.loads(dump(parse(WHOLE))) == tomllib.loads(WHOLE)
