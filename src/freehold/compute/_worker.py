"""A long-lived isolated process: one request at a time; once failed, never used again."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

from freehold.compute._job import Isolation, Job
from freehold.compute._outcome import parse_envelope, read_report, stderr_tail
from freehold.compute._process import Launcher, Process
from freehold.compute.errors import WorkerGone
from freehold.kernel import LimitError

_RECEIVE_BYTES = 65_536  # one piece of a reply


class Worker:
    """An isolated process that answers JSON objects with JSON objects.

    It ends with its parent, when closed, and on its first crash or missed deadline.
    """

    def __init__(self, launcher: Launcher, job: Job) -> None:
        self.isolation: Isolation = launcher.level
        self._launcher = launcher  # its thread must live as long as the process that it started
        self._job = job
        self._lock = threading.Lock()  # one request at a time; guards all below
        self._gone = ""
        self._channel, theirs = socket.socketpair()
        try:
            self._process: Process = launcher.launch(job, theirs.fileno())
        except BaseException:
            self._channel.close()
            raise
        finally:
            theirs.close()
        try:
            self._first_line()
        except BaseException:
            self.close()
            raise

    def ask(self, request: dict[str, Any], *, timeout_seconds: float) -> dict[str, Any]:
        """Send one request and wait for its reply. Safe to call from many threads.

        Raises:
            JobFailed: the worker refused this request, with its own code; it stays usable.
            LimitError: the request is longer than a line may be.
            WorkerGone: it crashed, did not answer in time, or was closed before.
        """
        line = json.dumps(request, allow_nan=False).encode() + b"\n"
        if len(line) > self._job.limits.line_bytes:
            raise LimitError(
                "compute.request_too_large",
                f"a request of {len(line)} bytes, at most {self._job.limits.line_bytes} are sent",
                "send fewer rows at a time",
            )
        with self._lock:
            if self._gone:
                raise WorkerGone(
                    self._gone, "this worker has ended and answers no more", hint="start another"
                )
            reply = self._exchange(line, timeout_seconds)
            self._process.forget_stderr()
            answer = parse_envelope(self._process, reply, key="reply")
            if answer is None or not isinstance(answer["reply"], dict):
                raise self._end("compute.worker_crashed", "the worker sent no proper reply")
            result: dict[str, Any] = answer["reply"]
            return result

    def close(self) -> None:
        """End the process, after a request under way. May be called again."""
        with self._lock:
            self._gone = self._gone or "compute.worker_closed"
            self._channel.close()
            self._process.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _first_line(self) -> None:
        """Wait until the worker is ready.

        Raises:
            IsolationError, JobFailed, WorkerGone: it never will be.
        """
        try:
            line = self._exchange(b"", self._job.limits.start_seconds)
        except WorkerGone as gone:
            if gone.code == "compute.worker_crashed":
                read_report(self._process, self._process.wait(None))
            raise
        if parse_envelope(self._process, line, key="ready") is None:
            raise self._end("compute.worker_crashed", "the worker did not say that it is ready")

    def _exchange(self, line: bytes, timeout_seconds: float) -> bytes:
        deadline = time.monotonic() + timeout_seconds
        reply = bytearray()
        try:
            self._channel.settimeout(timeout_seconds)
            self._channel.sendall(line)
            while not reply.endswith(b"\n"):
                self._channel.settimeout(max(0.001, deadline - time.monotonic()))
                piece = self._channel.recv(_RECEIVE_BYTES)
                reply += piece
                if not piece or len(reply) > self._job.limits.line_bytes:
                    message = "the worker ended, or its reply was too long"
                    raise self._end("compute.worker_crashed", message)
        except TimeoutError as error:
            message = f"the worker did not answer within {timeout_seconds:g} seconds"
            raise self._end("compute.worker_timeout", message) from error
        except OSError as error:
            raise self._end("compute.worker_crashed", "the worker ended") from error
        return bytes(reply)

    def _end(self, code: str, message: str) -> WorkerGone:
        """Kill the process; whoever holds the lock calls this. Gives the error to raise."""
        self._gone = code
        self._process.kill()
        tail = stderr_tail(self._process)
        return WorkerGone(code, message, hint="start another worker", stderr_tail=tail)
