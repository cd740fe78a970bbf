"""What may become a policy set: validated, named, and none of it ignored without a word."""

from __future__ import annotations

import hashlib

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.kernel import FreeholdError
from freehold.kernel.policy import (
    ActionType,
    Denied,
    Entity,
    EntityType,
    InvalidPolicy,
    PolicyError,
    PolicyRequest,
    PolicySet,
    schema_text,
)
from tests.kernel.policy.small import SCHEMA

GOOD = '@id("good") permit (principal, action, resource);'

REFUSED = {
    "nothing": ("", "policy.empty"),
    "white space": (" \n\t", "policy.empty"),
    "a comment alone": ("// permit (principal, action, resource);", "policy.empty"),
    "a policy without an id": ("permit (principal, action, resource);", "policy.no_id"),
    "a second policy without an id": (
        f"{GOOD} forbid (principal, action, resource);",
        "policy.no_id",
    ),
    "an empty id": ('@id("") permit (principal, action, resource);', "policy.no_id"),
    "an id with free text": (
        '@id("Mr Smith may") permit (principal, action, resource);',
        "policy.bad_id",
    ),
    "an id twice": (f"{GOOD}{GOOD}", "policy.double_id"),
    "an id that stands for errors": (
        '@id("policy.error") permit (principal, action, resource);',
        "policy.bad_id",
    ),
    "a template, which nobody links": (
        f'{GOOD} @id("t") forbid (principal == ?principal, action, resource);',
        "policy.template",
    ),
    "half a policy": ('@id("a") permit (', "policy.syntax"),
    "text that is no policy": ("let everybody in", "policy.syntax"),
    "a text without UTF-8": ("\ud800", "policy.syntax"),
    "an unknown action": (
        '@id("a") permit (principal, action == Action::"doc.eat", resource);',
        "policy.invalid",
    ),
    "an unknown attribute": (
        '@id("a") permit (principal, action, resource) when { principal.nickname == "x" };',
        "policy.invalid",
    ),
    "an unknown key of the context": (
        '@id("a") permit (principal, action, resource) when { context.colour == "x" };',
        "policy.invalid",
    ),
    "a comparison of other types": (
        '@id("a") permit (principal, action, resource) when { resource.rank == "high" };',
        "policy.invalid",
    ),
    "an unknown type of entity": (
        '@id("a") permit (principal is Robot, action, resource);',
        "policy.invalid",
    ),
}


@pytest.mark.parametrize(("text", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_policy_set_is_refused_for(text: str, code: str):
    with pytest.raises(InvalidPolicy) as refusal:
        PolicySet(text, SCHEMA)
    assert refusal.value.code == code
    assert len(refusal.value.message) > 30, "the message says what is wrong"


def test_a_refusal_by_the_schema_names_the_policy_by_its_id_and_says_what_there_is():
    broken = '@id("my.rule") permit (principal, action, resource) when { context.colour == "x" };'
    with pytest.raises(InvalidPolicy) as refusal:
        PolicySet(f"{GOOD}\n{broken}", SCHEMA)
    assert "my.rule" in refusal.value.message
    assert "colour" in refusal.value.message
    assert refusal.value.hint, "and where to find what there is"


def test_a_set_knows_its_ids_and_reasons():
    policies = PolicySet(
        f'{GOOD}\n@id("b") @reason("because") forbid (principal, action, resource);', SCHEMA
    )
    assert tuple(policies.ids) == ("good", "b")
    assert policies.reasons == {"good": "", "b": "because"}


def test_the_digest_is_that_of_the_text_whatever_the_schema_of_this_version():
    other_schema = SCHEMA.replace("rank: Long", "rank: String")
    expected = "sha256:" + hashlib.sha256(GOOD.encode()).hexdigest()
    assert PolicySet(GOOD, SCHEMA).digest == PolicySet(GOOD, other_schema).digest == expected
    assert PolicySet(GOOD + "\n", SCHEMA).digest != expected


def test_the_schema_does_not_depend_on_the_order_of_declarations():
    kinds = [EntityType("B", {"y": str, "x": int}), EntityType("A")]
    actions = [ActionType("b.do", ("B",)), ActionType("a.do", ("A", "B"), {"n": int})]
    assert schema_text(kinds, actions) == schema_text(kinds[::-1], actions[::-1])


def test_a_denial_is_an_expected_error_with_the_policies_that_made_it():
    error = Denied("no", policies=("a", "b"), hint="ask")
    assert isinstance(error, PolicyError)
    assert isinstance(error, FreeholdError)
    assert (error.code, error.policies, str(error)) == ("policy.denied", ("a", "b"), "no (ask)")


SCOPES = (
    "action",
    'action == Action::"open"',
    'action in [Action::"open", Action::"close"]',
    'action in [Action::"close"]',
)
TWO_ACTIONS = [ActionType(name, ("Thing",), {}) for name in ("open", "close")]


@given(
    scopes=st.lists(st.tuples(st.sampled_from(("permit", "forbid")), st.sampled_from(SCOPES))),
    action=st.sampled_from(("open", "close")),
    grouped=st.booleans(),
)
def test_leaving_out_policies_about_other_actions_changes_no_decision(scopes, action, grouped):
    text = "".join(
        f'@id("p{i}") {effect} (principal, {scope}, resource);\n'
        for i, (effect, scope) in enumerate([("permit", "action"), *scopes])
    )
    schema = schema_text([EntityType("Thing", {})], TWO_ACTIONS)
    if grouped:
        schema = schema.replace('action "close" appliesTo', 'action "close" in ["open"] appliesTo')
    user = Entity("User", "u", {"roles": [], "clearances": [], "unit": "", "is_active": True})
    site = dict.fromkeys(("jurisdiction", "operator", "tenancy", "connectivity"), "")
    context = {"approvals": 0, "purpose": "", "site": site, "trial": False}
    decided = PolicySet(text, schema).decide_afresh(
        PolicyRequest(user, action, Entity("Thing", "t", {}), context)
    )
    whole = cedarpy.is_authorized(
        {
            "principal": user.uid,
            "action": {"type": "Action", "id": action},
            "resource": {"type": "Thing", "id": "t"},
            "context": context,
        },
        text,
        [
            {"uid": user.uid, "attrs": dict(user.attributes), "parents": []},
            {"uid": {"type": "Thing", "id": "t"}, "attrs": {}, "parents": []},
        ],
        schema,
    )
    named = whole.diagnostics.id_annotations_by_reason
    assert decided.is_allowed == (whole.decision is cedarpy.Decision.Allow)
    assert decided.policies == tuple(sorted(named.values()))
