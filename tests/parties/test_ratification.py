"""No charter, no act; and no charter by one person alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_origin

import pytest

from freehold.charter import CharterError, IncompleteCharterError, demo_charter
from freehold.charter import template as charter_template
from freehold.data import Format, Provenance
from freehold.estate import Estate
from freehold.kernel import FreeholdError, Ref, format_time
from freehold.kernel.acts import Actor, Conflict, NotFound
from freehold.kernel.ledger import CosignerKey
from freehold.kernel.policy import Denied
from freehold.kernel.signatures import InvalidSignatureError, Statement, new_key_file, sign
from freehold.parties import NewPerson
from freehold.verbs import VERBS
from tests.estate.world import PURPOSE, World, check_everything, copy_world, custody, table
from tests.line.founding import StoppedClock, found
from tests.stamps.authority import self_signed


@pytest.fixture
def unratified(tmp_path: Path) -> Iterator[World]:
    world = found(tmp_path / "estate", is_trial=False)
    yield world
    world.close()


def ratify(world: World, owner: str, statement: Statement | None = None, *, key: str = ""):
    message = (statement or world.estate.charter.statement(owner)).message()
    return world.estate.charter.ratify(message, sign(message, world.key(key or owner)))


def owner_of(world: World, code: str) -> Actor:
    """An owner before anybody can log in."""
    return Actor(Ref.parse(world.estate.charter.statement(code).approver))


# ---- the first ratification


def test_one_owner_is_not_enough(unratified):
    status = ratify(unratified, "olivia")
    assert (status.is_ratified, status.missing, len(status.ratified_by)) == (False, 1, 1)
    assert not unratified.estate.charter.is_ratified()
    assert ratify(unratified, "oscar").is_ratified


def test_one_owner_of_two_is_not_enough_for_a_trial_either(tmp_path):
    world = found(tmp_path / "estate", is_trial=True)
    assert not ratify(world, "olivia").is_ratified
    world.close()


def test_the_same_owner_twice_is_one_owner(unratified):
    ratify(unratified, "olivia")
    with pytest.raises(Conflict) as refused:
        ratify(unratified, "olivia")
    assert refused.value.code == "charter.twice"
    assert unratified.estate.charter.status().missing == 1


def test_whoever_is_no_owner_has_nothing_to_sign(unratified):
    for person in ("ravi", "nobody"):
        with pytest.raises(NotFound):
            unratified.estate.charter.statement(person)


def test_a_statement_in_the_name_of_no_owner_is_refused(unratified):
    statement = unratified.estate.charter.statement("olivia")
    forged = replace(statement, approver="user:00000000-0000-7000-8000-000000000000")
    with pytest.raises(CharterError) as refused:
        ratify(unratified, "olivia", forged)
    assert refused.value.code == "charter.not_owner"


def test_an_owners_statement_signed_by_another_is_refused(unratified):
    for key in ("oscar", "ravi"):
        with pytest.raises(InvalidSignatureError):
            ratify(unratified, "olivia", key=key)


def test_a_ratification_is_not_replayed(unratified):
    statement = unratified.estate.charter.statement("olivia")
    ratify(unratified, "olivia", statement)
    with pytest.raises(FreeholdError) as refused:
        ratify(unratified, "olivia", statement)
    assert refused.value.code in ("charter.replay", "charter.twice")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("estate", "00000000-0000-7000-8000-000000000000"),
        ("act", "charter.propose"),
        ("resource", "charter:00000000-0000-7000-8000-000000000000@1"),
        ("evidence", "sha256:" + "0" * 64),
        ("policy_set", "sha256:" + "0" * 64),
    ],
)
def test_a_statement_about_something_else_is_refused(unratified, name, value):
    statement = replace(unratified.estate.charter.statement("olivia"), **{name: value})
    with pytest.raises(CharterError) as refused:
        ratify(unratified, "olivia", statement)
    assert refused.value.code == "charter.statement"


@pytest.mark.parametrize("days", [0, 91])
def test_a_statement_that_is_over_or_lasts_too_long_is_refused(unratified, days):
    clock = StoppedClock()
    clock.advance(days=days, seconds=-1)
    statement = replace(
        unratified.estate.charter.statement("olivia"), expires=format_time(clock.now())
    )
    clock.advance(seconds=2)
    if days:
        statement = replace(statement, expires=format_time(clock.now()))
    with pytest.raises(CharterError) as refused:
        ratify(unratified, "olivia", statement)
    assert refused.value.code == "charter.expired"


def test_before_ratification_an_owner_may_ratify_and_look_and_nothing_else(unratified):
    estate, owner = unratified.estate, owner_of(unratified, "olivia")
    assert not estate.status(owner).is_ratified
    assert "[organisation]" in estate.charter.show(owner)["text"]
    estate.charter.propose(owner, estate.charter.show(owner)["text"].encode() + b"\n")
    allowed = {"estate.status", "charter.show", "charter.propose", "charter.ratify"}
    permitted = {"charter.status", "charter.statement", "people.challenge"}  # no decision
    for path, verb in VERBS.items():
        if path in allowed | permitted or not verb.needs_actor:
            continue
        with pytest.raises((Denied, Conflict, NotFound)) as refused:
            verb.function(estate, owner, **arguments(path))
        if isinstance(refused.value, Conflict):
            assert refused.value.code == "charter.unratified", path


def arguments(path: str) -> dict[str, object]:
    """Well-formed arguments; the things that they name cannot exist yet."""
    some = "00000000-0000-7000-8000-000000000000"
    known: dict[str, object] = {
        "code": "eve" if path.startswith("people") else "outage",
        "name": "eve",
        "person": "olivia",
        "token_id": some,
        "resource": f"model:{some}@1" if path == "people.statement" else "",
        "role": ("owner",),
        "act": "model.promote" if path == "people.statement" else some,
        "cases": "",
        "policies": "",
        "emergency": f"emergency:{some}",
        "review": f"review:{some}",
        "policy": f"policy:{some}" if path == "policy.activate" else "",
        "source": table(),
        "format": Format.CSV,
        "data_class": "health",
        "purpose": (PURPOSE,) if path.startswith("data") else PURPOSE,
        "dataset": f"dataset:{some}",
        "label": "outcome",
        "plan": f"evaluation:{some}",
        "run": f"run:{some}",
        "model": f"model:{some}",
        "rows": "{}",
        "decision": "keep" if path.startswith("access") else some,
        "outcome": "justified",
        "destination": "syslog+unix:/dev/log",
        "folder": "/nowhere",
        "vkey": str(CosignerKey("witness.example", bytes(32))),
        "thing": f"run:{some}",
        "root": self_signed("tsa.example"),
        "response": io.BytesIO(b"no stamp"),
        "reason": "a lawsuit",
    }
    verb = VERBS[path]
    needed = [p for p in verb.parameters if p.is_required or p.name == "policy"]
    needed += [verb.upload] if verb.upload else []
    return {p.name: known.get(p.name, _any_of(p.type, some)) for p in needed}


def _any_of(kind: object, text: str) -> object:
    """A value that fits a parameter's type."""
    if kind is int:
        return 1
    return (text,) if get_origin(kind) is tuple else text


def test_before_ratification_nobody_else_may_look(unratified):
    stranger = Actor(Ref("user", "00000000-0000-7000-8000-000000000000"))
    for call in (unratified.estate.status, unratified.estate.charter.show):
        with pytest.raises(Denied):
            call(stranger)


def test_before_ratification_nobody_can_log_in(unratified):
    people = unratified.estate.people
    statement = people.statement("olivia", "token.login").message()
    with pytest.raises(FreeholdError) as refused:
        people.login(statement, sign(statement, unratified.key("olivia")))
    assert refused.value.code == "party.unauthenticated"


def test_a_crash_between_ratification_and_enrolment_is_finished_at_the_next_opening(unratified):
    ratify(unratified, "olivia")
    ratify(unratified, "oscar")  # by the service alone, as if the process had ended here
    with pytest.raises(NotFound):
        unratified.estate.people.find("ravi")
    unratified.reopen()
    assert len(unratified.estate.people.list(unratified.actor("ada"))) == 9
    size = unratified.estate.pipeline.stores.log.size
    unratified.reopen()
    assert unratified.estate.pipeline.stores.log.size == size  # nothing is done twice
    check_everything(unratified.estate)


def test_an_estate_of_one_owner_is_refused_unless_it_is_a_trial(tmp_path):
    def alone(text: str) -> str:
        return text.replace('id = "oscar"\nroles = ["owner"]', 'id = "oscar"\nroles = ["auditor"]')

    with pytest.raises(IncompleteCharterError):
        found(tmp_path / "real", alone, is_trial=False)
    world = found(tmp_path / "trial", alone)
    assert ratify(world, "olivia").is_ratified
    world.close()


def test_a_charter_with_placeholders_makes_no_estate_and_names_every_place(tmp_path):
    with pytest.raises(FreeholdError) as refused:
        Estate.create(tmp_path / "estate", charter_template("Ours").encode(), custody())
    assert "REPLACE" in str(refused.value)


# ---- amendment


@pytest.fixture
def amended(tmp_path: Path) -> Iterator[World]:
    """A ratified estate in which an owner has proposed a charter with another owner in it."""
    world = found(tmp_path / "estate", is_trial=False)
    world.ratify()
    key = new_key_file(world.key("nina"), "nina")
    new = f'\n[[people]]\nname = "Nina"\nid = "nina"\nroles = ["owner"]\nssh_key = "{key}"\n'
    owner = world.actor("olivia")
    world.estate.charter.propose(owner, (world.estate.charter.show(owner)["text"] + new).encode())
    yield world
    world.close()


def test_a_proposed_charter_changes_nothing_until_it_is_ratified(amended):
    assert "nina" not in amended.estate.charter.in_force().people
    with pytest.raises(NotFound):
        amended.estate.people.find("nina")
    ratify(amended, "olivia")
    assert "nina" not in amended.estate.charter.in_force().people


def test_a_new_owner_has_no_say_in_the_charter_that_makes_them_one(amended):
    with pytest.raises(NotFound):
        amended.estate.charter.statement("nina")


def test_owners_in_force_ratify_an_amendment_and_whom_it_names_is_enrolled(amended):
    ratify(amended, "olivia")
    with pytest.raises(Conflict):
        ratify(amended, "olivia")
    assert ratify(amended, "oscar").is_ratified
    amended.estate.adopt_charter()
    assert amended.estate.people.find("nina").kind == "user"
    text = amended.estate.charter.show(amended.actor("nina"))["text"]
    amended.estate.charter.propose(amended.actor("nina"), text.encode() + b"\n# by the new one\n")
    ratify(amended, "nina")
    ratify(amended, "olivia")
    check_everything(amended.estate)


def test_a_statement_of_the_old_charter_does_not_ratify_the_new_one(amended):
    old = amended.estate.charter.statement("oscar")
    owner = amended.actor("olivia")
    text = amended.estate.charter.show(owner)["text"]
    amended.estate.charter.propose(owner, text.encode() + b"\n# and more\n")
    with pytest.raises(CharterError):
        ratify(amended, "oscar", old)


def test_only_an_owner_proposes_a_charter(amended):
    text = amended.estate.charter.show(amended.actor("olivia"))["text"].encode()
    for person in ("ravi", "stella", "dana"):
        with pytest.raises(Denied):
            amended.estate.charter.propose(amended.actor(person), text)


def test_a_charter_that_locks_its_owners_out_makes_no_estate(tmp_path):
    def locked(text: str) -> str:
        return text.replace('"person.*", ', "")

    with pytest.raises(CharterError, match=r"every owner to be allowed person\.enrol"):
        found(tmp_path / "estate", locked)


def test_policies_that_stop_enrolment_still_let_the_estate_open(world):
    owner, policy = world.actor("olivia"), world.estate.policy
    stop = '@id("house.full") forbid (principal, action == Action::"person.enrol", resource);'
    ref = Ref.parse(policy.propose(owner, stop))
    world.approve("oscar", "policy.activate", ref)
    policy.activate(owner, str(ref))
    text = world.estate.charter.show(owner)["text"]
    newcomer = '[[people]]\nname = "Nina"\nid = "nina"\nroles = ["auditor"]\n'
    world.estate.charter.propose(owner, f"{text}\n{newcomer}".encode())
    with pytest.raises(Denied, match=r"house\.full"):
        world.ratify()
    world.reopen()
    assert world.estate.charter.is_ratified()


def test_an_owner_who_was_given_another_key_ratifies_with_that_one_alone(world, tmp_path):
    estate, owner = world.estate, world.actor("olivia")
    estate.people.revoke(owner, "oscar")
    key = new_key_file(tmp_path / "oscar.new", "oscar")
    estate.people.enrol(owner, NewPerson("oscar", "Oscar", ("owner",), ssh_key=key))
    text = estate.charter.show(owner)["text"]
    estate.charter.propose(owner, f"{text}\n# reviewed\n".encode())
    statement = estate.charter.statement("oscar").message()
    with pytest.raises(InvalidSignatureError):
        estate.charter.ratify(statement, sign(statement, world.key("oscar")))
    status = estate.charter.ratify(statement, sign(statement, tmp_path / "oscar.new"))
    assert status.missing == 1


def test_a_revoked_owner_ratifies_nothing(world):
    estate, owner = world.estate, world.actor("olivia")
    estate.people.revoke(owner, "oscar")
    text = estate.charter.show(owner)["text"]
    estate.charter.propose(owner, f"{text}\n# reviewed\n".encode())
    statement = estate.charter.statement("oscar").message()
    with pytest.raises(CharterError, match="names no owner"):
        estate.charter.ratify(statement, sign(statement, world.key("oscar")))


def test_the_policies_in_force_are_the_newest_even_where_the_clock_went_back(founded, tmp_path):
    clock = StoppedClock()
    world = copy_world(founded, tmp_path / "world", clock=clock)
    clock.advance(days=-100)
    policy, owner = world.estate.policy, Actor(world.estate.people.find("olivia"))
    text = '@id("x.none") forbid (principal, action == Action::"vault.collect", resource);'
    ref = Ref.parse(policy.propose(owner, text))
    world.approve("oscar", "policy.activate", ref)
    digest = policy.activate(owner, str(ref))
    world.reopen()
    assert world.estate.pipeline.policies.digest == digest
    with pytest.raises(Denied) as refused:
        world.estate.upkeep.collect(owner)
    assert refused.value.policies == ("x.none",)
    world.close()


def test_people_need_names_of_the_charter_to_be_enrolled_under_it(amended):
    owner = amended.actor("olivia")
    amended.estate.people.enrol(owner, NewPerson("eve", "Eve", ("steward",), ("health",)))
    about = Provenance("health", (PURPOSE,))
    assert about.data_class in amended.estate.charter.in_force().classes


def test_the_demonstrations_charter_names_nobody_else():
    with pytest.raises(ValueError, match="no such person"):
        demo_charter({"eve": ""})
