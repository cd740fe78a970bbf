"""Comparing a catalog that is in use with one that is projected afresh, page by page.

A page of the one in use is read in one snapshot, which ends before it is compared, so that nobody
waits for the comparison; the fresh one is brought to the same position before its page is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from freehold.kernel.catalog._catalog import Catalog

_PAGE_ROWS = 5_000  # some milliseconds of a snapshot, some megabytes

_Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what the ledger makes of it: its table, key, and the columns that differ.

    Columns are empty where the row is missing, or is one too many (`is_extra`). Values are not
    told: they may be erasable.
    """

    table: str
    key: _Row
    columns: tuple[str, ...] = ()
    is_extra: bool = False


def differences(
    used: Catalog, fresh: Catalog, advance: Callable[[int], None]
) -> Iterator[Difference]:
    """Yield every row in which the two differ.

    Args:
        advance: brings `fresh` to a position that `used` has reached.
    """
    for table in used.tables:
        yield from _of_table(table, used, fresh, advance)


def _of_table(
    table: Table, used: Catalog, fresh: Catalog, advance: Callable[[int], None]
) -> Iterator[Difference]:
    names = tuple(column.name for column in table.columns)
    places = [names.index(column.name) for column in table.primary_key.columns]

    def key(row: _Row) -> _Row:
        return tuple(row[place] for place in places)

    after: _Row | None = None
    while True:
        position, found = used.page(table, after, _PAGE_ROWS)
        advance(position)
        _, expected = fresh.page(table, after, _PAGE_ROWS)
        ends = [key(rows[-1]) for rows in (found, expected) if len(rows) == _PAGE_ROWS]
        end = min(ends, key=_order) if ends else None  # up to where both pages are complete
        if found != expected:
            parts = (
                {key(r): r for r in rows if end is None or _order(key(r)) <= _order(end)}
                for rows in (found, expected)
            )
            yield from _of_rows(table.name, names, *parts)
        if end is None:
            return
        after = end


def _order(key: _Row) -> list[tuple[int, Any]]:
    """As SQLite orders: numbers before text before bytes, whatever a column was declared to be."""
    ranks = {int: 0, float: 0, str: 1, bytes: 2}
    return [(ranks.get(type(value), -1), value if value is not None else 0) for value in key]


def _of_rows(
    table: str, names: tuple[str, ...], found: dict[_Row, _Row], expected: dict[_Row, _Row]
) -> Iterator[Difference]:
    for key in sorted(found.keys() | expected.keys(), key=_order):
        if key not in expected:
            yield Difference(table, key, is_extra=True)
        elif key not in found:
            yield Difference(table, key)
        elif found[key] != expected[key]:
            pairs = zip(names, found[key], expected[key], strict=True)
            yield Difference(table, key, tuple(name for name, is_, want in pairs if is_ != want))
