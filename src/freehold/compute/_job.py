"""What a job is, what it gives back, what an executor promises. Values only; nothing runs here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from freehold.compute._limits import JobLimits

if TYPE_CHECKING:
    from freehold.compute._worker import Worker


class Isolation(IntEnum):
    """How far a process is cut off from the machine it runs on; a higher number holds more back.

    The numbers are codes of the public interface and stand in the ledger.
    """

    process = 0  # bounded, but it can read, write and connect as its user can
    namespaces = 1  # own user, network, mount, pid, ipc and uts namespaces, set up by a script
    bubblewrap = 2  # the same by `bwrap`, which also forbids new namespaces inside


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work for a process of its own.

    Args:
        entry: `module:function`. For `run` the function takes a `Child` and returns the report;
            for `start` it takes a `Child` and returns the function that answers one request.
        parameters: a JSON object.
        inputs: bytes or a readable binary file by name; handed over in memory, never on disk.
        outputs: names of the outputs that the job writes.
        limits: bounds of the process.
    """

    entry: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, bytes | BinaryIO] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    limits: JobLimits = field(default_factory=JobLimits)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a finished job took; processor and memory as the process itself read them at its end."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int  # resident memory at its highest


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job gave back, and how isolated it ran."""

    report: dict[str, Any]
    outputs: Mapping[str, bytes]
    usage: Usage
    isolation: Isolation


class Executor(Protocol):
    """Runs jobs somewhere. May be slow; must not run one at a lower isolation than it says."""

    @property
    def isolation(self) -> Isolation: ...

    def run(self, job: Job) -> JobResult: ...

    def start(self, job: Job) -> Worker: ...
