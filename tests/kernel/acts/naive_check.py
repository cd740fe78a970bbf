"""A naive reading of docs/formats/record.md: one record, its bytes, what is declared of its act.

It shares with the check that it is held against nothing but the table of what each kind of fact may
be; no regular expression, no memory, no speed.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any

import rfc8785

from freehold.kernel.acts import CHECKS, Registry

KEYS = set(
    "v id time log principal on_behalf act phase continues resource inputs outputs purpose "
    "decision facts error body".split()
)


def is_right(entry: bytes, registry: Registry, origin: str, body: bytes | None = None) -> bool:
    """Tell whether an entry, not the first of its log, is a record as it has to be; with the opened
    body where it is given.
    """
    try:
        record = json.loads(entry)
        if not isinstance(record, dict) or rfc8785.dumps(record) != entry:
            return False
        _need(type(record["v"]) is int and record["v"] in (1, 2))
        _need(record.keys() == (KEYS if record["v"] == 1 else KEYS | {"clock"}))
        _check_clock(record.get("clock", {"state": "unknown", "error_ms": None}))
        _need(record["log"] == origin)
        _check_names(record)
        _check_outcome(record)
        _check_facts(record, registry)
        _check_decision(record)
        if record["body"] is not None:
            _check_place(record["body"])
        if body is not None:
            _check_body(record, body)
    except (_Not, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


class _Not(Exception):
    pass


def _need(holds: object) -> None:
    if not holds:
        raise _Not


def _check_names(record: dict[str, Any]) -> None:
    _need(_is_id(record["id"]))
    moment = record["time"]
    _need(datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%fZ") and len(moment) == 27)
    for who in (record["principal"], record["on_behalf"] or record["principal"]):
        kind, _, name = who.partition(":")
        _need(kind in ("user", "service", "job") and _is_id(name))
    _need(record["on_behalf"] is None or isinstance(record["on_behalf"], str))
    _need(_is_reference(record["resource"]))
    _need(isinstance(record["inputs"], list) and all(map(_is_reference, record["inputs"])))
    _need(isinstance(record["outputs"], list))
    for output in record["outputs"]:
        _need(output.keys() == {"ref", "sealed", "digest"} and _is_reference(output["ref"]))
        _need(all(output[k] is None or _is_digest(output[k]) for k in ("sealed", "digest")))
    _need(
        record["continues"] is None,
    )  # none of those that are compared ends a start


def _check_clock(clock: dict[str, Any]) -> None:
    _need(clock.keys() == {"state", "error_ms"})
    state, error = clock["state"], clock["error_ms"]
    _need(state in ("synchronized", "unsynchronized", "unknown", "behind", "jumped"))
    _need(error is None or (type(error) is int and error >= 0 and state == "synchronized"))


def _check_outcome(record: dict[str, Any]) -> None:
    phase, error, purpose = record["phase"], record["error"], record["purpose"]
    _need(phase in ("started", "done", "failed", "denied"))
    _need((error is None) == (phase in ("started", "done")))
    _need(error is None or CHECKS["code"](error))
    _need(purpose is None or (phase != "denied" and CHECKS["code"](purpose)))


def _check_facts(record: dict[str, Any], registry: Registry) -> None:
    act, phase, facts = record["act"], record["phase"], record["facts"]
    _need(isinstance(facts, dict) and isinstance(act, str))
    if phase == "denied" and facts.keys() <= {"under"}:
        _need(act in registry.acts or act in registry.queries)
        _need(CHECKS["ids"](facts.get("under", [])))
        return
    declared = {each.name: each for each in registry.facts[act]}
    kinds = {name: each.kind for name, each in declared.items()}
    kinds["under"] = "ids"
    if "evidence" in declared:
        kinds["approvals"] = "ids"
    for name, value in facts.items():
        _need(name in kinds and CHECKS[kinds[name]](value))
        _need(phase == "done" or name not in declared or not declared[name].is_found)
    for each in fields(registry.acts[act]):  # type: ignore[arg-type]
        fact = declared[each.name]
        has_default = each.default is not MISSING and each.default is not None
        is_due = phase == "done" or not fact.is_found
        _need(each.name in facts or fact.is_optional or has_default or not is_due)


def _check_decision(record: dict[str, Any]) -> None:
    decision = record["decision"]
    _need(decision.keys() == {"result", "policies", "policy_set", "request"})
    _need(decision["result"] == ("deny" if record["phase"] == "denied" else "allow"))
    _need(isinstance(decision["policies"], list))
    for policy in decision["policies"]:
        _need(isinstance(policy, str) and 0 < len(policy) <= 160 and policy.isascii())
        _need(policy[0] not in "._-" and all(c in "._-" or c.isalnum() for c in policy))
        _need(policy == policy.lower())
    _need(_is_digest(decision["policy_set"]) and _is_digest(decision["request"]))


def _check_place(body: dict[str, Any]) -> None:
    _need(body.keys() == {"domain", "commitment", "at"})
    _need(_is_id(body["domain"]) and _is_digest(body["commitment"]))
    _need(isinstance(body["at"], list) and len(body["at"]) == 3)
    _need(all(type(each) is int and each >= 0 for each in body["at"]))


def _check_body(record: dict[str, Any], plain: bytes) -> None:
    committed = hashlib.sha256(b"freehold/body/v1\0" + plain).hexdigest()
    _need(record["body"]["commitment"] == f"sha256:{committed}")
    content = json.loads(plain[32:])
    _need(content.keys() == {"details", "request"})
    asked = b"freehold/request/v1\0" + plain[:32] + rfc8785.dumps(content["request"])
    _need(record["decision"]["request"] == "sha256:" + hashlib.sha256(asked).hexdigest())
    request = content["request"]
    _need(request["action"] == record["act"])
    _need(request["resource"]["id"] == record["resource"])
    authority = record["on_behalf"] or record["principal"]
    _need(authority.partition(":")[2] == request["principal"]["id"])


def _is_id(text: Any) -> bool:
    return isinstance(text, str) and str(uuid.UUID(text)) == text


def _is_digest(text: Any) -> bool:
    if not (isinstance(text, str) and text.startswith("sha256:") and len(text) == 71):
        return False
    return all(char in "0123456789abcdef" for char in text[7:])


def _is_reference(text: Any) -> bool:
    kind, colon, rest = text.partition(":")
    name, at, version = rest.partition("@")
    is_kind = 0 < len(kind) <= 32 and kind.isascii() and kind[0].isalpha() and kind.islower()
    is_kind = is_kind and all(char == "_" or char.isalpha() for char in kind)
    is_version = not at or (version.isdecimal() and version.isascii() and version[0] != "0")
    return bool(colon) and is_kind and _is_id(name) and is_version and len(version) <= 9
