"""A small world of policies, and a family of them simple enough to judge by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from freehold.kernel.policy import ActionType, Entity, EntityType, PolicyRequest, schema_text

ROLES = ("owner", "steward", "guest")
KINDS = ("plain", "secret")
ACTIONS = ("doc.read", "doc.write")
SCHEMA = schema_text(
    [EntityType("Doc", {"kind": str, "tags": "set", "rank": int})],
    [ActionType(action, ("Doc",), {"amount": int}) for action in ACTIONS],
)
SITE = {"jurisdiction": "NL", "operator": "own", "tenancy": "shared", "connectivity": "guarded"}


def person(*roles: str, unit: str = "data") -> Entity:
    attributes = {"roles": sorted(roles), "clearances": [], "unit": unit, "is_active": True}
    return Entity("User", "alice", attributes)


def doc(kind: str = "plain", tags: Sequence[str] = (), rank: int = 0) -> Entity:
    return Entity("Doc", "doc:1", {"kind": kind, "tags": sorted(tags), "rank": rank})


def context(**changed: Any) -> dict[str, Any]:
    common = {"amount": 0, "approvals": 0, "purpose": "", "site": dict(SITE), "trial": False}
    return common | changed


def asked(
    principal: Entity | None = None,
    resource: Entity | None = None,
    *,
    action: str = "doc.read",
    **changed: Any,
) -> PolicyRequest:
    """A request of the small world; what is named differs from the usual."""
    return PolicyRequest(
        principal or person("owner"), action, resource or doc(), context(**changed)
    )


@dataclass(frozen=True)
class Rule:
    """One policy of the family; a condition that is None does not count."""

    is_permit: bool
    action: str | None
    role: str | None
    kind: str | None
    approvals_below: int | None

    def cedar(self, name: str) -> str:
        scope = f'action == Action::"{self.action}"' if self.action else "action"
        conditions = ["true"]
        if self.role is not None:
            conditions.append(f'principal.roles.contains("{self.role}")')
        if self.kind is not None:
            conditions.append(f'resource.kind == "{self.kind}"')
        if self.approvals_below is not None:
            conditions.append(f"context.approvals < {self.approvals_below}")
        effect = "permit" if self.is_permit else "forbid"
        return (
            f'@id("{name}") {effect} (principal, {scope}, resource) '
            f"when {{ {' && '.join(conditions)} }};"
        )

    def applies(self, request: PolicyRequest) -> bool:
        return (
            self.action in (None, request.action)
            and (self.role is None or self.role in request.principal.attributes["roles"])
            and self.kind in (None, request.resource.attributes["kind"])
            and (
                self.approvals_below is None or request.context["approvals"] < self.approvals_below
            )
        )


def judged(rules: Sequence[Rule], request: PolicyRequest) -> tuple[bool, tuple[str, ...]]:
    """Decide as the law says: what a rule forbids is denied, what none permits is denied."""
    applying = {f"rule-{n}": rule for n, rule in enumerate(rules) if rule.applies(request)}
    forbidding = tuple(name for name, rule in applying.items() if not rule.is_permit)
    permitting = tuple(name for name, rule in applying.items() if rule.is_permit)
    if forbidding:
        return False, tuple(sorted(forbidding))
    return bool(permitting), tuple(sorted(permitting))


def text_of(rules: Sequence[Rule]) -> str:
    return "\n".join(rule.cedar(f"rule-{n}") for n, rule in enumerate(rules))


RULES = st.builds(
    Rule,
    is_permit=st.booleans(),
    action=st.sampled_from((None, *ACTIONS)),
    role=st.sampled_from((None, *ROLES)),
    kind=st.sampled_from((None, *KINDS)),
    approvals_below=st.none() | st.integers(0, 3),
)

REQUESTS = st.builds(
    lambda roles, unit, kind, tags, changed: PolicyRequest(
        person(*roles, unit=unit), changed.pop("action"), doc(kind, tags), context(**changed)
    ),
    st.sets(st.sampled_from(ROLES)),
    st.sampled_from(("data", "it", "")),
    st.sampled_from(KINDS),
    st.sets(st.sampled_from(("a", "b"))),
    st.fixed_dictionaries(
        {
            "action": st.sampled_from(ACTIONS),
            "approvals": st.integers(0, 3),
            "amount": st.sampled_from((-1, 0, 1, 2, 2**62)),
            "trial": st.booleans(),
            "purpose": st.sampled_from(("", "research")),
        }
    ),
)
