"""Reviews of access, declared: opened with a picture of who may what, decided person by person,
closed when nobody is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table

from freehold.kernel import Ref
from freehold.kernel.acts import (
    Act,
    Code,
    Digest,
    Record,
    Reference,
    ResourceType,
    found,
)
from freehold.kernel.catalog import DOMAIN, ERASABLE, Amend, Change, Put

TABLES = MetaData()

REVIEW = Table(
    "access_review",
    TABLES,
    Column("id", String(36), primary_key=True),
    Column("unit", String, nullable=False),  # empty: of everybody
    Column("opened", String, nullable=False),
    Column("opened_by", String, nullable=False),
    Column("record", String(36), nullable=False),  # whose body has the picture
    Column("people", Integer, nullable=False),
    Column("snapshot", String, nullable=False),
    Column("closed", String),
    Column("closed_by", String),
)

DECISION = Table(
    "access_decision",
    TABLES,
    Column("review", String(36), primary_key=True, info=DOMAIN),
    Column("person", String, primary_key=True),
    Column("decision", String, nullable=False),
    Column("decided", String, nullable=False),
    Column("decided_by", String, nullable=False),
    Column("reason", String, info=ERASABLE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReview(Act, name="access.review_open", on="Review"):
    """Begin a review of access, with a picture of who may what, of everybody or of one unit."""

    unit: Code
    people: int = found(0)
    snapshot: Digest = found("")

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(
            REVIEW,
            {
                "id": Ref.parse(record.resource).id,
                "unit": record.facts["unit"],
                "opened": record.time,
                "opened_by": record.on_behalf or record.principal,
                "record": record.id,
                "people": record.facts["people"],
                "snapshot": record.facts["snapshot"],
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideAccess(Act, name="access.review_decide", on="Review"):
    """Decide about one person's access, as another person: keep, change or revoke it."""

    person: Reference
    decision: Code
    own: bool

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(
            DECISION,
            {
                "review": Ref.parse(record.resource).id,
                "person": record.facts["person"],
                "decision": record.facts["decision"],
                "decided": record.time,
                "decided_by": record.on_behalf or record.principal,
                "reason": (details or {}).get("reason"),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseReview(Act, name="access.review_close", on="Review"):
    """Close a review in which somebody has decided about everybody."""

    kept: int = found(0)
    changed: int = found(0)
    revoked: int = found(0)

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Amend(
            REVIEW,
            {"id": Ref.parse(record.resource).id},
            {"closed": record.time, "closed_by": record.on_behalf or record.principal},
        )


ACTS = (OpenReview, DecideAccess, CloseReview)
RESOURCE = ResourceType("Review", "review")
