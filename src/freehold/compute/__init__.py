"""Work in processes of their own: least rights, no network, bounded, nothing left behind.

A job gets inputs in memory and gives back a report and outputs; a worker answers requests until it
is closed. Which level of isolation was reached is found by trial and told with each result. Nothing
here knows of datasets, models or acts.
"""

from freehold.compute._child import Answer, Child
from freehold.compute._executor import LocalExecutor, probe
from freehold.compute._job import Executor, Isolation, Job, JobResult, Usage
from freehold.compute._limits import JobLimits
from freehold.compute._worker import Worker
from freehold.compute.errors import ComputeError, IsolationError, JobFailed, WorkerGone

__all__ = [
    "Answer",
    "Child",
    "ComputeError",
    "Executor",
    "Isolation",
    "IsolationError",
    "Job",
    "JobFailed",
    "JobLimits",
    "JobResult",
    "LocalExecutor",
    "Usage",
    "Worker",
    "WorkerGone",
    "probe",
]
