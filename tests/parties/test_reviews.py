"""Access reviews: a picture of who may what, decided person by person, closed when whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.kernel import MalformedError, canonical, digest
from freehold.kernel.acts import Conflict, NotFound
from freehold.kernel.policy import Denied
from freehold.parties import NewPerson, PartyError, Review, Unauthenticated
from tests.estate.world import World, check_everything, copy_world
from tests.line.founding import StoppedClock

CLOSED = "access.review_close"


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def timed(founded: Path, tmp_path: Path, clock: StoppedClock) -> Iterator[World]:
    world = copy_world(founded, tmp_path / "timed", clock=clock)
    yield world
    world.close()


def decide_all(world: World, review: Review, *, but: tuple[str, ...] = ()) -> None:
    """Keep everybody, each decided by somebody else."""
    for each in world.estate.reviews.show(world.actor("ada"), review.ref):
        if each.code not in but:
            by = "olivia" if each.code == "ravi" else "ravi"
            world.estate.reviews.decide(
                world.actor(by), review.ref, each.person, decision="keep", reason="needs it"
            )


def codes(world: World) -> dict[str, str]:
    status = world.estate.status(world.actor("olivia"))
    return {each.code: each.since for each in status.concerns}


def test_a_review_begins_with_a_picture_of_everybody(world):
    world.estate.people.token(world.actor("olivia"), "dana")
    review = world.estate.reviews.open(world.actor("ravi"))
    items = {each.code: each for each in world.estate.reviews.show(world.actor("ada"), review.ref)}
    assert set(items) == {
        *("olivia", "oscar", "stella", "clara", "simon", "ravi", "otto", "dana", "ada")
    }
    assert review.people == len(items) == 9
    dana, olivia, otto = items["dana"], items["olivia"], items["otto"]
    assert (dana.roles, dana.unit, dana.tokens, dana.last_act) == (("developer",), "it", 1, None)
    assert dana.clearances == ("confidential", "health", "internal", "public")
    assert olivia.last_act is not None  # the token that she issued
    assert (otto.decision, otto.decided_by, otto.reason) == (None, None, None)
    check_everything(world.estate)


def test_the_digest_of_the_picture_is_in_the_ledger_and_its_names_are_not(world):
    review = world.estate.reviews.open(world.actor("ravi"))
    pipeline = world.estate.pipeline
    record = pipeline.record(pipeline.stores.log.size - 1)
    details = pipeline.details(record)
    assert record.facts["snapshot"] == review.snapshot == digest(canonical(details["people"]))
    pipeline.stores.log.publish()
    for path in (world.home / "ledger").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert b"Dana Developer" not in content


def test_a_review_of_one_unit_has_its_people_alone(world):
    review = world.estate.reviews.open(world.actor("ravi"), unit="data")
    items = world.estate.reviews.show(world.actor("ada"), review.ref)
    assert {each.code for each in items} == {"stella", "clara", "simon"}
    with pytest.raises(NotFound):
        world.estate.reviews.open(world.actor("ravi"), unit="nowhere")
    with pytest.raises(NotFound):
        world.estate.reviews.decide(
            world.actor("ravi"), review.ref, "dana", decision="keep", reason="not of it"
        )


def test_it_closes_only_when_everybody_is_decided(world):
    review = world.estate.reviews.open(world.actor("ravi"))
    decide_all(world, review, but=("dana",))
    with pytest.raises(Conflict) as refused:
        world.estate.reviews.close(world.actor("ravi"), review.ref)
    assert refused.value.code == "review.incomplete"
    world.estate.reviews.decide(
        world.actor("ravi"), review.ref, "dana", decision="change", reason="one class is enough"
    )
    closed = world.estate.reviews.close(world.actor("ravi"), review.ref)
    assert closed.closed is not None
    assert closed.decided == 9
    pipeline = world.estate.pipeline
    record = pipeline.record(pipeline.stores.log.size - 1)
    assert {name: record.facts[name] for name in ("kept", "changed", "revoked")} == {
        "kept": 8,
        "changed": 1,
        "revoked": 0,
    }
    for call in (
        lambda: world.estate.reviews.close(world.actor("ravi"), review.ref),
        lambda: world.estate.reviews.decide(
            world.actor("ravi"), review.ref, "dana", decision="keep", reason="too late"
        ),
    ):
        with pytest.raises(Conflict) as late:
            call()
        assert late.value.code == "review.closed"
    (listed,) = world.estate.reviews.list(world.actor("ada"))
    assert listed == closed
    check_everything(world.estate)


def test_nobody_decides_about_themselves(world):
    review = world.estate.reviews.open(world.actor("ravi"))
    with pytest.raises(Denied) as refused:
        world.estate.reviews.decide(
            world.actor("ravi"), review.ref, "ravi", decision="keep", reason="I am needed"
        )
    assert refused.value.policies == ("charter.review.own",)
    for person in ("dana", "ada", "otto"):
        with pytest.raises(Denied):
            world.estate.reviews.decide(
                world.actor(person), review.ref, "simon", decision="keep", reason="x"
            )


def test_to_revoke_ends_the_persons_part_at_once(world):
    owner = world.actor("olivia")
    token = world.estate.people.token(owner, "dana").token
    review = world.estate.reviews.open(owner)
    decided = world.estate.reviews.decide(
        owner, review.ref, "dana", decision="revoke", reason="left in May"
    )
    assert (decided.decision, decided.decided_by) == ("revoke", str(owner.principal))
    with pytest.raises(Unauthenticated):
        world.estate.people.authenticate(token)
    acts = [each.act for each in world.estate.history.acts(owner, limit=2)]
    assert acts == ["access.review_decide", "person.revoke"]
    decide_all(world, review, but=("dana",))
    world.estate.reviews.close(owner, review.ref)


def test_who_may_not_revoke_decides_no_such_thing_and_nothing_is_left_half_done(world):
    review = world.estate.reviews.open(world.actor("ravi"))
    pipeline = world.estate.pipeline
    with pytest.raises(Denied):
        world.estate.reviews.decide(
            world.actor("ravi"), review.ref, "dana", decision="revoke", reason="I think so"
        )
    last = [pipeline.record(pipeline.stores.log.size - back) for back in (2, 1)]
    (dana,) = [e for e in world.estate.people.list(world.actor("olivia")) if e.code == "dana"]
    assert dana.is_active
    items = world.estate.reviews.show(world.actor("ada"), review.ref)
    assert all(each.decision is None for each in items)
    assert [(each.act, each.phase) for each in last] == [
        ("person.revoke", "denied"),
        ("access.review_decide", "failed"),
    ]


def test_somebody_who_was_revoked_meanwhile_still_has_to_be_decided(world):
    review = world.estate.reviews.open(world.actor("olivia"))
    world.estate.people.revoke(world.actor("oscar"), "dana")
    world.estate.people.enrol(world.actor("oscar"), NewPerson("newer", "Newer", ("developer",)))
    decide_all(world, review, but=("dana",))
    with pytest.raises(Conflict):
        world.estate.reviews.close(world.actor("olivia"), review.ref)
    world.estate.reviews.decide(
        world.actor("olivia"), review.ref, "dana", decision="revoke", reason="gone"
    )
    assert world.estate.reviews.close(world.actor("olivia"), review.ref).people == 9


def test_deciding_again_replaces_the_decision_while_it_is_open(world):
    review = world.estate.reviews.open(world.actor("ravi"))
    for decision in ("change", "keep"):
        done = world.estate.reviews.decide(
            world.actor("ravi"), review.ref, "simon", decision=decision, reason=f"{decision} it"
        )
        assert (done.decision, done.reason) == (decision, f"{decision} it")
    (listed,) = world.estate.reviews.list(world.actor("ada"))
    assert listed.decided == 1


def test_slips_are_told(world):
    reviews, ravi = world.estate.reviews, world.actor("ravi")
    review = reviews.open(ravi)
    with pytest.raises(PartyError):
        reviews.decide(ravi, review.ref, "dana", decision="maybe", reason="x")
    with pytest.raises(PartyError):
        reviews.decide(ravi, review.ref, "dana", decision="keep", reason="")
    with pytest.raises(NotFound):
        reviews.decide(ravi, review.ref, "mallory", decision="keep", reason="x")
    for name in ("review:00000000-0000-7000-8000-000000000000", "user:dana", "review:x"):
        with pytest.raises((NotFound, MalformedError)):
            reviews.close(ravi, name)


def test_status_tells_when_the_last_review_was_and_when_the_next_is_due(timed, clock):
    estate, owner = timed.estate, timed.actor("olivia")
    assert estate.status(owner).access_reviewed is None
    assert "review.overdue" not in codes(timed)
    clock.advance(days=366)
    timed._actors.clear()  # their tokens are over; actors were only remembered
    assert "review.overdue" in codes(timed)
    part = estate.reviews.open(timed.actor("ravi"), unit="it")
    decide_all(timed, part)
    estate.reviews.close(timed.actor("ravi"), part.ref)
    assert "review.overdue" in codes(timed)  # a part is not the whole
    review = estate.reviews.open(timed.actor("ravi"))
    assert codes(timed)["review.open"] == review.opened
    decide_all(timed, review)
    closed = estate.reviews.close(timed.actor("ravi"), review.ref)
    assert estate.status(owner).access_reviewed == closed.closed
    assert not any(code.startswith("review") for code in codes(timed))


def test_a_review_holds_over_a_restart_and_a_rebuild(world):
    review = world.estate.reviews.open(world.actor("ravi"))
    world.estate.reviews.decide(
        world.actor("ravi"), review.ref, "simon", decision="keep", reason="needs it"
    )
    before = world.estate.reviews.show(world.actor("ada"), review.ref)
    world.reopen()
    world.estate.pipeline.rebuild()
    assert world.estate.reviews.show(world.actor("ada"), review.ref) == before
    assert json.dumps([each.reason for each in before]).count("needs it") == 1
