"""What is done to people, their tokens and their approvals, declared; and how policies see a
person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, MetaData, String, Table, Text, select

from freehold.charter import founding_role
from freehold.kernel import Ref, parse_time
from freehold.kernel.acts import (
    ACCEPT_CLOCK,
    ANY,
    Act,
    Code,
    Codes,
    Declarations,
    Digest,
    Id,
    Moment,
    Nonce,
    Query,
    Record,
    ResourceType,
    Standing,
    found,
)
from freehold.kernel.catalog import DOMAIN, ERASABLE, Amend, Catalog, Change, Put
from freehold.parties import _emergency_acts as emergency
from freehold.parties import _review_acts as review

TABLES = MetaData()

PERSON = Table(
    "person",
    TABLES,
    Column("id", String(36), primary_key=True, info=DOMAIN),
    Column("kind", String, nullable=False),  # user | service
    Column("roles", Text, nullable=False),  # codes, separated by spaces
    Column("clearances", Text, nullable=False),
    Column("unit", String, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("since", String, nullable=False),
    Column("code", String, info=ERASABLE),
    Column("name", String, info=ERASABLE),
    Column("ssh_key", String, info=ERASABLE),
    Index("person_by_code", "code"),
)

TOKEN = Table(
    "token",
    TABLES,
    Column("id", String(36), primary_key=True),
    Column("person", String(36), nullable=False, info=DOMAIN),
    Column("expires", String, nullable=False),
    Column("is_revoked", Boolean, nullable=False),
    Column("hash", String, info=ERASABLE),
    Column("nonce", String),
    Index("token_by_hash", "hash"),
    Index("token_by_nonce", "nonce"),
)

APPROVAL = Table(
    "approval",
    TABLES,
    Column("id", String(36), primary_key=True),  # of the record
    Column("approver", String, nullable=False),
    Column("act", String, nullable=False),
    Column("resource", String, nullable=False),
    Column("evidence", String, nullable=False),
    Column("policy_set", String, nullable=False),
    Column("nonce", String, nullable=False),
    Column("expires", String, nullable=False),
    Column("is_void", Boolean, nullable=False),
    Index("approval_by_resource", "resource", "act"),
    Index("approval_by_nonce", "nonce"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolPerson(Act, name="person.enrol", on="Person"):
    """Enrol a person or service with roles, clearances and, for people who sign, a public key."""

    roles: Codes
    clearances: Codes
    unit: Code = ""

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        ref = Ref.parse(record.resource)
        known = details or {}
        yield Put(
            PERSON,
            {
                "id": ref.id,
                "kind": ref.kind,
                "roles": " ".join(record.facts["roles"]),
                "clearances": " ".join(record.facts["clearances"]),
                "unit": record.facts["unit"],
                "is_active": True,
                "since": record.time,
                "code": known.get("code"),
                "name": known.get("name"),
                "ssh_key": known.get("ssh_key"),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignPerson(Act, name="person.assign", on="Person"):
    """Give a person other roles and clearances."""

    roles: Codes
    clearances: Codes
    unit: Code = ""

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Amend(
            PERSON,
            {"id": Ref.parse(record.resource).id},
            {
                "roles": " ".join(record.facts["roles"]),
                "clearances": " ".join(record.facts["clearances"]),
                "unit": record.facts["unit"],
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokePerson(Act, name="person.revoke", on="Person"):
    """End a person's part in the estate: their tokens and later approvals count no more."""

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        person = Ref.parse(record.resource).id
        yield Amend(PERSON, {"id": person}, {"is_active": False})
        yield Amend(TOKEN, {"person": person}, {"is_revoked": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueToken(Act, name="token.issue", on="Person"):
    """Issue an API token, shown once; the estate keeps its hash."""

    expires: Moment
    nonce: Nonce
    token: Id | None = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(
            TOKEN,
            {
                "id": record.facts["token"],
                "person": Ref.parse(record.resource).id,
                "expires": record.facts["expires"],
                "is_revoked": False,
                "hash": (details or {}).get("hash"),
                "nonce": record.facts["nonce"],
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn(IssueToken, name="token.login", on="Person"):
    """Issue a token to oneself, by a signature with one's own enrolled key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToken(Act, name="token.revoke", on="Person"):
    """Revoke one token of a person."""

    token: Id

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Amend(TOKEN, {"id": record.facts["token"]}, {"is_revoked": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveApproval(Act, name="approval.give", on=ANY):
    """Approve another person's act on this resource, by signature over what was looked at."""

    for_act: Code
    evidence: Digest
    policy_set: Digest
    nonce: Nonce
    expires: Moment

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(
            APPROVAL,
            {
                "id": record.id,
                "approver": record.principal,
                "act": record.facts["for_act"],
                "resource": record.resource,
                "evidence": record.facts["evidence"],
                "policy_set": record.facts["policy_set"],
                "nonce": record.facts["nonce"],
                "expires": record.facts["expires"],
                "is_void": False,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseUnknown(Act, name="access.refused", on="Estate"):
    """The number of unauthenticated calls refused since the last such record; done by the estate
    itself.
    """

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptClock(Act, name=ACCEPT_CLOCK, on="Estate"):
    """Say that the host's clock is right and later times in the ledger are wrong; ends every token,
    every approval that was not used, and every emergency: their ends count by the wrong time.
    """

    evidence: Digest
    abandoned: Moment | None = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Amend(TOKEN, {"is_revoked": False}, {"is_revoked": True})
        yield Amend(APPROVAL, {"is_void": False}, {"is_void": True})
        yield from emergency.end_all(record)


def enrolled_key(catalog: Catalog, person: str) -> str | None:
    """Tell the key that counts for somebody enrolled, empty if none does; None for nobody."""
    row = catalog.first(select(PERSON.c.is_active, PERSON.c.ssh_key).where(PERSON.c.id == person))
    if row is None:
        return None
    return (row.ssh_key or "") if row.is_active else ""


def standing_of(catalog: Catalog, principal: Ref, now: datetime) -> Standing:
    """How policies see a principal. Somebody unknown has no roles and is not active.

    A role taken in an emergency is one more, with its clearances, until it expires. Before the
    charter is ratified its owners are known from the charter alone; before anything is recorded the
    estate itself acts once, to create itself.
    """
    row = catalog.first(select(PERSON).where(PERSON.c.id == principal.id))
    if row is None:
        role = founding_role(catalog, principal)
        return _standing([role] if role else [], [], unit="", is_active=bool(role))
    if not row.is_active:
        return _standing([], [], unit=row.unit, is_active=False)
    roles, clearances = {*row.roles.split()}, {*row.clearances.split()}
    taken = emergency.emergencies_of(catalog, principal, now)
    for each in taken:
        roles.add(each.role)
        clearances.update(each.clearances.split())
    return replace(
        _standing(roles, clearances, unit=row.unit, is_active=True),
        until=min((parse_time(each.expires) for each in taken), default=None),
        under=tuple(f"emergency:{each.id}" for each in taken),
    )


def _standing(
    roles: Iterable[str], clearances: Iterable[str], *, unit: str, is_active: bool
) -> Standing:
    return Standing(
        {
            "roles": sorted(roles),
            "clearances": sorted(clearances),
            "unit": unit,
            "is_active": is_active,
        }
    )


DECLARATIONS = Declarations(
    acts=(
        EnrolPerson,
        AssignPerson,
        RevokePerson,
        IssueToken,
        LogIn,
        RevokeToken,
        GiveApproval,
        RefuseUnknown,
        *emergency.ACTS,
        *review.ACTS,
        AcceptClock,
    ),
    queries=(
        Query("person.list", "Estate"),
        Query("approval.show", ANY),
        Query("access.show", "Estate"),
        Query("estate.clock", "Estate"),
    ),
    resources=(
        ResourceType("Person", "user", names=PERSON.c.code),
        ResourceType("Person", "service", names=PERSON.c.code),
        emergency.RESOURCE,
        review.RESOURCE,
    ),
    tables=(TABLES, emergency.TABLES, review.TABLES),
)
