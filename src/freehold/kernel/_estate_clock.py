"""The clock that an estate goes by: whatever the host's clock does, it never goes back.

    clock = EstateClock(SystemClock())
    clock.hold(LedgerTime("2026-11-24T06:02:49.123456Z"))   # what the ledger says
    clock.now()     # to judge by: has this expired?
    clock.read()    # to record: the host's word, and what is known about it

It does not make a wrong clock right: it sees to it that a wrong clock revives nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import NamedTuple

from freehold.kernel._clock import Clock, ClockState, format_time, watched

JUMP_SECONDS_MIN = 5.0  # a clock that is set right goes by less, unless it was really wrong
_DAWN = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The time as the host tells it, in the form of a record, and what was known about it."""

    time: str
    state: ClockState


class LedgerTime(NamedTuple):
    """The newest time in the ledger, since owners last accepted the host's clock; and how often
    they have.
    """

    newest: str = ""
    accepted: int = 0


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A time, and what `elapsed` said then."""

    time: datetime
    elapsed: float

    def after(self, elapsed: float) -> datetime:
        return self.time + timedelta(seconds=elapsed - self.elapsed)


class EstateClock:
    """Tells the newest of: the host's time, the newest time in the ledger, and the time told before
    with what has passed since. Thread-safe.
    """

    def __init__(self, host: Clock) -> None:
        self._host = watched(host)
        # Owns the fields below. The host is read while it is held, so that a time that entered the
        # ledger was always read before one that is compared with it.
        self._lock = Lock()
        self._ledger, self._newest = LedgerTime(), _DAWN
        self._told = _Anchor(_DAWN, 0.0)
        self._seen: _Anchor | None = None  # of the host's own time, to see it jump
        self._has_jumped = False

    def now(self) -> datetime:
        """The time by which everything that expires is judged, and from which it is counted."""
        with self._lock:
            return self._judge(self._look())

    def read(self) -> ClockReading:
        """The host's own word for a record; a jump is told once, by the first that reads it."""
        with self._lock:
            host, state = self._read()
            self._has_jumped = False
        return ClockReading(format_time(host), state)

    def look(self) -> ClockReading:
        """The same for whoever only wants to see it: what is to be told is still told after it."""
        with self._lock:
            host, state = self._read()
        return ClockReading(format_time(host), state)

    def hold(self, ledger: LedgerTime) -> None:
        """Take over what the ledger says: no time before it is told from here on.

        Where owners have accepted the host's clock, time counts from there again.
        """
        if ledger == self._ledger:
            return
        newest = datetime.fromisoformat(ledger.newest)
        with self._lock:
            if ledger.accepted != self._ledger.accepted:
                self._told = _Anchor(newest, self._host.elapsed())
            self._ledger, self._newest = ledger, newest

    @property
    def accepted(self) -> int:
        """How often owners have accepted the host's clock."""
        return self._ledger.accepted

    def remember(self) -> str:
        """Write down what the next process has to know to go on from here."""
        return f"{self._ledger.accepted} {format_time(self.now())}"

    def resume(self, remembered: str) -> None:
        """Go on from where another process left off, once what the ledger says is held.

        What it told before owners accepted the host's clock is forgotten.
        """
        accepted, told = remembered.split(" ")
        if int(accepted) == self._ledger.accepted:
            with self._lock:
                self._told = _Anchor(datetime.fromisoformat(told), self._host.elapsed())

    def behind_seconds(self) -> float:
        """How far the host's clock is behind the time that the estate goes by; 0 if it is not."""
        with self._lock:
            host = self._look()
            return max(0.0, (self._judge(host) - host).total_seconds())

    def _read(self) -> tuple[datetime, ClockState]:
        host = self._look()
        if host < self._newest:
            return host, ClockState(None, "behind")
        if self._has_jumped:
            return host, ClockState(None, "jumped")
        return host, self._host.state()

    def _look(self) -> datetime:
        host, elapsed = self._host.now(), self._host.elapsed()
        seen = self._seen
        if seen is not None and (host - seen.after(elapsed)).total_seconds() > JUMP_SECONDS_MIN:
            self._has_jumped = True
        self._seen = _Anchor(host, elapsed)
        return host

    def _judge(self, host: datetime) -> datetime:
        elapsed = self._host.elapsed()
        running = self._told.after(elapsed)
        latest = max(host, self._newest)
        if latest < running:
            return running
        self._told = _Anchor(latest, elapsed)
        return latest
