"""Policies of the organisation's own: proposed, approved by another, tried out, explained."""

from __future__ import annotations

import pytest

from freehold.kernel import LimitError, MalformedError, Ref
from freehold.kernel.acts import Conflict, NotFound
from freehold.kernel.policy import Denied, InvalidPolicy
from freehold.parties import PartyError
from tests.estate.world import PURPOSE, World, check_everything

NO_INGEST = """
@id("house.no-ingest") @reason("The archive is being moved.")
forbid (principal, action == Action::"dataset.ingest", resource);
"""
HARMLESS = """
@id("house.harmless") forbid (principal, action, resource) when { context.purpose == "no such" };
"""
CASE = """
[[case]]
name = "{name}"
action = "{action}"
expect = "{expect}"
{more}
[case.principal]
type = "User"
id = "x"
attributes = {{ roles = ["steward"], clearances = ["health"], unit = "", is_active = true }}
[case.resource]
type = "Dataset"
id = "dataset:y"
[case.resource.attributes]
data_class = "health"
purposes = []
residency = ["NL"]
owner = ""
is_erased = false
terms = ""
allowed = []
"""


def case(name: str, expect: str, *, action: str = "dataset.show", more: str = "") -> str:
    return CASE.format(name=name, action=action, expect=expect, more=more)


def proposed(world: World, text: str = NO_INGEST, person: str = "olivia") -> Ref:
    return Ref.parse(world.estate.policy.propose(world.actor(person), text))


def test_a_policy_comes_in_force_by_one_person_and_the_approval_of_another(world):
    policy, ref = world.estate.policy, proposed(world)
    world.ingest()
    world.approve("oscar", "policy.activate", ref)
    digest = policy.activate(world.actor("olivia"), str(ref))
    assert world.estate.pipeline.policies.digest == digest == policy.evidence(ref)
    with pytest.raises(Denied, match="The archive is being moved") as refused:
        world.ingest()
    assert refused.value.policies == ("house.no-ingest",)
    world.reopen()
    with pytest.raises(Denied):
        world.ingest()
    check_everything(world.estate)


def test_a_policy_does_not_come_in_force_unapproved(world):
    with pytest.raises(Denied) as refused:
        world.estate.policy.activate(world.actor("olivia"), str(proposed(world)))
    assert refused.value.policies == ("charter.approvals.policy-activate",)
    world.ingest()


def test_the_approval_of_whoever_proposed_it_does_not_count(world):
    ref = proposed(world, person="oscar")
    world.approve("oscar", "policy.activate", ref)
    for person in ("olivia", "oscar"):
        with pytest.raises(Denied):
            world.estate.policy.activate(world.actor(person), str(ref))
    world.approve("ravi", "policy.activate", ref)
    world.estate.policy.activate(world.actor("oscar"), str(ref))


def test_the_approval_of_whoever_activates_it_does_not_count(world):
    ref = proposed(world)
    world.approve("oscar", "policy.activate", ref)
    with pytest.raises(Denied):
        world.estate.policy.activate(world.actor("oscar"), str(ref))


def test_only_who_may_proposes(world):
    for person in ("ravi", "stella", "clara", "dana"):
        with pytest.raises(Denied):
            proposed(world, person=person)


def test_policies_can_only_add_to_the_charters(world):
    """Even a policy that permits everything leaves every rule of the charter in force."""
    ref = proposed(world, '@id("house.all") permit (principal, action, resource);')
    world.ingest()
    world.approve("oscar", "policy.activate", ref)
    world.estate.policy.activate(world.actor("olivia"), str(ref))
    world.estate.data.list(world.actor("dana"))  # she may now what nobody had permitted her
    with pytest.raises(Denied) as refused:
        world.estate.data.erase(world.actor("dana"), "patients")
    assert refused.value.policies == ("charter.approvals.dataset-erase",)


@pytest.mark.parametrize(
    "text",
    [
        "permit",
        "permit (principal, action, resource);",
        '@id("a") permit (principal, action, resource);' * 2,
        '@id("charter.active") permit (principal, action, resource);',
        '@id("Not A Code") permit (principal, action, resource);',
        '@id("a") permit (principal, action == Action::"no.such", resource);',
        '@id("a") permit (principal, action, resource) when { resource.no_such == "x" };',
    ],
)
def test_what_does_not_validate_is_not_proposed(world, text):
    world.actor("olivia")
    size = world.estate.pipeline.stores.log.size
    with pytest.raises(InvalidPolicy):
        proposed(world, text)
    assert world.estate.pipeline.stores.log.size == size


def test_policies_without_end_are_refused(world):
    with pytest.raises(LimitError):
        proposed(world, "// " + "x" * 5_000_000)


def test_whoever_approves_can_read_what_was_proposed(world):
    ref = proposed(world)
    shown = world.estate.policy.show(world.actor("oscar"), str(ref))
    assert shown["text"].endswith(NO_INGEST)
    assert shown["digest"] == world.estate.policy.evidence(ref)
    assert shown["digest"] != world.estate.policy.show(world.actor("oscar"))["digest"]
    with pytest.raises(NotFound):
        world.estate.policy.show(
            world.actor("oscar"), "policy:00000000-0000-7000-8000-000000000000"
        )


def test_policies_proposed_beside_a_charter_that_is_gone_do_not_bring_it_back(world):
    ref = proposed(world)
    owner = world.actor("olivia")
    text = world.estate.charter.show(owner)["text"]
    stricter = text.replace('."dataset.erase"]\ncount = 1', '."dataset.erase"]\ncount = 2')
    world.estate.charter.propose(owner, stricter.encode())
    world.ratify()
    world.approve("oscar", "policy.activate", ref)
    with pytest.raises(Conflict) as refused:
        world.estate.policy.activate(owner, str(ref))
    assert refused.value.code == "policy.outdated"
    again = proposed(world)
    world.approve("oscar", "policy.activate", again)
    world.estate.policy.activate(owner, str(again))


def test_a_new_charter_keeps_the_organisations_own_policies(world):
    ref, owner = proposed(world), world.actor("olivia")
    world.approve("oscar", "policy.activate", ref)
    world.estate.policy.activate(owner, str(ref))
    text = world.estate.charter.show(owner)["text"]
    world.estate.charter.propose(owner, f"{text}\n# reviewed\n".encode())
    world.ratify()
    assert "house.no-ingest" in world.estate.pipeline.policies.ids
    with pytest.raises(Denied, match="The archive is being moved"):
        world.ingest()


# ---- simulate


def test_a_simulation_names_what_would_have_been_different(world):
    ingested = world.ingest()
    owner = world.actor("olivia")
    plain = world.estate.policy.simulate(owner, HARMLESS)
    simulated = world.estate.policy.simulate(owner, NO_INGEST)
    known = {difference.act for difference in plain.differences}
    (difference,) = [each for each in simulated.differences if each.act not in known]
    assert (difference.act, difference.action) == (ingested.act, "dataset.ingest")
    assert (difference.was, difference.would_be) == ("allow", "deny")
    assert difference.policies == ("house.no-ingest",)
    world.ingest(content=b"a\n1\n")  # nothing has really changed


def test_a_simulation_counts_what_was_erased_and_cannot_be_decided_again(world):
    world.ingest()
    world.erase()
    assert world.estate.policy.simulate(world.actor("olivia"), NO_INGEST).erased >= 1


# ---- test and explain


def test_cases_pass_or_fail_by_the_policies_in_force_or_imagined(world):
    cases = case("shown", "allow") + case("not shown", "deny")
    policy, owner = world.estate.policy, world.actor("olivia")
    assert [each.is_passed for each in policy.test(owner, cases)] == [True, False]
    imagined = '@id("house.none") forbid (principal, action == Action::"dataset.show", resource);'
    results = policy.test(owner, cases, policies=imagined)
    assert [(each.is_passed, each.got) for each in results] == [(False, "deny"), (True, "deny")]
    assert results[0].policies == ("house.none",)


def test_a_case_can_ask_which_policy_determined_it(world):
    cases = case("by role", "allow", more='policy = "charter.role.steward"\n')
    cases += case("by another", "allow", more='policy = "charter.role.owner"\n')
    results = world.estate.policy.test(world.actor("olivia"), cases)
    assert [each.is_passed for each in results] == [True, False]


@pytest.mark.parametrize("expect", ["allow", "deny"])
def test_a_case_about_an_action_that_does_not_exist_never_passes(world, expect):
    (result,) = world.estate.policy.test(
        world.actor("olivia"), case("typo", expect, action="dataset.shwo")
    )
    assert (result.got, result.is_passed) == ("error", False)


def test_a_case_that_lacks_an_attribute_never_passes(world):
    cases = case("lacks", "deny").replace("is_erased = false", "")
    (result,) = world.estate.policy.test(world.actor("olivia"), cases)
    assert not result.is_passed


@pytest.mark.parametrize(
    "cases",
    [
        "not toml at all [",
        "",
        "case = 1",
        'case = ["x"]',
        "[[case]]\nname = 'x'",
        case("no expectation", "allow").replace('expect = "allow"', ""),
        case("a time", "allow", more="context = { purpose = 2026-01-01T00:00:00Z }\n"),
        case("no table", "allow", more="context = 3\n"),
    ],
)
def test_cases_that_do_not_read_are_told_so(world, cases):
    with pytest.raises(MalformedError):
        world.estate.policy.test(world.actor("olivia"), cases)


def test_an_act_is_explained_by_the_policies_of_its_day(world):
    ingested = world.ingest()
    ref = proposed(world)
    world.approve("oscar", "policy.activate", ref)
    world.estate.policy.activate(world.actor("olivia"), str(ref))
    told = world.estate.policy.explain(world.actor("ada"), ingested.act)
    assert (told.action, told.result) == ("dataset.ingest", "allow")
    assert told.policies == ("charter.role.steward",)
    assert "steward" in told.reasons[0]
    assert told.request is not None
    assert told.request["context"]["data_class"] == "health"


def test_a_refusal_is_explained_too(world):
    world.ingest()
    with pytest.raises(Denied, match="recorded as act") as refused:
        world.estate.data.show(world.actor("dana"), "patients")
    act = refused.value.hint.rpartition(" ")[2]
    told = world.estate.policy.explain(world.actor("ada"), act)
    assert (told.result, told.policies) == ("deny", ())
    with pytest.raises(NotFound):
        world.estate.policy.explain(world.actor("ada"), "no such act")


def test_a_reviewer_without_a_key_of_an_owner_cannot_log_in_as_one(world):
    with pytest.raises(PartyError):
        world.estate.people.authenticate("fh_" + PURPOSE)
