"""Changes as SQL: few statements for many changes, and each shape of change is compiled once.

It opens no transaction and decides nothing. Changes of one table keep their order; tables are
apart, since no change reads what another one wrote.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Dialect, Table, bindparam, delete, update
from sqlalchemy.dialects.sqlite import insert

from freehold.kernel.catalog._changes import Amend, Change, Forget, Put, Remove

_RowChange: TypeAlias = Put | Amend | Remove
_Row: TypeAlias = Mapping[str, Any]
_Shape: TypeAlias = tuple[
    type, tuple[str, ...], tuple[str, ...]
]  # kind, columns set, columns asked
_Values: TypeAlias = Callable[[_Row], tuple[Any, ...]]

_ASKED = "where_"  # tells the parameter of a condition from that of a column to be set


class ChangeWriter:
    """Runs changes of these tables; remembers its statements, which are as many as projections."""

    def __init__(self, tables: Sequence[Table], dialect: Dialect) -> None:
        self._tables = tables
        self._dialect = dialect
        self._statements: dict[tuple[Table, _Shape], _Statement] = {}

    def run(self, connection: Connection, changes: Iterable[Change]) -> bool:
        """Run the changes within the transaction of `connection`; tell if any was a `Forget`."""
        batches: dict[Table, list[_Batch]] = defaultdict(list)
        has_forgotten = False
        for change in changes:
            if isinstance(change, Forget):
                has_forgotten = True
                for amend in _blanked(change.domain, self._tables):
                    self._add(batches[amend.table], amend)
            else:
                self._add(batches[change.table], change)
        for queue in batches.values():
            for batch in queue:
                connection.exec_driver_sql(batch.statement.text, batch.rows)
        return has_forgotten

    def _add(self, queue: list[_Batch], change: _RowChange) -> None:
        """Put a change into the newest batch of its table, or into one of its own shape."""
        shape = _shape(change)
        if not queue or queue[-1].shape != shape:
            queue.append(_Batch(shape, self._statement(change.table, shape), []))
        batch = queue[-1]
        batch.rows.append(batch.statement.values(_parameters(change)))

    def _statement(self, table: Table, shape: _Shape) -> _Statement:
        known = self._statements.get((table, shape))
        if known is None:
            known = self._statements[table, shape] = _compile(table, shape, self._dialect)
        return known


class _Statement(NamedTuple):
    text: str
    values: _Values  # takes parameters and gives them in the order of the text


class _Batch(NamedTuple):
    shape: _Shape
    statement: _Statement
    rows: list[tuple[Any, ...]]


def _shape(change: _RowChange) -> _Shape:
    return (
        type(change),
        () if isinstance(change, Remove) else tuple(change.row),
        () if isinstance(change, Put) else tuple(change.where),
    )


def _parameters(change: _RowChange) -> _Row:
    if isinstance(change, Put):
        return change.row
    asked = {_ASKED + name: value for name, value in change.where.items()}
    return asked if isinstance(change, Remove) else {**change.row, **asked}


def _compile(table: Table, shape: _Shape, dialect: Dialect) -> _Statement:
    kind, row, where = shape
    if kind is Put:
        statement: Any = _put(table, row)
    else:
        statement = (update if kind is Amend else delete)(table).where(
            *(table.c[name].is_not_distinct_from(bindparam(_ASKED + name)) for name in where)
        )
    compiled = statement.compile(dialect=dialect, column_keys=row)
    return _Statement(compiled.string, _values(table, compiled.positiontup, dialect))


def _put(table: Table, row: tuple[str, ...]) -> Any:
    statement = insert(table)
    keys = [column.name for column in table.primary_key.columns]
    rest = {name: statement.excluded[name] for name in row if name not in keys}
    if not rest:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=rest)


def _values(table: Table, names: Sequence[str], dialect: Dialect) -> _Values:
    """What takes the named parameters, each as its column's type is bound."""
    columns = (table.c[name.removeprefix(_ASKED)] for name in names)
    binders = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns]
    if len(names) > 1 and not any(binders):
        return itemgetter(*names)
    bound = tuple(zip(names, binders, strict=True))
    return lambda row: tuple(bind(row[name]) if bind else row[name] for name, bind in bound)


def _blanked(domain: str, tables: Sequence[Table]) -> Iterator[Amend]:
    for table in tables:
        blank: Mapping[str, None] = {c.name: None for c in table.columns if c.info.get("erasable")}
        for column in table.columns:
            if column.info.get("domain") and blank:
                yield Amend(table, {column.name: domain}, blank)
