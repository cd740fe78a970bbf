"""Risk reports and transforms of a table of people, in rows per second of one processor core.

The raw limit of the reports is Polars grouping the same columns and counting, nothing more. The
table has three quasi-identifiers with about 6,000 groups, a sensitive text and a sensitive number.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import polars as pl
from measure import Case, Run

from freehold.data.protection import (
    Age,
    Bins,
    Mask,
    Plan,
    Pseudonym,
    apply_plan,
    generalise_until,
    k_anonymity,
    l_diversity,
    suppress_small_groups,
    t_closeness,
)

ROWS, FULL = 1_000_000, 10_000_000
QUASI = ["age", "sex", "country"]
RAW = "raw: group and count"


def main() -> None:
    """Measure and print."""
    run = Run(__doc__)
    rows = FULL if run.is_full else ROWS
    table = people(rows)

    def case(name: str, work: Callable[[], object], *, beside: str = "") -> Case:
        def rows_done() -> int:
            work()
            return rows

        return Case(name, rows_done, "rows", beside=beside, clock=time.process_time)

    run.compare(
        f"{rows:,} rows, reports",
        case(RAW, lambda: table.group_by(QUASI).len()),
        case("k-anonymity", lambda: k_anonymity(table, QUASI, k=5), beside=RAW),
        case("l-diversity", lambda: l_diversity(table, QUASI, "finding"), beside=RAW),
        case("t-closeness, equal", lambda: t_closeness(table, QUASI, "finding"), beside=RAW),
        case("t-closeness, ordered", lambda: t_closeness(table, QUASI, "pay"), beside=RAW),
        case("small groups removed", lambda: suppress_small_groups(table, QUASI, 5), beside=RAW),
        case("least generalised plan", lambda: search(table), beside=RAW),
    )
    transforms = {"age": Age(), "pay": Bins(500), "country": Mask(), "id": Pseudonym("person")}
    run.compare(
        f"{rows:,} rows, transforms; {rows // 10:,} persons",
        *(
            case(
                f"{each.name} of {name}",
                lambda name=name, each=each: apply_plan(  # type: ignore[misc]
                    Plan({name: each}), table.select(name), key=bytes(32)
                ),
            )
            for name, each in transforms.items()
        ),
    )
    run.finish()


def people(rows: int) -> pl.DataFrame:
    """A made-up table; the same every time."""
    random = np.random.default_rng(1)
    names = np.array([f"value {number}" for number in range(40)])
    return pl.DataFrame(
        {
            "age": random.integers(17, 90, rows),
            "sex": np.array(["F", "M"])[random.integers(0, 2, rows)],
            "country": names[random.integers(0, 40, rows)],
            "finding": names[random.integers(0, 40, rows)],
            "pay": random.normal(3_000, 800, rows).round(),
            "id": np.arange(rows) % (rows // 10),
        }
    )


def search(table: pl.DataFrame) -> object:
    """A search that has to climb."""
    return generalise_until(table, {"age": [Age(5), Age(15), Age(45)]}, k=len(table) // 20)


if __name__ == "__main__":
    main()
