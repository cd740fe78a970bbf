"""Decisions by Cedar: default deny, forbid overrides permit, and any evaluation error denies.

Cedar skips a policy that errors; a `forbid` that is skipped would fail open. Here a request that
meets any error is denied. Policies are validated strictly against the schema before they can become
a `PolicySet`.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

import cedarpy

from freehold.kernel import canonical, digest
from freehold.kernel.policy.errors import InvalidPolicy

CACHED_DECISIONS_MAX = 65_536  # about 60 MB of keys; dropped as a whole when full
ERROR_POLICY = (
    "policy.error"  # stands for "a policy could not be evaluated" among the determining ids
)


@dataclass(frozen=True)
class Entity:
    """A principal or resource with the attributes that policies may read; sets are sorted."""

    type: str
    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As it is kept in the body of a record."""
        return {"type": self.type, "id": self.id, "attributes": dict(self.attributes)}

    @cached_property
    def text(self) -> str:
        """Canonical text: equal for equal entities."""
        return canonical(self.as_json()).decode()

    @property
    def uid(self) -> dict[str, str]:
        return {"type": self.type, "id": self.id}


@dataclass(frozen=True)
class PolicyRequest:
    """The whole question: who, does what, to what, under which circumstances.

    Nothing else is looked at.
    """

    principal: Entity
    action: str
    resource: Entity
    context: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {
            "principal": self.principal.as_json(),
            "action": self.action,
            "resource": self.resource.as_json(),
            "context": dict(self.context),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PolicyRequest:
        """Read back what `as_json` gave, to decide it again."""
        principal, resource = value["principal"], value["resource"]
        return cls(
            Entity(principal["type"], principal["id"], principal["attributes"]),
            value["action"],
            Entity(resource["type"], resource["id"], resource["attributes"]),
            value["context"],
        )


@dataclass(frozen=True, slots=True)
class PolicyDecision:
    """The answer, the ids of the policies that determined it, and what went wrong on the way.

    A denial without determining policies means that nothing permits the request.
    """

    is_allowed: bool
    policies: tuple[str, ...]
    errors: tuple[str, ...] = ()


class PolicySet:
    """A validated set of policies. Frozen; a change of policy is another set.

    `digest` is over the policies' text and the schema's, since both determine what is decided.
    """

    def __init__(self, text: str, schema: str) -> None:
        """Parse and validate.

        Raises:
            InvalidPolicy: the text does not parse, a policy has no `@id` or a double one, or
                validation fails.
        """
        self.text = text
        self.schema_text = schema
        self.digest = digest(text.encode() + b"\0" + schema.encode())
        self._schema = cedarpy.Schema.from_str(schema)
        self._policies, self.reasons = _compile(text, self._schema)
        self._decided: dict[tuple[str, str, str, bytes], PolicyDecision] = {}
        self._lock = Lock()  # guards the size of the cache, not its reads

    @property
    def ids(self) -> Sequence[str]:
        """The `@id` of every policy."""
        return tuple(self.reasons)

    def decide(self, request: PolicyRequest) -> PolicyDecision:
        """Answer the request; the same question gets the remembered answer, since policies and
        attributes are all in it.
        """
        # marshal, version 2: equal bytes only for equal builtin values, and ten times the speed
        # of JSON; never read back
        context = marshal.dumps(request.context, 2)
        key = (request.principal.text, request.action, request.resource.text, context)
        known = self._decided.get(key)
        if known is not None:
            return known
        decision = self.decide_afresh(request)
        with self._lock:
            if len(self._decided) >= CACHED_DECISIONS_MAX:
                self._decided.clear()
            self._decided[key] = decision
        return decision

    def decide_afresh(self, request: PolicyRequest) -> PolicyDecision:
        """Answer without the cache."""
        try:
            entities = cedarpy.Entities.from_json_str(
                _entities_json(request.principal, request.resource), self._schema
            )
        except ValueError as error:  # attributes that do not fit the schema: fail closed
            return PolicyDecision(False, (ERROR_POLICY,), (str(error),))
        result = cedarpy.is_authorized(
            {
                "principal": request.principal.uid,
                "action": {"type": "Action", "id": request.action},
                "resource": request.resource.uid,
                "context": dict(request.context),
            },
            self._policies,
            entities,
            self._schema,
        )
        errors = tuple(str(error) for error in result.diagnostics.errors)
        if errors:
            return PolicyDecision(False, (ERROR_POLICY,), errors)
        names = result.diagnostics.id_annotations_by_reason
        policies = tuple(
            sorted(str(names.get(reason) or reason) for reason in result.diagnostics.reasons)
        )
        return PolicyDecision(result.decision is cedarpy.Decision.Allow, policies)

    def explain(self, decision: PolicyDecision) -> str:
        """Say in words why, from the `@reason` of the determining policies."""
        if decision.errors:
            return "a policy could not be evaluated, which denies: " + "; ".join(decision.errors)
        if not decision.policies:
            return "no policy permits it, and what is not permitted is denied"
        return "; ".join(
            f"{id_}: {self.reasons.get(id_, 'no reason given')}" for id_ in decision.policies
        )


def _entities_json(*entities: Entity) -> str:
    unique = {(entity.type, entity.id): entity for entity in entities}
    return json.dumps(
        [
            {"uid": entity.uid, "attrs": dict(entity.attributes), "parents": []}
            for entity in unique.values()
        ]
    )


def _compile(text: str, schema: cedarpy.Schema) -> tuple[cedarpy.PolicySet, dict[str, str]]:
    if not text.strip():
        raise InvalidPolicy(
            "policy.empty", "a policy set without policies permits nothing and is not activated"
        )
    try:
        policies = cedarpy.PolicySet.from_str(text)
        reasons = _annotations(text)
    except ValueError as error:
        raise InvalidPolicy("policy.syntax", f"the policies do not parse: {error}") from error
    result = cedarpy.validate_policies(text, schema)
    if not result.validation_passed:
        found = "; ".join(str(error) for error in result.errors)
        raise InvalidPolicy(
            "policy.invalid",
            f"the policies do not fit the schema: {found}",
            "see `freehold policy schema` for the actions, attributes and context there are",
        )
    return policies, reasons


def _annotations(text: str) -> dict[str, str]:
    """Map each policy's `@id` to its `@reason`.

    Raises:
        InvalidPolicy: a policy without `@id`, or an `@id` used twice.
    """
    reasons: dict[str, str] = {}
    for policy in json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"].values():
        annotations = policy.get("annotations") or {}
        name = annotations.get("id")
        if not name:
            raise InvalidPolicy(
                "policy.no_id", 'every policy needs an @id("…"), since decisions name it'
            )
        if name in reasons:
            raise InvalidPolicy(
                "policy.double_id",
                f"two policies have the @id {name!r}; decisions could not be told apart",
            )
        reasons[name] = annotations.get("reason") or ""
    return reasons
