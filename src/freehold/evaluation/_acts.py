"""Evaluation, declared: plans fixed beforehand, runs judged by them; their tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, String, Table, Text

from freehold.kernel import Ref, canonical
from freehold.kernel.acts import (
    Act,
    Code,
    Declarations,
    Metrics,
    Query,
    Record,
    Reference,
    ResourceType,
    found,
)
from freehold.kernel.catalog import DOMAIN, ERASABLE, Change, Put

TABLES = MetaData()

PLAN = Table(
    "evaluation_plan",
    TABLES,
    Column("id", String(36), primary_key=True),
    Column("record", String(36), nullable=False),
    Column("dataset", String, nullable=False),
    Column("part", String, nullable=False),  # holdout | all
    Column("purpose", String, nullable=False),
    Column("at_least", Text, nullable=False),  # JSON by metric
    Column("at_most", Text, nullable=False),
    Column("time", String, nullable=False),
)

RESULT = Table(
    "evaluation_result",
    TABLES,
    Column("record", String(36), primary_key=True),
    Column("plan", String(36), nullable=False),
    Column("run", String, nullable=False),
    Column("is_passed", Boolean, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("time", String, nullable=False),
    Column("domain", String(36), nullable=False, info=DOMAIN),
    Column("details", Text, info=ERASABLE),
    Index("result_by_run", "run"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEvaluation(Act, name="evaluation.plan", on="Evaluation"):
    """Fix what a model will be judged by: the data, the part of it, and the thresholds.

    Never changed afterwards.
    """

    part: Code
    at_least: Metrics
    at_most: Metrics

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        facts = record.facts
        yield Put(
            PLAN,
            {
                "id": Ref.parse(record.resource).id,
                "record": record.id,
                "dataset": record.inputs[0],
                "part": facts["part"],
                "purpose": record.purpose,
                "at_least": canonical(facts["at_least"]).decode(),
                "at_most": canonical(facts["at_most"]).decode(),
                "time": record.time,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvaluation(Act, name="evaluation.run", on="Evaluation"):
    """Judge a trained run by a plan.

    `is_planned_before_training` tells whether the plan is older than the training.
    """

    run: Reference
    isolation: int
    is_planned_before_training: bool
    is_passed: bool = found(False)
    rows: int = found(0)
    metrics: Metrics | None = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        facts = record.facts
        yield Put(
            RESULT,
            {
                "record": record.id,
                "plan": Ref.parse(record.resource).id,
                "run": facts["run"],
                "is_passed": facts["is_passed"],
                "metrics": canonical(facts["metrics"]).decode(),
                "rows": facts["rows"],
                "time": record.time,
                "domain": record.body.domain if record.body else "",
                "details": None if details is None else canonical(dict(details)).decode(),
            },
        )


DECLARATIONS = Declarations(
    acts=(PlanEvaluation, RunEvaluation),
    queries=(Query("evaluation.show", "Evaluation"),),
    resources=(ResourceType("Evaluation", "evaluation"),),
    tables=(TABLES,),
)
