"""What one estate is like, told by a fresh process as one line of JSON: opening, acts, keys, lists.

    python growth_probe.py FOLDER

Run by `bench_growth.py` on a grown estate and on a new one.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from measure import in_threads
from trial import Trial, filled_up, reopened

from freehold.kernel import Ref, new_id
from freehold.kernel.acts import Actor

SERIAL, THREADS, EACH, RECEIPTS, KEYS, ERASED = 150, 64, 20, 100, 200, 3
ROUNDS = 5


def main() -> None:
    """Measure and print."""
    told: dict[str, float] = {}
    started = time.perf_counter()
    with reopened(Path(sys.argv[1])) as trial:
        told["open s"] = time.perf_counter() - started
        told["peak MB, opened"] = peak_mb()
        trial.pipeline.enforce(filled_up(trial.pipeline.policies))
        told["acts/s, one by one"] = rate(lambda: repeat(trial.answer, SERIAL))
        told[f"acts/s, {THREADS} threads"] = rate(lambda: together(trial))
        told["peak MB, after acts"] = peak_mb()
        told |= dict(receipts(trial)) | keys(trial) | lists(trial)
        told["peak MB, at the end"] = peak_mb()
        started = time.perf_counter()
    told["close s"] = time.perf_counter() - started
    print(json.dumps(told))


def rate(work: Callable[[], int]) -> float:
    """Units per second, the median of some rounds after one that does not count."""
    rates = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        done = work()
        rates.append(done / (time.perf_counter() - started))
    return median(rates[1:])


def repeat(work: Callable[[], object], times: int) -> int:
    """Do the work so many times."""
    for _ in range(times):
        work()
    return times


def together(trial: Trial) -> int:
    """Answer in many threads at once."""
    in_threads(THREADS, lambda _: repeat(trial.answer, EACH))
    return THREADS * EACH


def each_ms(work: Callable[[int], object], count: int) -> float:
    """Milliseconds that one takes."""
    started = time.perf_counter()
    for number in range(count):
        work(number)
    return (time.perf_counter() - started) / count * 1e3


def receipts(trial: Trial) -> dict[str, float]:
    """Receipts of records all over the log."""
    log = trial.pipeline.stores.log
    log.publish()
    size = log.size
    return {"receipt ms": each_ms(lambda n: log.receipt(n * 7_919 % size).text(), RECEIPTS)}


def keys(trial: Trial) -> dict[str, float]:
    """Domains that nobody asked for yet, new ones, and erased ones."""
    keyring, log = trial.pipeline.stores.keyring, trial.pipeline.stores.log
    known = [
        trial.pipeline.record(n * 104_729 % log.size).body.domain  # type: ignore[index]  # each has one
        for n in range(KEYS)
    ]
    made = [new_id() for _ in range(KEYS)]
    return {
        "domain, not cached ms": each_ms(lambda n: keyring.domain(known[n]), KEYS),
        "new domain ms": each_ms(lambda n: keyring.new_domain(made[n]), KEYS),
        "erase domain ms": each_ms(lambda n: keyring.erase(made[n]), ERASED),
    }


def lists(trial: Trial) -> dict[str, float]:
    """What people look at."""
    estate, auditor = trial.estate, trial.people["ada"]
    deployment = str(trial.deployment)
    return {
        "newest acts ms": each_ms(lambda _: estate.history.acts(auditor, limit=20), 5),
        "acts on one deployment ms": each_ms(
            lambda _: estate.history.acts(auditor, resource=deployment, limit=20), 2
        ),
        "acts on another thing ms": each_ms(
            lambda _: estate.history.acts(auditor, resource=str(Ref("model", new_id()))), 2
        ),
        "data.list ms": each_ms(lambda _: estate.data.list(auditor), 5),
        "serving.list ms": each_ms(lambda _: estate.serving.list(auditor), 5),
        "lineage of an answer ms": each_ms(lambda _: lineage(trial, auditor), 5),
        "collect ms": each_ms(lambda _: estate.upkeep.collect(trial.people["otto"]), 1),
    }


def lineage(trial: Trial, auditor: Actor) -> None:
    """What one answer in the middle of the log came from."""
    record = trial.pipeline.record(trial.pipeline.stores.log.size // 2)
    trial.estate.history.lineage(auditor, record.outputs[0].ref)


def peak_mb() -> float:
    """The most memory that this process ever had, in 10^6 bytes."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1_024 / 1e6


if __name__ == "__main__":
    main()
