"""A grown estate beside a new one: opening, memory, acts, keys, lists, each in a fresh process.

The grown one holds answers in bulk, as the pipeline writes them (`growing.py`), over many key
domains. What both are asked is in `growth_probe.py`; the new one is the limit.
"""

from __future__ import annotations

import json
import subprocess
import sys
from operator import truediv
from pathlib import Path
from statistics import median
from typing import Any

from growing import grow
from measure import Run
from trial import trial

NEW = 1_000, 100  # records and domains
GROWN, FULL = (200_000, 20_000), (10_000_000, 1_000_000)
AIMS = {"open s": 2.0, "peak MB, at the end": 300.0}


def main() -> None:
    """Grow, measure and print."""
    run = Run(__doc__, rounds=3)
    records, domains = FULL if run.is_full else GROWN
    with run.scratch() as folder:
        for name, size in {"new": NEW, "grown": (records, domains)}.items():
            (folder / name).mkdir()
            with trial(folder / name) as estate:
                grow(estate, *size)
        new, grown = [], []
        for _ in range(run.rounds):  # in turns: what else the machine does falls on both
            new.append(probe(folder / "new"))
            grown.append(probe(folder / "grown"))
        print(f"\n{records:,} records, {domains:,} key domains, beside {NEW[0]:,} and {NEW[1]:,}")
        for what in grown[0]:
            print(line(what, [each[what] for each in new], [each[what] for each in grown]))
        run.keep({"new": new, "grown": grown})
    run.finish()


def probe(folder: Path) -> dict[str, float]:
    """Ask an estate in a fresh process."""
    script = Path(__file__).with_name("growth_probe.py")
    done = subprocess.run([sys.executable, script, folder], capture_output=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def line(what: str, new: list[float], grown: list[float]) -> str:
    """One figure: medians of both estates, the median of the ratios by turns, and the aim."""
    ratio = median(map(truediv, grown, new))
    aim = f"  [aim under {AIMS[what]:g}]" if what in AIMS else ""
    return (
        f"  {what:<28} {median(grown):>10.3f}   new {median(new):>10.3f}  = {ratio:.2f} x new{aim}"
    )


if __name__ == "__main__":
    main()
