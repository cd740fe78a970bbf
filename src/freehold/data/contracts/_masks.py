"""For each rule about values, the expression that is true in the rows that break it.

It is null or false where a value is missing. Columns are taken to be of the kind that the contract
says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import polars as pl
from polars import selectors

from freehold.data.contracts._kinds import DTYPES, Kind
from freehold.data.contracts._parts import Operator
from freehold.data.contracts._patterns import not_matching
from freehold.data.contracts._rules import Rule


def breaks_value_rule(rule: Rule, values: pl.Series, kind: Kind) -> pl.Expr:
    """Rows of which the value breaks a bound, a list or a pattern.

    Raises:
        ValueError: the rule is about something else.
    """
    cell, limit = _cell(values.name), cast(Any, rule.value)
    match rule.name:
        case "minimum":
            return _read(cell, kind) < pl.lit(limit, dtype=DTYPES[kind])
        case "maximum":
            return _read(cell, kind) > pl.lit(limit, dtype=DTYPES[kind])
        case "length_min":
            return cell.str.len_chars() < pl.lit(limit)
        case "length_max":
            return cell.str.len_chars() > pl.lit(limit)
        case "allowed":
            allowed = pl.Series(limit, dtype=DTYPES[kind], strict=False)
            return ~_read(cell, kind).is_in(allowed.implode())
        case "pattern":
            return cell.is_in(not_matching(values, limit).implode())
    raise ValueError(f"{rule.name} is no rule about values")


def breaks_reference(values: pl.Series, known: pl.Series) -> pl.Expr:
    """Rows of which the value is not in `known`; integers and numbers meet as numbers."""
    cell, options = _cell(values.name), known.drop_nulls().unique()
    if options.is_empty():
        return cell.is_not_null()
    if options.dtype != values.dtype:
        cell, options = cell.cast(pl.Float64), options.cast(pl.Float64)
    return ~cell.is_in(options.implode())


def breaks_uniqueness(name: str) -> pl.Expr:
    """Rows of which the value repeats that of an earlier row."""
    return _cell(name).is_not_null() & ~_cell(name).is_first_distinct()


def breaks_presence(name: str) -> pl.Expr:
    """Rows without a value."""
    return _cell(name).is_null()


def breaks_key(names: Iterable[str]) -> pl.Expr:
    """Rows that miss a part of their key, or repeat that of an earlier row."""
    parts = [_cell(name) for name in names]
    whole = pl.struct(parts) if len(parts) > 1 else parts[0]
    return pl.any_horizontal(part.is_null() for part in parts) | ~whole.is_first_distinct()


def breaks_comparison(left: pl.Series, operator: Operator, right: pl.Series) -> pl.Expr:
    """Rows whose two values do not stand as they should; integers and numbers meet as numbers."""
    one, other = _cell(left.name), _cell(right.name)
    if left.dtype != right.dtype:
        one, other = one.cast(pl.Float64), other.cast(pl.Float64)
    match operator:
        case Operator.LESS:
            return one >= other
        case Operator.AT_MOST:
            return one > other
        case Operator.EQUAL:
            return one != other
        case Operator.UNEQUAL:
            return one == other


def _cell(name: str) -> pl.Expr:
    """The column of exactly this name; to `pl.col`, `*` and `^a.*$` are patterns."""
    return selectors.by_name(name).as_expr()


def _read(cell: pl.Expr, kind: Kind) -> pl.Expr:
    return cell.cast(pl.Float64) if kind is Kind.NUMBER else cell
