"""Workers answer, end with their parent, and are never used again once they failed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from freehold.compute import (
    Isolation,
    IsolationError,
    Job,
    JobFailed,
    JobLimits,
    LocalExecutor,
    Worker,
    WorkerGone,
)
from freehold.kernel import LimitError

ENTRIES = Path(__file__).parent / "entries"


@pytest.fixture(params=list(Isolation), ids=lambda level: level.name)
def executor(request: pytest.FixtureRequest) -> LocalExecutor:
    try:
        return LocalExecutor(request.param, code=[ENTRIES])
    except IsolationError as error:
        pytest.skip(f"not run: {error.message}")


def start(executor: LocalExecutor, function: str = "counter", **limits: float) -> Worker:
    return executor.start(
        Job(
            f"sample_entries:{function}",
            inputs={"start": b"10"},
            limits=JobLimits(**limits),  # type: ignore[arg-type]
        )
    )


def test_a_worker_answers_one_request_after_another(executor: LocalExecutor) -> None:
    with start(executor) as worker:
        assert worker.isolation is executor.isolation
        first = worker.ask({"add": 1}, timeout_seconds=10)
        second = worker.ask({"add": 2}, timeout_seconds=10)
    assert (first["total"], second["total"]) == (11, 13)
    assert first["pid"] == second["pid"]


def test_many_threads_share_a_worker(executor: LocalExecutor) -> None:
    with start(executor) as worker, ThreadPoolExecutor(8) as pool:
        ask = lambda _: worker.ask({"add": 1}, timeout_seconds=30)["total"]  # noqa: E731
        assert sorted(pool.map(ask, range(40))) == list(range(11, 51))


def test_a_refused_request_leaves_the_worker_usable(executor: LocalExecutor) -> None:
    with start(executor) as worker:
        with pytest.raises(JobFailed) as caught:
            worker.ask({"do": "refuse"}, timeout_seconds=10)
        assert caught.value.code == "sample.refused"
        assert worker.ask({"add": 1}, timeout_seconds=10)["total"] == 11


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"do": "hang"}, "compute.worker_timeout"),
        ({"do": "die"}, "compute.worker_crashed"),
        ({"do": "babble"}, "compute.worker_crashed"),
        ({"surprise": 1}, "compute.worker_crashed"),
    ],
)
def test_a_worker_that_failed_is_never_used_again(
    executor: LocalExecutor, request_: dict[str, object], code: str
) -> None:
    with start(executor) as worker:
        timeout = 1 if request_.get("do") == "hang" else 30
        with pytest.raises(WorkerGone) as caught:
            worker.ask(request_, timeout_seconds=timeout)
        assert caught.value.code == code
        with pytest.raises(WorkerGone) as again:
            worker.ask({"add": 1}, timeout_seconds=10)
        assert again.value.code == code


def test_what_a_worker_logs_never_fills_its_bound(executor: LocalExecutor) -> None:
    with start(executor, output_bytes=5_000_000) as worker:
        for _ in range(5):
            assert worker.ask({"do": "log"}, timeout_seconds=10) == {}


def test_a_closed_worker_says_so(executor: LocalExecutor) -> None:
    worker = start(executor)
    worker.close()
    worker.close()
    with pytest.raises(WorkerGone) as caught:
        worker.ask({"add": 1}, timeout_seconds=10)
    assert caught.value.code == "compute.worker_closed"


def test_a_request_beyond_its_bound_is_refused(executor: LocalExecutor) -> None:
    with start(executor, line_bytes=100) as worker:
        with pytest.raises(LimitError):
            worker.ask({"add": 1, "more": "x" * 100}, timeout_seconds=10)
        assert worker.ask({"add": 1}, timeout_seconds=10)["total"] == 11


def test_a_worker_that_cannot_be_opened_says_why(executor: LocalExecutor) -> None:
    with pytest.raises(JobFailed) as caught:
        start(executor, "never_ready")
    assert caught.value.code == "sample.no_model"


def test_a_worker_that_is_not_ready_in_time_is_given_up(executor: LocalExecutor) -> None:
    with pytest.raises(WorkerGone) as caught:
        start(executor, "slow_to_open", start_seconds=1)
    assert caught.value.code == "compute.worker_timeout"


def test_a_worker_outlives_the_thread_that_asked_for_it(executor: LocalExecutor) -> None:
    started: list[Worker] = []
    thread = threading.Thread(target=lambda: started.append(start(executor)))
    thread.start()
    thread.join()
    time.sleep(0.2)
    with started[0] as worker:
        assert worker.ask({"add": 1}, timeout_seconds=10)["total"] == 11


def test_a_worker_dies_with_its_parent(executor: LocalExecutor) -> None:
    """The parent is killed, so that it cannot tidy up, while the worker is busy."""
    script = (
        "import sys, threading; from pathlib import Path; from freehold.compute import *\n"
        f"level, code = Isolation({int(executor.isolation)}), [Path({str(ENTRIES)!r})]\n"
        "executor = LocalExecutor(level, code=code)\n"
        "worker = executor.start(Job('sample_entries:counter', inputs={'start': b'0'}))\n"
        "print(flush=True)\n"
        "worker.ask({'do': 'hang'}, timeout_seconds=600)\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        time.sleep(0.3)
        [group] = _groups_started_by(parent.pid)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _lives(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(group)


def _groups_started_by(pid: int) -> list[int]:
    return [group for _, parent, group in _processes() if parent == pid]


def _lives(group: int) -> bool:
    return group in {its_group for _, _, its_group in _processes()}


def _processes() -> list[tuple[int, int, int]]:
    """List what runs as (pid, parent, group), without what only waits to be reaped."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, *fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if state not in "ZX":
                found.append((int(folder.name), int(fields[0]), int(fields[1])))
    return found
