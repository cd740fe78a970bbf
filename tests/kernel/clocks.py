"""A clock that tests set, on a machine whose passing of time they decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from freehold.kernel import ClockState, HostClock

SYNCHRONIZED = ClockState(3, "synchronized")


class FakeHostClock(HostClock):
    """A host's clock. `wait` lets time pass, `set_by` sets the clock as operators and thieves do,
    and `restart` is what a restarted machine does to what has passed since it started.
    """

    def __init__(self, time: datetime = datetime(2026, 11, 24, 6, tzinfo=UTC)) -> None:
        self.time = time
        self.passed = 1_000.0
        self.known = SYNCHRONIZED

    def now(self) -> datetime:
        return self.time

    def elapsed(self) -> float:
        return self.passed

    def state(self) -> ClockState:
        return self.known

    def wait(self, **time: float) -> None:
        passed = timedelta(**time)
        assert passed >= timedelta(0), "time does not go back, clocks do"
        self.time += passed
        self.passed += passed.total_seconds()

    def set_by(self, **time: float) -> None:
        self.time += timedelta(**time)

    def restart(self) -> None:
        self.passed = 0.0
