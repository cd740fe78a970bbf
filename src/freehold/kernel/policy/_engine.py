"""Decisions by Cedar: default deny, forbid overrides permit, and any evaluation error denies.

Cedar skips a policy that errors; a `forbid` that is skipped would fail open. Here a request that
meets any error is denied. Policies are validated strictly against the schema before they can become
a `PolicySet`.
"""

from __future__ import annotations

import json
import marshal
import re
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


_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,159}")  # a role's code of 64 and what stands around it
_CEDAR_NAME = re.compile(r"\bpolicy[0-9]+\b")
_GROUPED_ACTION = re.compile(r"\baction\b[^;{]*\bin\b")  # `action "a" in ["group"]` of a schema


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

    `digest` is that of the text: the schema follows from the software, the text from people.
    """

    def __init__(self, text: str, schema: str) -> None:
        """Parse and validate.

        Raises:
            InvalidPolicy: the text does not parse, holds no policy or a template, a policy has no
                `@id` or a double one, or validation fails.
        """
        self.text = text
        self.schema_text = schema
        self._schema = cedarpy.Schema.from_str(schema)
        self._parsed, self._names, self.reasons = _compile(text, self._schema)
        self._whole = _GROUPED_ACTION.search(schema) is not None
        self._by_action: dict[str, cedarpy.PolicySet] = {}
        self.digest = digest(text.encode())
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
        context = marshal.dumps(dict(request.context), 2)
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
            self._about(request.action),
            entities,
            self._schema,
        )
        errors = tuple(_named(str(error), self._names) for error in result.diagnostics.errors)
        if errors:
            return PolicyDecision(False, (ERROR_POLICY,), errors)
        names = result.diagnostics.id_annotations_by_reason
        policies = tuple(
            sorted(str(names.get(reason) or reason) for reason in result.diagnostics.reasons)
        )
        return PolicyDecision(result.decision is cedarpy.Decision.Allow, policies)

    def _about(self, action: str) -> cedarpy.PolicySet:
        """The policies that can apply to an action: those whose scope names it, or names none.

        Cedar's time grows with the number of policies it is given. Leaving out a policy that names
        other actions alone changes nothing, as long as no action is a member of another; where the
        schema has such groups, nothing is left out.
        """
        found = self._by_action.get(action)
        if found is None:
            kept = {
                name: policy
                for name, policy in self._parsed["staticPolicies"].items()
                if self._whole or _may_concern(policy["action"], action)
            }
            found = cedarpy.PolicySet.from_json_str(
                json.dumps({**self._parsed, "staticPolicies": kept})
            )
            self._by_action[action] = found  # the same from every thread
        return found

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


def _compile(
    text: str, schema: cedarpy.Schema
) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """Parse and validate; with the policies come their ids by Cedar's names, and their reasons."""
    try:
        parsed: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise InvalidPolicy("policy.syntax", f"the policies do not parse: {error}") from error
    names, reasons = _annotations(parsed)
    result = cedarpy.validate_policies(text, schema)
    if not result.validation_passed:
        found = "; ".join(_named(str(error), names) for error in result.errors)
        raise InvalidPolicy(
            "policy.invalid",
            f"the policies do not fit the schema: {found}",
            "see `freehold policy show` for the actions, attributes and context there are",
        )
    return parsed, names, reasons


def _annotations(parsed: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Map Cedar's own name of each policy to its `@id`, and its `@id` to its `@reason`.

    Raises:
        InvalidPolicy: no policies at all, a template, or an `@id` that is missing, no code, or
            used twice.
    """
    if parsed["templates"]:
        raise InvalidPolicy(
            "policy.template",
            "a policy with ?principal or ?resource is a template, which would never apply",
            "write out the principal and the resource that are meant",
        )
    names: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for cedar_name, policy in parsed["staticPolicies"].items():
        annotations = policy.get("annotations") or {}
        name = annotations.get("id")
        if not name:
            raise InvalidPolicy(
                "policy.no_id", 'every policy needs an @id("…"), since decisions name it'
            )
        if _ID.fullmatch(name) is None or name == ERROR_POLICY:
            raise InvalidPolicy(
                "policy.bad_id",
                f"expected lower-case letters, digits, '.', '_' and '-' as @id, got {name!r:.80}",
                "it stands in the ledger, so it holds no words; these belong into @reason",
            )
        if name in reasons:
            raise InvalidPolicy(
                "policy.double_id",
                f"two policies have the @id {name!r}; decisions could not be told apart",
            )
        names[cedar_name] = name
        reasons[name] = annotations.get("reason") or ""
    if not reasons:
        raise InvalidPolicy(
            "policy.empty", "a policy set without policies permits nothing and is not activated"
        )
    return names, reasons


def _may_concern(scope: Mapping[str, Any], action: str) -> bool:
    """Tell whether the action scope of a policy can hold for an action that is in no group."""
    if scope["op"] not in ("==", "in"):
        return True
    named = scope["entities"] if "entities" in scope else [scope["entity"]]
    return {"type": "Action", "id": action} in named


def _named(message: str, names: Mapping[str, str]) -> str:
    """Put the `@id` where Cedar's message has its own name, `policy7`."""
    return _CEDAR_NAME.sub(lambda match: names.get(match[0], match[0]), message)
