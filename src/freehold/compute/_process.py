"""Start one isolated process, wait for it, kill it, read what it left. Knows no job's meaning.

Inputs, outputs, the order, the report and standard error are memfds: anonymous memory handed over
by descriptor, so plaintext never touches a disk and no name leads to it. Inputs are sealed against
writing (fcntl(2), F_SEAL_WRITE).
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from freehold.compute._job import Isolation, Job
from freehold.compute._sandbox import sandbox_command, source_folder
from freehold.kernel import LimitError

# -s -P: neither the user's site folder nor the current folder is searched; the environment is ours,
# and -I would make Python ignore PYTHONHASHSEED. -B: the folders are read-only.
_PYTHON = ("-s", "-P", "-B", "-c")
_BOOTSTRAP = (
    "import sys; sys.path[:0] = sys.argv[2:]; "
    "from freehold.compute._child import main; main(int(sys.argv[1]))"
)
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
_PASSED_ON = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # they choose kernels, and so the last bits
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
_COPY_BYTES = 1_048_576  # read an input in pieces; it may not fit twice


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: its exit code, or the number of the signal that ended it."""

    code: int
    signal: int
    cpu_seconds: float
    wall_seconds: float


class Process:
    """One running child and the memory it shares with its parent. Used by one thread at a time."""

    def __init__(
        self,
        job: Job,
        popen: subprocess.Popen[bytes],
        *,
        files: dict[str, int],
        resources: ExitStack,
    ) -> None:
        self.job = job
        self._popen = popen
        self._files = files
        self._resources = resources
        self._started = time.monotonic()
        self._exit: Exit | None = None
        self._pidfd = os.pidfd_open(popen.pid)
        resources.callback(os.close, self._pidfd)

    def wait(self, timeout_seconds: float | None) -> Exit | None:
        """Wait for the end; None when it has not come in time."""
        if self._exit is None:
            if not select.select([self._pidfd], [], [], timeout_seconds)[0]:
                return None
            _, status, used = os.wait4(self._popen.pid, 0)
            code = os.waitstatus_to_exitcode(status)
            self._popen.returncode = code
            # bwrap and a shell tell of a signal inside as 128 + its number
            number = -code if code < 0 else code - 128 if code > 128 else 0
            wall = time.monotonic() - self._started
            self._exit = Exit(code, number, used.ru_utime + used.ru_stime, wall)
        return self._exit

    def kill(self) -> None:
        """End the whole process group at once and wait until it is gone."""
        if self._exit is None:
            # The child is not yet waited for, so its number cannot belong to another group.
            os.killpg(self._popen.pid, signal.SIGKILL)
            self.wait(None)

    def read(self, name: str) -> bytes:
        """Read the output, report or standard error of that name from its start."""
        return os.pread(self._files[name], os.fstat(self._files[name]).st_size, 0)

    def tail(self, name: str, length: int) -> bytes:
        """Read the last `length` bytes."""
        size = os.fstat(self._files[name]).st_size
        return os.pread(self._files[name], length, max(0, size - length))

    def forget_stderr(self) -> None:
        """Give the memory of a long standard error back; the child goes on writing at its start."""
        if self.size(":stderr") > self.job.limits.stderr_kept_bytes:
            os.ftruncate(self._files[":stderr"], 0)

    def size(self, name: str) -> int:
        """Tell how many bytes it holds."""
        return os.fstat(self._files[name]).st_size

    def close(self) -> None:
        """Kill the process if it still runs and give all memory back."""
        self.kill()
        self._resources.close()


class Launcher:
    """Starts processes at one level of isolation, all from one thread.

    The kernel ends a child when the *thread* that started it ends (prctl(2), PR_SET_PDEATHSIG), not
    its process. So a thread that lives as long as this launcher starts them all, and a worker that
    was asked for by a short-lived thread lives on.
    """

    def __init__(self, level: Isolation, code: tuple[Path, ...] = ()) -> None:
        self.level = level
        self._before = [*sandbox_command(level, code), sys.executable, *_PYTHON, _BOOTSTRAP]
        self._paths = [str(source_folder()), *map(str, code)]
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="freehold-launcher")

    def launch(self, job: Job, serve: int | None = None) -> Process:
        """Start the job's process; `serve` is the child's end of a worker's channel.

        Raises:
            LimitError: an input is larger than the job's limits allow.
        """
        with ExitStack() as opened:
            files = {name: _memory(name, opened) for name in (":report", ":stderr", *job.outputs)}
            fcntl.fcntl(files[":stderr"], fcntl.F_SETFL, os.O_APPEND)
            inputs = {
                name: _sealed(source, opened, bytes_max=job.limits.input_bytes)
                for name, source in job.inputs.items()
            }
            order = json.dumps(_order(job, files=files, inputs=inputs, serve=serve)).encode()
            order_fd = _sealed(order, opened, bytes_max=job.limits.input_bytes)
            passed = [order_fd, files[":report"], *inputs.values()]
            passed += [files[name] for name in job.outputs] + ([] if serve is None else [serve])
            spawning = self._thread.submit(
                self._spawn, order_fd, passed=passed, stderr=files[":stderr"]
            )
            return Process(job, spawning.result(), files=files, resources=opened.pop_all())

    def _spawn(self, order_fd: int, *, passed: list[int], stderr: int) -> subprocess.Popen[bytes]:
        environment = _ENVIRONMENT | {k: os.environ[k] for k in _PASSED_ON if k in os.environ}
        return subprocess.Popen(
            [*self._before, str(order_fd), *self._paths],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            pass_fds=passed,
            start_new_session=True,  # one group to kill, and no terminal to type into
        )


def _order(
    job: Job, *, files: dict[str, int], inputs: dict[str, int], serve: int | None
) -> dict[str, Any]:
    return {
        "entry": job.entry,
        "parameters": dict(job.parameters),
        "inputs": inputs,
        "outputs": {name: files[name] for name in job.outputs},
        "report": files[":report"],
        "serve": serve,
        "line_bytes": job.limits.line_bytes,
        "limits": {
            "memory_bytes": job.limits.memory_bytes,
            "cpu_seconds": job.limits.cpu_seconds if serve is None else None,
            "output_bytes": job.limits.output_bytes,
            "files": job.limits.files,
        },
    }


def _memory(name: str, opened: ExitStack) -> int:
    fd = os.memfd_create(f"freehold{name}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    opened.callback(os.close, fd)
    return fd


def _sealed(source: bytes | BinaryIO, opened: ExitStack, *, bytes_max: int) -> int:
    """Copy `source` into memory that nobody can write any more."""
    fd = _memory(":input", opened)
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    size = 0
    with os.fdopen(fd, "wb", closefd=False) as memory:
        while piece := stream.read(_COPY_BYTES):
            size += len(piece)
            if size > bytes_max:
                raise LimitError(
                    "compute.input_too_large",
                    f"an input has more than {bytes_max} bytes, which a job may not hold in memory",
                )
            memory.write(piece)
    os.lseek(fd, 0, os.SEEK_SET)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
    return fd
