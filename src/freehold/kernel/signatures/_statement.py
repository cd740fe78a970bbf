"""The statement that a person signs: who approves which act on what, having seen which evidence.

It says nothing about who may approve; it counts only with a signature and until it expires.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from freehold.kernel import (
    FreeholdError,
    MalformedError,
    Ref,
    canonical,
    format_time,
    is_id,
    parse_json,
    parse_time,
)
from freehold.kernel.signatures._limits import SIGNATURE_LIMITS
from freehold.kernel.signatures.errors import StatementError

NAMESPACE = "freehold-approval"  # what a statement is signed for, and nothing else is
_ACT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NONCE = re.compile(r"[0-9a-f]{32}")
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Statement:
    """What one person approves (docs/formats/approval.md).

    Raises:
        StatementError: a field that does not have the shape of the format.
    """

    estate: str
    approver: str
    act: str
    resource: str
    evidence: str
    policy_set: str
    nonce: str
    expires: str

    def __post_init__(self) -> None:
        approver, resource = _ref("approver", self.approver), _ref("resource", self.resource)
        shapes = {
            "estate": is_id(self.estate),
            "approver": approver.kind == "user" and approver.is_opaque and approver.version is None,
            "act": _ACT.fullmatch(self.act),
            "resource": resource.is_opaque,
            "evidence": _DIGEST.fullmatch(self.evidence),
            "policy_set": _DIGEST.fullmatch(self.policy_set),
            "nonce": _NONCE.fullmatch(self.nonce),
            "expires": _is_time(self.expires),
        }
        for name, fits in shapes.items():
            if not fits:
                raise _malformed(name, getattr(self, name))

    def message(self) -> bytes:
        """Return the bytes that are signed: canonical JSON (RFC 8785), no newline at the end."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return canonical({**values, "v": _VERSION})

    @classmethod
    def parse(cls, message: bytes) -> Statement:
        """Read a statement; only the bytes that `message` gives for it are accepted.

        Raises:
            StatementError: any other bytes.
        """
        if len(message) > SIGNATURE_LIMITS.message_bytes_max:
            raise _malformed("message", f"{len(message)} bytes")
        try:
            found = parse_json(message)
        except FreeholdError as error:
            raise _malformed("message", error.message) from error
        names = {field.name for field in fields(cls)}
        if not isinstance(found, dict) or found.keys() != names | {"v"}:
            raise _malformed("message", "other keys than those of the format")
        for name in names:
            if not isinstance(found[name], str):
                raise _malformed(name, found[name])
        statement = cls(**{name: found[name] for name in names})
        if statement.message() != message:
            raise _malformed("message", "bytes that are not canonical, or another version")
        return statement


def _ref(name: str, text: str) -> Ref:
    try:
        return Ref.parse(text)
    except MalformedError as error:
        raise _malformed(name, text) from error


def _is_time(text: str) -> bool:
    try:
        return format_time(parse_time(text)) == text
    except MalformedError:
        return False


def _malformed(name: str, found: object) -> StatementError:
    return StatementError(
        "signatures.statement",
        f"the statement's {name} is not as docs/formats/approval.md says: {found!r:.80}",
    )
