"""Emergencies, declared: a role is asked for, taken for a time, ended or run out, and reviewed by
another.

Why it was needed and what a reviewer found are words: they lie in the emergency's own key domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, MetaData, Row, String, Table, Text, select

from freehold.charter import BREAK_GLASS
from freehold.kernel import Ref, format_time
from freehold.kernel.acts import (
    Act,
    Attributes,
    Code,
    Codes,
    Digest,
    Moment,
    Record,
    ResourceType,
)
from freehold.kernel.catalog import DOMAIN, ERASABLE, Amend, Catalog, Change, Put

TABLES = MetaData()

EMERGENCY = Table(
    "emergency",
    TABLES,
    Column("id", String(36), primary_key=True, info=DOMAIN),
    Column("person", String, nullable=False),
    Column("role", String, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("code", String, nullable=False),
    Column("asked", String, nullable=False),
    Column("taken", String),
    Column("clearances", Text),  # codes, separated by spaces; null until taken, as all below
    Column("expires", String),
    Column("ended", String),  # by somebody's act; null where it runs, or ran, its time
    Column("ended_by", String),
    Column("reviewed", String),
    Column("reviewed_by", String),
    Column("outcome", String),
    Column("reason", String, info=ERASABLE),
    Column("finding", String, info=ERASABLE),
    Index("emergency_by_person", "person"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAccess(Act, name="access.request", on="Emergency"):
    """Ask for a role for a time, in an emergency; it gives nothing yet."""

    role: Code
    minutes: int
    code: Code

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(
            EMERGENCY,
            {
                "id": Ref.parse(record.resource).id,
                "person": record.on_behalf or record.principal,
                "role": record.facts["role"],
                "minutes": record.facts["minutes"],
                "code": record.facts["code"],
                "asked": record.time,
                "reason": (details or {}).get("reason"),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass(Act, name=BREAK_GLASS, on="Emergency", alarming=True):
    """Take the role that was asked for, until it expires; everything done meanwhile is marked."""

    role: Code
    minutes: int
    clearances: Codes
    expires: Moment
    evidence: Digest
    own: bool
    unreviewed: int

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Amend(
            EMERGENCY,
            {"id": Ref.parse(record.resource).id},
            {
                "taken": record.time,
                "clearances": " ".join(record.facts["clearances"]),
                "expires": record.facts["expires"],
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndAccess(Act, name="access.end", on="Emergency"):
    """End an emergency before its time: the role is gone at once."""

    own: bool

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Amend(
            EMERGENCY,
            {"id": Ref.parse(record.resource).id},
            {"ended": record.time, "ended_by": record.on_behalf or record.principal},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewEmergency(Act, name="access.review_emergency", on="Emergency"):
    """Say, as another person and once it is over, whether an emergency was one."""

    outcome: Code
    own: bool

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Amend(
            EMERGENCY,
            {"id": Ref.parse(record.resource).id},
            {
                "reviewed": record.time,
                "reviewed_by": record.on_behalf or record.principal,
                "outcome": record.facts["outcome"],
                "finding": (details or {}).get("finding"),
            },
        )


def end_all(record: Record) -> Iterable[Change]:
    """End each that nobody reviewed, asked for or taken, whatever time it still has."""
    yield Amend(
        EMERGENCY,
        {"ended": None, "reviewed": None},
        {"ended": record.time, "ended_by": record.on_behalf or record.principal},
    )


def emergencies_of(catalog: Catalog, person: Ref, now: datetime) -> Sequence[Row[Any]]:
    """The emergencies in which a person holds a role at this moment, with role, clearances and end.

    Whether one is over follows from the clock alone; nobody has to act for it to end.
    """
    query = select(EMERGENCY).where(
        EMERGENCY.c.person == str(person),
        EMERGENCY.c.ended.is_(None),
        EMERGENCY.c.expires > format_time(now),  # of one width, so in order of time
    )
    return catalog.all(query.order_by(EMERGENCY.c.id))


def emergency_attributes(catalog: Catalog, ref: Ref) -> Attributes:
    """How policies see an emergency: by who asked for it."""
    row = catalog.first(select(EMERGENCY.c.person).where(EMERGENCY.c.id == ref.id))
    return {"asked_by": row.person if row else ""}


ACTS = (RequestAccess, BreakGlass, EndAccess, ReviewEmergency)
RESOURCE = ResourceType(
    "Emergency", "emergency", {"asked_by": str}, emergency_attributes, authors=("asked_by",)
)
