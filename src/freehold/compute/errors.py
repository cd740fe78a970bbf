"""What can go wrong around an isolated process.

FreeholdError
└── ComputeError
    ├── IsolationError   compute.isolation: the level asked for is not to be had; nothing ran
    ├── JobFailed        the job ended without a result; `code` says why:
    │                      compute.timeout, compute.memory, compute.output, compute.crashed,
    │                      or the code of the expected error that the job itself reported
    └── WorkerGone       compute.worker_crashed, compute.worker_timeout, compute.worker_closed:
                         this worker will never answer again; start another
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class ComputeError(FreeholdError):
    """Work in a process of its own did not come to its end."""


class IsolationError(ComputeError):
    """The isolation asked for cannot be had on this machine; nothing was run."""


class JobFailed(ComputeError):
    """A job, or one request to a worker, ended without a result.

    Args:
        code: `compute.…`, or the code that the job reported itself.
        message: what happened.
        hint: the next step, or empty.
        stderr_tail: the end of what the process wrote, parameters blotted out. It may hold
            governed data, so show it to those alone who may read the inputs; never record it.
    """

    def __init__(self, code: str, message: str, *, hint: str = "", stderr_tail: str = "") -> None:
        super().__init__(code, message, hint)
        self.stderr_tail = stderr_tail


class WorkerGone(ComputeError):
    """A worker has crashed, hung or been closed, and is not used again.

    Args:
        code: `compute.worker_crashed`, `compute.worker_timeout` or `compute.worker_closed`.
        message: what happened.
        hint: the next step, or empty.
        stderr_tail: as in `JobFailed`.
    """

    def __init__(self, code: str, message: str, *, hint: str = "", stderr_tail: str = "") -> None:
        super().__init__(code, message, hint)
        self.stderr_tail = stderr_tail
