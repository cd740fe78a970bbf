"""Suggest a contract from one table: a first draft for a person to correct.

What a table shows by its structure (kinds, keys, columns without gaps, categories) refuses; what is
a guess about the next table (ranges, lengths, shares, numbers of rows) warns. Nothing is suggested
from fewer than 100 rows but the kinds: what 100 rows never show happens in fewer than 3 % (the rule
of three, Hanley and Lippman-Hand, JAMA 1983). Bounds are rounded outwards and a category is shared
by at least five rows, so that a contract shows no single row. The reasons are in
docs/formats/data-contract.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import combinations
from typing import Any

import polars as pl

from freehold.data.contracts._contract import Contract
from freehold.data.contracts._kinds import INTEGER_MAX, INTEGER_MIN, Kind, kind_of
from freehold.data.contracts._parts import Column, Comparison, Key, Operator, Rows, Severity
from freehold.data.contracts._shapes import common_pattern
from freehold.data.errors import DataError

_ROWS_MIN = 100  # the rule of three: what they never show happens in fewer than 3 % of rows
_CATEGORIES_MAX = 100  # the label sets of public data fit (77 intents); more is a table to refer to
_CODES_MAX = 20  # integers; more of them are counts and measures, whose tails grow
_CATEGORY_ROWS_MIN = 5  # so that none is one person's
_FIRM_ROWS_MIN = 50  # rarer ones come with others that are not seen yet; measured
_CATEGORY_CHARS_MAX = 200  # longer values are texts
_SHAPES_MIN = 20  # distinct texts; fewer may be alike by chance
_KEY_CHARS_MAX = 64  # longer values are texts, which are distinct by nature
_CHANCE_PAIRS_MIN = 3  # equal pairs to be expected by chance; that there is none has e^-3, 5 %
_COMPARED_MAX = 20  # columns of dates; 190 pairs
_BOUNDS = ("minimum", "maximum")


def suggest(table: pl.DataFrame) -> Contract:
    """Draft a contract that `table`, as `read_table` yields it, keeps, warnings included.

    Freshness and references are left to the person: one table does not tell them.

    Raises:
        DataError: `data.empty`, no column; `data.types`, a column of a kind that `read_table` never
            yields.
    """
    if not table.width:
        raise DataError("data.empty", "the table has no columns", "expected at least one")
    table = table.with_columns(pl.col(pl.Float64).fill_nan(None))
    columns = {column.name: _column(column) for column in table.get_columns()}
    is_telling = table.height >= _ROWS_MIN
    keys = [name for name in columns if _is_key(table[name], columns[name])]
    return Contract(
        other_columns=Severity.WARN,
        rows=_rows(table.height) if is_telling else Rows(),
        keys=tuple(Key((name,)) for name in keys),
        comparisons=tuple(_comparisons(table, columns)),
        columns=columns,
    )


def _rows(found: int) -> Rows:
    return Rows(minimum=found // 2, maximum=found * 10, warn=frozenset(_BOUNDS))


def _column(values: pl.Series) -> Column:
    kind = kind_of(values.dtype)
    if kind is None:
        raise DataError(
            "data.types",
            f"column {values.name!r:.80} holds {values.dtype.base_type().__name__}; "
            f"expected one of {', '.join(Kind)}",
            "read the table with read_table",
        )
    there = values.drop_nulls()
    column = Column(kind)
    if len(values) >= _ROWS_MIN:
        column = _with_missing(column, values.null_count(), len(values))
    if len(there) < _ROWS_MIN:
        return column
    described = _with_categories(column, there)
    if described is not None:
        return described
    match kind:
        case Kind.TEXT:
            return _with_shape(column, there)
        case Kind.INTEGER | Kind.NUMBER:
            return _with_range(column, there)
        case Kind.DATE | Kind.MOMENT:
            return _with_first_day(column, there)
    return column


def _with_missing(column: Column, missing: int, rows: int) -> Column:
    """No gap is a promise; of gaps there may be twice as many, and half of the rest must stay."""
    share = missing / rows
    if not missing:
        return replace(column, missing_max=0.0)
    most = min(2 * share + 3 / rows, (1 + share) / 2)
    rounded = min(1.0, math.ceil(most * 100) / 100)
    if rounded >= 1:
        return column
    return _warning(replace(column, missing_max=rounded), "missing_max")


def _with_categories(column: Column, values: pl.Series) -> Column | None:
    """Allow the distinct values if they are few and each is seen often; else None.

    They refuse where each is seen in many rows, and warn where some are rare, since others as rare
    are then likely to be still unseen.
    """
    most = {Kind.TEXT: _CATEGORIES_MAX, Kind.INTEGER: _CODES_MAX}.get(column.kind, 0)
    counts = values.alias("value").value_counts(name="rows")
    if not 2 <= counts.height <= most:
        return None
    rarest: Any = counts["rows"].min()
    found = counts["value"].sort().to_list()
    if rarest < _CATEGORY_ROWS_MIN or any(len(str(each)) > _CATEGORY_CHARS_MAX for each in found):
        return None
    is_firm = rarest >= _FIRM_ROWS_MIN
    if column.kind is Kind.INTEGER and found[-1] - found[0] < len(found):
        described = replace(column, minimum=found[0], maximum=found[-1])
        return described if is_firm else _warning(described, *_BOUNDS)
    described = replace(column, allowed=tuple(found))
    return described if is_firm else _warning(described, "allowed")


def _with_shape(column: Column, values: pl.Series) -> Column:
    """Many texts of one shape or length are codes; others may grow to twice the longest."""
    lengths = values.str.len_chars()
    least: Any = lengths.min()
    most: Any = lengths.max()
    if values.n_unique() >= _SHAPES_MIN:
        pattern = common_pattern(values) if most <= _KEY_CHARS_MAX else None
        if pattern is not None:
            return _warning(replace(column, pattern=pattern), "pattern")
        if least == most:
            described = replace(column, length_min=most, length_max=most)
            return _warning(described, "length_min", "length_max")
    rounded = int(_outwards(Decimal(2 * most), Decimal(2 * most), up=True))
    return _warning(replace(column, length_max=rounded), "length_max")


def _with_range(column: Column, values: pl.Series) -> Column:
    """The whole span more on each side, to two digits of it; what has one sign keeps it."""
    least: Any = values.min()
    most: Any = values.max()
    if not (math.isfinite(least) and math.isfinite(most)):
        return column
    low, high = Decimal(repr(least)), Decimal(repr(most))
    span = (high - low) or abs(high) or Decimal(1)
    minimum = _outwards(low - span, span, up=False)
    maximum = _outwards(high + span, span, up=True)
    if low >= 0:
        minimum = max(minimum, Decimal(0))
    if high <= 0:
        maximum = min(maximum, Decimal(0))
    if column.kind is Kind.INTEGER:
        within: tuple[int, int] | tuple[float, float] = (
            max(int(minimum), INTEGER_MIN),
            min(int(maximum), INTEGER_MAX),
        )
    else:
        within = (float(minimum), float(maximum))
        if not all(map(math.isfinite, within)):
            return column
    return _warning(replace(column, minimum=within[0], maximum=within[1]), *_BOUNDS)


def _outwards(bound: Decimal, scale: Decimal, *, up: bool) -> Decimal:
    """Round away from the values, to the second digit of `scale`."""
    exponent = Decimal(1).scaleb(scale.adjusted() - 1)
    steps = (bound / exponent).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)
    return steps * exponent


def _with_first_day(column: Column, values: pl.Series) -> Column:
    """From the first of a year, half the span before; no end, since time goes on."""
    least: Any = values.min()
    most: Any = values.max()
    year = max(1, least.year - math.ceil((most.year - least.year + 1) / 2))
    first = datetime(year, 1, 1) if column.kind is Kind.MOMENT else date(year, 1, 1)
    return _warning(replace(column, minimum=first), "minimum")


def _warning(column: Column, *rules: str) -> Column:
    return replace(column, warn=column.warn | set(rules))


def _is_key(values: pl.Series, column: Column) -> bool:
    """Tell whether values identify rows, and not by chance: short texts without spaces, or integers
    so dense that equal ones had to be expected.
    """
    rows = len(values)
    if rows < _ROWS_MIN or values.null_count() or values.n_unique() < rows:
        return False
    if column.kind is Kind.INTEGER:
        least: Any = values.min()
        most: Any = values.max()
        span = most - least + 1
        return bool(rows * (rows - 1) >= 2 * _CHANCE_PAIRS_MIN * span)
    if column.kind is Kind.TEXT:
        is_short = (values.str.len_chars() <= _KEY_CHARS_MAX).all()
        return bool(is_short and not values.str.contains(r"\s").any())
    return False


def _comparisons(table: pl.DataFrame, columns: dict[str, Column]) -> Iterator[Comparison]:
    """Pairs of dates of which one is never after the other, in 100 rows or more."""
    for kind in (Kind.DATE, Kind.MOMENT):
        names = [name for name, column in columns.items() if column.kind is kind]
        for one, other in combinations(names[:_COMPARED_MAX], 2):
            is_before = (table[one] <= table[other]).drop_nulls()
            if len(is_before) < _ROWS_MIN:
                continue
            if is_before.all():
                yield Comparison(one, Operator.AT_MOST, other)
            elif (table[other] <= table[one]).all():
                yield Comparison(other, Operator.AT_MOST, one)
