"""The catalog: a database that follows the ledger and can be thrown away.

One transaction applies the changes of a group of records together with the new position, so that a
crash leaves the catalog at an earlier position, never at a wrong one. Opening catches up through
the same `apply` that live acts use.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    create_engine,
    delete,
    event,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from freehold.kernel.catalog._changes import Amend, Change, Forget, Put, Remove
from freehold.kernel.catalog._tables import KERNEL_TABLES, POSITION
from freehold.kernel.catalog.errors import CatalogError

REBUILD_RECORDS = (
    2_000  # records of one transaction while rebuilding: large enough to batch, small in memory
)


class Catalog:
    """A database of the rooms' tables at a known position of the log.

    One writer; readers at any time.
    """

    def __init__(self, path: Path, log: str, rooms: Iterable[MetaData] = ()) -> None:
        """Open the database, creating its tables where they are missing or of another version.

        Raises:
            CatalogError: the database cannot be opened.
        """
        self._log = log
        self._tables = [table for room in (KERNEL_TABLES, *rooms) for table in room.sorted_tables]
        self._engine = _engine(path)
        try:
            self._prepare()
        except SQLAlchemyError as error:
            raise CatalogError(
                "catalog.unreadable",
                f"the catalog at {path} cannot be opened: {error.__cause__ or error}",
                "it may be deleted: it is rebuilt from the ledger at the next opening",
            ) from error

    @property
    def position(self) -> int:
        """How many records of the log are projected."""
        row = self.first(select(POSITION.c.size).where(POSITION.c.log == self._log))
        return int(row.size) if row else 0

    def all(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """Every row of a query."""
        with self._engine.connect() as connection:
            return connection.execute(query).all()

    def first(self, query: Select[Any]) -> Row[Any] | None:
        """The first row of a query, or None."""
        with self._engine.connect() as connection:
            return connection.execute(query).first()

    def apply(self, changes: Iterable[Change], size: int) -> None:
        """Apply the changes and set the position to `size`, all or nothing.

        Raises:
            CatalogError: the database refused; nothing was applied.
        """
        try:
            with self._engine.begin() as connection:
                _execute(connection, changes, self._tables)
                connection.execute(
                    _put(POSITION, ("log", "size")), {"log": self._log, "size": size}
                )
        except SQLAlchemyError as error:
            raise CatalogError(
                "catalog.apply",
                f"the catalog could not follow to record {size}: {error.__cause__ or error}",
                "the acts are safe in the ledger; cure the cause and open the estate again",
            ) from error

    def clear(self) -> None:
        """Empty every table and go back to position 0; catching up afterwards is the rebuild."""
        with self._engine.begin() as connection:
            for table in self._tables:
                connection.execute(delete(table))

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Every row of every table in a fixed order, to compare two catalogs."""
        with self._engine.connect() as connection:
            for table in sorted(self._tables, key=lambda table: table.name):
                for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
                    yield table.name, tuple(row)

    def close(self) -> None:
        self._engine.dispose()

    def _prepare(self) -> None:
        """Create the tables, dropping those that another version of the software left."""
        wanted = "".join(str(CreateTable(table).compile(self._engine)) for table in self._tables)
        version = int.from_bytes(hashlib.sha256(wanted.encode()).digest()[:4]) >> 1
        with self._engine.begin() as connection:
            found = connection.exec_driver_sql("PRAGMA user_version").scalar()
            if found == version:
                return
            names = inspect(connection).get_table_names()
            for name in names:
                connection.exec_driver_sql(f'DROP TABLE "{name}"')
            for table in self._tables:
                table.create(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {version}")


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", pool_size=8, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # FULL: what the catalog says was projected is on disk, so that its position can vouch
        # against a rewound log
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            "busy_timeout=10000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _execute(connection: Connection, changes: Iterable[Change], tables: Sequence[Table]) -> None:
    """Run the changes with as few statements as possible: tables apart, in order within each."""
    queues: dict[Table, list[Put | Amend | Remove]] = defaultdict(list)
    for change in changes:
        if isinstance(change, Forget):
            for amend in _forget(change.domain, tables):
                queues[amend.table].append(amend)
        else:
            queues[change.table].append(change)
    for table, queue in queues.items():
        for shape, parameters in _batches(queue):
            connection.execute(_statement(table, *shape), parameters)


_Shape = tuple[type, tuple[str, ...], tuple[str, ...]]


def _batches(
    queue: Sequence[Put | Amend | Remove],
) -> Iterator[tuple[_Shape, list[dict[str, Any]]]]:
    """Join neighbours of one shape into one parameter list."""
    current: _Shape | None = None
    parameters: list[dict[str, Any]] = []
    for change in queue:
        row = dict(change.row) if isinstance(change, Put | Amend) else {}
        where = (
            {} if isinstance(change, Put) else {f"where_{k}": v for k, v in change.where.items()}
        )
        shape: _Shape = (type(change), tuple(row), tuple(where))
        if shape != current:
            if current is not None:
                yield current, parameters
            current, parameters = shape, []
        parameters.append({**row, **where})
    if current is not None:
        yield current, parameters


def _statement(table: Table, kind: type, row: tuple[str, ...], where: tuple[str, ...]) -> Any:
    if kind is Put:
        return _put(table, row)
    condition = and_(*(table.c[name.removeprefix("where_")] == bindparam(name) for name in where))
    if kind is Remove:
        return delete(table).where(condition)
    return update(table).where(condition)  # the columns to set are the parameters' other names


def _put(table: Table, row: tuple[str, ...]) -> Any:
    statement = insert(table)
    keys = [column.name for column in table.primary_key.columns]
    rest = {name: statement.excluded[name] for name in row if name not in keys}
    if not rest:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=rest)


def _forget(domain: str, tables: Sequence[Table]) -> Iterator[Amend]:
    for table in tables:
        blank: Mapping[str, None] = {c.name: None for c in table.columns if c.info.get("erasable")}
        for column in table.columns:
            if column.info.get("domain") and blank:
                yield Amend(table, {column.name: domain}, blank)
