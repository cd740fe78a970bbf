"""What a stranger learns without a token: as little as signing asks for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from freehold.kernel import Ref
from freehold.kernel.signatures import Statement, sign
from freehold.verbs import VERBS
from tests.estate.world import World, make_world


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = make_world(tmp_path_factory.mktemp("stranger"))
    yield world
    world.close()


def test_only_signatures_and_the_way_to_them_need_no_token():
    assert {path for path, verb in VERBS.items() if not verb.needs_actor} == {
        "charter.status",
        "charter.statement",
        "charter.ratify",
        "people.challenge",
        "people.login",
        "people.approve",
    }


def test_a_stranger_does_not_learn_who_is_enrolled(quiet):
    challenge = partial(quiet.estate.people.statement, act="token.login")
    known, unknown = challenge("ravi"), challenge("nobody-of-that-name")
    assert challenge("nobody-of-that-name").approver == unknown.approver
    assert challenge("somebody-else").approver != unknown.approver
    for said in (known, unknown):
        ref = Ref.parse(said.approver)
        assert (ref.kind, ref.is_opaque, ref.id[14]) == ("user", True, "7")
        assert ref.id[19] in "89ab"
        assert Statement.parse(said.message()) == said
    assert known.approver[:13] == unknown.approver[:13]  # of the same age, too


def test_a_stranger_does_not_learn_from_a_bad_signature_who_is_enrolled(quiet):
    told = set()
    for person in ("ravi", "nobody-of-that-name"):
        statement = quiet.estate.people.statement(person, "token.login").message()
        for verb in (quiet.estate.people.login, quiet.estate.people.approve):
            with pytest.raises(Exception, match="not signed") as refused:
                verb(statement, sign(statement, quiet.key("dana")))
            told.add((type(refused.value), str(refused.value)))
    assert len(told) == 1


def test_a_stranger_does_not_learn_who_the_owners_are_once_the_charter_is_ratified(quiet):
    told = set()
    for owner in ("olivia", "nobody-of-that-name"):
        with pytest.raises(Exception, match="already ratified") as refused:
            quiet.estate.charter.statement(owner)
        told.add((type(refused.value), str(refused.value)))
    assert len(told) == 1


def test_a_stranger_learns_ids_and_a_digest_of_the_charter_alone(quiet):
    status = quiet.estate.charter.status()
    assert Ref.parse(status.ref).is_opaque
    assert all(Ref("user", owner).is_opaque for owner in status.ratified_by)
    assert status.digest.startswith("sha256:")
