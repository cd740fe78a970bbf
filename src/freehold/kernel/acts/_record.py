"""The record of an act: one leaf of the ledger (docs/formats/record.md), and the body that it
commits to.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec

from freehold.kernel import ClockState, canonical, digest
from freehold.kernel.acts.errors import InvalidRecord
from freehold.kernel.vault import BodyAt

SCHEMA_VERSION = 2
SALT_BYTES = 32
_WITHOUT_CLOCK = 1  # the schema version whose records say nothing about the clock
BODY_PREFIX = b"freehold/body/v1\0"
REQUEST_PREFIX = b"freehold/request/v1\0"


Phase: TypeAlias = Literal["started", "done", "failed", "denied"]


class Output(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What came out of an act.

    `sealed` is the SHA-256 of sealed bytes, `digest` of plain ones that strangers must match.
    """

    digest: str | None = None
    ref: str
    sealed: str | None = None


class RecordedDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What policy said: the policies of which set decided, and the commitment to the request."""

    policies: tuple[str, ...]
    policy_set: str
    request: str
    result: Literal["allow", "deny"]


class SealedBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Where the body lies, under the keys of which domain, and the commitment to it."""

    at: BodyAt
    commitment: str
    domain: str


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One act as the ledger holds it. Field by field as docs/formats/record.md says.

    A struct of msgspec, since a rebuilt catalog reads each of millions (docs/decisions/0009);
    never in a cycle, so that the garbage collector need not look at it; with its fields in the
    order of canonical JSON, so that nothing need be sorted.
    """

    act: str
    body: SealedBody | None = None
    clock: ClockState | None = None  # None in version 1 alone, whose records have no such key
    continues: str | None = None
    decision: RecordedDecision
    error: str | None = None
    facts: dict[str, Any] = {}
    id: str
    inputs: tuple[str, ...] = ()
    log: str
    on_behalf: str | None = None
    outputs: tuple[Output, ...] = ()
    phase: Phase
    principal: str
    purpose: str | None = None
    resource: str
    time: str
    v: int = SCHEMA_VERSION

    def encode(self) -> bytes:
        """Canonical JSON."""
        value = msgspec.to_builtins(self)
        if self.v == _WITHOUT_CLOCK:
            del value["clock"]
        return canonical(value)

    @classmethod
    def decode(cls, entry: bytes) -> Record:
        """Read a record of any schema version ever written.

        The entry comes from a log whose leaves are verified, so only its version and shape are
        looked at here.

        Raises:
            InvalidRecord: no record, or of a version that this software is too old for.
        """
        try:
            record = _decode(entry)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            _refuse_later(_version_of(entry))
            raise _malformed() from error
        if not _WITHOUT_CLOCK <= record.v <= SCHEMA_VERSION:
            _refuse_later(record.v)
        if (record.clock is None) != (record.v == _WITHOUT_CLOCK):
            raise _malformed()
        return record


_decode = msgspec.json.Decoder(Record).decode


class _AnyVersion(msgspec.Struct):
    v: int


def _version_of(entry: bytes) -> int:
    """The version of what may be a record of another shape than ours, or ours."""
    try:
        return msgspec.json.decode(entry, type=_AnyVersion).v
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return SCHEMA_VERSION


def _malformed() -> InvalidRecord:
    return InvalidRecord("record.malformed", "an entry of the ledger is no record of an act")


def _refuse_later(version: int) -> None:
    if not _WITHOUT_CLOCK <= version <= SCHEMA_VERSION:
        raise InvalidRecord(
            "record.version",
            f"a record has schema version {version}; this reads up to {SCHEMA_VERSION}",
            "use the newer Freehold that wrote it",
        )


@dataclass(frozen=True, slots=True)
class Body:
    """The erasable side of a record: details in words and values, and the decided request."""

    plaintext: bytes
    commitment: str
    request: str

    @classmethod
    def make(cls, details: Mapping[str, Any], request: Mapping[str, Any]) -> Body:
        """Salt and encode a body, with its two commitments."""
        salt = os.urandom(SALT_BYTES)
        asked = canonical(dict(request))
        parts = (salt, b'{"details":', canonical(dict(details)), b',"request":', asked, b"}")
        plaintext = b"".join(parts)  # canonical as a whole: its two keys are in order
        return cls(plaintext, commit_body(plaintext), _commitment(REQUEST_PREFIX, salt, asked))


def commit_body(plaintext: bytes) -> str:
    """The commitment of docs/formats/record.md over salt and body."""
    return _commitment(BODY_PREFIX, plaintext)


def commit_request(salt: bytes, request: Mapping[str, Any]) -> str:
    """The commitment over the policy request alone, under the body's salt."""
    return _commitment(REQUEST_PREFIX, salt, canonical(dict(request)))


def _commitment(*parts: bytes) -> str:
    return digest(b"".join(parts))


def open_body(plaintext: bytes, commitment: str) -> dict[str, Any]:
    """Check a body against its record and read it.

    Raises:
        InvalidRecord: it is not what the record committed to.
    """
    if commit_body(plaintext) != commitment:
        raise InvalidRecord("record.body", "a body is not the one that its record committed to")
    value: dict[str, Any] = msgspec.json.decode(plaintext[SALT_BYTES:])
    return value
