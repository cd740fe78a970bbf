"""Who somebody is: enrolment, tokens, log in by signature, approvals."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from freehold.kernel import FreeholdError, MalformedError, Ref, parse_time
from freehold.kernel.acts import Conflict, NotFound
from freehold.kernel.policy import Denied
from freehold.kernel.signatures import SignatureError, Statement, sign
from freehold.parties import NewPerson, PartyError, Unauthenticated
from tests.estate.world import World, check_everything, copy_world
from tests.line.founding import StoppedClock


def signed(world: World, person: str, statement: Statement) -> tuple[bytes, str]:
    message = statement.message()
    return message, sign(message, world.key(person))


def log_in(world: World, person: str) -> str:
    statement, signature = signed(
        world, person, world.estate.people.statement(person, "token.login")
    )
    return world.estate.people.login(statement, signature).token


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def timed(founded, tmp_path, clock):
    world = copy_world(founded, tmp_path / "timed", clock=clock)
    yield world
    world.close()


# ---- tokens


def test_a_token_is_shown_once_and_only_its_hash_is_kept(world):
    issued = world.estate.people.token(world.actor("olivia"), "dana")
    assert issued.token.startswith("fh_")
    assert len(issued.token) >= 43
    assert world.estate.people.authenticate(issued.token).principal == world.actor("dana").principal
    kept = b"".join(path.read_bytes() for path in world.home.rglob("*") if path.is_file())
    assert issued.token.encode() not in kept
    assert issued.token[3:].encode() not in kept


@pytest.mark.parametrize("token", ["", "fh_", "fh_" + "A" * 43, "no token", "\0", "é" * 43])
def test_a_token_that_nobody_was_given_is_nobodys(world, token):
    with pytest.raises(Unauthenticated):
        world.estate.people.authenticate(token)


def test_a_token_ends_with_its_time(timed, clock):
    issued = timed.estate.people.token(timed.actor("olivia"), "dana", days=2)
    clock.advance(days=2, seconds=-1)
    timed.estate.people.authenticate(issued.token)
    clock.advance(seconds=1)
    with pytest.raises(Unauthenticated):
        timed.estate.people.authenticate(issued.token)


def test_a_revoked_token_is_refused_and_the_persons_others_are_not(world):
    people, owner = world.estate.people, world.actor("olivia")
    lost, kept = people.token(owner, "dana"), people.token(owner, "dana")
    people.revoke_token(owner, "dana", lost.id)
    with pytest.raises(Unauthenticated):
        people.authenticate(lost.token)
    people.authenticate(kept.token)


def test_a_token_is_revoked_only_as_that_of_its_person(world):
    people, owner = world.estate.people, world.actor("olivia")
    issued = people.token(owner, "dana")
    for person, token in (("ravi", issued.id), ("dana", "00000000-0000-7000-8000-000000000000")):
        with pytest.raises(NotFound):
            people.revoke_token(owner, person, token)
    people.authenticate(issued.token)


def test_a_revoked_person_is_nobody_from_then_on(world):
    people, owner = world.estate.people, world.actor("olivia")
    token, actor = people.token(owner, "dana").token, world.actor("dana")
    assert not people.revoke(owner, "dana").is_active
    with pytest.raises(Unauthenticated):
        people.authenticate(token)
    with pytest.raises(Unauthenticated):
        log_in(world, "dana")
    with pytest.raises(Denied) as refused:
        world.estate.models.list(actor)  # who was inside already
    assert refused.value.policies == ("charter.active",)


def test_only_who_may_issues_tokens_and_not_even_for_themselves(world):
    for person in ("dana", "stella", "ada"):
        with pytest.raises(Denied):
            world.estate.people.token(world.actor(person), person)


# ---- log in


def test_a_signature_with_ones_own_key_gives_a_token(world):
    token = log_in(world, "ada")
    assert world.estate.people.authenticate(token).principal == world.estate.people.find("ada")


def test_a_log_in_is_not_replayed(world):
    statement, signature = signed(world, "ada", world.estate.people.statement("ada", "token.login"))
    world.estate.people.login(statement, signature)
    with pytest.raises(PartyError) as refused:
        world.estate.people.login(statement, signature)
    assert refused.value.code == "party.replay"


def test_of_two_log_ins_with_one_statement_at_once_one_is_let_in(world):
    statement, signature = signed(world, "ada", world.estate.people.statement("ada", "token.login"))
    start, outcomes = threading.Barrier(4), []

    def attempt() -> None:
        start.wait()
        try:
            outcomes.append(world.estate.people.login(statement, signature).id)
        except PartyError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("party.replay") == 3
    check_everything(world.estate)  # and the catalog still follows the ledger


def test_a_nonce_that_another_has_used_is_refused_and_breaks_nothing(world):
    people = world.estate.people
    used = people.statement("ada", "token.login")
    people.login(*signed(world, "ada", used))
    stolen = replace(people.statement("ravi", "token.login"), nonce=used.nonce)
    with pytest.raises(PartyError) as refused:
        people.login(*signed(world, "ravi", stolen))
    assert refused.value.code == "party.replay"
    check_everything(world.estate)


def test_another_persons_key_does_not_log_in(world):
    statement = world.estate.people.statement("ada", "token.login").message()
    with pytest.raises(Unauthenticated):
        world.estate.people.login(statement, sign(statement, world.key("ravi")))


def test_a_statement_for_an_approval_does_not_log_in(world):
    statement = replace(world.estate.people.statement("ada", "token.login"), act="model.promote")
    with pytest.raises(PartyError) as refused:
        world.estate.people.login(*signed(world, "ada", statement))
    assert refused.value.code == "party.statement"


def test_a_statement_for_another_estate_does_not_log_in(world):
    other = "00000000-0000-7000-8000-000000000000"
    statement = replace(world.estate.people.statement("ada", "token.login"), estate=other)
    with pytest.raises(PartyError):
        world.estate.people.login(*signed(world, "ada", statement))


@pytest.mark.parametrize("days", [-1, 91])
def test_a_statement_that_is_over_or_lasts_too_long_does_not_log_in(timed, clock, days):
    statement = timed.estate.people.statement("ada", "token.login")
    over = StoppedClock()
    over.time = clock.time
    over.advance(days=days)
    moment = over.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with pytest.raises(PartyError) as refused:
        timed.estate.people.login(*signed(timed, "ada", replace(statement, expires=moment)))
    assert refused.value.code == "party.expired"


@pytest.mark.parametrize("statement", [b"", b"{}", b"[]", b"\xff", b'{"v":1}'])
def test_what_is_no_statement_is_told_so(world, statement):
    with pytest.raises(SignatureError):
        world.estate.people.login(statement, "")


# ---- enrolment


def test_codes_that_the_charter_does_not_have_are_refused(world):
    people, owner = world.estate.people, world.actor("olivia")
    for person in (
        NewPerson("eve", "Eve", ("emperor",)),
        NewPerson("eve", "Eve", ("steward",), ("top-secret",)),
    ):
        with pytest.raises(PartyError) as refused:
            people.enrol(owner, person)
        assert refused.value.code == "party.code"
    with pytest.raises(PartyError):
        people.assign(owner, "dana", roles=("emperor",))
    with pytest.raises(NotFound):
        people.find("eve")


@pytest.mark.parametrize("code", ["", "Eve", "eve adams", "../eve", "é", "e" * 65])
def test_a_code_that_is_no_code_is_refused(world, code):
    with pytest.raises(MalformedError):
        world.estate.people.enrol(world.actor("olivia"), NewPerson(code, "Eve", ("steward",)))


def test_a_code_is_given_once(world):
    with pytest.raises(Conflict):
        world.estate.people.enrol(world.actor("olivia"), NewPerson("dana", "D", ("steward",)))


def test_of_two_who_enrol_one_code_at_once_one_succeeds(world):
    owner, start, outcomes = world.actor("olivia"), threading.Barrier(4), []

    def attempt() -> None:
        start.wait()
        try:
            world.estate.people.enrol(owner, NewPerson("eve", "Eve", ("steward",)))
            outcomes.append("enrolled")
        except FreeholdError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["enrolled", "party.exists", "party.exists", "party.exists"]


def test_a_key_that_is_no_ed25519_key_is_not_enrolled(world):
    person = NewPerson("eve", "Eve", ("reviewer",), ssh_key="ssh-rsa AAAAB3NzaC1yc2E= eve")
    with pytest.raises(SignatureError):
        world.estate.people.enrol(world.actor("olivia"), person)


def test_another_role_counts_at_once(world):
    with pytest.raises(Denied):
        world.estate.people.list(world.actor("dana"))
    world.estate.people.assign(world.actor("olivia"), "dana", roles=("auditor",))
    assert len(world.estate.people.list(world.actor("dana"))) == 9


def test_only_who_may_enrols_and_assigns(world):
    for person in ("stella", "ravi", "ada", "dana"):
        actor = world.actor(person)
        with pytest.raises(Denied):
            world.estate.people.enrol(actor, NewPerson("eve", "Eve", ("owner",)))
        with pytest.raises(Denied):
            world.estate.people.assign(actor, person, roles=("owner",))
        with pytest.raises(Denied):
            world.estate.people.revoke(actor, "olivia")


# ---- approvals


@pytest.fixture
def dataset(world) -> Ref:
    return Ref.parse(world.ingest().ref).at(None)


def test_an_approval_is_not_replayed(world, dataset):
    statement = world.estate.people.statement("ravi", "dataset.erase", dataset)
    world.estate.people.approve(*signed(world, "ravi", statement))
    with pytest.raises(PartyError) as refused:
        world.estate.people.approve(*signed(world, "ravi", statement))
    assert refused.value.code == "party.replay"


def test_two_approvals_by_one_person_are_one(world, dataset):
    for _ in range(2):
        world.approve("ravi", "dataset.erase", dataset)
    people = world.estate.people
    evidence = world.estate.data.evidence(dataset)
    valid = people.valid("dataset.erase", dataset, evidence=evidence, excluded=frozenset())
    assert len(valid) == 1


def test_an_approval_of_what_has_changed_since_is_refused(world, dataset):
    statement = world.estate.people.statement("ravi", "dataset.erase", dataset)
    world.ingest(content=b"a,b\n1,2\n")
    with pytest.raises(PartyError) as refused:
        world.estate.people.approve(*signed(world, "ravi", statement))
    assert refused.value.code == "party.statement"


def test_an_approval_signed_by_another_is_refused(world, dataset):
    statement = world.estate.people.statement("ravi", "dataset.erase", dataset).message()
    for signature in (sign(statement, world.key("stella")), "", "-----BEGIN SSH SIGNATURE-----"):
        with pytest.raises(Unauthenticated):
            world.estate.people.approve(statement, signature)


def test_the_approval_of_a_revoked_person_counts_no_more(world, dataset):
    world.approve("ravi", "dataset.erase", dataset)
    world.estate.people.revoke(world.actor("olivia"), "ravi")
    with pytest.raises(Denied):
        world.estate.data.erase(world.actor("stella"), "patients")


def test_an_approval_by_who_has_lost_the_role_counts_no_more(world, dataset):
    world.approve("ravi", "dataset.erase", dataset)
    world.estate.people.assign(world.actor("olivia"), "ravi", roles=("auditor",))
    with pytest.raises(Denied):
        world.estate.data.erase(world.actor("stella"), "patients")


def test_an_act_that_takes_no_approvals_is_told_with_those_that_do(world, dataset):
    with pytest.raises(PartyError, match=r"dataset\.erase"):
        world.estate.people.prepare(world.actor("ravi"), "ravi", "dataset.clear", dataset)


def test_any_version_of_a_dataset_names_the_whole_for_its_erasure(world, dataset):
    said = world.estate.people.prepare(world.actor("ravi"), "ravi", "dataset.erase", dataset.at(1))
    assert said.resource == str(dataset)
    assert parse_time(said.expires)


def test_allowed_signers_name_everybody_with_a_key(world):
    lines = world.estate.people.allowed_signers(world.actor("ada")).splitlines()
    assert len(lines) == 9
    assert all(' namespaces="freehold-approval" ssh-ed25519 ' in line for line in lines)
