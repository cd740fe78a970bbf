"""The clock of this machine, and what its kernel knows about it.

Asks the kernel alone (adjtimex(2)): it does not find out itself whether the time is right.
"""

from __future__ import annotations

import ctypes
import time
from datetime import UTC, datetime
from typing import Any

from freehold.kernel._clock import ClockState

_ASKED_EVERY_SECONDS = 1.0  # a daemon corrects the clock every 16 s at the most
_TIME_ERROR, _STA_UNSYNC = 5, 0x0040  # linux/timex.h: nothing has set the clock right for long
_LONGS_BEFORE_STATUS = ("offset", "freq", "maxerror", "esterror")
_REST_BYTES = 512  # more than the kernel writes after the status


class _Timex(ctypes.Structure):
    """The beginning of `struct timex`; maxerror is in microseconds."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in _LONGS_BEFORE_STATUS),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * _REST_BYTES),
    )


class SystemClock:
    """The clock of this machine, in UTC."""

    def __init__(self) -> None:
        self._adjtimex: Any = getattr(ctypes.CDLL(None), "adjtimex", None)
        # Replaced as one value: threads that meet here ask the kernel twice, which is harmless.
        self._known = (-_ASKED_EVERY_SECONDS, ClockState(None, "unknown"))

    def now(self) -> datetime:
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Seconds since the machine started, those it slept included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def state(self) -> ClockState:
        """What the kernel knows about the clock; not older than a second."""
        elapsed = self.elapsed()
        asked_at, state = self._known
        if elapsed - asked_at >= _ASKED_EVERY_SECONDS:
            state = self._ask()
            self._known = (elapsed, state)
        return state

    def _ask(self) -> ClockState:
        if self._adjtimex is None:
            return ClockState(None, "unknown")
        timex = _Timex()  # modes 0: read, set nothing
        answer = self._adjtimex(ctypes.byref(timex))
        if answer < 0:  # a sandbox that forbids even to ask
            return ClockState(None, "unknown")
        if answer == _TIME_ERROR or timex.status & _STA_UNSYNC:
            return ClockState(None, "unsynchronized")
        return ClockState(-(-timex.maxerror // 1_000), "synchronized")
