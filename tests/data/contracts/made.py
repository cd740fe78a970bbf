"""Random tables and contracts, small enough that their rules are broken and kept alike."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
from hypothesis import strategies as st

from freehold.data.contracts import (
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
)

TODAY = date(2026, 11, 24)
NAMES = ("id", "due date", "größe.cm", "^.*$", "*", "rows", "value")
POOLS: dict[Kind, tuple[Any, ...]] = {
    Kind.INTEGER: (-3, -1, 0, 1, 2, 7, 2**53),
    Kind.NUMBER: (-1.5, -0.0, 0.0, 0.5, 2.0, 1e300),
    Kind.BOOLEAN: (False, True),
    Kind.DATE: (date(1, 1, 1), date(2026, 11, 20), TODAY, date(2027, 1, 1)),
    Kind.MOMENT: (datetime(2026, 11, 23, 23, 59, 59, 999_999), datetime(2026, 11, 24, 1)),
    Kind.TEXT: ("", "a", "ab", "é", "AB-12", "x y", "😀", "a\n"),
}
DTYPES: dict[Kind, pl.DataType] = {
    Kind.INTEGER: pl.Int64(),
    Kind.NUMBER: pl.Float64(),
    Kind.BOOLEAN: pl.Boolean(),
    Kind.DATE: pl.Date(),
    Kind.MOMENT: pl.Datetime("us"),
    Kind.TEXT: pl.String(),
}
PATTERNS = ("", "[a-z]+", "[A-Z]{2}-[0-9]+", ".*", "a|ab", "(?:é|x).?y?")


def tables(kinds: dict[str, Kind], *, rows_max: int = 9) -> st.SearchStrategy[pl.DataFrame]:
    """Tables with these columns, some cells missing."""

    @st.composite
    def made(draw: st.DrawFn) -> pl.DataFrame:
        rows = draw(st.integers(0, rows_max))
        return pl.DataFrame(
            {
                name: pl.Series(draw(cells(kind, rows)), dtype=DTYPES[kind])
                for name, kind in kinds.items()
            }
        )

    return made()


def cells(kind: Kind, rows: int) -> st.SearchStrategy[list[Any]]:
    """A column, sometimes without any value."""
    one = st.sampled_from((*POOLS[kind], None))
    return st.lists(one, min_size=rows, max_size=rows) | st.just([None] * rows)


@st.composite
def kinds_of_columns(draw: st.DrawFn, most: int = 3) -> dict[str, Kind]:
    """Some of the names, each with a kind."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=most, unique=True))
    return {name: draw(st.sampled_from(Kind)) for name in names}


@st.composite
def columns(draw: st.DrawFn, kind: Kind) -> Column:
    """A column of this kind with any rules that suit it."""
    value = st.sampled_from(POOLS[kind])
    column: dict[str, Any] = {
        "missing_max": draw(st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0])),
        "allowed": draw(st.none() | st.lists(value, min_size=1, unique=True).map(tuple)),
        "unique": draw(st.booleans()),
        "references": draw(
            st.none() | st.builds(Reference, st.sampled_from(["t", "u"]), st.sampled_from(NAMES))
        ),
    }
    if kind.is_ordered:
        low, high = sorted([draw(value), draw(value)])
        column |= {"minimum": draw(st.sampled_from([None, low]))}
        column |= {"maximum": draw(st.sampled_from([None, high]))}
    if kind is Kind.TEXT:
        low, high = sorted([draw(st.integers(0, 4)), draw(st.integers(0, 4))])
        column |= {"length_min": draw(st.sampled_from([None, low]))}
        column |= {"length_max": draw(st.sampled_from([None, high]))}
        column |= {"pattern": draw(st.none() | st.sampled_from(PATTERNS))}
    present = ["present", "kind", *(n for n, rule in column.items() if rule not in (None, False))]
    warn = draw(st.frozensets(st.sampled_from(present)))
    return Column(kind=kind, warn=warn, **column)


@st.composite
def contracts(draw: st.DrawFn, kinds: dict[str, Kind]) -> Contract:
    """A contract about columns of these kinds."""
    names = st.sampled_from(list(kinds))
    low, high = sorted([draw(st.integers(0, 9)), draw(st.integers(0, 9))])
    rows = {"minimum": draw(st.sampled_from([None, low]))}
    rows |= {"maximum": draw(st.sampled_from([None, high]))}
    dated = [name for name, kind in kinds.items() if kind in (Kind.DATE, Kind.MOMENT)]
    pairs = [
        (left, right)
        for left, kind in kinds.items()
        for right, other in kinds.items()
        if left != right and kind.compares_with(other)
    ]
    compared = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    keys = draw(st.lists(st.lists(names, min_size=1, unique=True), max_size=2, unique_by=frozenset))
    set_rows = [name for name, count in rows.items() if count is not None]
    return Contract(
        columns={name: draw(columns(kind)) for name, kind in kinds.items()},
        description=draw(st.text(max_size=10)),
        other_columns=draw(st.none() | st.sampled_from(Severity)),
        rows=Rows(
            **rows, warn=draw(st.frozensets(st.sampled_from(set_rows))) if set_rows else frozenset()
        ),
        freshness=draw(
            st.none()
            | st.builds(Freshness, st.sampled_from(dated), st.integers(0, 5), st.booleans())
        )
        if dated
        else None,
        keys=tuple(Key(tuple(each), draw(st.booleans())) for each in keys),
        comparisons=tuple(
            Comparison(left, draw(st.sampled_from(Operator)), right, draw(st.booleans()))
            for left, right in compared
        ),
    )
