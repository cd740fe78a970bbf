"""The thread that publishes an open log in time, without holding up those who append.

It sleeps while nothing waits, and rests as long as it worked: those who append need the disk and
the interpreter too. A failed publication has stopped the log already; the thread ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread

from freehold.kernel.ledger.errors import LogRefusedError, LogStoppedError


class Publisher:
    """Calls `publish` once the first record has waited `delay_s`, or `records_max` wait.

    Half of the time at most, unless `delay_s` has passed: records that come faster than they are
    published wait in larger numbers, and never longer.
    """

    def __init__(self, publish: Callable[[], object], *, delay_s: float, records_max: int) -> None:
        self._publish = publish
        self._delay_s = delay_s
        self._records_max = records_max
        self._has_records = Event()
        self._is_due = Event()
        self._is_stopping = Event()
        # A daemon: an owner that forgets to close must not keep the process alive.
        self._thread = Thread(target=self._run, name="ledger-publisher", daemon=True)

    def start(self, *, has_records: bool) -> None:
        """Begin to publish.

        Raises:
            LogRefusedError: the machine gives no thread.
        """
        if has_records:
            self._has_records.set()
        try:
            self._thread.start()
        except RuntimeError as error:
            raise LogRefusedError(
                "ledger.thread",
                f"the log cannot publish: {error}",
                "give the process more memory and threads (ulimit -v, -u), then try again",
            ) from error

    def notify(self, count: int) -> None:
        """Take note that `count` records wait; costs nothing while it is known already."""
        if not self._has_records.is_set():
            self._has_records.set()
        if count >= self._records_max and not self._is_due.is_set():
            self._is_due.set()

    def stop(self) -> None:
        """End the thread after the publication in progress."""
        self._is_stopping.set()
        self._is_due.set()
        self._has_records.set()
        self._thread.join()

    def _run(self) -> None:
        rest_s = 0.0
        while not self._is_stopping.is_set():
            self._has_records.wait()
            self._is_stopping.wait(rest_s)
            self._is_due.wait(self._delay_s - rest_s)
            if self._is_stopping.is_set():
                return
            self._has_records.clear()  # before the snapshot: what comes later sets it again
            self._is_due.clear()
            started = time.monotonic()
            try:
                self._publish()
            except LogStoppedError:
                return
            rest_s = min(time.monotonic() - started, self._delay_s)
