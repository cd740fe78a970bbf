"""Time: what a clock is asked, what is known about it, and how a moment is written.

The clock of this machine is in `_host_clock`, the one that expiries are judged by in
`_estate_clock` (docs/decisions/0018).
"""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Lock
from typing import Protocol, runtime_checkable

import msgspec

from freehold.kernel.errors import MalformedError

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Clock(Protocol):
    """Tells the time. May be wrong; must be aware of its zone (UTC)."""

    def now(self) -> datetime: ...


class ClockState(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What was known about a clock when it was read; `clock` of a record.

    Args:
        error_ms: how far off it may be at most, by the host's own word; None where that is not
            known.
        state: `synchronized` or `unsynchronized` with a source of time, or `unknown`; `behind`:
            earlier than a time that is in the ledger already; `jumped`: since it was read last it
            went forward by more than the time that passed.
    """

    error_ms: int | None
    state: str


@runtime_checkable
class HostClock(Clock, Protocol):
    """A clock that also tells how much time has passed, and what is known about it."""

    def elapsed(self) -> float:
        """Seconds since some fixed moment: they never go back, whatever the time is set to."""
        ...

    def state(self) -> ClockState: ...


class _BareClock:
    """A clock that tells the time alone: time has passed as far as it went forward."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()  # guards the two below
        self._last = clock.now()
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._clock.now()

    def elapsed(self) -> float:
        with self._lock:
            now = self._clock.now()
            self._elapsed += max(0.0, (now - self._last).total_seconds())
            self._last = now
            return self._elapsed

    def state(self) -> ClockState:
        return ClockState(None, "unknown")


def watched(clock: Clock) -> HostClock:
    """Give a clock as one that tells how much time has passed; of a bare one, as far as it can."""
    return clock if isinstance(clock, HostClock) else _BareClock(clock)


def format_time(moment: datetime) -> str:
    """Write a moment as RFC 3339 UTC with microseconds: `2026-11-24T06:02:49.123456Z`."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone; use UTC")
    return moment.astimezone(UTC).strftime(_FORMAT)


def parse_time(text: str) -> datetime:
    """Read what `format_time` writes.

    Raises:
        MalformedError: any other shape.
    """
    try:
        moment = datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
        if format_time(moment) == text:  # `strptime` also takes shorter forms
            return moment
    except (ValueError, TypeError) as error:
        raise _malformed(text) from error
    raise _malformed(text)


def _malformed(text: object) -> MalformedError:
    return MalformedError(
        "kernel.time", f"expected a time like 2026-11-24T06:02:49.123456Z, got {text!r:.60}"
    )
