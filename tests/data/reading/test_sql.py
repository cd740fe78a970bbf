"""A query is read as a table; it changes nothing, and no error tells a secret or a value."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError, DataLimits
from freehold.data.reading import read_sql
from tests.conftest import find_program, not_run


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "claims?1.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE claims (id INTEGER, price REAL, name TEXT, raw BLOB)")
        connection.executemany(
            "INSERT INTO claims VALUES (?, ?, ?, ?)",
            [(1, 1.5, "größe", None), (2, None, "", None), (3, -2.0, "Meier", None)],
        )
    connection.close()
    return path


def url(path: Path) -> str:
    return f"sqlite:///{path}".replace("?", "%3F")


def refused(query: str, path: Path, limits: DataLimits | None = None) -> DataError:
    before = path.read_bytes()
    with pytest.raises(DataError) as caught:
        read_sql(url(path), query, limits=limits or DataLimits())
    assert path.read_bytes() == before
    return caught.value


def test_a_query_is_read_as_a_table(database: Path) -> None:
    table = read_sql(url(database), "SELECT id, price, name, raw FROM claims ORDER BY id")
    assert table.to_dict(as_series=False) == {
        "id": [1, 2, 3],
        "price": [1.5, None, -2.0],
        "name": ["größe", None, "Meier"],
        "raw": [None, None, None],
    }


@pytest.mark.parametrize(
    "query",
    [
        "select name from claims where id = :id",
        "  -- a; comment\n WITH c AS (SELECT * FROM claims) SELECT name FROM c WHERE id = :id ; ",
        "SELECT name FROM claims WHERE id = :id AND 'x; DROP TABLE claims' <> name",
        'SELECT * FROM (SELECT name AS "name" FROM claims WHERE id = :id)',
    ],
)
def test_a_reading_query_with_parameters_runs(database: Path, query: str) -> None:
    assert read_sql(url(database), query, parameters={"id": 3}).rows() == [("Meier",)]


WRITING = {
    "a write": "DELETE FROM claims",
    "two statements": "SELECT 1; SELECT 2",
    "a write behind a read": "SELECT 1; DROP TABLE claims",
    "a write behind a comment": "SELECT 1 /* ; */; DROP TABLE claims",
    "a write inside WITH": "WITH x AS (DELETE FROM claims RETURNING *) SELECT * FROM x",
    "a write after WITH": "WITH x AS (SELECT 1) DELETE FROM claims",
    "a table from a query": "SELECT * INTO copy FROM claims",
    "a lock": "SELECT * FROM claims FOR UPDATE",
    "another database": "ATTACH DATABASE 'other.db' AS other",
    "a setting": "PRAGMA query_only = OFF",
    "a call": "CALL erase()",
    "an explanation": "EXPLAIN SELECT 1",
    "nothing": "",
    "a comment alone": "-- SELECT 1",
    "a text without an end": "SELECT 'x",
    "a comment without an end": "SELECT 1 /* x",
    "a comment that a server runs": "SELECT 1 /*!50000 INTO OUTFILE 'x' */",
    "a text with a backslash": "SELECT 'x\\'; DROP TABLE claims; --'",
    "a quoted name that hides a text": """SELECT "a'; DROP TABLE claims; --" FROM claims '""",
}


@pytest.mark.parametrize("case", WRITING)
def test_what_is_no_single_reading_query_is_refused(case: str, database: Path) -> None:
    error = refused(WRITING[case], database)
    assert error.code == "data.sql"


def test_several_statements_are_told_as_such(database: Path) -> None:
    assert "several statements" in refused("SELECT 1; SELECT 2", database).message
    assert "the word DELETE" in refused("SELECT 1 WHERE delete", database).message


def test_a_file_of_sqlite_is_opened_read_only_whatever_the_query_calls(database: Path) -> None:
    error = refused("SELECT load_extension('evil')", database)
    assert error.code == "data.sql"
    assert "OperationalError" in error.message or "AUTH" in error.message
    error = refused("SELECT name FROM pragma_table_info('claims')", database)
    assert (error.code, "sqlite refused" in error.message) == ("data.sql", True)


def test_a_file_that_is_missing_is_not_made(tmp_path: Path) -> None:
    for name in ("sqlite:///" + str(tmp_path / "none.db"), "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(DataError, match="no such SQLite file") as caught:
            read_sql(name, "SELECT 1")
        assert caught.value.code == "data.sql"
    assert not list(tmp_path.iterdir())


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"a,b\n1,2\n" * 1_000)
    assert refused("SELECT * FROM sqlite_master", path).code == "data.sql"


ANSWERS: dict[str, tuple[str, str, str]] = {
    "no rows": ("SELECT id FROM claims WHERE id > 9", "data.empty", "no rows"),
    "no such table": ("SELECT * FROM nothing", "data.sql", "sqlite refused: OperationalError"),
    "two columns of one name": ("SELECT id, id FROM claims", "data.header", "columns 1 and 2"),
    "bytes": ("SELECT id, x'00' AS b FROM claims", "data.types", "row 1, column 2 holds bytes"),
    "mixed kinds": (
        "SELECT CASE id WHEN 1 THEN 1 ELSE 'x' END AS m FROM claims ORDER BY id",
        "data.types",
        "column 'm' holds integer in row 1 and text in row 2",
    ),
    "an infinite number": ("SELECT 9e999 AS n", "data.number", "row 1, column 1 is infinite"),
    "a NUL byte": ("SELECT char(97, 0, 98) AS t", "data.nul", "row 1, column 1 has a NUL"),
    "a parameter that is missing": ("SELECT :x AS a", "data.sql", "cannot be run|refused"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_that_is_no_strict_table_is_refused(case: str, database: Path) -> None:
    query, code, words = ANSWERS[case]
    with pytest.raises(DataError, match=words) as caught:
        read_sql(url(database), query)
    assert caught.value.code == code


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {} FROM n"


@pytest.mark.parametrize(
    ("query", "limits", "words"),
    [
        (ENDLESS.format("i"), DataLimits(rows_max=10, batch_rows=4), "more than 10 rows"),
        (ENDLESS.format("i, i AS j"), DataLimits(cells_max=10, batch_rows=4), "more than 10 cells"),
        (
            ENDLESS.format("'xxxx' AS t"),
            DataLimits(table_bytes_max=99, batch_rows=4),
            "more than 99",
        ),
        ("SELECT zeroblob(100000000) AS b", DataLimits(), "refused: .*TOOBIG"),
        (
            "SELECT 1 AS " + ", 1 AS ".join(f"c{i}" for i in range(20)),
            DataLimits(columns_max=19),
            "20 columns; at most 19",
        ),
        ("SELECT " + "1" * 70_000, DataLimits(), "70007 characters"),
        (ENDLESS.format("count(*)"), DataLimits(sql_seconds_max=1), "refused: .*INTERRUPT"),
    ],
)
def test_each_bound_holds(query: str, limits: DataLimits, words: str, database: Path) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_sql(url(database), query, limits=limits)
    assert caught.value.code in ("data.too_large", "data.sql")


SECRET = "correct-horse"


@pytest.mark.parametrize(
    "place",
    [
        "postgresql+nodriver://reader:{}@localhost/claims",
        "nodialect://reader:{}@localhost/claims",
        "mysql+pymysql://reader:{}@localhost:port/claims",
        "oracle://reader:{}@localhost/claims",
        "mssql+pyodbc://reader:{}@localhost/claims?x=y",
        "{}",
        "://{}",
    ],
)
def test_no_error_tells_the_password(place: str) -> None:
    with pytest.raises(DataError) as caught:
        read_sql(place.format(SECRET), "SELECT 1")
    error: BaseException | None = caught.value
    assert caught.value.code == "data.sql"
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.__suppress_context__
    assert error is not None
    assert error.__cause__ is None


def test_no_error_tells_a_value(database: Path) -> None:
    error = refused("SELECT json_extract(name, '$.x') FROM claims WHERE id = 3", database)
    assert "Meier" not in f"{error.message} {error.hint}"
    error = refused("SELECT json('Meier')", database)
    assert "Meier" not in f"{error.message} {error.hint}"


@given(
    st.lists(st.sampled_from(["SELECT", " ", "'", '"', ";", "--", "\n", "/*", "*/", "DROP", "x"]))
)
def test_no_arrangement_of_quotes_hides_a_second_statement(parts: list[str]) -> None:
    """What passes the check and SQLite's own parser is one statement: `execute` refuses more."""
    query = "SELECT 1 " + "".join(parts)
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(query)
    except sqlite3.ProgrammingError as error:  # "You can only execute one statement at a time."
        with pytest.raises(DataError):
            read_sql("sqlite:///missing", query)
        assert "one statement" in str(error)  # noqa: PT017
    except sqlite3.Error:
        pass
    finally:
        connection.close()


WRITING_FUNCTION = """CREATE TABLE claims (id int); CREATE FUNCTION add_claim() RETURNS int
LANGUAGE sql AS 'INSERT INTO claims VALUES (1) RETURNING id'"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A PostgreSQL of its own, behind a socket in a folder; gives its URL."""
    if importlib.util.find_spec("psycopg") is None:
        not_run("the driver psycopg is missing (pip install 'psycopg[binary]')")
    find_program("pg_ctl")
    folder = tmp_path / "pg"
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    prefix = user if os.getuid() == 0 else []
    if prefix:
        shutil.chown(tmp_path, "postgres")
        for parent in tmp_path.parents[:2]:
            parent.chmod(0o755)
    run = lambda *words: subprocess.run([*prefix, *words], check=True, capture_output=True)  # noqa: E731
    run("initdb", "-D", str(folder), "-A", "trust", "-U", "reader")
    run(
        *("pg_ctl", "-D", str(folder), "-w", "-l", str(tmp_path / "log")),
        *("-o", f"-k {tmp_path} -c listen_addresses=''", "start"),
    )
    try:
        run("psql", "-h", str(tmp_path), "-U", "reader", "-c", WRITING_FUNCTION, "postgres")
        yield f"postgresql+psycopg://reader:{SECRET}@/postgres?host={tmp_path}"
    finally:
        run("pg_ctl", "-D", str(folder), "-m", "immediate", "stop")


@pytest.mark.slow  # it needs a server and a driver, which `make test` does not install
def test_postgresql_is_read_in_a_transaction_that_cannot_write(server: str) -> None:
    query = """SELECT 1::bigint AS i, 1.25::numeric AS d, 'x' AS t, true AS b,
        DATE '2024-02-29' AS day, TIMESTAMPTZ '2024-01-01 12:00+02' AS moment,
        '[1, {"a": null}]'::jsonb AS nested, gen_random_uuid()::text <> '' AS u"""
    assert read_sql(server, query).rows() == [
        (1, 1.25, "x", True, date(2024, 2, 29), datetime(2024, 1, 1, 10), '[1,{"a":null}]', True)
    ]
    with pytest.raises(DataError, match=r"postgresql refused: ReadOnlySqlTransaction \(25006\)"):
        read_sql(server, "SELECT add_claim()")
    with pytest.raises(DataError, match="42P01"):
        read_sql(server, "SELECT * FROM nothing")
    with pytest.raises(DataError, match="57014"):
        read_sql(server, "SELECT pg_sleep(60)", limits=DataLimits(sql_seconds_max=1))
    rows = read_sql(
        server, "SELECT i FROM generate_series(1, 5000) AS i", limits=DataLimits(batch_rows=64)
    )
    assert rows["i"].to_list() == list(range(1, 5_001))
