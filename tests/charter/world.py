"""The Cedar world that charters are compiled for, and the people of the demonstration in it."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import cedarpy

from freehold.charter import DEMO_PEOPLE, Charter, demo_charter

ATTRIBUTES = {
    "Estate": {},
    "Charter": {},
    "Person": {},
    "Token": {},
    "Policy": {},
    "Run": {},
    "Evaluation": {},
    "Dataset": {
        "data_class": "String",
        "purposes": "Set<String>",
        "residency": "Set<String>",
        "owner": "String",
        "is_erased": "Bool",
        "terms": "String",
        "allowed": "Set<String>",
    },
    "Model": {
        "status": "String",
        "trained_by": "String",
        "gate": "String",
        "classes": "Set<String>",
    },
    "Deployment": {"classes": "Set<String>", "status": "String"},
    "Decision": {"classes": "Set<String>"},
    "Emergency": {"asked_by": "String"},
    "Review": {},
    "Stream": {"kind": "String", "status": "String"},
    "Witness": {"destination": "String", "is_active": "Bool"},
}

ACTS_OF = {
    "Estate": "estate.create estate.status estate.upgrade estate.audit"
    " estate.accept_clock estate.clock custody.rotate vault.collect evidence.export"
    " backup.create backup.check backup.list backup.erasures"
    " dataset.list model.list run.list deployment.list person.list"
    " ledger.read ledger.receipt"
    " policy.show policy.explain policy.test policy.simulate lineage.show witness.list"
    " recovery.set_up recovery.revoke recovery.show access.show"
    " estate.prune estate.hold estate.release estate.retention"
    " stream.list stream.read stamp.declare stamp.accept stamp.list stamp.show",
    "Stream": "stream.declare stream.end stream.interrupt stream.resume",
    "Charter": "charter.ratify charter.propose charter.show",
    "Person": "person.enrol person.revoke person.assign approval.give",
    "Token": "token.issue token.revoke",
    "Policy": "policy.activate",
    "Dataset": "dataset.ingest dataset.clear dataset.set_terms dataset.read dataset.erase"
    " dataset.show",
    "Run": "model.train run.show",
    "Model": "model.register model.submit model.promote model.retire model.fetch model.show",
    "Evaluation": "evaluation.plan evaluation.run evaluation.show",
    "Deployment": "deployment.start deployment.stop decision.answer",
    "Decision": "decision.read",
    "Emergency": "access.request access.break_glass access.end access.review_emergency",
    "Review": "access.review_open access.review_decide access.review_close",
    "Witness": "witness.declare witness.withdraw witness.ask witness.accept witness.miss",
}

ACTIONS = {act: kind for kind, acts in ACTS_OF.items() for act in acts.split()}

OWN_CONTEXT = {
    "dataset.ingest": {
        "data_class": "String",
        "purposes": "Set<String>",
        "residency": "Set<String>",
    },
    "dataset.clear": {"purposes": "Set<String>"},
    "dataset.set_terms": {"allowed": "Set<String>"},
    "dataset.read": {"isolation": "Long"},
    "deployment.start": {"isolation": "Long"},
    "model.train": {"recipe": "String"},
    "access.request": {"role": "String", "minutes": "Long"},
    "access.break_glass": {
        "role": "String",
        "minutes": "Long",
        "own": "Bool",
        "unreviewed": "Long",
    },
    "access.end": {"own": "Bool"},
    "access.review_emergency": {"own": "Bool"},
    "access.review_decide": {"own": "Bool"},
}

COMMON_CONTEXT = {
    "purpose": "String",
    "approvals": "Long",
    "trial": "Bool",
    "site": "{jurisdiction: String, operator: String, tenancy: String, connectivity: String}",
}

_EMPTY: dict[str, Any] = {"String": "", "Set<String>": [], "Bool": False, "Long": 0}

HOME = {
    "jurisdiction": "NL",
    "operator": "own",
    "tenancy": "dedicated",
    "connectivity": "guarded",
}


def schema_text(actions: dict[str, str] = ACTIONS) -> str:
    """Write the schema of this world for `actions`."""
    person = "roles: Set<String>, clearances: Set<String>, unit: String, is_active: Bool"
    lines = [f"entity User, Service = {{{person}}};"]
    lines += [f"entity {kind} = {{{_fields(own)}}};" for kind, own in ATTRIBUTES.items()]
    lines += [
        f'action "{act}" appliesTo {{principal: [User, Service], resource: [{kind}], '
        f"context: {{{_fields(COMMON_CONTEXT | OWN_CONTEXT.get(act, {}))}}}}};"
        for act, kind in actions.items()
    ]
    return "\n".join(lines)


def _fields(fields: dict[str, str]) -> str:
    return ", ".join(f"{name}: {of}" for name, of in fields.items())


def public_key(seed: str) -> str:
    """Make a well-formed SSH public key that nobody can sign with."""
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + hashlib.sha256(seed.encode()).digest()
    return "ssh-ed25519 " + base64.b64encode(blob).decode()


def demo_text(**options: Any) -> str:
    """The charter of the demonstration, with a key for everybody."""
    return demo_charter({code: public_key(code) for code in DEMO_PEOPLE}, **options)


def demo(**options: Any) -> Charter:
    """The same, parsed."""
    return Charter.parse(demo_text(**options))


@dataclass(frozen=True)
class Question:
    """One request, with every attribute and context value that it needs."""

    act: str
    principal: dict[str, Any]
    resource: dict[str, Any]
    context: dict[str, Any]


def asks(charter: Charter, person: str, act: str, **given: Any) -> Question:
    """Let `person` ask to do `act`; what is not given is harmless or empty."""
    own = ATTRIBUTES[ACTIONS[act]]
    needed = COMMON_CONTEXT | OWN_CONTEXT.get(act, {})
    held = {
        "roles": list(charter.people[person].roles),
        "clearances": sorted(charter.clearances(person)),
        "unit": charter.people[person].unit,
        "is_active": given.pop("is_active", True),
    }
    resource = {name: given.pop(f"its_{name}", _EMPTY[of]) for name, of in own.items()}
    site = HOME | given.pop("site", {})
    context = {
        name: site if name == "site" else given.pop(name, _EMPTY.get(of))
        for name, of in needed.items()
    }
    assert not given, f"nothing of {act} is called {given}"
    return Question(act, held, resource, context)


class World:
    """Policies in force over this world; an error in any evaluation fails the test."""

    def __init__(self, policies: str, actions: dict[str, str] = ACTIONS) -> None:
        validated = cedarpy.validate_policies(policies, schema_text(actions))
        assert validated.validation_passed, [str(error) for error in validated.errors]
        self._actions = actions
        self._schema = cedarpy.Schema.from_str(schema_text(actions))
        self._policies = cedarpy.PolicySet.from_str(policies)

    def decide(self, question: Question, principal: str = "User") -> tuple[bool, set[str]]:
        """Answer with the ids of the policies that determined it."""
        who = {"type": principal, "id": "who"}
        what = {"type": self._actions[question.act], "id": "what"}
        entities = [
            {"uid": who, "attrs": question.principal, "parents": []},
            {"uid": what, "attrs": question.resource, "parents": []},
        ]
        result = cedarpy.is_authorized(
            {
                "principal": who,
                "action": {"type": "Action", "id": question.act},
                "resource": what,
                "context": question.context,
            },
            self._policies,
            cedarpy.Entities.from_json_str(json.dumps(entities), self._schema),
            self._schema,
        )
        assert result.decision is not cedarpy.Decision.NoDecision, result.diagnostics.errors
        assert not result.diagnostics.errors
        named = result.diagnostics.id_annotations_by_reason
        ids = {str(named[reason]) for reason in result.diagnostics.reasons}
        return result.decision is cedarpy.Decision.Allow, ids
