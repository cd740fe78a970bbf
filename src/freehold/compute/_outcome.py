"""Tell what happened from how a process ended and what it left; only reads."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping
from typing import Any

from freehold.compute._process import Exit, Process
from freehold.compute.errors import ComputeError, IsolationError, JobFailed
from freehold.kernel import FreeholdError, parse_json

_CODE = re.compile(r"[a-z][a-z0-9_]{0,31}(\.[a-z0-9_]{1,48}){1,3}")
_TEXT_CHARS_MAX = 2_000  # an error's message from a child that may be anything
_BLOT_CHARS_MIN = 4  # shorter values occur everywhere and tell nothing


def read_report(process: Process, end: Exit | None) -> dict[str, Any]:
    """Give the finished job's report envelope, or raise why there is none.

    Raises:
        IsolationError: the sandbox could not be set up; nothing of the job was run.
        JobFailed: everything else that keeps a job from its result.
    """
    if end is None:
        raise JobFailed(
            "compute.timeout",
            f"the job was stopped after {process.job.limits.wall_seconds:g} seconds",
            hint="allow it more wall_seconds, or give it less to do",
            stderr_tail=stderr_tail(process),
        )
    if process.size(":report") == 0:
        raise IsolationError(
            "compute.isolation",
            f"no isolated process could be started: {stderr_tail(process)[-400:].strip()}",
            "probe() tells which level this machine offers",
        )
    if process.size(":report") > process.job.limits.report_bytes:
        raise JobFailed(
            "compute.output", f"the report exceeds {process.job.limits.report_bytes} bytes"
        )
    envelope = parse_envelope(process, process.read(":report"), key="report")
    if envelope is None or end.code != 0:
        raise _crashed(process, end)
    return envelope


def parse_envelope(process: Process, line: bytes, *, key: str) -> dict[str, Any] | None:
    """Read `{key: …}`; None when it is neither that nor an error.

    Raises:
        JobFailed: the child reports an error, with its code.
    """
    try:
        envelope = parse_json(line)
    except FreeholdError:
        return None
    if not isinstance(envelope, dict):
        return None
    if isinstance(error := envelope.get("error"), dict):
        code, message, hint = (str(error.get(part, "")) for part in ("code", "message", "hint"))
        raise JobFailed(
            code if _CODE.fullmatch(code) else "compute.crashed",
            message[:_TEXT_CHARS_MAX],
            hint=hint[:_TEXT_CHARS_MAX],
            stderr_tail=stderr_tail(process),
        )
    return envelope if key in envelope else None


def stderr_tail(process: Process) -> str:
    """Read the end of standard error, with every text of the parameters blotted out."""
    text = process.tail(":stderr", process.job.limits.stderr_tail_bytes).decode(errors="replace")
    for value in sorted(_texts(process.job.parameters), key=len, reverse=True):
        text = text.replace(value, "[parameter]")
    return text


def _crashed(process: Process, end: Exit) -> ComputeError:
    tail = stderr_tail(process)
    # the first process of a namespace is spared SIGXCPU and killed a second later
    if end.signal == signal.SIGXCPU or end.cpu_seconds >= process.job.limits.cpu_seconds:
        message = f"the job used its {process.job.limits.cpu_seconds} seconds of CPU"
        return JobFailed("compute.timeout", message, stderr_tail=tail)
    # the words with which Rust's standard library ends a process that gets no memory
    if "memory allocation of" in tail:
        message = f"the job needs more than its {process.job.limits.memory_bytes} bytes of memory"
        return JobFailed("compute.memory", message, stderr_tail=tail)
    how = f"signal {end.signal}" if end.signal else f"exit code {end.code}"
    return JobFailed(
        "compute.crashed",
        f"the job ended with {how} and without a report",
        hint="stderr_tail of this error shows where",
        stderr_tail=tail,
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) >= _BLOT_CHARS_MIN:
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
