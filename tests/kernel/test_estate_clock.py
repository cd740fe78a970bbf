"""The estate's clock: never back, whatever the host's does; and what is told about the host's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.kernel import (
    ClockState,
    EstateClock,
    LedgerTime,
    SystemClock,
    format_time,
    parse_time,
    watched,
)
from tests.kernel.clocks import SYNCHRONIZED, FakeHostClock
from tests.line.founding import StoppedClock


@pytest.fixture
def host() -> FakeHostClock:
    return FakeHostClock()


def held(host: FakeHostClock, **ahead: float) -> EstateClock:
    """A clock that knows a time in the ledger, as far ahead of the host's."""
    clock = EstateClock(host)
    clock.hold(LedgerTime(format_time(host.time + timedelta(**ahead))))
    return clock


def test_a_clock_that_is_right_is_followed(host):
    clock = held(host)
    assert clock.now() == host.time
    host.wait(days=3)
    assert clock.now() == host.time
    assert clock.read().time == format_time(host.time)
    assert clock.read().state == SYNCHRONIZED
    assert clock.behind_seconds() == 0


def test_a_clock_set_back_stops_neither_the_estate_nor_what_expires(host):
    clock = held(host)
    before = clock.now()
    host.set_by(days=-365)
    host.wait(hours=2)
    assert clock.now() == before + timedelta(hours=2)
    assert clock.read().time == format_time(host.time)
    assert clock.read().state == ClockState(None, "behind")
    assert clock.behind_seconds() == timedelta(days=365).total_seconds()


def test_a_machine_that_starts_in_1970_goes_on_from_the_newest_record():
    host = FakeHostClock(datetime(1970, 1, 1, tzinfo=UTC))
    host.known = ClockState(None, "unsynchronized")
    clock = EstateClock(host)
    assert clock.read().state.state == "unsynchronized"  # nothing is known that is later
    clock.hold(LedgerTime("2026-11-24T06:02:49.123456Z"))
    assert clock.now() == parse_time("2026-11-24T06:02:49.123456Z")
    host.wait(minutes=1)
    assert clock.now() == parse_time("2026-11-24T06:03:49.123456Z")
    assert clock.read().state.state == "behind"


@pytest.mark.parametrize(("seconds", "state"), [(4, "synchronized"), (6, "jumped")])
def test_a_jump_forward_is_told_by_the_first_record_after_it(host, seconds, state):
    clock = held(host)
    clock.read()
    host.wait(hours=5)  # time that passed is no jump
    host.set_by(seconds=seconds)
    assert clock.look().state.state == state
    assert clock.now() == host.time  # believed: it can only end things early
    assert [clock.read().state.state for _ in range(3)] == [state, "synchronized", "synchronized"]


def test_after_a_wrong_future_time_goes_on_from_there_until_owners_accept_the_clock(host):
    clock = held(host)
    host.set_by(days=3650)
    wrong = clock.now()
    clock.hold(LedgerTime(clock.read().time))
    host.set_by(days=-3650)
    assert clock.now() == wrong
    assert clock.read().state.state == "behind"
    clock.hold(LedgerTime(clock.read().time, accepted=1))
    assert clock.now() == host.time
    assert clock.read().state == SYNCHRONIZED
    host.wait(days=1)
    assert clock.now() == host.time


def test_an_acceptance_also_ends_what_was_told_and_never_recorded(host):
    clock = held(host)
    host.set_by(days=3650)
    clock.now()
    host.set_by(days=-3650)
    clock.hold(LedgerTime(clock.read().time, accepted=1))
    assert clock.now() == host.time


def test_the_next_process_goes_on_where_the_last_one_was(host):
    ledger = LedgerTime(format_time(host.time))
    first = EstateClock(host)
    first.hold(ledger)
    host.wait(days=2)
    remembered = first.remember()
    host.set_by(days=-2)
    host.restart()
    second = EstateClock(host)
    second.hold(ledger)
    assert second.now() == host.time
    second.resume(remembered)
    assert second.now() == host.time + timedelta(days=2)


def test_what_was_told_before_an_acceptance_is_not_gone_on_from(host):
    first = held(host)
    host.set_by(days=3650)
    remembered = first.remember()
    host.set_by(days=-3650)
    second = EstateClock(host)
    second.hold(LedgerTime(format_time(host.time), accepted=1))
    second.resume(remembered)
    assert second.now() == host.time


MOVES = st.lists(
    st.tuples(
        st.sampled_from(("wait", "set", "record", "restart")),
        st.integers(-400 * 86_400, 400 * 86_400),
    ),
    max_size=40,
)


@given(MOVES)
def test_it_never_goes_back_and_never_stands_still(moves):
    host = FakeHostClock()
    clock, ledger = EstateClock(host), LedgerTime()
    told = clock.now()
    for move, seconds in moves:
        passed = 0.0
        if move == "wait":
            passed = abs(seconds)
            host.wait(seconds=passed)
        elif move == "set":
            host.set_by(seconds=seconds)
        elif move == "record":
            ledger = LedgerTime(max(ledger.newest, clock.read().time))
            clock.hold(ledger)
        else:
            remembered = clock.remember()
            host.restart()
            clock = EstateClock(host)
            clock.hold(ledger)
            clock.resume(remembered)
        assert clock.now() >= told + timedelta(seconds=passed)
        told = clock.now()
        assert not ledger.newest or told >= parse_time(ledger.newest)


def test_this_machines_clock_tells_what_its_kernel_knows():
    clock = SystemClock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    first = clock.elapsed()
    assert 0 <= clock.elapsed() - first < 5
    state = clock.state()
    assert state.state in ("synchronized", "unsynchronized", "unknown")
    assert (state.error_ms is not None) == (state.state == "synchronized")
    assert clock.state() is state  # asked again after a second only


def test_a_clock_that_only_tells_the_time_lets_as_much_pass_as_it_goes_forward():
    bare = StoppedClock()
    clock = watched(bare)
    first = clock.elapsed()
    bare.advance(hours=1)
    bare.advance(hours=-3)
    assert clock.elapsed() - first == 0.0
    bare.advance(hours=2)
    assert clock.elapsed() - first == timedelta(hours=2).total_seconds()
    assert clock.state().state == "unknown"
    assert watched(clock) is clock
