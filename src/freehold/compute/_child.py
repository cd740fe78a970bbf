"""The child's side of a job: what it is given, how its function is called, how it reports.

Imports quickly and knows nothing of an estate. An expected failure (`FreeholdError`) is reported
with its code; an unexpected one ends the process with a traceback of places and types alone,
because the text of a foreign error often quotes the data it stumbled over.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from freehold.compute._confine import confine
from freehold.kernel import FreeholdError

Answer = Callable[[dict[str, Any]], dict[str, Any]]

_NO_MEMORY = ("compute.memory", "the job needs more memory than it may have")
_BOUNDS = {
    errno.ENOMEM: _NO_MEMORY,
    errno.EFBIG: ("compute.output", "the job wrote more than an output may hold"),
}


@dataclass(frozen=True, slots=True)
class Child:
    """What a job's function is given: its parameters, its inputs to read, its outputs to write."""

    parameters: dict[str, Any]
    inputs: Mapping[str, BinaryIO]
    outputs: Mapping[str, BinaryIO]


def main(order_fd: int) -> None:
    """Carry out the order that lies in `order_fd`; called by the bootstrap, once per process."""
    sys.excepthook = _tell_places
    with os.fdopen(order_fd, "rb") as stream:
        order = json.load(stream)
    report_fd: int = order["report"]
    os.write(report_fd, b" ")  # white space before JSON: "the sandbox stands, Python runs"
    confine(order["limits"])
    child = Child(
        order["parameters"],
        {name: os.fdopen(fd, "rb") for name, fd in order["inputs"].items()},
        {name: os.fdopen(fd, "wb") for name, fd in order["outputs"].items()},
    )
    if order["serve"] is None:
        _write(report_fd, _outcome(lambda: _run(order["entry"], child)))
    else:
        _serve(order, child)


def _load(entry: str) -> Callable[[Child], Any]:
    module, _, function = entry.partition(":")
    loaded: Callable[[Child], Any] = getattr(importlib.import_module(module), function)
    return loaded


def _run(entry: str, child: Child) -> dict[str, Any]:
    report = _load(entry)(child)
    for output in child.outputs.values():
        output.close()
    used = resource.getrusage(resource.RUSAGE_SELF)
    usage = {"cpu_seconds": used.ru_utime + used.ru_stime, "peak_bytes": _peak_bytes()}
    return {"report": report, "usage": usage}


def _serve(order: Mapping[str, Any], child: Child) -> None:
    channel, line_bytes = order["serve"], order["line_bytes"]
    opened: list[Answer] = []

    def open_once() -> dict[str, Any]:
        opened.append(_load(order["entry"])(child))
        return {"ready": True}

    _write(channel, _outcome(open_once))
    if not opened:
        return
    with os.fdopen(os.dup(channel), "rb") as requests:
        while line := requests.readline(line_bytes + 1):
            _write(channel, _outcome(partial(_reply, opened[0], line)))


def _reply(answer: Answer, line: bytes) -> dict[str, Any]:
    return {"reply": answer(json.loads(line))}


def _outcome(work: Callable[[], dict[str, Any]]) -> bytes:
    """Do the work and encode what came of it, as one line."""
    try:
        result = work()
    except FreeholdError as error:
        result = _error(error.code, error.message, hint=error.hint)
    except MemoryError:
        result = _error(*_NO_MEMORY)
    except OSError as error:
        if error.errno not in _BOUNDS:
            raise
        result = _error(*_BOUNDS[error.errno])
    return json.dumps(result, allow_nan=False).encode() + b"\n"


def _error(code: str, message: str, *, hint: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "hint": hint}}


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _peak_bytes() -> int:
    """Read the peak of resident memory; getrusage would count the parent's, from before exec."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _tell_places(*told: Any) -> None:
    """Print an exception as `sys.excepthook` is told of it, without its message."""
    kind, _, places = told
    for frame in traceback.extract_tb(places):
        print(f"{frame.filename}:{frame.lineno} in {frame.name}", file=sys.stderr)
    print(f"{kind.__module__}.{kind.__qualname__}", file=sys.stderr)
