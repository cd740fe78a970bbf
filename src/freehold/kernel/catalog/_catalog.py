"""The catalog: a database that follows the ledger and can be thrown away.

One transaction applies the changes of a group of records together with the new position, so that a
crash leaves the catalog at an earlier position, never at a wrong one. Opening catches up through
the same `apply` that live acts use.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    Row,
    Select,
    Table,
    create_engine,
    delete,
    event,
    inspect,
    select,
    tuple_,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateTable

from freehold.kernel.catalog._changes import Change, Put
from freehold.kernel.catalog._tables import KERNEL_TABLES, POSITION
from freehold.kernel.catalog._writing import ChangeWriter
from freehold.kernel.catalog.errors import CatalogError

_INDEXES = "SELECT name FROM sqlite_master WHERE type = 'index'"
REBUILD_RECORDS = (
    2_000  # records of one transaction while rebuilding: large enough to batch, small in memory
)
_PROBLEMS_MAX = 20  # lines of SQLite's own check; more say no more


class Catalog:
    """A database of the rooms' tables at a known position of the log.

    One writer; readers at any time.
    """

    def __init__(
        self, path: Path, log: str, rooms: Iterable[MetaData] = (), *, is_scratch: bool = False
    ) -> None:
        """Open the database, creating its tables where they are missing or of another version.

        One that `is_scratch` is used by one thread, in a file that has no name as soon as it is
        open: nothing of it outlives the process.

        Raises:
            CatalogError: the database cannot be opened.
        """
        self.path = path
        self._log = log
        self._tables = [table for room in (KERNEL_TABLES, *rooms) for table in room.sorted_tables]
        self._engine = _scratch_engine(path) if is_scratch else _engine(path)
        self._writer = ChangeWriter(self._tables, self._engine.dialect)
        try:
            self._prepare()
            self._scrub()
        except _FAILURES as error:
            raise CatalogError(
                "catalog.unreadable",
                f"the catalog at {path} cannot be opened: {_said(error)}",
                "check the disk's space and permissions; the catalog may be deleted: it is rebuilt"
                " from the ledger at the next opening",
            ) from error

    @property
    def position(self) -> int:
        """How many records of the log are projected."""
        row = self.first(select(POSITION.c.size).where(POSITION.c.log == self._log))
        return int(row.size) if row else 0

    def all(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """Every row of a query.

        Raises:
            CatalogError: the database cannot be read.
        """
        with self._reading() as connection:
            return connection.execute(query).all()

    def first(self, query: Select[Any]) -> Row[Any] | None:
        """The first row of a query, or None.

        Raises:
            CatalogError: the database cannot be read.
        """
        with self._reading() as connection:
            return connection.execute(query).first()

    def apply(self, changes: Iterable[Change], size: int | None) -> None:
        """Apply the changes and set the position to `size`, all or nothing.

        Without a `size` the position stays: for what pruned records had put there.

        What a `Forget` blanked is gone from the disk, too, when this returns.

        Raises:
            CatalogError: the database refused; nothing was applied, or not yet scrubbed.
        """
        position = [] if size is None else [Put(POSITION, {"log": self._log, "size": size})]
        try:
            with self._engine.begin() as connection:
                has_forgotten = self._writer.run(connection, chain(changes, position))
            if has_forgotten:
                self._scrub()
        except (*_FAILURES, OverflowError) as error:  # the last: an integer over 64 bits
            where = "a pruning" if size is None else f"to record {size}"
            raise CatalogError(
                "catalog.apply",
                f"the catalog could not follow {where}: {_said(error)}",
                "the acts are safe in the ledger; cure the cause and open the estate again",
            ) from error

    def clear(self) -> None:
        """Empty every table and go back to position 0, to be caught up and then `index`ed.

        Raises:
            CatalogError: the database refused; opening the estate catches up from where it is.
        """
        with self._writing("emptied") as connection:
            for table in self._tables:
                for index in table.indexes:
                    index.drop(connection, checkfirst=True)  # many rows are put faster without
                connection.execute(delete(table))

    def index(self) -> None:
        """Make what indexes are missing; without them all is as right, but slower to find.

        Raises:
            CatalogError: the database refused.
        """
        with self._writing("indexed") as connection:
            present = {name for (name,) in connection.exec_driver_sql(_INDEXES)}
            for table in self._tables:
                for index in table.indexes:
                    if index.name not in present:
                        index.create(connection)

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Every row of every table in a fixed order, to compare two catalogs."""
        with self._reading() as connection:
            for table in sorted(self._tables, key=lambda table: table.name):
                for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
                    yield table.name, tuple(row)

    def page(
        self, table: Table, after: tuple[Any, ...] | None, limit: int
    ) -> tuple[int, list[tuple[Any, ...]]]:
        """The next rows of a table in the order of its key, and the position they belong to.

        Raises:
            CatalogError: the database cannot be read.
        """
        keys = list(table.primary_key.columns)
        query = select(table).order_by(*keys).limit(limit)
        if after is not None:
            query = query.where(tuple_(*keys) > tuple_(*after))
        with self._reading() as connection:
            connection.exec_driver_sql("BEGIN")  # both from one snapshot
            size = connection.execute(select(POSITION.c.size).where(POSITION.c.log == self._log))
            return int(size.scalar() or 0), [tuple(row) for row in connection.execute(query)]

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table, by name."""
        return tuple(sorted(self._tables, key=lambda table: table.name))

    def problems(self) -> list[str]:
        """What SQLite finds wrong with the structure of the database; empty where it is sound."""
        try:
            with self._engine.connect() as connection:
                found = connection.exec_driver_sql(f"PRAGMA integrity_check({_PROBLEMS_MAX})")
                return [str(line) for (line,) in found if line != "ok"]
        except _FAILURES as error:
            return [_said(error)]

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except _FAILURES as error:
            raise CatalogError(
                "catalog.storage",
                f"the catalog cannot be read: {_said(error)}",
                "check the disk, the limit of open files and the memory, then try again",
            ) from error

    @contextmanager
    def _writing(self, what: str) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except _FAILURES as error:
            raise CatalogError(
                "catalog.storage",
                f"the catalog cannot be {what}: {_said(error)}",
                "check the disk's space and permissions, then open the estate again",
            ) from error

    def _scrub(self) -> None:
        """Cut the write-ahead file to nothing: it still holds what was blanked in the tables.

        Raises:
            CatalogError: a reader kept it for longer than the busy timeout; opening does it again.
        """
        with self._engine.connect() as connection:
            is_busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
        if is_busy:
            raise CatalogError(
                "catalog.scrub",
                "what was erased still lies in the catalog's write-ahead file: it is being read",
                "close the estate and open it again, which scrubs it",
            )

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


def _scratch_engine(path: Path) -> Engine:
    connection = sqlite3.connect(path)
    # The journal's file would have a name, and what is lost here is made anew.
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("CREATE TABLE begun (x)")  # makes SQLite open the file, so that it can go
    path.unlink()
    return create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)


# What SQLite says as an error of the database, and no memory, which comes as itself.
_FAILURES = (SQLAlchemyError, MemoryError)


def _said(error: BaseException) -> str:
    return str(error.__cause__ or error) or "out of memory"


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
