"""Measuring side by side: each figure and its raw limit in one run, told as rates and ratios.

Cases take turns, round by round, so that what else the machine does falls on all of them alike. A
ratio is the median of the ratios within the rounds. Nothing is asserted; it only prints.

    run = Run(__doc__)
    with run.scratch() as folder:
        run.compare("appending", Case("raw", raw), Case("log", log, beside="raw"))
    run.finish()
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from operator import truediv
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure.

    `work` does it once and returns how many `unit`s it did. `beside` names the case that is its raw
    limit. `aim` is the rate to be reached, in units per second of `clock`; `aim_ratio` the share of
    the raw limit. With `time.process_time` as the clock it is the rate of one processor core.
    """

    name: str
    work: Callable[[], float]
    unit: str = "records"
    beside: str = ""
    aim: float | None = None
    aim_ratio: float | None = None
    clock: Callable[[], float] = time.perf_counter


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: units per second over the rounds, and the share of the raw limit."""

    name: str
    unit: str
    rate: float
    slowest: float
    fastest: float
    beside: str
    ratio: float | None
    aim: float | None
    aim_ratio: float | None


@dataclass(frozen=True, slots=True)
class Amount:
    """What was found once and is no rate, and what it should stay under."""

    name: str
    unit: str
    amount: float
    at_most: float


class Run:
    """One script's run: its command line, its scratch folder, its figures."""

    def __init__(self, description: str | None, *, rounds: int = 5) -> None:
        parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
        parser.add_argument("--rounds", type=int, default=rounds, help="turns of each case")
        parser.add_argument("--full", action="store_true", help="the large sizes; takes minutes")
        parser.add_argument("--json", type=Path, help="also write the figures to this file")
        parser.add_argument("--scratch", type=Path, help="a folder on the disk to be measured")
        self._options = parser.parse_args()
        self._figures: list[Figure | Amount] = []
        self._others: list[object] = []

    @property
    def is_full(self) -> bool:
        """Whether the large sizes were asked for."""
        return bool(self._options.full)

    @property
    def rounds(self) -> int:
        """Turns of each case."""
        return int(self._options.rounds)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give an empty folder that is removed afterwards."""
        parent = self._options.scratch
        with tempfile.TemporaryDirectory(prefix="freehold-bench-", dir=parent) as name:
            yield Path(name)

    def compare(self, title: str, *cases: Case) -> None:
        """Measure cases in turns and print them as a table; one turn before is not counted."""
        rates: dict[str, list[float]] = {case.name: [] for case in cases}
        for turn in range(self._options.rounds + 1):
            for case in cases:
                rate = _rate(case)
                if turn:
                    rates[case.name].append(rate)
        figures = [_figure(case, rates) for case in cases]
        self._figures += figures
        _print(title, figures)

    def tell(self, title: str, *amounts: Amount) -> None:
        """Print amounts as a table."""
        self._figures += amounts
        width = max(len(each.name) for each in amounts)
        print(f"\n{title}")
        for each in amounts:
            found, most = _number(each.amount), _number(each.at_most)
            print(
                f"  {each.name:<{width}}  {found:>9} {each.unit:<12} [aim under {most}]", flush=True
            )

    def keep(self, told: object) -> None:
        """Add to the JSON what was not measured in turns."""
        self._others.append(told)

    def finish(self) -> None:
        """Write the figures as JSON, if that was asked for."""
        if self._options.json:
            figures = [*map(asdict, self._figures), *self._others]
            self._options.json.write_text(json.dumps(figures, indent=1) + "\n")


def in_threads(threads: int, work: Callable[[int], object]) -> None:
    """Run `work(n)` in `threads` threads at once; the first error of any is raised."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)
            raise

    started = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    if errors:
        raise errors[0]


def synced_append(path: Path) -> Callable[[bytes], None]:
    """What appends to a new file and returns once it is synced: the least that durability costs."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)

    def append(data: bytes) -> None:
        os.write(file, data)
        os.fdatasync(file)

    return append


def _rate(case: Case) -> float:
    gc.collect()
    started = case.clock()
    done = case.work()
    return done / (case.clock() - started)


def _figure(case: Case, rates: dict[str, list[float]]) -> Figure:
    own = rates[case.name]
    return Figure(
        case.name,
        case.unit,
        rate=median(own),
        slowest=min(own),
        fastest=max(own),
        beside=case.beside,
        ratio=median(map(truediv, own, rates[case.beside])) if case.beside else None,
        aim=case.aim,
        aim_ratio=case.aim_ratio,
    )


def _print(title: str, figures: Sequence[Figure]) -> None:
    width = max(len(figure.name) for figure in figures)
    print(f"\n{title}")
    for figure in figures:
        line = (
            f"  {figure.name:<{width}}  {_number(figure.rate):>9} {figure.unit + '/s':<12}"
            f" ({_number(figure.slowest)} to {_number(figure.fastest)})  {_each(figure):>8} each"
        )
        if figure.ratio is not None:
            line += f"  = {figure.ratio:.2f} x {figure.beside}"
        aims = [_number(aim) for aim in (figure.aim, figure.aim_ratio) if aim is not None]
        if aims:
            line += f"  [aim {' and '.join(aims)}]"
        print(line, flush=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _each(figure: Figure) -> str:
    seconds = 1 / figure.rate
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
