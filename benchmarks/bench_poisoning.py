"""Poison planted in customer queries: how much is set aside at a budget of 1 % of the clean rows.

Each attack at 0.5, 1, 2 and 5 % of the rows of Banking77 (one seed, three with --full), and all
at once; prints the recall per kind and the share of clean rows lost. Then the rate of the check.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import polars as pl
from measure import Case, Run

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from freehold.data.poisoning import check, quarantine
from tests.data.poisoning.planting import ATTACKS, Planted, plant

BUDGET, AIM = 0.01, 2_000
RATES = (0.005, 0.01, 0.02, 0.05)


def main() -> None:
    """Measure and print."""
    run = Run(__doc__, rounds=1)
    shared = Path(os.environ.get("FREEHOLD_SHARED_DATA") or "../shared/data")
    table = pl.read_csv(shared / "support-banking77" / "train.csv")
    texts, labels = table["text"].to_list(), table["category"].to_list()
    found(run, Planted(list(texts), list(labels)), "nothing planted", 0)
    for attacks in [*([each] for each in ATTACKS), list(ATTACKS)]:
        for rate in RATES:
            for seed in range(3 if run.is_full else 1):
                made = plant(texts, labels, attacks=attacks, rate=rate, seed=seed)
                found(run, made, attacks[0] if len(attacks) == 1 else "all at once", rate)

    def work() -> int:
        check(table, text="text", label="category")
        return table.height

    case = Case("rows checked", work, unit="rows", aim=AIM, clock=time.process_time)
    run.compare(f"{table.height:,} queries, 77 labels", case)
    run.finish()


def found(run: Run, made: Planted, name: str, rate: float) -> None:
    """Print what was found of one planting."""
    report = check(pl.DataFrame({"t": made.texts, "l": made.labels}), text="t", label="l")
    aside = set(quarantine(report, BUDGET).tolist())
    planted = set(made.rows())
    lost = len(aside - planted) / (len(made.texts) - len(planted))
    recalls = {
        kind: len(aside & set(made.rows(kind))) / len(made.rows(kind))
        for kind in sorted(set(made.kinds.values()))
    }
    told = "  ".join(f"{kind} {recall:.2f}" for kind, recall in recalls.items())
    print(f"  {name:<28} {rate:>6.1%}  clean lost {lost:.2%}  {told}", flush=True)
    run.keep({"attack": name, "rate": rate, "clean_lost": lost, "recalls": recalls})


if __name__ == "__main__":
    main()
