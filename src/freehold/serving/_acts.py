"""Deployments and their decisions, declared; tables; how policies see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text, select

from freehold.kernel import Ref
from freehold.kernel.acts import (
    Act,
    Attributes,
    Codes,
    Declarations,
    Query,
    Record,
    Reference,
    ResourceType,
    found,
)
from freehold.kernel.catalog import DOMAIN, ERASABLE, Amend, Catalog, Change, Put

TABLES = MetaData()

DEPLOYMENT = Table(
    "deployment",
    TABLES,
    Column("id", String(36), primary_key=True, info=DOMAIN),
    Column("model", String, nullable=False),
    Column("classes", Text, nullable=False),
    Column("purpose", String, nullable=False),
    Column("status", String, nullable=False),  # running | stopped
    Column("since", String, nullable=False),
    Column("started_by", String, nullable=False),
    Column("name", String, info=ERASABLE),
    Index("deployment_by_name", "name"),
)

DECISION = Table(
    "decision",
    TABLES,
    Column("id", String(36), primary_key=True),  # of the record
    Column("deployment", String, nullable=False),
    Column("model", String, nullable=False),
    Column("domain", String(36), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("time", String, nullable=False),
    Index("decision_by_deployment", "deployment"),
    Index("decision_by_domain", "domain"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDeployment(Act, name="deployment.start", on="Deployment"):
    """Let a live model answer under a name, for a purpose, in a process of the given isolation
    level.
    """

    model: Reference
    classes: Codes
    isolation: int

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(
            DEPLOYMENT,
            {
                "id": Ref.parse(record.resource).id,
                "model": record.facts["model"],
                "classes": " ".join(record.facts["classes"]),
                "purpose": record.purpose,
                "status": "running",
                "since": record.time,
                "started_by": record.on_behalf or record.principal,
                "name": (details or {}).get("name"),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StopDeployment(Act, name="deployment.stop", on="Deployment"):
    """Stop a deployment: from the record on it gives no answer."""

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        key = {"id": Ref.parse(record.resource).id}
        yield Amend(DEPLOYMENT, key, {"status": "stopped", "since": record.time})


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDecision(
    Act, name="decision.answer", on="Deployment", exclusive=False, retention="decisions"
):
    """Give one answer. Recorded, with question and answer in the body, before it is released."""

    model: Reference
    rows: int = found(0)
    latency_us: int = found(0)

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(
            DECISION,
            {
                "id": record.id,
                "deployment": record.resource,
                "model": record.facts["model"],
                "domain": record.body.domain if record.body else "",
                "rows": record.facts["rows"],
                "time": record.time,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDecision(
    Act, name="decision.read", on="Decision", exclusive=False, retention="decisions"
):
    """Open the question and answer of a past decision."""


def deployment_attributes(catalog: Catalog, ref: Ref) -> Attributes:
    """How policies see a deployment."""
    row = catalog.first(select(DEPLOYMENT).where(DEPLOYMENT.c.id == ref.id))
    if row is None:
        return {"classes": [], "status": ""}
    return {"classes": row.classes.split(), "status": row.status}


def decision_attributes(catalog: Catalog, ref: Ref) -> Attributes:
    """How policies see a decision: by the classes its deployment's model learned from."""
    row = catalog.first(select(DECISION.c.deployment).where(DECISION.c.id == ref.id))
    if row is None:
        return {"classes": []}
    return {"classes": deployment_attributes(catalog, Ref.parse(row.deployment))["classes"]}


DECLARATIONS = Declarations(
    acts=(StartDeployment, StopDeployment, AnswerDecision, ReadDecision),
    queries=(Query("deployment.list", "Estate"),),
    resources=(
        ResourceType(
            "Deployment",
            "deployment",
            {"classes": "set", "status": str},
            deployment_attributes,
            names=DEPLOYMENT.c.name,
        ),
        ResourceType("Decision", "decision", {"classes": "set"}, decision_attributes),
    ),
    tables=(TABLES,),
)
