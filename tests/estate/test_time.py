"""Time: whatever the host's clock does, nothing that expired counts again, and the record tells."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from freehold.kernel import Ref, format_time, parse_time
from freehold.kernel.acts import Conflict
from freehold.kernel.policy import Denied
from freehold.kernel.signatures import Statement, sign
from freehold.parties import IssuedToken, PartyError, Unauthenticated
from tests.estate.world import World, check_everything, copy_world
from tests.kernel.clocks import FakeHostClock

TEN_YEARS = {"days": 3650}


@pytest.fixture
def host() -> FakeHostClock:
    return FakeHostClock(datetime.now(UTC) + timedelta(minutes=1))


@pytest.fixture
def timed(founded: Path, tmp_path: Path, host: FakeHostClock):
    world = copy_world(founded, tmp_path / "timed", clock=host)
    yield world
    world.close()


def log_in(world: World, person: str) -> IssuedToken:
    statement = world.estate.people.statement(person, "token.login").message()
    return world.estate.people.login(statement, sign(statement, world.key(person)))


def counts(world: World, issued: IssuedToken) -> bool:
    try:
        world.estate.people.authenticate(issued.token)
    except Unauthenticated:
        return False
    return True


def newest(world: World) -> Any:
    return world.estate.pipeline.record(world.estate.pipeline.stores.log.size - 1)


def estate_of(world: World) -> Ref:
    return world.estate.pipeline.circumstances.estate


def is_approved(world: World) -> bool:
    """Whether an approval of the rotation counts, without using it up."""
    valid = world.estate.people.valid(
        "custody.rotate",
        estate_of(world),
        evidence=world.estate._evidence()["custody.rotate"](estate_of(world)),
        excluded=frozenset(),
    )
    return bool(valid)


def in_1970(host: FakeHostClock) -> None:
    host.time = datetime(1970, 1, 1, tzinfo=UTC)


def forth_and_back(host: FakeHostClock) -> None:
    host.set_by(**TEN_YEARS)
    host.set_by(days=-3651)


CLOCKS: dict[str, Callable[[FakeHostClock], None]] = {
    "set back by a minute": lambda host: host.set_by(minutes=-1),
    "set back by a month": lambda host: host.set_by(days=-31),
    "set back by a year": lambda host: host.set_by(days=-365),
    "starts in 1970": in_1970,
    "set forward by ten years and back": forth_and_back,
}


@pytest.mark.parametrize("is_restarted", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize("move", CLOCKS.values(), ids=CLOCKS.keys())
def test_what_expired_stays_expired(timed, host, move, is_restarted):
    issued = log_in(timed, "stella")
    timed.approve("olivia", "custody.rotate", estate_of(timed))
    statement = timed.estate.people.statement("ravi", "token.login").message()
    assert counts(timed, issued)
    assert is_approved(timed)
    host.wait(days=31)
    assert not counts(timed, issued)
    assert not is_approved(timed)
    if is_restarted:
        timed.close()
        host.restart()
        move(host)
        timed.open()
    else:
        move(host)
    assert not counts(timed, issued)
    assert not is_approved(timed)
    with pytest.raises(PartyError, match="expired"):
        timed.estate.people.login(statement, sign(statement, timed.key("ravi")))
    assert counts(timed, again := log_in(timed, "stella"))  # and work goes on
    host.wait(days=30)
    assert not counts(timed, again)
    check_everything(timed.estate)


def test_the_order_of_records_is_that_of_the_log_and_each_tells_of_its_clock(timed, host):
    told: list[tuple[str, str]] = []
    for move in (
        lambda: host.wait(hours=1),
        lambda: host.set_by(days=-20),
        lambda: host.set_by(days=25),
        lambda: host.wait(seconds=1),
    ):
        move()
        timed.ingest(f"table-{len(told)}", data_class="internal")
        record = newest(timed)
        told.append((record.time, record.clock.state))
    assert [state for _, state in told] == ["synchronized", "behind", "jumped", "synchronized"]
    assert [time for time, _ in told] != sorted(time for time, _ in told)
    acts = timed.estate.history.acts(timed.actor("ada"), limit=1_000)
    assert [act.index for act in acts] == sorted((act.index for act in acts), reverse=True)
    check_everything(timed.estate)


@pytest.fixture
def from_the_future(timed, host):
    """An estate whose host was ten years ahead for a day, and is right again."""
    timed.approve("olivia", "custody.rotate", estate_of(timed))
    host.set_by(**TEN_YEARS)
    timed.ingest("of-the-future", data_class="internal")
    host.wait(days=1)
    host.set_by(days=-3650)
    return timed


def test_a_wrong_future_is_safe_and_work_goes_on_in_it(from_the_future, host):
    issued = log_in(from_the_future, "stella")
    assert parse_time(issued.expires) > host.time + timedelta(days=3650)
    assert counts(from_the_future, issued)
    status = from_the_future.estate.clock.status(
        from_the_future.estate.people.authenticate(log_in(from_the_future, "olivia").token)
    )
    assert (status.host, status.state) == (format_time(host.time), "behind")
    assert status.behind_seconds == timedelta(days=3650).total_seconds()
    check_everything(from_the_future.estate)


def test_another_owner_must_approve_that_the_clock_is_accepted(from_the_future):
    owner = from_the_future.actor("olivia")
    with pytest.raises(Denied) as denied:
        from_the_future.estate.clock.accept(owner)
    assert denied.value.policies == ("charter.approvals.estate-accept_clock",)


def accept(world: World) -> None:
    owner = world.estate.people.authenticate(log_in(world, "olivia").token)
    world.approve("oscar", "estate.accept_clock", estate_of(world))
    world.estate.clock.accept(owner)


def test_from_an_acceptance_time_counts_by_the_host_and_all_log_in_anew(from_the_future, host):
    world = from_the_future
    before = log_in(world, "stella")
    world.approve("olivia", "custody.rotate", estate_of(world))
    accept(world)
    assert newest(world).facts["abandoned"] > "2036"
    assert not counts(world, before)
    assert not is_approved(world)
    issued = log_in(world, "stella")
    assert parse_time(issued.expires) == host.time + timedelta(days=30)
    assert newest(world).clock.state == "synchronized"
    world.reopen()
    assert counts(world, issued)
    assert not counts(world, before)
    assert world.estate.pipeline.clock.now() == host.time
    host.wait(days=30)
    assert not counts(world, issued)
    world._actors.clear()
    check_everything(world.estate)


def test_a_crash_after_an_acceptance_does_not_bring_the_wrong_time_back(
    from_the_future, host, tmp_path
):
    from_the_future.reopen()  # which remembers the wrong time
    accept(from_the_future)
    from_the_future.estate.pipeline.stores.log.publish()
    crashed = copy_world(from_the_future.folder, tmp_path / "crashed", clock=host)
    assert crashed.estate.pipeline.clock.now() == host.time
    crashed.close()


def test_a_role_taken_in_a_wrong_future_ends_with_it(timed, host):
    def ask() -> Ref:
        asked = timed.estate.emergency.request(
            timed.actor("otto"), "steward", minutes=60, code="outage", reason="Nobody else is here"
        )
        return Ref.parse(asked.ref)

    host.set_by(**TEN_YEARS)
    untaken, taken = ask(), ask()
    for asked in (untaken, taken):
        timed.approve("ravi", "access.break_glass", asked)
    timed.estate.emergency.break_glass(timed.actor("otto"), str(taken))
    under_way = timed.actor("otto")
    timed.estate.data.list(under_way)
    host.set_by(days=-3650)
    accept(timed)
    with pytest.raises(Denied):
        timed.estate.data.list(under_way)
    timed._actors.clear()
    for is_reopened in (False, True):
        if is_reopened:
            timed.reopen()
            timed.estate.pipeline.rebuild()
        with pytest.raises(Denied):
            timed.estate.data.list(timed.actor("otto"))
        listed = timed.estate.emergency.list(timed.actor("olivia"))
        states = {each.ref: each.state for each in listed}
        assert states == {str(taken): "over", str(untaken): "lapsed"}
    concerns = timed.estate.status(timed.actor("olivia")).concerns
    assert "emergency.unreviewed" in {each.code for each in concerns}
    host.wait(days=30)
    timed._actors.clear()
    concerns = timed.estate.status(timed.actor("olivia")).concerns
    assert "emergency.review_overdue" in {each.code for each in concerns}
    timed.estate.emergency.review(
        timed.actor("ravi"), str(taken), outcome="justified", finding="A clock was wrong"
    )
    asked = ask()
    timed.approve("ravi", "access.break_glass", asked)
    assert timed.estate.emergency.break_glass(timed.actor("otto"), str(asked)).state == "open"
    check_everything(timed.estate)


def test_a_role_asked_for_in_a_wrong_future_is_asked_for_again(from_the_future):
    otto = from_the_future.actor("otto")
    asked = from_the_future.estate.emergency.request(
        otto, "steward", minutes=60, code="outage", reason="Nobody else is here"
    )
    accept(from_the_future)
    from_the_future._actors.clear()
    from_the_future.approve("ravi", "access.break_glass", Ref.parse(asked.ref))
    with pytest.raises(Conflict, match="accepted the host's clock"):
        from_the_future.estate.emergency.break_glass(from_the_future.actor("otto"), asked.ref)


def test_a_clock_that_is_right_is_not_accepted(timed):
    owner = timed.actor("olivia")
    timed.approve("oscar", "estate.accept_clock", estate_of(timed))
    with pytest.raises(Conflict, match="not behind"):
        timed.estate.clock.accept(owner)
    assert newest(timed).error == "clock.right"


SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed > 2 else []) for seed in range(1, 13)]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_walk_of_the_clock_revives_a_token_or_an_approval(timed, host, seed):
    """Once something did not count, or was past its time by a clock that was right, it is dead."""
    choices = random.Random(seed)
    tokens: list[tuple[IssuedToken, datetime]] = []  # with the true time at which it must be dead
    dead: set[str] = set()
    true, statements = host.time, list[tuple[Statement, str]]()
    for _ in range(25):
        match choices.choice(("wait", "set", "login", "sign", "restart", "accept")):
            case "wait":
                days = choices.choice((0, 1, 8, 31))
                host.wait(days=days, minutes=1)
                true += timedelta(days=days, minutes=1)
            case "set":
                host.set_by(days=choices.choice((-3650, -365, -31, -1, 1, 31, 3650)))
            case "login":
                tokens.append((log_in(timed, "stella"), true + timedelta(days=30)))
            case "sign":
                said = timed.estate.people.statement("ravi", "token.login")
                statements.append((said, sign(said.message(), timed.key("ravi"))))
            case "restart":
                timed.close()
                host.restart()
                timed.open()
            case "accept" if timed.estate.pipeline.clock.behind_seconds() > 5:
                accept(timed)
        for issued, last in tokens:
            if not counts(timed, issued):
                dead.add(issued.id)
            assert not (counts(timed, issued) and issued.id in dead)
            assert true < last or not counts(timed, issued)
    for said, signature in statements:
        if parse_time(said.expires) <= timed.estate.pipeline.clock.now():
            with pytest.raises(PartyError, match="expired"):
                timed.estate.people.login(said.message(), signature)
    log = timed.estate.pipeline.stores.log
    records = [timed.estate.pipeline.record(index) for index in range(log.size)]
    for before, record in pairwise(records):
        assert record.time >= before.time or record.clock.state == "behind"
