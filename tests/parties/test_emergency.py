"""Break-glass: a role taken for a time, marked, alarming, over by the clock, then reviewed."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from freehold.data import Format, Provenance
from freehold.kernel import FreeholdError, MalformedError, Ref, format_time
from freehold.kernel.acts import Conflict, NotFound, Record
from freehold.kernel.policy import Denied, PolicySet
from freehold.parties import Emergency, PartyError
from tests.estate.world import PURPOSE, World, check_everything, copy_world, dump, table
from tests.line.founding import StoppedClock, found

GLASS = "access.break_glass"
RULE = '[approvals."access.break_glass"]\ncount = 1\nroles = ["owner", "reviewer"]\n'
ABOUT = Provenance("health", (PURPOSE,))


def alone(charter: str) -> str:
    """The same rules, but one person suffices."""
    assert RULE in charter
    return charter.replace(RULE, "").replace("alone = false", "alone = true")


def without_table(charter: str) -> str:
    """The same rules without emergencies, and roles that name every act about access."""
    head, _, rest = charter.partition("[emergency]")
    return (head + rest[rest.index("[reviews]") :]).replace('"access.show"', '"access.*"')


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def timed(founded: Path, tmp_path: Path, clock: StoppedClock) -> Iterator[World]:
    world = copy_world(founded, tmp_path / "timed", clock=clock)
    yield world
    world.close()


@pytest.fixture(scope="session")
def founded_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone") / "world"
    world = found(folder, alone)
    world.ratify()
    world.close()
    return folder


@pytest.fixture
def single(founded_alone: Path, tmp_path: Path, clock: StoppedClock) -> Iterator[World]:
    world = copy_world(founded_alone, tmp_path / "single", clock=clock)
    yield world
    world.close()


def ask(world: World, person: str = "otto", role: str = "steward", minutes: int = 60) -> Emergency:
    return world.estate.emergency.request(
        world.actor(person), role, minutes=minutes, code="outage", reason="Stella is on a plane"
    )


def take(world: World, person: str = "otto", role: str = "steward", minutes: int = 60) -> Emergency:
    """Ask, be approved by the reviewer, and take."""
    asked = ask(world, person, role, minutes)
    world.approve("ravi", GLASS, Ref.parse(asked.ref))
    return world.estate.emergency.break_glass(world.actor(person), asked.ref)


def ingest(world: World, person: str, name: str = "rescued") -> None:
    world.estate.data.ingest(
        world.actor(person), name, io.BytesIO(table()), format=Format.CSV, about=ABOUT
    )


def newest(world: World) -> Record:
    return world.estate.pipeline.record(world.estate.pipeline.stores.log.size - 1)


def concerns(world: World) -> dict[str, str]:
    status = world.estate.status(world.actor("olivia"))
    return {each.code: each.about for each in status.concerns}


# ---- by two persons


def test_a_role_is_taken_for_a_time_with_what_it_is_cleared_for(timed, clock):
    with pytest.raises(Denied):
        ingest(timed, "otto")
    taken = take(timed)
    assert (taken.state, taken.role) == ("open", "steward")
    assert taken.expires == format_time(clock.now() + timedelta(minutes=60))
    ingest(timed, "otto")
    clock.advance(minutes=59, seconds=59)
    ingest(timed, "otto", "more")
    clock.advance(seconds=1)
    with pytest.raises(Denied) as refused:
        ingest(timed, "otto", "too-late")
    assert refused.value.policies == ()
    check_everything(timed.estate)


def test_nobody_takes_a_role_without_the_other_persons_signature(world):
    asked = ask(world)
    assert asked.state == "asked"
    with pytest.raises(Denied) as refused:
        world.estate.emergency.break_glass(world.actor("otto"), asked.ref)
    assert refused.value.policies == ("charter.approvals.access-break_glass",)
    with pytest.raises(Denied):
        ingest(world, "otto")


def test_whoever_asks_does_not_approve_and_neither_does_who_has_no_such_role(world):
    asked = ask(world, "olivia")
    world.approve("olivia", GLASS, Ref.parse(asked.ref))
    with pytest.raises(Denied):
        world.estate.emergency.break_glass(world.actor("olivia"), asked.ref)
    with pytest.raises(Denied):
        world.approve("otto", GLASS, Ref.parse(asked.ref))
    world.approve("oscar", GLASS, Ref.parse(asked.ref))
    world.estate.emergency.break_glass(world.actor("olivia"), asked.ref)


def test_an_approval_is_of_one_request_and_opens_no_other(world):
    mine, other = ask(world), ask(world, minutes=240)
    world.approve("ravi", GLASS, Ref.parse(mine.ref))
    with pytest.raises(Denied):
        world.estate.emergency.break_glass(world.actor("otto"), other.ref)
    with pytest.raises(Denied) as refused:
        world.estate.emergency.break_glass(world.actor("stella"), mine.ref)
    assert "charter.emergency.own" in refused.value.policies
    world.estate.emergency.break_glass(world.actor("otto"), mine.ref)
    with pytest.raises(Denied):
        world.estate.emergency.break_glass(world.actor("otto"), mine.ref)


@pytest.mark.parametrize(
    ("person", "role", "minutes", "policy"),
    [
        ("otto", "steward", 241, "charter.emergency.minutes"),
        ("otto", "scientist", 60, "charter.emergency.roles"),
        ("otto", "owner", 60, "charter.emergency.roles"),
        ("dana", "operator", 60, "charter.emergency.who"),
        ("ada", "operator", 60, "charter.emergency.who"),
    ],
)
def test_only_what_the_charter_names_is_asked_for(world, person, role, minutes, policy):
    with pytest.raises(Denied) as refused:
        ask(world, person, role, minutes)
    assert refused.value.policies == (policy,)


def test_slips_are_told_and_nothing_is_recorded_of_them(world):
    emergency, otto = world.estate.emergency, world.actor("otto")
    size = world.estate.pipeline.stores.log.size
    good: dict[str, Any] = {"minutes": 60, "code": "outage", "reason": "x"}
    for role, change, code in (
        ("nobody", {}, "party.code"),
        ("steward", {"code": "sunshine"}, "emergency.code"),
        ("steward", {"minutes": 0}, "emergency.minutes"),
        ("steward", {"minutes": 1_441}, "emergency.minutes"),
        ("steward", {"minutes": 2**60}, "emergency.minutes"),
        ("steward", {"reason": " "}, "party.words"),
        ("steward", {"reason": "x" * 4_001}, "party.words"),
    ):
        with pytest.raises(PartyError) as refused:
            emergency.request(otto, role, **{**good, **change})
        assert refused.value.code == code
    for name in ("emergency:00000000-0000-7000-8000-000000000000", "user:otto", "emergency:x"):
        for call in (emergency.break_glass, emergency.end):
            with pytest.raises((NotFound, MalformedError)):
                call(otto, name)
    assert world.estate.pipeline.stores.log.size == size


def test_a_role_that_one_holds_is_not_taken(world):
    with pytest.raises(Conflict) as refused:
        ask(world, "stella", "steward")
    assert refused.value.code == "emergency.held"


def test_a_request_lapses_even_when_it_was_approved(timed, clock):
    asked = ask(timed)
    timed.approve("ravi", GLASS, Ref.parse(asked.ref))
    clock.advance(hours=24, seconds=1)
    with pytest.raises(Conflict) as refused:
        timed.estate.emergency.break_glass(timed.actor("otto"), asked.ref)
    assert refused.value.code == "emergency.lapsed"
    (listed,) = timed.estate.emergency.list(timed.actor("olivia"))
    assert listed.state == "lapsed"


def test_a_role_taken_in_an_emergency_approves_nothing_and_enrols_nobody(timed):
    take(timed, "stella", "operator")
    timed.ingest()
    asked = ask(timed, "olivia", "operator")
    with pytest.raises(Denied):
        timed.approve("otto", GLASS, Ref.parse(asked.ref))
    with pytest.raises(Denied):
        timed.estate.people.token(timed.actor("stella"), "stella")


# ---- its end


def test_an_owner_ends_it_at_once_and_so_does_who_took_it(world):
    taken = take(world)
    with pytest.raises(Denied):
        world.estate.emergency.end(world.actor("stella"), taken.ref)
    ended = world.estate.emergency.end(world.actor("oscar"), taken.ref)
    assert ended.state == "over"
    with pytest.raises(Denied):
        ingest(world, "otto")
    with pytest.raises(Conflict):
        world.estate.emergency.end(world.actor("oscar"), taken.ref)
    given = take(world, "stella", "operator")
    assert world.estate.emergency.end(world.actor("stella"), given.ref).state == "over"
    check_everything(world.estate)


def test_it_ends_with_the_persons_part(world):
    take(world)
    actor = world.actor("otto")
    world.estate.people.revoke(world.actor("olivia"), "otto")
    with pytest.raises(Denied) as refused:
        world.estate.data.list(actor)
    assert refused.value.policies == ("charter.active",)


def test_it_is_over_after_a_restart_too_and_not_before(timed, clock):
    take(timed)
    timed.reopen()
    ingest(timed, "otto")
    clock.advance(minutes=61)
    timed.reopen()
    with pytest.raises(Denied):
        ingest(timed, "otto", "more")


def test_what_is_remembered_of_a_principal_does_not_outlive_the_emergency(timed, clock):
    take(timed, minutes=1)
    otto, listed = timed.actor("otto"), []
    for _ in range(120):
        try:
            timed.estate.data.list(otto)
            listed.append(True)
        except Denied:
            listed.append(False)
        clock.advance(seconds=1)
    assert listed == [True] * 60 + [False] * 60


# ---- what is marked


def test_everything_done_under_it_is_marked_and_listed(timed, clock):
    taken = take(timed)
    ingest(timed, "otto")
    assert newest(timed).facts["under"] == [taken.ref]
    with pytest.raises(Denied):
        timed.estate.people.revoke(timed.actor("otto"), "dana")
    assert newest(timed).facts == {"under": [taken.ref]}
    with pytest.raises(FreeholdError):
        ingest(timed, "otto", "Bad Name")
    ingest(timed, "stella", "unmarked")
    assert "under" not in newest(timed).facts
    clock.advance(hours=2)
    timed.ingest("later")
    listed = timed.estate.history.acts(timed.actor("ada"), under=taken.ref)
    assert {(act.act, act.phase) for act in listed} == {
        ("dataset.ingest", "done"),
        ("person.revoke", "denied"),
    }
    assert {act.principal for act in listed} == {taken.person}
    before = dump(timed.estate)
    timed.estate.pipeline.rebuild()
    assert dump(timed.estate) == before


def test_why_it_was_taken_stands_in_no_record(world):
    taken = take(world)
    world.estate.emergency.end(world.actor("otto"), taken.ref)
    world.estate.emergency.review(
        world.actor("ravi"), taken.ref, outcome="justified", finding="The plane was real"
    )
    world.estate.pipeline.stores.log.publish()
    for path in (world.home / "ledger").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert b"plane" not in content
    (listed,) = world.estate.emergency.list(world.actor("ada"))
    assert (listed.reason, listed.finding) == ("Stella is on a plane", "The plane was real")


# ---- the alarm


def test_taking_a_role_sounds_an_alarm_with_ids_alone(world, caplog):
    with caplog.at_level(logging.WARNING):
        taken = take(world)
    (line,) = [each for each in caplog.records if each.name == "freehold.alarm"]
    assert line.levelno == logging.WARNING
    told = json.loads(line.getMessage())
    record = newest(world)
    assert told == {
        "alarm": GLASS,
        "id": record.id,
        "index": world.estate.pipeline.stores.log.size - 1,
        "log": record.log,
        "principal": taken.person,
        "resource": taken.ref,
        "time": record.time,
    }
    assert concerns(world)["emergency.open"] == taken.ref


def test_a_refusal_or_a_failure_sounds_none(world, caplog):
    asked = ask(world)
    with caplog.at_level(logging.WARNING), pytest.raises(Denied):
        world.estate.emergency.break_glass(world.actor("otto"), asked.ref)
    assert not caplog.records


# ---- one alone


def test_one_alone_takes_it_where_the_charter_says_so_and_the_alarm_sounds(single, caplog):
    asked = ask(single)
    with caplog.at_level(logging.WARNING):
        taken = single.estate.emergency.break_glass(single.actor("otto"), asked.ref)
    assert taken.state == "open"
    assert len(caplog.records) == 1
    ingest(single, "otto")
    check_everything(single.estate)


def test_of_two_taken_at_once_one_is_refused(single):
    asked = [ask(single), ask(single)]
    start, outcomes = threading.Barrier(2), []

    def attempt(ref: str) -> None:
        start.wait()
        try:
            single.estate.emergency.break_glass(single.actor("otto"), ref)
            outcomes.append("taken")
        except Denied as error:
            outcomes.extend(error.policies)

    single.actor("otto")
    threads = [threading.Thread(target=attempt, args=[each.ref]) for each in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["charter.emergency.unreviewed", "taken"]


def test_acts_while_it_expires_are_each_before_or_after(single, clock):
    taken = single.estate.emergency.break_glass(single.actor("otto"), ask(single, minutes=1).ref)
    start, seen = threading.Barrier(4), []

    def attempt(number: int) -> None:
        start.wait()
        for turn in range(20):
            try:
                ingest(single, "otto", f"set-{number}-{turn}")
                seen.append("done")
            except Denied:
                seen.append("denied")
            if number == 0:
                clock.advance(seconds=5)

    threads = [threading.Thread(target=attempt, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen.count("done") + seen.count("denied") == 80
    assert seen.count("done") >= 12
    records = map(single.estate.pipeline.record, range(single.estate.pipeline.stores.log.size))
    for record in records:
        if record.act == "dataset.ingest":
            assert (record.facts.get("under") == [taken.ref]) is (record.phase == "done")
    with pytest.raises(Denied):
        ingest(single, "otto")
    check_everything(single.estate)


# ---- the review


def test_the_next_one_waits_for_the_review_of_the_last_by_another_person(timed, clock):
    taken = take(timed)
    with pytest.raises(Conflict):
        timed.estate.emergency.review(
            timed.actor("ravi"), taken.ref, outcome="justified", finding="not over yet"
        )
    clock.advance(hours=1)
    again = ask(timed)
    timed.approve("ravi", GLASS, Ref.parse(again.ref))
    with pytest.raises(Denied) as refused:
        timed.estate.emergency.break_glass(timed.actor("otto"), again.ref)
    assert refused.value.policies == ("charter.emergency.unreviewed",)
    review = timed.estate.emergency.review
    with pytest.raises(Denied):
        review(timed.actor("otto"), taken.ref, outcome="justified", finding="it was me")
    with pytest.raises(PartyError):
        review(timed.actor("ravi"), taken.ref, outcome="wonderful", finding="x")
    done = review(timed.actor("ravi"), taken.ref, outcome="justified", finding="as described")
    assert (done.state, done.reviewed_by) == ("reviewed", str(timed.actor("ravi").principal))
    with pytest.raises(Conflict):
        review(timed.actor("olivia"), taken.ref, outcome="misused", finding="no")
    timed.estate.emergency.break_glass(timed.actor("otto"), again.ref)


def test_an_owner_who_took_a_role_does_not_review_it(timed, clock):
    taken = take(timed, "olivia")
    clock.advance(hours=1)
    with pytest.raises(Denied) as refused:
        timed.estate.emergency.review(
            timed.actor("olivia"), taken.ref, outcome="justified", finding="trust me"
        )
    assert refused.value.policies == ("charter.emergency.review-own",)


def test_status_tells_what_is_open_what_waits_and_what_is_overdue(timed, clock):
    assert not any(code.startswith("emergency") for code in concerns(timed))
    taken = take(timed)
    assert concerns(timed)["emergency.open"] == taken.ref
    clock.advance(hours=1)
    assert concerns(timed)["emergency.unreviewed"] == taken.ref
    clock.advance(days=7)
    assert concerns(timed)["emergency.review_overdue"] == taken.ref
    timed.estate.emergency.review(
        timed.actor("ravi"), taken.ref, outcome="avoidable", finding="plan holidays"
    )
    assert not any(code.startswith("emergency") for code in concerns(timed))
    check_everything(timed.estate)


def test_without_the_table_there_is_no_emergency(tmp_path):
    world = found(tmp_path, without_table)
    world.ratify()
    for person in ("olivia", "ravi", "otto"):
        with pytest.raises(Denied) as refused:
            ask(world, person, "operator" if person != "otto" else "steward")
        assert "charter.emergency.none" in refused.value.policies
    world.close()


def test_policies_that_permit_it_without_a_table_give_nobody_a_role(tmp_path):
    world = found(tmp_path, without_table)
    world.ratify()
    pipeline = world.estate.pipeline
    own = '@id("own.glass") permit (principal, action, resource);'
    pipeline.enforce(PolicySet(own, pipeline.registry.schema))
    asked = ask(world)
    with pytest.raises(Conflict) as refused:
        world.estate.emergency.break_glass(world.actor("otto"), asked.ref)
    assert refused.value.code == "emergency.none"
    world.close()
