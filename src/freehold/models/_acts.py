"""The model registry, declared: register, submit, promote, retire, fetch; tables; how policies see
a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text, select

from freehold.kernel import Ref
from freehold.kernel.acts import (
    Act,
    Attributes,
    Code,
    Codes,
    Declarations,
    Digest,
    Id,
    Query,
    Record,
    Reference,
    ResourceType,
)
from freehold.kernel.catalog import DOMAIN, ERASABLE, Amend, Catalog, Change, Put

TABLES = MetaData()

MODEL = Table(
    "model",
    TABLES,
    Column("id", String(36), primary_key=True, info=DOMAIN),
    Column("versions", Integer, nullable=False),
    Column("name", String, info=ERASABLE),
    Index("model_by_name", "name"),
)

MODEL_VERSION = Table(
    "model_version",
    TABLES,
    Column("id", String(36), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("run", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("status", String, nullable=False),  # draft | candidate | live | retired
    Column("gate", String, nullable=False),  # none | passed | failed
    Column("evaluation", String(36)),
    Column("trained_by", String, nullable=False),
    Column("classes", Text, nullable=False),
    Column("approvals", Text, nullable=False),
    Column("time", String, nullable=False),
)


def _key(record: Record) -> dict[str, Any]:
    ref = Ref.parse(record.resource)
    return {"id": ref.id, "version": ref.version}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterModel(Act, name="model.register", on="Model"):
    """Give the model of a run a name and a version; a draft."""

    run: Reference
    trained_by: Reference
    classes: Codes
    digest: Digest

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        key, facts = _key(record), record.facts
        yield Put(
            MODEL,
            {"id": key["id"], "versions": key["version"], "name": (details or {}).get("name")},
        )
        yield Put(
            MODEL_VERSION,
            {
                **key,
                "run": facts["run"],
                "digest": facts["digest"],
                "status": "draft",
                "gate": "none",
                "evaluation": None,
                "trained_by": facts["trained_by"],
                "classes": " ".join(facts["classes"]),
                "approvals": "",
                "time": record.time,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitModel(Act, name="model.submit", on="Model"):
    """Submit a draft for promotion with its newest evaluation, whose verdict becomes its gate."""

    evaluation: Id
    gate: Code

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        facts = record.facts
        row = {"status": "candidate", "gate": facts["gate"], "evaluation": facts["evaluation"]}
        yield Amend(MODEL_VERSION, _key(record), row)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteModel(Act, name="model.promote", on="Model"):
    """Put a candidate live, with the approvals that the charter asks for."""

    evidence: Digest

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        approvals = " ".join(record.facts.get("approvals", ()))
        yield Amend(MODEL_VERSION, _key(record), {"status": "live", "approvals": approvals})


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireModel(Act, name="model.retire", on="Model"):
    """Take a model out of use; its file stays retrievable."""

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Amend(MODEL_VERSION, _key(record), {"status": "retired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchModel(Act, name="model.fetch", on="Model", exclusive=False):
    """Open the sealed file of a model: to hand it out, or to serve it."""

    digest: Digest


def model_attributes(catalog: Catalog, ref: Ref) -> Attributes:
    """How policies see a model version; one that does not exist yet was trained by nobody."""
    row = catalog.first(
        select(MODEL_VERSION).where(
            MODEL_VERSION.c.id == ref.id, MODEL_VERSION.c.version == ref.version
        )
    )
    if row is None:
        return {"status": "", "trained_by": "", "gate": "none", "classes": []}
    return {
        "status": row.status,
        "trained_by": row.trained_by,
        "gate": row.gate,
        "classes": row.classes.split(),
    }


DECLARATIONS = Declarations(
    acts=(RegisterModel, SubmitModel, PromoteModel, RetireModel, FetchModel),
    queries=(Query("model.list", "Estate"), Query("model.show", "Model")),
    resources=(
        ResourceType(
            "Model",
            "model",
            {"status": str, "trained_by": str, "gate": str, "classes": "set"},
            model_attributes,
            ("trained_by",),
            MODEL.c.name,
        ),
    ),
    tables=(TABLES,),
)
