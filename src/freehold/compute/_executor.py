"""Run jobs in processes of this machine, at a level of isolation that was tried before.

    executor = LocalExecutor()                       # the best level this machine offers
    result = executor.run(Job("freehold.training:train", parameters, {"data": rows}, ("model",)))

It never runs a job at a lower level than it says.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any

from freehold.compute._job import Isolation, Job, JobResult, Usage
from freehold.compute._limits import JobLimits
from freehold.compute._outcome import read_report
from freehold.compute._process import Launcher
from freehold.compute._worker import Worker
from freehold.compute.errors import IsolationError, JobFailed

_NAMESPACES = ("user", "net", "mnt", "pid", "ipc")


class LocalExecutor:
    """Runs jobs as processes of this machine.

    Args:
        level: the isolation to run at; None takes the best that a trial shows to hold.
        code: more folders of modules that jobs may import, beside Freehold and its environment.

    Raises:
        IsolationError: a trial shows that the level asked for does not hold on this machine.
    """

    def __init__(self, level: Isolation | None = None, *, code: Sequence[Path] = ()) -> None:
        if level not in (None, Isolation.process) and (reached := _leaks(level)):
            raise IsolationError(
                "compute.isolation",
                f"isolation by {level.name} does not hold here: {reached}",
                "install bubblewrap and allow user namespaces, or accept a lower level",
            )
        self._level = level
        self._code = tuple(path.resolve() for path in code)
        self._lock = Lock()  # guards the making of the launcher, which lives as long as this
        self._made: Launcher | None = None

    @property
    def _launcher(self) -> Launcher:
        """Made when first needed: many a command never runs a job, and the trial takes time."""
        with self._lock:
            if self._made is None:
                level = probe() if self._level is None else self._level
                self._made = Launcher(level, self._code)
            return self._made

    @property
    def isolation(self) -> Isolation:
        """The level at which every job of this executor runs."""
        return self._launcher.level

    def run(self, job: Job) -> JobResult:
        """Run a job to its end.

        Raises:
            IsolationError: the sandbox could not be set up; nothing was run.
            JobFailed: it ended without a result; `code` says why.
            LimitError: an input is larger than the job's limits allow.
        """
        return _run(self._launcher, job)

    def start(self, job: Job) -> Worker:
        """Start a worker and wait until it is ready.

        Raises:
            IsolationError: the sandbox could not be set up.
            JobFailed: the worker reports that it cannot be opened.
            LimitError: an input is larger than the job's limits allow.
            WorkerGone: it crashed or was not ready in time.
        """
        return Worker(self._launcher, job)


def _run(launcher: Launcher, job: Job) -> JobResult:
    with closing(launcher.launch(job)) as process:
        end = process.wait(job.limits.wall_seconds)
        process.kill()  # before anything is read: nothing may write to it any more
        envelope = read_report(process, end)
        report = envelope["report"]
        if end is None or not isinstance(report, dict):
            raise JobFailed("compute.crashed", "the job's report is not a JSON object")
        outputs = {name: process.read(name) for name in job.outputs}
        used = envelope["usage"]
        usage = Usage(used["cpu_seconds"], end.wall_seconds, used["peak_bytes"])
        return JobResult(report, outputs, usage, launcher.level)


def probe() -> Isolation:
    """Find the best level of isolation that really holds on this machine, by trying each."""
    for level in (Isolation.bubblewrap, Isolation.namespaces):
        if not _leaks(level):
            return level
    return Isolation.process


def _leaks(level: Isolation) -> str:
    """Say what a process at `level` could reach, or why it could not start; empty if it holds."""
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX) as by_path,
    ):
        place = Path(folder)
        by_path.bind(str(place / "socket"))
        by_path.listen()
        (place / "secret").write_text("secret")
        parameters: dict[str, Any] = {
            "port": listener.getsockname()[1],
            "folder": folder,
            "namespaces": {name: os.readlink(f"/proc/self/ns/{name}") for name in _NAMESPACES},
        }
        job = Job("freehold.compute._trial:run", parameters, limits=JobLimits(wall_seconds=30))
        try:
            report = _run(Launcher(level), job).report
        except (IsolationError, JobFailed) as error:
            return error.message
        return ", ".join(report["reached"])
