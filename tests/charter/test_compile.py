"""Charters become policies that decide as the charter says: a table of cases."""

from __future__ import annotations

import dataclasses
import json
import re
from types import MappingProxyType
from typing import Any

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.charter import (
    Charter,
    MalformedCharterError,
    bootstrap_policies,
    compile_policies,
)
from tests.charter.world import ACTIONS, World, asks, demo, demo_text

CHARTER = demo(isolation="namespaces")
WORLD = World(compile_policies(CHARTER, ACTIONS))

HEALTH: dict[str, Any] = {
    "its_data_class": "health",
    "its_purposes": ["research"],
    "its_residency": ["EU"],
}
READ: dict[str, Any] = HEALTH | {"purpose": "research", "isolation": 1}
INGEST: dict[str, Any] = {"data_class": "health", "purposes": [], "residency": ["NL"]}
MODEL: dict[str, Any] = {"its_classes": ["health"], "its_trained_by": "clara"}
READY: dict[str, Any] = MODEL | {"its_gate": "passed", "approvals": 1}
DEPLOYED: dict[str, Any] = {"its_classes": ["health"]}
TAKEN: dict[str, Any] = {"role": "steward", "minutes": 60}
GLASS: dict[str, Any] = TAKEN | {"own": True}

# who, does what, given what -> allowed?, by which policies
DECISIONS: dict[str, tuple[str, str, dict[str, Any], bool, set[str]]] = {
    "an operator takes a role that another approved": (
        "otto",
        "access.break_glass",
        GLASS | {"approvals": 1},
        True,
        {"charter.emergency.take"},
    ),
    "nobody takes one alone": (
        "otto",
        "access.break_glass",
        GLASS,
        False,
        {"charter.approvals.access-break_glass"},
    ),
    "nor for longer than the charter says": (
        "otto",
        "access.break_glass",
        GLASS | {"approvals": 1, "minutes": 241},
        False,
        {"charter.emergency.minutes"},
    ),
    "nor another role than it names": (
        "otto",
        "access.request",
        TAKEN | {"role": "owner"},
        False,
        {"charter.emergency.roles"},
    ),
    "nor another's": (
        "otto",
        "access.break_glass",
        GLASS | {"approvals": 1, "own": False},
        False,
        {"charter.emergency.own"},
    ),
    "nor while the last is not reviewed": (
        "otto",
        "access.break_glass",
        GLASS | {"approvals": 1, "unreviewed": 1},
        False,
        {"charter.emergency.unreviewed"},
    ),
    "nor one whom it does not name": (
        "dana",
        "access.request",
        TAKEN,
        False,
        {"charter.emergency.who"},
    ),
    "one gives one's own back": (
        "otto",
        "access.end",
        {"own": True},
        True,
        {"charter.emergency.give-back"},
    ),
    "an owner ends another's": (
        "olivia",
        "access.end",
        {"own": False},
        True,
        {"charter.role.owner"},
    ),
    "nobody reviews their own emergency": (
        "olivia",
        "access.review_emergency",
        {"own": True},
        False,
        {"charter.emergency.review-own"},
    ),
    "nobody decides about their own access": (
        "ravi",
        "access.review_decide",
        {"own": True},
        False,
        {"charter.review.own"},
    ),
    "a steward ingests": ("stella", "dataset.ingest", INGEST, True, {"charter.role.steward"}),
    "a scientist does not": ("clara", "dataset.ingest", INGEST, False, set()),
    "a steward ingests an unknown class": (
        "stella",
        "dataset.ingest",
        INGEST | {"data_class": "secret"},
        False,
        {"charter.class", "charter.clearance"},
    ),
    "a steward ingests for an undefined purpose": (
        "stella",
        "dataset.ingest",
        INGEST | {"purposes": ["profit"]},
        False,
        {"charter.purpose.defined"},
    ),
    "a steward ingests for a place outside": (
        "stella",
        "dataset.ingest",
        INGEST | {"residency": ["NL", "US"]},
        False,
        {"charter.residency.health"},
    ),
    "a steward ingests public data for a place outside": (
        "stella",
        "dataset.ingest",
        INGEST | {"data_class": "public", "residency": ["NL", "US"]},
        True,
        {"charter.role.steward"},
    ),
    "a steward ingests for no place": (
        "stella",
        "dataset.ingest",
        INGEST | {"residency": []},
        False,
        {"charter.residency"},
    ),
    "a steward ingests at a site outside": (
        "stella",
        "dataset.ingest",
        INGEST | {"site": {"jurisdiction": "US"}},
        False,
        {"charter.residency.health"},
    ),
    "a steward clears": (
        "stella",
        "dataset.clear",
        HEALTH | {"purposes": ["research"]},
        True,
        {"charter.role.steward"},
    ),
    "a steward clears for an undefined purpose": (
        "stella",
        "dataset.clear",
        HEALTH | {"purposes": ["research", "profit"]},
        False,
        {"charter.purpose.defined"},
    ),
    "a cleared scientist reads": (
        "clara",
        "dataset.read",
        READ,
        True,
        {"charter.role.scientist"},
    ),
    "one who is not cleared does not": (
        "simon",
        "dataset.read",
        READ,
        False,
        {"charter.clearance"},
    ),
    "but may see that it exists": (
        "simon",
        "dataset.show",
        HEALTH,
        True,
        {"charter.role.scientist"},
    ),
    "reading for another purpose": (
        "clara",
        "dataset.read",
        READ | {"purpose": "diagnosis-support"},
        False,
        {"charter.purpose"},
    ),
    "reading for no purpose": (
        "clara",
        "dataset.read",
        READ | {"purpose": ""},
        False,
        {"charter.purpose"},
    ),
    "reading with too little isolation": (
        "clara",
        "dataset.read",
        READ | {"isolation": 0},
        False,
        {"charter.isolation.health"},
    ),
    "reading at a site outside": (
        "clara",
        "dataset.read",
        READ | {"site": {"jurisdiction": "US"}},
        False,
        {"charter.residency", "charter.residency.health"},
    ),
    "reading at a place the class allows and the dataset does not": (
        "clara",
        "dataset.read",
        READ | {"its_residency": ["DE"]},
        False,
        {"charter.residency"},
    ),
    "reading at a supplier's site": (
        "clara",
        "dataset.read",
        READ | {"site": {"operator": "acme"}},
        False,
        {"charter.operator.health"},
    ),
    "reading at a shared site": (
        "clara",
        "dataset.read",
        READ | {"site": {"tenancy": "shared"}},
        False,
        {"charter.tenancy.health"},
    ),
    "reading what was erased": (
        "clara",
        "dataset.read",
        READ | {"its_is_erased": True},
        False,
        {"charter.not-erased"},
    ),
    "reading when revoked": (
        "clara",
        "dataset.read",
        READ | {"is_active": False},
        False,
        {"charter.active"},
    ),
    "erasing without approval": (
        "stella",
        "dataset.erase",
        HEALTH,
        False,
        {"charter.approvals.dataset-erase"},
    ),
    "erasing again, from anywhere": (
        "stella",
        "dataset.erase",
        HEALTH | {"approvals": 1, "its_is_erased": True, "site": {"jurisdiction": "US"}},
        True,
        {"charter.role.steward"},
    ),
    "promoting what is ready": (
        "otto",
        "model.promote",
        READY,
        True,
        {"charter.role.operator"},
    ),
    "promoting what missed its gate": (
        "otto",
        "model.promote",
        READY | {"its_gate": "failed"},
        False,
        {"charter.gate"},
    ),
    "promoting what nobody approved": (
        "otto",
        "model.promote",
        READY | {"approvals": 0},
        False,
        {"charter.approvals.model-promote", "charter.trained-by"},
    ),
    "a trainer promoting": ("clara", "model.promote", READY, False, set()),
    "a scientist trains": ("simon", "model.train", {}, True, {"charter.role.scientist"}),
    "registering a model beyond one's clearance": (
        "simon",
        "model.register",
        MODEL,
        False,
        {"charter.clearance"},
    ),
    "an operator deploys": (
        "otto",
        "deployment.start",
        DEPLOYED | {"isolation": 2},
        True,
        {"charter.role.operator"},
    ),
    "deploying with too little isolation": (
        "otto",
        "deployment.start",
        DEPLOYED | {"isolation": 0},
        False,
        {"charter.isolation.health"},
    ),
    "stopping is never barred": (
        "otto",
        "deployment.stop",
        DEPLOYED | {"site": {"jurisdiction": "US", "tenancy": "shared"}},
        True,
        {"charter.role.operator"},
    ),
    "a developer asks": ("dana", "decision.answer", DEPLOYED, True, {"charter.role.developer"}),
    "asking for an undefined purpose": (
        "dana",
        "decision.answer",
        DEPLOYED | {"purpose": "profit"},
        False,
        {"charter.purpose.defined"},
    ),
    "an auditor does not read answers": (
        "ada",
        "decision.read",
        DEPLOYED,
        False,
        {"charter.clearance"},
    ),
    "an auditor reads the ledger": ("ada", "ledger.read", {}, True, {"charter.role.auditor"}),
    "an owner alone activates no policy": (
        "olivia",
        "policy.activate",
        {},
        False,
        {"charter.approvals.policy-activate"},
    ),
}


@pytest.mark.parametrize("case", DECISIONS)
def test_the_charter_decides(case: str) -> None:
    person, act, given, is_allowed, policies = DECISIONS[case]
    assert WORLD.decide(asks(CHARTER, person, act, **given)) == (is_allowed, policies)


def test_a_service_is_held_to_the_same_rules() -> None:
    asked = asks(CHARTER, "simon", "dataset.read", **READ)
    assert WORLD.decide(asked, principal="Service") == (False, {"charter.clearance"})


def test_a_trial_of_one_may_promote_where_the_charter_asks_no_approval() -> None:
    without = dataclasses.replace(CHARTER, approvals=MappingProxyType({}))
    world = World(compile_policies(without, ACTIONS))
    alone = READY | {"approvals": 0}
    earnest = world.decide(asks(without, "otto", "model.promote", **alone))
    assert earnest == (False, {"charter.trained-by"})
    assert world.decide(asks(without, "otto", "model.promote", **alone, trial=True))[0]


def test_a_trial_is_held_to_the_approvals_of_its_charter() -> None:
    asked = asks(CHARTER, "otto", "model.promote", **READY | {"approvals": 0, "trial": True})
    assert WORLD.decide(asked) == (False, {"charter.approvals.model-promote"})


def test_a_class_that_an_amendment_dropped_is_closed_to_all() -> None:
    shorter = dataclasses.replace(
        CHARTER,
        classes=MappingProxyType({c: d for c, d in CHARTER.classes.items() if c != "health"}),
    )
    world = World(compile_policies(shorter, ACTIONS))
    assert world.decide(asks(CHARTER, "clara", "dataset.read", **READ)) == (
        False,
        {"charter.class"},
    )


def test_before_ratification_an_owner_may_bring_a_charter_in_and_nothing_else() -> None:
    world = World(bootstrap_policies())
    allowed = {act for act in ACTIONS if world.decide(asks(CHARTER, "olivia", act))[0]}
    assert allowed == {
        "charter.ratify",
        "charter.propose",
        "charter.show",
        "estate.status",
        "estate.create",
    }
    assert not any(world.decide(asks(CHARTER, "stella", act))[0] for act in ACTIONS)
    revoked = asks(CHARTER, "olivia", "charter.ratify", is_active=False)
    assert not world.decide(revoked)[0]


def annotations_of(policies: str) -> list[dict[str, str]]:
    parsed = json.loads(cedarpy.policies_to_json_str(policies))["staticPolicies"].values()
    return [policy["annotations"] for policy in parsed]


def test_every_policy_has_an_id_of_its_own_and_a_reason() -> None:
    found = annotations_of(compile_policies(CHARTER, ACTIONS))
    ids = [each["id"] for each in found]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"charter\.[a-z0-9._-]+", each) for each in ids)
    assert all(each["reason"].endswith(".") for each in found)
    assert {"charter.residency.health", "charter.approvals.custody-rotate"} <= set(ids)


def test_a_refusal_says_what_where_and_what_next() -> None:
    reasons = {
        each["id"]: each["reason"] for each in annotations_of(compile_policies(CHARTER, ACTIONS))
    }
    assert reasons["charter.isolation.health"] == (
        "Data of class health (Patients' health data (GDPR Art. 9)) may be worked on only in "
        "isolation by namespaces or better: see isolation in [classes.health]. Install what this "
        "site lacks for it, or use another site."
    )
    assert reasons["charter.approvals.model-promote"] == (
        "model.promote needs 1 valid approval(s) by others who hold reviewer: see "
        '[approvals."model.promote"]. Ask them to approve it (approval.give) and try again.'
    )


@pytest.mark.parametrize(
    ("before", "after", "path", "told"),
    [
        ('"model.train"', '"model.trian"', "roles.scientist.may[3]", 'did you mean "model.train"'),
        ('"deployment.*"', '"deploy.*"', "roles.operator.may[5]", 'found "deploy.*"'),
        (
            '[approvals."dataset.erase"]',
            '[approvals."dataset.eras"]',
            'approvals."dataset.eras"',
            'did you mean "dataset.erase"',
        ),
    ],
)
def test_an_act_that_does_not_exist_is_refused(
    before: str, after: str, path: str, told: str
) -> None:
    charter = Charter.parse(demo_text().replace(before, after, 1))
    with pytest.raises(MalformedCharterError, match=re.escape(told)) as caught:
        compile_policies(charter, ACTIONS)
    assert caught.value.path == path


@pytest.mark.parametrize("kept", ["Estate", "Dataset", "Model", "Decision"])
def test_only_acts_that_exist_are_named(kept: str) -> None:
    actions = {act: kind for act, kind in ACTIONS.items() if kind == kept}
    roles = {
        code: dataclasses.replace(role, may=tuple(actions)) for code, role in CHARTER.roles.items()
    }
    small = dataclasses.replace(
        CHARTER, roles=MappingProxyType(roles), approvals=MappingProxyType({})
    )
    World(compile_policies(small, actions), actions)


def test_an_ingest_on_the_estate_is_held_by_what_it_proposes() -> None:
    actions = ACTIONS | {"dataset.ingest": "Estate"}
    world = World(compile_policies(CHARTER, actions), actions)
    held = dataclasses.replace(asks(CHARTER, "stella", "dataset.ingest", **INGEST), resource={})
    assert world.decide(held)[0]
    outside = held.context | {"residency": ["US"]}
    refused = world.decide(dataclasses.replace(held, context=outside))
    assert refused == (False, {"charter.residency.health"})


def test_without_an_emergency_table_nobody_breaks_the_glass_whatever_their_role_says() -> None:
    text = re.sub(r"(?s)\n# ---- Emergencies.*?(?=\n# ---- Reviews)", "", demo_text())
    text = text.replace('"access.show"', '"access.*"')
    charter = Charter.parse(text)
    assert charter.emergency is None
    world = World(compile_policies(charter, ACTIONS))
    for person in charter.people:
        for act in ("access.request", "access.break_glass"):
            asked = asks(charter, person, act, **(GLASS if "break" in act else TAKEN))
            is_allowed, policies = world.decide(asked)
            assert not is_allowed
            assert "charter.emergency.none" in policies


def test_one_alone_takes_a_role_where_the_charter_says_so() -> None:
    rule = '[approvals."access.break_glass"]\ncount = 1\nroles = ["owner", "reviewer"]\n'
    text = demo_text().replace(rule, "").replace("alone = false", "alone = true")
    world = World(compile_policies(Charter.parse(text), ACTIONS))
    asked = asks(Charter.parse(text), "otto", "access.break_glass", **GLASS)
    assert world.decide(asked) == (True, {"charter.emergency.take"})


odd_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(odd_text)
def test_no_description_can_break_out_of_its_string(odd: str) -> None:
    classes = dict(CHARTER.classes)
    classes["health"] = dataclasses.replace(classes["health"], description=odd)
    roles = dict(CHARTER.roles)
    roles["owner"] = dataclasses.replace(roles["owner"], description=odd)
    charter = dataclasses.replace(
        CHARTER, classes=MappingProxyType(classes), roles=MappingProxyType(roles)
    )
    found = annotations_of(compile_policies(charter, ACTIONS))
    plain = annotations_of(compile_policies(CHARTER, ACTIONS))
    assert [each["id"] for each in found] == [each["id"] for each in plain]
    reasons = {each["id"]: each["reason"] for each in found}
    said = " ".join(f"x ({odd.rstrip('. ')}) y".split())[2:-2]
    assert said in reasons["charter.tenancy.health"]
    assert said in reasons["charter.role.owner"]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_no_code_can_break_out_of_its_string(odd: str) -> None:
    """Codes are checked by the parser; the compiler does not rely on it."""
    operators = dataclasses.replace(CHARTER.classes["health"], operators=(odd,))
    classes = MappingProxyType({**CHARTER.classes, "health": operators})
    world = World(compile_policies(dataclasses.replace(CHARTER, classes=classes), ACTIONS))
    there = asks(CHARTER, "clara", "dataset.read", **READ, site={"operator": odd})
    assert world.decide(there)[0]
    elsewhere = asks(CHARTER, "clara", "dataset.read", **READ, site={"operator": odd + "x"})
    assert world.decide(elsewhere) == (False, {"charter.operator.health"})
