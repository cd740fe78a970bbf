"""The catalog rebuilt from the ledger: every record read, checked and projected again.

The mix: 90 in 100 records are answers, 4 refusals, 2 datasets brought in, 4 clearances. Each has a
body; those of datasets and clearances are opened. The raw limit is SQLite, given the rows.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import Any

from measure import Case, Run, in_threads
from trial import Trial, trial

from freehold.kernel import Ref, new_id

RECORDS, FULL, THREADS = 20_000, 200_000, 64


def main() -> None:
    """Measure and print."""
    run = Run(__doc__)
    with run.scratch() as folder, trial(folder) as estate:
        fill(estate, FULL if run.is_full else RECORDS)
        catalog = estate.pipeline.stores.catalog
        rows, schema = tables(estate), statements(folder / "estate" / "catalog.db")
        size = estate.pipeline.stores.log.size
        run.compare(
            f"Catalog of {size:,} records, {sum(map(len, rows.values())):,} rows",
            Case("raw: executemany of its rows", lambda: write(folder, schema, rows=rows, of=size)),
            Case(
                "rebuilt from the ledger",
                estate.pipeline.rebuild,
                beside="raw: executemany of its rows",
                aim=20_000,
            ),
        )
        if rows != tables(estate) or catalog.position != size:
            raise SystemExit("the rebuilt catalog is another one")
    run.finish()


def fill(estate: Trial, records: int) -> None:
    """Record the mix, in many threads."""

    def work(_: int) -> None:
        dataset = Ref("dataset", new_id())
        for number in range(records // THREADS):
            match number % 50:
                case 0:
                    dataset = Ref("dataset", new_id())
                    estate.ingest(dataset)
                case 10 | 30:
                    estate.clear(dataset)
                case 20 | 40:
                    estate.be_refused()
                case _:
                    estate.answer()

    in_threads(THREADS, work)


def tables(estate: Trial) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the catalog by table."""
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for table, row in estate.pipeline.stores.catalog.dump():
        rows[table].append(row)
    return rows


def statements(path: Path) -> list[str]:
    """What makes the tables and indexes of a catalog."""
    db = sqlite3.connect(path)
    found = db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    db.close()
    return [statement for (statement,) in found]


def write(
    folder: Path, schema: list[str], *, rows: dict[str, list[tuple[Any, ...]]], of: int
) -> int:
    """Write all rows into a new database, in one transaction."""
    path = folder / f"{new_id()}.db"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("BEGIN")
    for statement in schema:
        db.execute(statement)
    for table, values in rows.items():
        places = ", ".join("?" * len(values[0]))
        db.executemany(f"INSERT INTO {table} VALUES ({places})", values)  # noqa: S608  # ours
    db.execute("COMMIT")
    db.close()
    path.unlink()
    return of


if __name__ == "__main__":
    main()
