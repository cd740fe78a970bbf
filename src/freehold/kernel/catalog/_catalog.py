"""The catalog: a database that follows the ledger and can be thrown away.

One transaction applies the changes of a group of records together with the new position, so that a
crash leaves the catalog at an earlier position, never at a wrong one. Opening catches up through
the same `apply` that live acts use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, MetaData, Row, Select, create_engine, delete, event, inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from freehold.kernel.catalog._changes import Change, Put
from freehold.kernel.catalog._tables import KERNEL_TABLES, POSITION
from freehold.kernel.catalog._writing import ChangeWriter
from freehold.kernel.catalog.errors import CatalogError

_INDEXES = "SELECT name FROM sqlite_master WHERE type = 'index'"
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
        self._writer = ChangeWriter(self._tables, self._engine.dialect)
        try:
            self._prepare()
            self._scrub()
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
        except (SQLAlchemyError, OverflowError) as error:  # the second: an integer over 64 bits
            where = "a pruning" if size is None else f"to record {size}"
            raise CatalogError(
                "catalog.apply",
                f"the catalog could not follow {where}: {error.__cause__ or error}",
                "the acts are safe in the ledger; cure the cause and open the estate again",
            ) from error

    def clear(self) -> None:
        """Empty every table and go back to position 0, to be caught up and then `index`ed."""
        with self._engine.begin() as connection:
            for table in self._tables:
                for index in table.indexes:
                    index.drop(connection, checkfirst=True)  # many rows are put faster without
                connection.execute(delete(table))

    def index(self) -> None:
        """Make what indexes are missing; without them all is as right, but slower to find."""
        with self._engine.begin() as connection:
            present = {name for (name,) in connection.exec_driver_sql(_INDEXES)}
            for table in self._tables:
                for index in table.indexes:
                    if index.name not in present:
                        index.create(connection)

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Every row of every table in a fixed order, to compare two catalogs."""
        with self._engine.connect() as connection:
            for table in sorted(self._tables, key=lambda table: table.name):
                for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
                    yield table.name, tuple(row)

    def close(self) -> None:
        self._engine.dispose()

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
