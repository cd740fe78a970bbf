"""Audit streams, declared: where the estate's events go, and when that fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Column, MetaData, String, Table, select

from freehold.kernel import Ref
from freehold.kernel.acts import (
    Act,
    Attributes,
    Code,
    Declarations,
    Query,
    Record,
    ResourceType,
    found,
)
from freehold.kernel.catalog import DOMAIN, ERASABLE, Amend, Catalog, Change, Put

TABLES = MetaData()

STREAM = Table(
    "stream",
    TABLES,
    Column("id", String(36), primary_key=True),
    Column("domain", String(36), nullable=False, info=DOMAIN),
    Column("kind", String, nullable=False),  # file | syslog | otlp
    Column("status", String, nullable=False),  # declared | interrupted | ended
    Column("since", String, nullable=False),
    Column("is_outbound", Boolean, nullable=False),
    Column("name", String, info=ERASABLE),
    Column("destination", String, info=ERASABLE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareStream(Act, name="stream.declare", on="Stream"):
    """Send every act from here on to a destination, as an event without names and values."""

    kind: Code
    is_outbound: bool

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        known = details or {}
        yield Put(
            STREAM,
            {
                "id": Ref.parse(record.resource).id,
                "domain": record.body.domain if record.body else "",
                "kind": record.facts["kind"],
                "status": "declared",
                "since": record.time,
                "is_outbound": record.facts["is_outbound"],
                "name": known.get("name"),
                "destination": known.get("destination"),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndStream(Act, name="stream.end", on="Stream"):
    """Send nothing more to a destination."""

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield _status(record, "ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptStream(Act, name="stream.interrupt", on="Stream"):
    """Say that a destination takes no events; they wait in the ledger. Recorded once, not at each
    try.
    """

    sent: int = found(0)

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield _status(record, "interrupted")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeStream(Act, name="stream.resume", on="Stream"):
    """Say that a destination takes events again."""

    sent: int = found(0)

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield _status(record, "declared")


def _status(record: Record, status: str) -> Amend:
    key = {"id": Ref.parse(record.resource).id}
    return Amend(STREAM, key, {"status": status, "since": record.time})


def stream_attributes(catalog: Catalog, ref: Ref) -> Attributes:
    """How policies see a stream."""
    row = catalog.first(select(STREAM).where(STREAM.c.id == ref.id))
    return {"kind": row.kind if row else "", "status": row.status if row else ""}


DECLARATIONS = Declarations(
    acts=(DeclareStream, EndStream, InterruptStream, ResumeStream),
    queries=(Query("stream.list", "Estate"), Query("stream.read", "Estate")),
    resources=(
        ResourceType(
            "Stream",
            "stream",
            {"kind": str, "status": str},
            stream_attributes,
            names=STREAM.c.name,
        ),
    ),
    tables=(TABLES,),
)
