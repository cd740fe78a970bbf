"""The passphrase is lost: recovery is set up, drilled, used and revoked, each as an act."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from freehold.estate import Estate
from freehold.kernel import Json
from freehold.kernel.acts import Conflict, NotFound, Record
from freehold.kernel.keys import (
    KeysError,
    RecoveryCustody,
    WrongCustody,
    combine_shares,
    new_recovery_identity,
    recipient_of,
)
from freehold.kernel.policy import Denied
from tests.estate.world import World, check_everything, copy_world, custody
from tests.line.founding import StoppedClock

SET_UP, REVOKE = "recovery.set_up", "recovery.revoke"


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def timed(founded: Path, tmp_path: Path, clock: StoppedClock) -> Iterator[World]:
    world = copy_world(founded, tmp_path / "timed", clock=clock)
    yield world
    world.close()


def approve(world: World, act: str, person: str = "oscar") -> None:
    world.approve(person, act, world.estate.pipeline.circumstances.estate)


def set_up(world: World, shares: int = 5, threshold: int = 3) -> tuple[str, Sequence[str]]:
    """Set up shares as olivia with oscar's approval; gives the recovery's id and the words."""
    handed: list[tuple[str, Sequence[str]]] = []
    approve(world, SET_UP)
    made = world.estate.recovery.set_up_shares(
        world.actor("olivia"),
        shares=shares,
        threshold=threshold,
        hand_out=lambda recovery, words: handed.append((recovery, words)),
    )
    assert handed == [(made, handed[0][1])]
    return handed[0]


def by(words: Sequence[str]) -> RecoveryCustody:
    return RecoveryCustody(combine_shares(words))


def newest(world: World) -> Record:
    return world.estate.pipeline.record(world.estate.pipeline.stores.log.size - 1)


def concerns(world: World) -> dict[str, str]:
    status = world.estate.status(world.actor("olivia"))
    return {each.code: each.about for each in status.concerns}


def test_a_lost_passphrase_is_replaced_by_enough_shares_and_an_owner(deployed: World):
    recovery, words = set_up(deployed)
    owner = deployed.actor("olivia")
    deployed.close()
    opener = by(words[1:4])
    with Estate.open(deployed.home, opener, executor=deployed.executor) as estate:
        assert estate.recovery.use(owner, opener, custody("a new passphrase")) == recovery
        record = estate.pipeline.record(estate.pipeline.stores.log.size - 1)
        assert (record.act, record.phase, record.principal) == (
            "recovery.use",
            "done",
            str(owner.principal),
        )
        check_everything(estate)
    with pytest.raises(WrongCustody):
        Estate.open(deployed.home, custody(), executor=deployed.executor)
    with Estate.open(
        deployed.home, custody("a new passphrase"), executor=deployed.executor
    ) as estate:
        status = estate.status(owner)
        assert "recovery.used" in {each.code for each in status.concerns}
        check_everything(estate)


def test_it_works_after_erasures_with_no_share_present(deployed: World):
    _, words = set_up(deployed)
    before = (deployed.home / "keys" / "custody.json").read_bytes()
    deployed.erase()
    assert (deployed.home / "keys" / "custody.json").read_bytes() != before
    done = deployed.estate.recovery.drill(deployed.actor("olivia"), by(words[:3]), shares=3)
    assert done.shares == 3
    deployed.close()
    with Estate.open(deployed.home, by(words[2:]), executor=deployed.executor) as estate:
        check_everything(estate)


def test_setting_up_and_revoking_wait_for_another_persons_approval(world: World):
    recovery, owner = world.estate.recovery, world.actor("olivia")
    handed: list[object] = []
    with pytest.raises(Denied) as refused:
        recovery.set_up_shares(
            owner, shares=3, threshold=2, hand_out=lambda *given: handed.append(given)
        )
    assert refused.value.policies == ("charter.approvals.recovery-set_up",)
    assert not handed
    approve(world, SET_UP, "olivia")  # who asks does not count
    with pytest.raises(Denied):
        recovery.set_up_recipients(owner, [recipient_of(new_recovery_identity())])
    made, _ = set_up(world)
    with pytest.raises(Denied) as refused:
        recovery.revoke(owner, made)
    assert refused.value.policies == ("charter.approvals.recovery-revoke",)
    for person in ("otto", "stella", "ravi", "ada"):
        with pytest.raises(Denied):
            recovery.drill(world.actor(person), RecoveryCustody(new_recovery_identity()))


def test_an_approval_of_one_recovery_serves_no_second_one(world: World):
    approve(world, SET_UP)
    approve(world, SET_UP, "ravi")
    owner = world.actor("olivia")
    world.estate.recovery.set_up_recipients(owner, [recipient_of(new_recovery_identity())])
    with pytest.raises(Denied):  # what the other approved was a keyring without that one
        world.estate.recovery.set_up_recipients(owner, [recipient_of(new_recovery_identity())])


def test_shares_that_could_not_be_handed_out_leave_all_as_it_was(world: World):
    def fails(recovery: str, words: Sequence[str]) -> None:
        raise Conflict("test.disk", "no space left")

    approve(world, SET_UP)
    before = (world.home / "keys" / "custody.json").read_bytes()
    with pytest.raises(Conflict):
        world.estate.recovery.set_up_shares(
            world.actor("olivia"), shares=3, threshold=2, hand_out=fails
        )
    assert (world.home / "keys" / "custody.json").read_bytes() == before
    assert newest(world).error == "test.disk"
    assert world.estate.recovery.show(world.actor("olivia")) == ()


def test_any_recipient_recovers_alone(world: World):
    identities = [new_recovery_identity() for _ in range(3)]
    approve(world, SET_UP)
    made = world.estate.recovery.set_up_recipients(
        world.actor("olivia"), list(map(recipient_of, identities))
    )
    for identity in identities:
        done = world.estate.recovery.drill(world.actor("oscar"), RecoveryCustody(identity))
        assert done.recovery == made
    (shown,) = world.estate.recovery.show(world.actor("ada"))
    assert (shown.kind, shown.shares, len(shown.recipients)) == ("recipients", 0, 3)


def test_a_drill_that_fails_is_recorded_and_changes_nothing(world: World):
    set_up(world)
    owner = world.actor("olivia")
    before = (world.home / "keys" / "custody.json").read_bytes()
    with pytest.raises(WrongCustody):
        world.estate.recovery.drill(owner, RecoveryCustody(new_recovery_identity()), shares=3)
    record = newest(world)
    assert (record.act, record.phase, record.error) == (
        "recovery.drill",
        "failed",
        "keys.wrong_custody",
    )
    assert record.facts == {"shares": 3}
    assert (world.home / "keys" / "custody.json").read_bytes() == before
    assert "recovery.drill_due" in concerns(world)


def test_a_drill_records_which_recovery_how_many_shares_and_how_long(world: World):
    recovery, words = set_up(world)
    before = (world.home / "keys" / "custody.json").read_bytes()
    world.estate.recovery.drill(world.actor("olivia"), by(words[:4]), shares=4)
    facts = newest(world).facts
    assert (facts["recovery"], facts["shares"]) == (recovery, 4)
    assert 0 <= facts["milliseconds"] < 10_000
    assert (world.home / "keys" / "custody.json").read_bytes() == before
    assert world.estate.status(world.actor("olivia")).recovery_drilled == newest(world).time
    check_everything(world.estate)


def test_a_revoked_recovery_opens_nothing_and_is_listed_no_more(world: World):
    recovery, words = set_up(world)
    approve(world, REVOKE, "ravi")
    world.estate.recovery.revoke(world.actor("olivia"), recovery)
    assert world.estate.recovery.show(world.actor("olivia")) == ()
    with pytest.raises(KeysError):
        world.estate.recovery.drill(world.actor("olivia"), by(words[:3]))
    with pytest.raises(NotFound):
        world.estate.recovery.revoke(world.actor("olivia"), recovery)
    check_everything(world.estate)
    world.reopen()
    world.close()
    with pytest.raises(WrongCustody):
        Estate.open(world.home, by(words[:3]), executor=world.executor)


def test_only_who_may_uses_it_even_with_the_shares(world: World):
    _, words = set_up(world)
    stranger, opener = world.actor("otto"), by(words[:3])
    world.close()
    with Estate.open(world.home, opener, executor=world.executor) as estate:
        with pytest.raises(Denied):
            estate.recovery.use(stranger, opener, custody("mine"))
        pipeline = estate.pipeline
        records = list(map(pipeline.record, range(pipeline.stores.log.size)))
        assert (records[-1].act, records[-1].phase) == ("recovery.use", "denied")
    Estate.open(world.home, custody(), executor=world.executor).close()  # still the old one


def test_status_tells_that_there_is_none_that_a_drill_is_due_and_that_it_is_gone(timed, clock):
    assert "recovery.none" in concerns(timed)
    recovery, words = set_up(timed)
    assert concerns(timed)["recovery.drill_due"] == f"recovery:{recovery}"
    timed.estate.recovery.drill(timed.actor("olivia"), by(words[:3]), shares=3)
    assert not any(code.startswith("recovery") for code in concerns(timed))
    clock.advance(days=184, seconds=1)
    assert "recovery.drill_due" in concerns(timed)
    timed.close()
    told = json.loads((timed.home / "keys" / "custody.json").read_text())
    del told["roots"][0]["recovery"]  # by somebody who can write files
    (timed.home / "keys" / "custody.json").write_text(json.dumps(told))
    timed.open()
    assert concerns(timed)["recovery.missing"] == f"recovery:{recovery}"
    (shown,) = timed.estate.recovery.show(timed.actor("olivia"))
    assert not shown.is_in_keyring


def test_setting_up_and_using_sound_an_alarm_and_a_drill_does_not(world: World, caplog):
    with caplog.at_level(logging.WARNING):
        _, words = set_up(world)
        world.estate.recovery.drill(world.actor("olivia"), by(words[:3]))
        world.estate.recovery.use(world.actor("olivia"), by(words[:3]), custody("other"))
    acts = [json.loads(each.getMessage())["alarm"] for each in caplog.records]
    assert acts == ["recovery.set_up", "recovery.use"]
    told = caplog.text.lower()
    assert not any(" ".join(each.split()[:3]) in told for each in words)


def test_no_share_and_no_identity_lies_anywhere_in_the_estate(world: World):
    _, words = set_up(world)
    identity = combine_shares(words[:3])
    world.estate.recovery.drill(world.actor("olivia"), RecoveryCustody(identity))
    world.estate.recovery.use(world.actor("olivia"), RecoveryCustody(identity), custody("other"))
    world.estate.pipeline.stores.log.publish()
    for path in world.home.rglob("*"):
        content = path.read_bytes().lower() if path.is_file() else b""
        assert identity.lower().encode() not in content
        for each in words:
            assert each.encode() not in content
            assert " ".join(each.split()[-5:]).encode() not in content


class BrokenToken:
    """A custody that has no room for another key."""

    kind = "token"
    parameters: Mapping[str, Json] = {}

    def wrap(self, key: bytes) -> bytes:
        raise KeysError("keys.token", "the token is full")

    def unwrap(self, wrapped: bytes, parameters: Mapping[str, Json]) -> bytes:
        raise AssertionError("nothing was wrapped by it")


def test_using_it_leaves_a_trace_before_it_begins_and_a_failure_leaves_the_old_custody(
    world: World,
):
    _, words = set_up(world)
    owner, pipeline = world.actor("olivia"), world.estate.pipeline
    with pytest.raises(KeysError, match="full"):
        world.estate.recovery.use(owner, by(words[:3]), BrokenToken())
    world.estate.recovery.use(owner, by(words[:3]), custody("other"))
    records = list(map(pipeline.record, range(pipeline.stores.log.size)))
    assert [(each.phase, each.error) for each in records if each.act == "recovery.use"] == [
        ("started", None),
        ("failed", "keys.token"),
        ("started", None),
        ("done", None),
    ]
    check_everything(world.estate)
