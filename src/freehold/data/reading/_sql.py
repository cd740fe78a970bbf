"""Read the answer of a database to one query, and change nothing there.

Unlike the rest of this package, `read_sql` opens a connection or a file: whoever calls it decides
that it may, and records that it did.

The query is one SELECT or WITH, and runs read-only: an SQLite file is opened so, with an authorizer
that knows reading alone; PostgreSQL, MySQL and MariaDB get a read-only transaction. Other databases
have no such thing, so there the words of the query and the rights of the account are all that
guards. Give an account that may only read: a query can call functions.

Errors repeat neither the URL nor what the database said, for both may hold secrets or values.
"""

from __future__ import annotations

import math
import re
import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import polars as pl
import sqlalchemy
from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL

from freehold.data.errors import DataError
from freehold.data.reading._columns import check_names
from freehold.data.reading._limits import DEFAULT_DATA_LIMITS, DataLimits
from freehold.data.reading._table import RowTable

_APART = re.compile(  # what no word of the query stands in: comments, texts, quoted names
    r"""--[^\n]*|/\*.*?\*/|'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|\$(\w*)\$.*?\$\1\$""",
    re.DOTALL,
)
_OPEN = re.compile(r"""['"`]|/\*|\$\w*\$""")  # left over: a text or comment without an end
_WRITING = re.compile(
    r"""\b(?:insert|update|delete|merge|upsert|drop|alter|create|truncate|grant|revoke|call|exec
    |execute|copy|attach|detach|pragma|vacuum|into|lock|load|handler|do|set)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_READ_ONLY = {
    "postgresql": (
        "SET TRANSACTION READ ONLY",
        "SET LOCAL statement_timeout = {milliseconds}",
    ),
    "mysql": ("SET SESSION max_execution_time = {milliseconds}", "START TRANSACTION READ ONLY"),
    "mariadb": ("SET SESSION max_statement_time = {seconds}", "START TRANSACTION READ ONLY"),
}
_READING = (
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
    sqlite3.SQLITE_TRANSACTION,
)
_STEPS = 100_000  # of SQLite's machine between two looks at the clock; some milliseconds
_QUERY_HINT = "write one SELECT, without anything that changes the database"


def read_sql(
    url: str,
    query: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    limits: DataLimits = DEFAULT_DATA_LIMITS,
) -> pl.DataFrame:
    """Run one query and read its rows as a table, a batch at a time.

    Args:
        url: of SQLAlchemy, `dialect+driver://user:password@host/database`. A file of SQLite exists.
        query: one SELECT or WITH; `:name` stands for a parameter.
        parameters: values of the query, which are sent beside it.
        limits: bounds on the query, its time, and the table.

    Raises:
        DataError: `data.sql` where the query is no single reading one, or the database or its
            driver refuses; otherwise as `read_table`.
    """
    check_query(query, limits)
    engine = _engine(url, limits)
    try:
        with engine.connect() as connection:
            _begin_reading(connection, limits)
            return _read(connection, query, parameters=parameters or {}, limits=limits)
    except sqlalchemy.exc.DBAPIError as error:
        raise _refused_by(engine.dialect.name, error) from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise DataError(
            "data.sql", f"the query cannot be run: {type(error).__name__}", _QUERY_HINT
        ) from None
    finally:
        engine.dispose()


def check_query(query: str, limits: DataLimits = DEFAULT_DATA_LIMITS) -> None:
    """Check that a query is one SELECT or WITH and has no word that changes anything.

    Raises:
        DataError: it is not, or has; the message names the word.
    """
    if len(query) > limits.sql_query_chars_max:
        raise DataError(
            "data.too_large",
            f"the query has {len(query)} characters; expected at most {limits.sql_query_chars_max}",
            "make a view of it in the database",
        )
    words = _APART.sub(" ", query)
    if "/*!" in query or _OPEN.search(words):
        raise DataError("data.sql", "a text or comment in the query has no end", _QUERY_HINT)
    statement = words.strip().removesuffix(";")
    if ";" in statement:
        raise DataError("data.sql", "the query holds several statements", _QUERY_HINT)
    first = statement.split(maxsplit=1)[:1]
    if not first or re.match(r"(?:select|with)\b|\(", first[0], re.IGNORECASE) is None:
        raise DataError("data.sql", "the query begins with neither SELECT nor WITH", _QUERY_HINT)
    found = _WRITING.search(statement)
    if found:
        raise DataError(
            "data.sql",
            f"the query holds the word {found.group().upper()}",
            f"{_QUERY_HINT}; quote it if it is a name",
        )


def _engine(url: str, limits: DataLimits) -> Engine:
    try:
        parsed = sqlalchemy.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite_engine(parsed, limits)
        return sqlalchemy.create_engine(parsed, poolclass=sqlalchemy.NullPool)
    except ImportError as error:
        raise DataError(
            "data.sql",
            f"the driver {error.name or ''!r:.40} is not installed",
            "install it beside Freehold",
        ) from None
    except (sqlalchemy.exc.SQLAlchemyError, ValueError, TypeError):
        raise DataError(
            "data.sql",
            "the URL of the database is not readable",
            "expected dialect+driver://user:password@host/database",
        ) from None


def _sqlite_engine(url: URL, limits: DataLimits) -> Engine:
    path = Path(url.database or "")
    if not path.is_file() or url.query:
        raise DataError(
            "data.sql", "there is no such SQLite file", "expected sqlite:///path, without options"
        )
    deadline = time.monotonic() + limits.sql_seconds_max
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True)
        connection.execute("PRAGMA query_only = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limits.field_bytes_max)
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        return connection

    return sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=sqlalchemy.NullPool)


def _authorize(action: int, one: str | None, two: str | None, *_: str | None) -> int:
    is_reading = action in _READING and (two or "").lower() != "load_extension"
    return sqlite3.SQLITE_OK if is_reading else sqlite3.SQLITE_DENY


def _begin_reading(connection: Connection, limits: DataLimits) -> None:
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.set_authorizer(_authorize)
    for statement in _READ_ONLY.get(connection.dialect.name, ()):
        connection.exec_driver_sql(
            statement.format(
                seconds=limits.sql_seconds_max, milliseconds=limits.sql_seconds_max * 1_000
            )
        )


def _read(
    connection: Connection, query: str, *, parameters: Mapping[str, Any], limits: DataLimits
) -> pl.DataFrame:
    streaming = connection.execution_options(stream_results=True, max_row_buffer=limits.batch_rows)
    result = streaming.execute(sqlalchemy.text(query), dict(parameters))
    names = list(result.keys())
    check_names(names, limits)
    table = RowTable(limits, place="row")
    number = total = 0
    for batch in result.partitions(limits.batch_rows):
        rows = []
        for cells in batch:
            number += 1
            values = [
                _value(cell, row=number, column=column, limits=limits)
                for column, cell in enumerate(cells, 1)
            ]
            total += sum(len(each) for each in values if isinstance(each, str))
            rows.append(dict(zip(names, values, strict=True)))
        if total > limits.table_bytes_max:
            raise DataError(
                "data.too_large",
                f"the rows have more than {limits.table_bytes_max} characters",
                "ask for fewer of them",
            )
        table.add(rows)
    return table.finish()


def _value(cell: Any, *, row: int, column: int, limits: DataLimits) -> Any:
    if isinstance(cell, str):
        return _text(cell, row=row, column=column, limits=limits)
    if cell is None or isinstance(cell, bool | int):
        return cell
    if isinstance(cell, float | Decimal):
        return _number(float(cell), row=row, column=column)
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).replace(tzinfo=None) if cell.tzinfo else cell
    if isinstance(cell, date | list | dict):
        return cell
    if isinstance(cell, UUID):
        return str(cell)
    raise DataError(
        "data.types",
        f"row {row}, column {column} holds {type(cell).__name__}; "
        "expected a number, boolean, date or text",
        "cast it in the query",
    )


def _text(cell: str, *, row: int, column: int, limits: DataLimits) -> str | None:
    if len(cell) > limits.field_bytes_max:
        raise DataError(
            "data.too_large",
            f"row {row}, column {column} has {len(cell)} characters; "
            f"expected at most {limits.field_bytes_max}",
            "ask for a part of it",
        )
    if "\0" in cell:
        raise DataError(
            "data.nul", f"row {row}, column {column} has a NUL byte; text has none", "remove it"
        )
    return cell or None


def _number(cell: float, *, row: int, column: int) -> float | None:
    if math.isinf(cell):
        raise DataError("data.number", f"row {row}, column {column} is infinite", "leave it empty")
    return None if math.isnan(cell) else cell


def _refused_by(dialect: str, error: sqlalchemy.exc.DBAPIError) -> DataError:
    cause = error.orig
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    name = getattr(cause, "sqlite_errorname", None) or state or "no code"
    return DataError(
        "data.sql",
        f"{dialect} refused: {type(cause).__name__} ({name})",
        "run the query in the database's own client, with the same account, to see why",
    )
