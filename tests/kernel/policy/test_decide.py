"""Decisions: default deny, forbid overrides, errors deny, and remembered answers are fresh ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.kernel.policy import Entity, PolicyRequest, PolicySet
from tests.kernel.policy.small import (
    REQUESTS,
    RULES,
    SCHEMA,
    asked,
    doc,
    judged,
    person,
    text_of,
)

PERMIT_ALL = '@id("all") @reason("everybody may") permit (principal, action, resource);'
FORBID_SECRET = (
    '@id("secret") @reason("secrets stay") forbid (principal, action, resource) '
    'when { resource.kind == "secret" };'
)
OVERFLOW = (
    '@id("sum") forbid (principal, action, resource) '
    "when { context.amount * 9223372036854775807 > 5 };"
)


def test_what_nothing_permits_is_denied_and_no_policy_is_named():
    policies = PolicySet(FORBID_SECRET, SCHEMA)
    decision = policies.decide(asked())
    assert (decision.is_allowed, decision.policies, decision.errors) == (False, (), ())
    assert "no policy permits it" in policies.explain(decision)


def test_a_permission_names_the_policies_that_gave_it():
    policies = PolicySet(f"{PERMIT_ALL}\n{FORBID_SECRET}", SCHEMA)
    decision = policies.decide(asked())
    assert decision.is_allowed
    assert decision.policies == ("all",)
    assert policies.explain(decision) == "all: everybody may"


def test_one_forbid_overrides_every_permit_and_is_the_one_named():
    policies = PolicySet(f"{PERMIT_ALL}\n{FORBID_SECRET}", SCHEMA)
    decision = policies.decide(asked(resource=doc("secret")))
    assert not decision.is_allowed
    assert decision.policies == ("secret",)
    assert policies.explain(decision) == "secret: secrets stay"


def test_a_policy_that_cannot_be_evaluated_denies_although_another_permits():
    policies = PolicySet(f"{PERMIT_ALL}\n{OVERFLOW}", SCHEMA)
    assert policies.decide(asked(amount=0)).is_allowed
    decision = policies.decide(asked(amount=2))
    assert not decision.is_allowed
    assert decision.policies == ("policy.error",)
    assert "overflow" in decision.errors[0]
    assert "could not be evaluated" in policies.explain(decision)


def test_the_error_of_a_policy_names_it_by_its_id():
    policies = PolicySet(f"{PERMIT_ALL}\n{OVERFLOW}", SCHEMA)
    assert "`sum`" in policies.explain(policies.decide(asked(amount=2)))


UNFIT = {
    "an attribute is missing": asked(resource=Entity("Doc", "doc:1", {"kind": "plain"})),
    "an attribute is too much": asked(
        resource=Entity("Doc", "doc:1", {**doc().attributes, "owner": "alice"})
    ),
    "an attribute is of another type": asked(
        resource=Entity("Doc", "doc:1", {**doc().attributes, "rank": "high"})
    ),
    "a number is no integer": asked(
        resource=Entity("Doc", "doc:1", {**doc().attributes, "rank": 1.5})
    ),
    "the principal is of an unknown type": asked(Entity("Job", "j", person("owner").attributes)),
    "the resource is of an unknown type": asked(resource=Entity("Cat", "c", {})),
    "the action is unknown": asked(action="doc.eat"),
    "the context has a key too much": asked(colour="red"),
    "the context has a null": asked(amount=None),
    "the context has a fraction": asked(amount=0.5),
    "the context has an integer that no policy can hold": asked(amount=2**63),
    "the context smuggles in an entity": asked(purpose={"__entity": {"type": "User", "id": "a"}}),
    "a name has no UTF-8": asked(Entity("User", "\ud800", person("owner").attributes)),
}


@pytest.mark.parametrize("request_", UNFIT.values(), ids=UNFIT.keys())
def test_a_request_that_does_not_fit_the_schema_is_denied(request_: PolicyRequest):
    decision = PolicySet(PERMIT_ALL, SCHEMA).decide_afresh(request_)
    assert not decision.is_allowed
    assert decision.policies == ("policy.error",)
    assert decision.errors


def test_a_context_that_lacks_a_key_is_denied():
    request = asked()
    poorer = {name: value for name, value in request.context.items() if name != "approvals"}
    decision = PolicySet(PERMIT_ALL, SCHEMA).decide(
        PolicyRequest(request.principal, request.action, request.resource, poorer)
    )
    assert (decision.is_allowed, decision.policies) == (False, ("policy.error",))


@given(st.lists(RULES, min_size=1, max_size=6), st.lists(REQUESTS, min_size=1, max_size=8))
def test_decisions_are_those_of_a_naive_reading(rules, requests):
    policies = PolicySet(text_of(rules), SCHEMA)
    for request in requests:
        decision = policies.decide_afresh(request)
        assert (decision.is_allowed, decision.policies) == judged(rules, request)


CACHED = PolicySet(
    f"{PERMIT_ALL}\n{FORBID_SECRET}\n{OVERFLOW}\n"
    '@id("trial") forbid (principal, action == Action::"doc.write", resource) '
    "when { context.trial && context.approvals < 2 };",
    SCHEMA,
)


@given(st.lists(REQUESTS, min_size=1, max_size=10))
def test_remembered_answers_equal_fresh_ones(requests):
    for request in requests:
        assert CACHED.decide(request) == CACHED.decide_afresh(request)
        assert CACHED.decide(request) == CACHED.decide_afresh(request)


@given(REQUESTS)
def test_a_request_read_back_from_a_body_is_decided_alike(request_):
    read_back = PolicyRequest.from_json(request_.as_json())
    assert CACHED.decide_afresh(read_back) == CACHED.decide_afresh(request_)


def test_true_and_one_are_different_questions():
    """They are equal in Python; the remembered answer of one is no answer to the other."""
    policies = PolicySet(PERMIT_ALL, SCHEMA)
    assert policies.decide(asked(trial=True)).is_allowed
    assert not policies.decide(asked(trial=1)).is_allowed
    assert policies.decide(asked(amount=1)).is_allowed
    assert not policies.decide(asked(amount=True)).is_allowed
