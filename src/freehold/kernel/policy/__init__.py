"""Policy by Cedar: a schema generated from the acts, strict validation, explained decisions, errors
deny.

    policies = PolicySet(text, schema_text(resources, actions))
    decision = policies.decide(PolicyRequest(principal, "dataset.ingest", resource, context))
    if not decision.is_allowed: raise Denied(policies.explain(decision), policies=decision.policies)

It knows nothing of who the principals are or what the resources mean.
"""

from freehold.kernel.policy._engine import Entity, PolicyDecision, PolicyRequest, PolicySet
from freehold.kernel.policy._schema import ActionType, EntityType, schema_text
from freehold.kernel.policy.errors import Denied, InvalidPolicy, PolicyError

__all__ = [
    "ActionType",
    "Denied",
    "Entity",
    "EntityType",
    "InvalidPolicy",
    "PolicyDecision",
    "PolicyError",
    "PolicyRequest",
    "PolicySet",
    "schema_text",
]
