"""Cedar against a naive reading of the charter: whatever is asked, both decide alike."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freehold.charter import (
    EU_MEMBERS,
    ISOLATION_LEVELS,
    Charter,
    compile_policies,
)
from tests.charter.world import ACTIONS, ATTRIBUTES, Question, World, asks, demo

CHARTER = demo(isolation="namespaces")
WORLD = World(compile_policies(CHARTER, ACTIONS))

CONTENT = {
    "dataset.ingest",
    "dataset.clear",
    "dataset.set_terms",
    "dataset.read",
    "model.register",
    "model.fetch",
    "deployment.start",
    "decision.answer",
    "decision.read",
}


def allowed_by_the_book(charter: Charter, asked: Question) -> bool:
    """Answer as the text of the charter says, without Cedar."""
    who, what, around = asked.principal, asked.resource, asked.context
    may = [pattern for role in who["roles"] for pattern in charter.roles[role].may]
    may += emergency_by_the_book(charter, asked)
    if not who["is_active"] or not {asked.act, asked.act.split(".")[0] + ".*"} & set(may):
        return False
    if asked.act in ("access.review_emergency", "access.review_decide") and around["own"]:
        return False
    if around["purpose"] and around["purpose"] not in charter.purposes:
        return False
    if not set(around.get("purposes", [])) <= set(charter.purposes):
        return False
    rule = charter.approvals.get(asked.act)
    if rule and around["approvals"] < rule.count:
        return False
    if asked.act == "model.promote":
        is_reviewed = not what["trained_by"] or around["approvals"] >= 1 or around["trial"]
        return what["gate"] == "passed" and is_reviewed
    return asked.act not in CONTENT or content_by_the_book(charter, asked)


def emergency_by_the_book(charter: Charter, asked: Question) -> list[str]:
    """Acts that the table of emergencies allows besides the roles."""
    who, around, rules = asked.principal, asked.context, charter.emergency
    if rules is None or asked.act == "access.end":
        return ["access.end"] if rules and around["own"] else []
    if asked.act not in ("access.request", "access.break_glass"):
        return []
    is_bounded = around["role"] in rules.roles and around["minutes"] <= rules.minutes_max
    is_free = around.get("own", True) and not around.get("unreviewed")
    return [asked.act] if {*who["roles"]} & {*rules.who} and is_bounded and is_free else []


def content_by_the_book(charter: Charter, asked: Question) -> bool:
    who, what, around = asked.principal, asked.resource, asked.context
    site, act = around["site"], asked.act
    carried = set(what.get("classes", [])) | (
        {what["data_class"]} if "data_class" in what else set()
    )
    judged = {around["data_class"]} if act == "dataset.ingest" else carried
    if not judged <= set(who["clearances"]) or not judged <= set(charter.classes):
        return False
    if what.get("is_erased"):
        return False
    for code in (judged | carried) & set(charter.classes):
        rule = charter.classes[code]
        allowed = set(rule.residency) | (EU_MEMBERS if "EU" in rule.residency else set())
        if site["jurisdiction"] not in allowed:
            return False
        if site["operator"] not in rule.operators or site["tenancy"] not in rule.tenancy:
            return False
        if around.get("isolation", 99) < ISOLATION_LEVELS[rule.isolation]:
            return False
        if code in judged and not set(around.get("residency", [])) <= allowed:
            return False
    if act == "dataset.ingest":
        return bool(around["residency"])
    if act == "dataset.read":
        is_in_eu = "EU" in what["residency"] and site["jurisdiction"] in EU_MEMBERS
        is_here = site["jurisdiction"] in what["residency"] or is_in_eu
        is_allowed = not what["terms"] or around["purpose"] in what["allowed"]
        is_in_time = what["terms"] not in ("expired", "coming")
        return is_here and is_allowed and is_in_time and around["purpose"] in what["purposes"]
    return True


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Draw what passes more often than what does not, so that both answers are reached."""
    return st.sampled_from([usual] * (2 * len(others)) + list(others))


CLASS = st.sampled_from(["public", "internal", "health", "dropped"])
CLASSES = st.lists(CLASS, unique=True, max_size=2)
PURPOSES = st.sampled_from([["research"], ["research", "diagnosis-support"], [], ["profit"]])
PLACES = mostly(["EU"], ["NL"], ["US", "EU"], [])
DRAWN: dict[str, st.SearchStrategy[Any]] = {
    "its_data_class": CLASS,
    "its_classes": CLASSES,
    "its_purposes": PURPOSES,
    "its_residency": PLACES,
    "its_terms": mostly("", "in-force", "expired", "coming"),
    "its_allowed": PURPOSES,
    "its_is_erased": mostly(False, True),
    "its_gate": st.sampled_from(["passed", "failed", "none"]),
    "its_trained_by": st.sampled_from(["", "clara"]),
    "data_class": CLASS,
    "purposes": PURPOSES,
    "residency": PLACES,
    "isolation": st.integers(0, 2),
    "purpose": mostly("research", "", "diagnosis-support", "profit"),
    "approvals": st.integers(0, 2),
    "trial": st.booleans(),
    "role": mostly("operator", "steward", "owner", "nothing"),
    "minutes": mostly(240, 241, 1),
    "own": st.booleans(),
    "unreviewed": mostly(0, 1),
    "is_active": mostly(True, False),
    "site": st.fixed_dictionaries(
        {
            "jurisdiction": mostly("NL", "DE", "US", "EU"),
            "operator": mostly("own", "acme"),
            "tenancy": mostly("dedicated", "shared"),
        }
    ),
}


@st.composite
def questions(draw: st.DrawFn) -> Question:
    act = draw(st.sampled_from(sorted(CONTENT)) | st.sampled_from(sorted(ACTIONS)))
    person = draw(st.sampled_from(sorted(CHARTER.people)))
    blank = asks(CHARTER, person, act)
    names = ["is_active", *blank.context, *(f"its_{name}" for name in ATTRIBUTES[ACTIONS[act]])]
    given = {name: draw(DRAWN[name]) for name in names if name in DRAWN}
    asked = asks(CHARTER, person, act, **given)
    held = draw(st.lists(CLASS, unique=True)) if draw(st.booleans()) else None
    roles = draw(st.lists(st.sampled_from(sorted(CHARTER.roles)), unique=True, max_size=3))
    changed = {"roles": sorted({*roles, *asked.principal["roles"]})}
    return dataclasses.replace(
        asked,
        principal=asked.principal
        | changed
        | ({} if held is None else {"clearances": sorted(held)}),
    )


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(questions())
def test_cedar_decides_as_the_text_of_the_charter_says(asked: Question) -> None:
    is_allowed, policies = WORLD.decide(asked)
    assert is_allowed is allowed_by_the_book(CHARTER, asked)
    assert policies or not is_allowed
