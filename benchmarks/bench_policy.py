"""One decision of the policy: remembered, and made afresh.

The raw limit is Cedar itself, called with everything parsed already: policies, schema, entities.
"""

from __future__ import annotations

import json
from typing import Any

import cedarpy
from measure import Case, Run
from trial import trial

from freehold.kernel.policy import Entity, PolicyRequest, PolicySet

REMEMBERED, AFRESH = 20_000, 400


def main() -> None:
    """Measure and print."""
    run = Run(__doc__, rounds=9)
    with run.scratch() as folder, trial(folder) as estate:
        estate.answer()
        pipeline = estate.pipeline
        body = pipeline.body(pipeline.record(pipeline.stores.log.size - 1)) or {}
        request, policies = PolicyRequest.from_json(body["request"]), pipeline.policies
    bare = handles(policies, request)
    run.compare(
        f"A decision by {len(policies.ids)} policies",
        Case("raw: Cedar, all handles", lambda: repeat_bare(bare), "decisions"),
        Case(
            "afresh, entities and all",
            lambda: afresh(policies, request),
            "decisions",
            beside="raw: Cedar, all handles",
            aim=1 / 300e-6,
        ),
        Case(
            "remembered",
            lambda: remembered(policies, request),
            "decisions",
            beside="raw: Cedar, all handles",
            aim=1 / 5e-6,
        ),
    )
    run.finish()


Handles = tuple[dict[str, Any], cedarpy.PolicySet, cedarpy.Entities, cedarpy.Schema]


def handles(policies: PolicySet, request: PolicyRequest) -> Handles:
    """Everything that Cedar needs, parsed."""
    schema = cedarpy.Schema.from_str(policies.schema_text)
    entities = [
        {"uid": each.uid, "attrs": dict(each.attributes), "parents": []}
        for each in (request.principal, request.resource)
    ]
    asked = {
        "principal": request.principal.uid,
        "action": {"type": "Action", "id": request.action},
        "resource": request.resource.uid,
        "context": dict(request.context),
    }
    parsed = cedarpy.Entities.from_json_str(json.dumps(entities), schema)
    return asked, cedarpy.PolicySet.from_str(policies.text), parsed, schema


def repeat_bare(bare: Handles) -> int:
    """Ask Cedar."""
    for _ in range(AFRESH):
        cedarpy.is_authorized(*bare)
    return AFRESH


def afresh(policies: PolicySet, request: PolicyRequest) -> int:
    """Decide with entities that nobody has seen."""
    for _ in range(AFRESH):
        policies.decide_afresh(copy(request))
    return AFRESH


def remembered(policies: PolicySet, request: PolicyRequest) -> int:
    """Ask what was decided before, as the pipeline does: its entities are remembered, too."""
    for _ in range(REMEMBERED):
        policies.decide(
            PolicyRequest(request.principal, request.action, request.resource, request.context)
        )
    return REMEMBERED


def copy(request: PolicyRequest) -> PolicyRequest:
    """The same request with new entities."""
    principal, resource = (
        Entity(each.type, each.id, each.attributes)
        for each in (request.principal, request.resource)
    )
    return PolicyRequest(principal, request.action, resource, request.context)


if __name__ == "__main__":
    main()
