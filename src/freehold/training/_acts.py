"""Training runs, declared: the act, its table, and how policies see a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, Text

from freehold.kernel import Ref, canonical
from freehold.kernel.acts import (
    Act,
    Blob,
    Code,
    Codes,
    Declarations,
    Digest,
    Query,
    Record,
    ResourceType,
    found,
)
from freehold.kernel.catalog import DOMAIN, ERASABLE, Change, Put

TABLES = MetaData()

RUN = Table(
    "run",
    TABLES,
    Column("id", String(36), primary_key=True, info=DOMAIN),
    Column("record", String(36), nullable=False),
    Column("recipe", String, nullable=False),
    Column("dataset", String, nullable=False),  # reference with version
    Column("purpose", String, nullable=False),
    Column("trainer", String, nullable=False),
    Column("classes", Text, nullable=False),
    Column("isolation", Integer, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("holdout", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("features", Integer, nullable=False),
    Column("cpu_ms", Integer, nullable=False),
    Column("wall_ms", Integer, nullable=False),
    Column("digest", String, nullable=False),  # plain SHA-256 of the model file
    Column("sealed", String, nullable=False),
    Column("blob", String, nullable=False),
    Column("code", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("parameters", String, nullable=False),
    Column("time", String, nullable=False),
    Column("details", Text, info=ERASABLE),  # canonical JSON: label, parameters, report
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainModel(Act, name="model.train", on="Run"):
    """Train a model on one version of a dataset, in a process of its own, for a purpose.

    `code`, `environment` and `parameters` are digests of what ran, of what it ran on, and of how it
    was asked; together with the dataset version and the seed they determine the model's digest.
    """

    recipe: Code
    classes: Codes
    isolation: int
    seed: int
    holdout_percent: int
    code: Digest
    environment: Digest
    parameters: Digest
    rows: int = found(0)
    features: int = found(0)
    cpu_ms: int = found(0)
    wall_ms: int = found(0)
    peak_bytes: int = found(0)
    blob: Blob | None = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        facts = record.facts
        same = ("recipe", "isolation", "seed", "rows", "features", "cpu_ms", "wall_ms", "blob")
        yield Put(
            RUN,
            {
                "id": Ref.parse(record.resource).id,
                "record": record.id,
                "dataset": record.inputs[0],
                "purpose": record.purpose,
                "trainer": record.principal,
                "classes": " ".join(facts["classes"]),
                "holdout": facts["holdout_percent"],
                **{name: facts[name] for name in same},
                **{name: facts[name] for name in ("code", "environment", "parameters")},
                "digest": record.outputs[0].digest,
                "sealed": record.outputs[0].sealed,
                "time": record.time,
                "details": None if details is None else canonical(dict(details)).decode(),
            },
        )


DECLARATIONS = Declarations(
    acts=(TrainModel,),
    queries=(Query("run.list", "Estate"), Query("run.show", "Run")),
    resources=(ResourceType("Run", "run"),),
    tables=(TABLES,),
)
