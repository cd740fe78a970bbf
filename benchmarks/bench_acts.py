"""Whole acts: decided, body sealed, recorded, durable, projected; one by one and many at once.

The raw limit of one act is what it has to make durable: its body and its record, each appended and
synced, and its rows, committed with a sync. Acts that come together share all three.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path

from measure import Case, Run, in_threads, synced_append
from trial import trial

from freehold.kernel import Ref, new_id

SERIAL, THREADS, EACH = 60, 64, 20
APPENDED_BYTES = 1_250  # the mean of an answer's sealed body and its record
ROW_BYTES = 600  # of an answer in the catalog


def main() -> None:
    """Measure and print."""
    run = Run(__doc__)
    with run.scratch() as folder, trial(folder) as estate:
        datasets = [Ref("dataset", new_id()) for _ in range(THREADS)]
        in_threads(THREADS, lambda number: estate.ingest(datasets[number]))
        commit, append = committer(folder / "raw.db"), synced_append(folder / "raw")
        data = os.urandom(APPENDED_BYTES)
        run.compare(
            f"Whole acts, decided by {len(estate.pipeline.policies.ids)} policies",
            Case("raw: append, fdatasync", lambda: repeat(lambda: append(data)), "acts"),
            Case(
                "raw: two such, one FULL commit",
                lambda: repeat(lambda: append(data), lambda: append(data), commit),
                "acts",
            ),
            Case(
                "answers, one by one",
                lambda: repeat(estate.answer),
                "acts",
                beside="raw: two such, one FULL commit",
                aim=300,
            ),
            Case(
                f"answers, {THREADS} threads",
                lambda: together(lambda _: estate.answer()),
                "acts",
                beside="raw: append, fdatasync",
                aim=2_000,
            ),
            Case(
                f"clearances of {THREADS} datasets, {THREADS} threads",
                lambda: together(lambda number: estate.clear(datasets[number])),
                "acts",
                beside="raw: append, fdatasync",
            ),
        )
    run.finish()


def repeat(*steps: Callable[[], object]) -> int:
    """Do the steps one after another, `SERIAL` times."""
    for _ in range(SERIAL):
        for step in steps:
            step()
    return SERIAL


def together(work: Callable[[int], object]) -> int:
    """Do the work `EACH` times in each of `THREADS` threads."""

    def run(number: int) -> None:
        for _ in range(EACH):
            work(number)

    in_threads(THREADS, run)
    return THREADS * EACH


def committer(path: Path) -> Callable[[], object]:
    """What commits a row to SQLite, as durable as the catalog."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE act (position INTEGER PRIMARY KEY, row TEXT)")
    row, positions = "x" * ROW_BYTES, count()
    return lambda: db.execute("INSERT INTO act VALUES (?, ?)", (next(positions), row))


if __name__ == "__main__":
    main()
