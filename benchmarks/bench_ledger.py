"""The ledger alone: appending, one by one and many at once; verifying; receipts.

The raw limits are an append with a sync, the same for a group of records, and SHA-256 of each leaf.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import cycle

from measure import Case, Run, in_threads, synced_append

from freehold.kernel.ledger import Ed25519Signer, Log, LogConfig, LogReader, leaf_hash

ORIGIN = "estate/0192f6a0-0000-7000-8000-00000000e57a/main"
RECORD_BYTES = 1_000
SERIAL, GROUPS, THREADS, EACH, RECEIPTS = 1_000, 100, 256, 100, 200
LEAVES, FULL = 100_000, 1_000_000


def main() -> None:
    """Measure and print."""
    run = Run(__doc__)
    entry = os.urandom(RECORD_BYTES)
    with run.scratch() as folder:
        config = LogConfig(origin=ORIGIN, signer=Ed25519Signer(os.urandom(32)))
        with Log.create(folder / "log", config) as log:
            raw, raw_group = synced_append(folder / "raw"), synced_append(folder / "raw-group")
            # Two tables: what writes much would fall on the turn after it.
            run.compare(
                f"Appending records of {RECORD_BYTES} bytes, each after the other",
                Case("raw: append, fdatasync", lambda: repeat(lambda: raw(entry))),
                Case(
                    "one by one",
                    lambda: repeat(lambda: log.append(entry)),
                    beside="raw: append, fdatasync",
                    aim_ratio=0.8,
                ),
            )
            run.compare(
                f"Appending records of {RECORD_BYTES} bytes, many at once",
                Case(
                    f"raw: {THREADS} in one append",
                    lambda: repeat(lambda: raw_group(entry * THREADS), GROUPS) * THREADS,
                ),
                Case(
                    f"{THREADS} threads",
                    lambda: together(log, entry),
                    beside=f"raw: {THREADS} in one append",
                    aim=60_000,
                ),
            )
            leaves = FULL if run.is_full else LEAVES
            in_threads(THREADS, lambda number: fill(log, leaves, thread=number))
            log.publish()
            size = log.size
            entries = [entry] * size
            reader = LogReader(folder / "log", ORIGIN, keys=[config.key])
            places = cycle(range(0, size, 7919))
            run.compare(
                f"A log of {size:,} records",
                Case(
                    "raw: SHA-256 of each, of one core",
                    lambda: hash_all(entries),
                    "leaves",
                    clock=time.process_time,
                ),
                Case(
                    "verified, entries and tiles, of one core",
                    lambda: reader.verify_all().size,
                    "leaves",
                    beside="raw: SHA-256 of each, of one core",
                    aim=300_000,
                    clock=time.process_time,
                ),
                Case(
                    "receipts",
                    lambda: prove(lambda: log.receipt(next(places)).text()),
                    "receipts",
                    aim=500,  # each in 2 ms, of 1,000,000 records
                ),
            )
    run.finish()


def repeat(work: Callable[[], object], times: int = SERIAL) -> int:
    """Do the work so many times."""
    for _ in range(times):
        work()
    return times


def together(log: Log, entry: bytes) -> int:
    """Append in many threads at once."""

    def run(_: int) -> None:
        for _ in range(EACH):
            log.append(entry)

    in_threads(THREADS, run)
    return THREADS * EACH


def fill(log: Log, leaves: int, *, thread: int) -> None:
    """Append this thread's share of different records until the log has `leaves`."""
    entry, number = os.urandom(RECORD_BYTES - 16), 0
    while log.size < leaves - THREADS:
        log.append(thread.to_bytes(8) + number.to_bytes(8) + entry)
        number += 1


def hash_all(entries: list[bytes]) -> int:
    """Hash every entry as a leaf."""
    for entry in entries:
        leaf_hash(entry)
    return len(entries)


def prove(receipt: Callable[[], object]) -> int:
    """Make receipts."""
    for _ in range(RECEIPTS):
        receipt()
    return RECEIPTS


if __name__ == "__main__":
    main()
