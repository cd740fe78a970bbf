"""The verbs of evaluation: plan first, run afterwards, show."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from freehold.charter import CharterService
from freehold.compute import Executor, Job
from freehold.data import DataService, OpenedDataset
from freehold.evaluation._acts import PLAN, RESULT, PlanEvaluation, RunEvaluation
from freehold.evaluation._metrics import METRICS, Threshold, judge
from freehold.evaluation.errors import EvaluationError
from freehold.kernel import Ref, new_id
from freehold.kernel.acts import Actor, NotFound, Pipeline
from freehold.kernel.catalog import ACT
from freehold.training import Run, TrainingService

PARTS = (
    "holdout",
    "all",
)  # what the run did not train on, or a whole dataset set aside for testing


@dataclass(frozen=True, slots=True)
class Plan:
    """What a model is judged by. Fixed."""

    ref: str
    dataset: str
    part: str
    purpose: str
    at_least: Mapping[str, float]
    at_most: Mapping[str, float]
    act: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came out when a run was judged by a plan."""

    plan: str
    run: str
    is_passed: bool
    metrics: Mapping[str, float]
    rows: int
    act: str
    details: dict[str, Any] | None


class EvaluationService:
    """Judges models by plans that are older than the judgement."""

    def __init__(
        self,
        pipeline: Pipeline,
        charter: CharterService,
        *,
        data: DataService,
        training: TrainingService,
        executor: Executor,
    ) -> None:
        self._pipeline = pipeline
        self._charter = charter
        self._data = data
        self._training = training
        self._executor = executor

    def plan(
        self,
        actor: Actor,
        dataset: str,
        *,
        purpose: str,
        part: str = "holdout",
        at_least: Mapping[str, float] | None = None,
        at_most: Mapping[str, float] | None = None,
    ) -> Plan:
        """Fix thresholds for models judged on this dataset version. The charter's thresholds always
        count too.

        Raises:
            EvaluationError: an unknown part or metric.
        """
        if part not in PARTS:
            raise EvaluationError(
                "evaluation.part", f"expected one of {', '.join(PARTS)}, got {part!r:.40}"
            )
        source = self._data.find(dataset)
        lower, upper = self._with_charter(at_least or {}, at_most or {})
        ref = Ref("evaluation", new_id())
        act_type = PlanEvaluation(part=part, at_least=lower, at_most=upper)
        with self._pipeline.perform(
            actor, act_type, on=ref, purpose=purpose, inputs=(source,)
        ) as act:
            act.conclude()
        return self._plan(ref)

    def run(self, actor: Actor, plan: str, run: str) -> Result:
        """Judge a trained run by a plan, in a process of its own.

        Raises:
            Denied: policy refuses the evaluation or the reading of the data.
            EvaluationError: the plan judges held-out rows of another dataset than the run learned
                from.
        """
        fixed = self._plan(Ref.parse(plan))
        trained = self._training.find(run)
        if fixed.part == "holdout" and fixed.dataset != trained.dataset:
            raise EvaluationError(
                "evaluation.other_data",
                f"the plan judges what was held out of {fixed.dataset}, "
                f"but the run learned from {trained.dataset}",
                "plan on that dataset, or with part=all on a dataset set aside for testing",
            )
        source = Ref.parse(fixed.dataset)
        act_type = RunEvaluation(
            run=trained.ref,
            isolation=int(self._executor.isolation),
            is_planned_before_training=self._is_before(fixed.act, trained.act),
        )
        with self._pipeline.perform(
            actor,
            act_type,
            on=Ref.parse(fixed.ref),
            purpose=fixed.purpose,
            inputs=(Ref.parse(trained.ref), source),
        ) as act:
            with self._data.opened(
                actor, source, purpose=fixed.purpose, isolation=int(self._executor.isolation)
            ) as opened:
                report = self._executor.run(self._job(opened, trained, fixed)).report
            metrics = report["metrics"]
            verdicts = judge(metrics, _thresholds(fixed))
            is_passed = all(verdict.is_passed for verdict in verdicts)
            act.describe(report=report)
            act.conclude(is_passed=is_passed, rows=report["rows"], metrics=metrics)
        return self._result(act.recorded.record.id)

    def show(self, actor: Actor, plan: str) -> dict[str, Any]:
        """A plan and every result by it."""
        ref = Ref.parse(plan)
        self._pipeline.ask(actor, "evaluation.show", on=ref)
        rows = self._pipeline.stores.catalog.all(
            select(RESULT).where(RESULT.c.plan == ref.id).order_by(RESULT.c.time)
        )
        return {"plan": self._plan(ref), "results": tuple(map(_result, rows))}

    def latest(self, run: str) -> Result | None:
        """The newest result of a run, or None when it was never judged."""
        row = self._pipeline.stores.catalog.first(
            select(RESULT)
            .join(ACT, ACT.c.id == RESULT.c.record)
            .where(RESULT.c.run == run)
            .order_by(ACT.c.position.desc())  # not by time: a clock may go back
        )
        return _result(row) if row else None

    def _with_charter(
        self, at_least: Mapping[str, float], at_most: Mapping[str, float]
    ) -> tuple[dict[str, float], dict[str, float]]:
        for metric, bound in (*at_least.items(), *at_most.items()):
            if not math.isfinite(bound):
                raise EvaluationError("evaluation.bound", f"{metric!r:.40} is bound by {bound}")
            if metric not in METRICS:
                raise EvaluationError(
                    "evaluation.metric", f"no metric {metric!r:.40}; there are {', '.join(METRICS)}"
                )
        lower, upper = dict(at_least), dict(at_most)
        for threshold in self._charter.in_force().thresholds.values():
            name = threshold.metric
            if threshold.at_least is not None:
                lower[name] = max(threshold.at_least, lower.get(name, threshold.at_least))
            if threshold.at_most is not None:
                upper[name] = min(threshold.at_most, upper.get(name, threshold.at_most))
        return lower, upper

    def _job(self, opened: OpenedDataset, trained: Run, plan: Plan) -> Job:
        return Job(
            entry="freehold.evaluation._job:main",
            parameters={
                "format": opened.format.value,
                "options": opened.options_json(),
                "part": plan.part,
                "seed": trained.seed,
                "holdout": trained.holdout_percent / 100,
            },
            inputs={"data": opened.stream, "model": self._training.weights(trained.ref)},
        )

    def _is_before(self, first: str, second: str) -> bool:
        rows = self._pipeline.stores.catalog.all(
            select(ACT.c.id, ACT.c.position).where(ACT.c.id.in_([first, second]))
        )
        position = {row.id: row.position for row in rows}
        return bool(position[first] < position[second])

    def _plan(self, ref: Ref) -> Plan:
        row = self._pipeline.stores.catalog.first(select(PLAN).where(PLAN.c.id == ref.id))
        if row is None:
            raise NotFound("evaluation.unknown", f"there is no plan {ref}")
        return Plan(
            ref=str(ref),
            dataset=row.dataset,
            part=row.part,
            purpose=row.purpose,
            at_least=json.loads(row.at_least),
            at_most=json.loads(row.at_most),
            act=row.record,
        )

    def _result(self, record: str) -> Result:
        row = self._pipeline.stores.catalog.first(select(RESULT).where(RESULT.c.record == record))
        assert row is not None  # noqa: S101  # just recorded
        return _result(row)


def _thresholds(plan: Plan) -> list[Threshold]:
    return [Threshold(metric, at_least=bound) for metric, bound in plan.at_least.items()] + [
        Threshold(metric, at_most=bound) for metric, bound in plan.at_most.items()
    ]


def _result(row: Row[Any]) -> Result:
    return Result(
        plan=f"evaluation:{row.plan}",
        run=row.run,
        is_passed=bool(row.is_passed),
        metrics=json.loads(row.metrics),
        rows=row.rows,
        act=row.record,
        details=json.loads(row.details) if row.details else None,
    )
