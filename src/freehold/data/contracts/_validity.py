"""Refuse contracts that contradict themselves, each with the path of the key to correct."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from freehold.data.contracts._faults import KeyPath, Misfit, near, one_of, show
from freehold.data.contracts._kinds import Kind, Value, is_value_of, written
from freehold.data.contracts._limits import DEFAULT_CONTRACT_LIMITS
from freehold.data.contracts._parts import Column, Comparison, Freshness, Key, Rows
from freehold.data.contracts._patterns import pattern_fault

_COUNT_MAX = 2**53  # more rows, days or characters are mistakes; every reader holds it exactly


def check_rows(rows: Rows) -> None:
    """Refuse bounds that no table keeps.

    Raises:
        Misfit: the bound that is wrong.
    """
    path: KeyPath = ("rows",)
    _check_span(path, rows.minimum, rows.maximum, names=("minimum", "maximum"))
    _check_warn(
        path, rows.warn, [n for n in ("minimum", "maximum") if getattr(rows, n) is not None]
    )


def check_columns(columns: Mapping[str, Column]) -> None:
    """Refuse columns whose rules do not suit their kind or each other.

    Raises:
        Misfit: the rule that is wrong.
    """
    most = DEFAULT_CONTRACT_LIMITS.columns_max
    if not 1 <= len(columns) <= most:
        raise Misfit(("columns",), f"expected 1 to {most} columns; found {len(columns)}")
    for name, column in columns.items():
        path: KeyPath = ("columns", name)
        if not name.strip():
            raise Misfit(path, "expected the name of a column; found none")
        _check_missing(path, column)
        _check_kind(path, column)
        _check_bounds(path, column)
        _check_allowed(path, column)
        _check_text(path, column)
        _check_warn(path, column.warn, column_rules(column))


def check_table_rules(
    columns: Mapping[str, Column],
    freshness: Freshness | None,
    *,
    keys: Sequence[Key],
    comparisons: Sequence[Comparison],
) -> None:
    """Refuse rules about columns that are not defined or do not suit each other.

    Raises:
        Misfit: the rule that is wrong.
    """
    if freshness is not None:
        kind = _defined(("freshness", "column"), freshness.column, columns).kind
        if kind not in (Kind.DATE, Kind.MOMENT):
            raise Misfit(
                ("freshness", "column"), f"expected a column of dates or moments; found {kind}"
            )
        _check_count(("freshness", "days_max"), freshness.days_max)
    for name, tables in (("keys", keys), ("comparisons", comparisons)):
        if len(tables) > DEFAULT_CONTRACT_LIMITS.tables_max:
            raise Misfit(
                (name,),
                f"expected at most {DEFAULT_CONTRACT_LIMITS.tables_max}; found {len(tables)}",
            )
    _check_keys(columns, keys)
    _check_comparisons(columns, comparisons)


def column_rules(column: Column) -> list[str]:
    """Name the rules that a column has, in the order in which they are checked."""
    optional = {
        "missing_max": column.missing_max is not None,
        "minimum": column.minimum is not None,
        "maximum": column.maximum is not None,
        "allowed": column.allowed is not None,
        "pattern": column.pattern is not None,
        "length_min": column.length_min is not None,
        "length_max": column.length_max is not None,
        "unique": column.unique,
        "references": column.references is not None,
    }
    return ["present", "kind", *(name for name, is_set in optional.items() if is_set)]


def _check_missing(path: KeyPath, column: Column) -> None:
    share = column.missing_max
    if share is not None and not 0 <= share <= 1:
        raise Misfit(
            (*path, "missing_max"),
            f"expected a share of the rows from 0 to 1; found {share}",
            "0.05 is five in a hundred; 0 requires a value in every row",
        )


def _check_kind(path: KeyPath, column: Column) -> None:
    for rule in ("pattern", "length_min", "length_max"):
        if getattr(column, rule) is not None and column.kind is not Kind.TEXT:
            raise Misfit((*path, rule), f"expected a column of text; found {column.kind}")
    for rule in ("minimum", "maximum"):
        if getattr(column, rule) is not None and not column.kind.is_ordered:
            raise Misfit(
                (*path, rule),
                f"expected a column of integers, numbers, dates or moments; found {column.kind}",
                "bound the length of text with length_min and length_max",
            )


def _check_bounds(path: KeyPath, column: Column) -> None:
    for rule in ("minimum", "maximum"):
        value = getattr(column, rule)
        if value is not None:
            _check_value((*path, rule), value, column.kind)
    if (
        column.minimum is not None
        and column.maximum is not None
        and column.minimum > column.maximum  # type: ignore[operator]  # both are of one kind
    ):
        raise Misfit(
            (*path, "maximum"),
            f"expected at least the minimum, {show(column.minimum)}; found {show(column.maximum)}",
        )


def _check_allowed(path: KeyPath, column: Column) -> None:
    if column.allowed is None:
        return
    most = DEFAULT_CONTRACT_LIMITS.allowed_max
    if not 1 <= len(column.allowed) <= most:
        raise Misfit(
            (*path, "allowed"),
            f"expected 1 to {most} values; found {len(column.allowed)}",
            "keep a longer list in a table of its own and name it in references",
        )
    seen: set[Value] = set()
    for index, value in enumerate(column.allowed):
        _check_value((*path, "allowed", index), value, column.kind)
        if value in seen:
            raise Misfit((*path, "allowed", index), f"{show(value)} stands there twice")
        seen.add(value)


def _check_text(path: KeyPath, column: Column) -> None:
    _check_span(path, column.length_min, column.length_max, names=("length_min", "length_max"))
    if column.pattern is None:
        return
    most = DEFAULT_CONTRACT_LIMITS.pattern_chars_max
    if len(column.pattern) > most:
        raise Misfit(
            (*path, "pattern"),
            f"expected at most {most} characters; found {len(column.pattern)}",
        )
    fault = pattern_fault(column.pattern)
    if fault:
        raise Misfit(
            (*path, "pattern"),
            f"expected a pattern of RE2; {fault}",
            "RE2 has no look-around and no backreferences; in TOML, write it in 'single quotes'",
        )


def _check_keys(columns: Mapping[str, Column], keys: Sequence[Key]) -> None:
    seen: set[frozenset[str]] = set()
    for index, key in enumerate(keys):
        path: KeyPath = ("keys", index, "columns")
        if not key.columns:
            raise Misfit(path, "expected at least one column; found an empty list")
        for place, name in enumerate(key.columns):
            _defined((*path, place), name, columns)
            if name in key.columns[:place]:
                raise Misfit((*path, place), f"{show(name)} stands there twice")
        if frozenset(key.columns) in seen:
            raise Misfit(path, "another key has the same columns", "remove one of them")
        seen.add(frozenset(key.columns))


def _check_comparisons(columns: Mapping[str, Column], comparisons: Sequence[Comparison]) -> None:
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(comparisons):
        path: KeyPath = ("comparisons", index)
        left = _defined((*path, "left"), each.left, columns).kind
        right = _defined((*path, "right"), each.right, columns).kind
        if each.left == each.right:
            raise Misfit((*path, "right"), "expected another column than the left one")
        if not left.compares_with(right):
            raise Misfit(
                (*path, "right"), f"expected a column that compares with {left}; found {right}"
            )
        if (each.left, each.right) in seen:
            raise Misfit(
                path,
                "another comparison has the same two sides",
                "'<' says '<=' and '!=' in one",
            )
        seen.add((each.left, each.right))


def _check_value(path: KeyPath, value: Value, kind: Kind) -> None:
    if not is_value_of(kind, value):
        raise Misfit(path, f"expected {written(kind)}; found {show(value)}")


def _check_span(
    path: KeyPath, least: int | None, most: int | None, *, names: tuple[str, str]
) -> None:
    for name, count in zip(names, (least, most), strict=True):
        if count is not None:
            _check_count((*path, name), count)
    if least is not None and most is not None and least > most:
        raise Misfit((*path, names[1]), f"expected at least {names[0]}, {least}; found {most}")


def _check_count(path: KeyPath, count: int) -> None:
    if not 0 <= count <= _COUNT_MAX:
        raise Misfit(path, f"expected a whole number from 0 to {_COUNT_MAX}; found {count}")


def _check_warn(path: KeyPath, warn: Iterable[str], rules: Collection[str]) -> None:
    for name in sorted(warn):
        if name not in rules:
            raise Misfit(
                (*path, "warn"),
                f"expected rules that stand here ({', '.join(rules) or 'none'}); "
                f"found {show(name)}",
                near(name, rules),
            )


def _defined(path: KeyPath, name: str, columns: Mapping[str, Column]) -> Column:
    if name not in columns:
        raise Misfit(
            path,
            f"expected a column that [columns] defines, {one_of(columns)}; found {show(name)}",
            near(name, columns) or "define it under [columns]",
        )
    return columns[name]
