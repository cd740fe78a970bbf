"""The verbs about training: train, list, show."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from freehold.compute import Executor, Job
from freehold.data import DataService, OpenedDataset
from freehold.kernel import Ref, canonical, digest, new_id
from freehold.kernel.acts import Actor, NotFound, Output, Pipeline
from freehold.training._acts import RUN, TrainModel
from freehold.training._provenance import code_digest, environment, environment_digest
from freehold.training._recipes import Recipe
from freehold.training.errors import TrainingError

SEED = 20_240_801  # any fixed number does; this one is the AI Act's entry into force
SEED_MAX = 2**32 - 1  # what every library takes
HOLDOUT_PERCENT = 20
HOLDOUT_PERCENT_MAX = 90  # somewhat has to be left to learn from


@dataclass(frozen=True, slots=True)
class Task:
    """What to learn: which recipe, which column is the answer, and how."""

    recipe: str
    label: str
    seed: int = SEED
    holdout_percent: int = HOLDOUT_PERCENT
    parameters: Mapping[str, Any] | None = None

    def digest(self) -> str:
        """Digest of what determines the result and may outlive an erasure: all but the label."""
        settings = {name: value for name, value in self.as_json().items() if name != "label"}
        return digest(canonical(settings))

    def as_json(self) -> dict[str, Any]:
        """Everything that determines the result beside data, code and environment."""
        return {
            "recipe": self.recipe,
            "label": self.label,
            "seed": self.seed,
            "holdout": self.holdout_percent / 100,
            "parameters": dict(self.parameters or {}),
        }


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training run. `details` (label, parameters, report) are None once erased."""

    ref: str
    recipe: str
    dataset: str
    purpose: str
    trainer: str
    classes: tuple[str, ...]
    isolation: int
    seed: int
    holdout_percent: int
    rows: int
    features: int
    cpu_ms: int
    wall_ms: int
    digest: str
    time: str
    act: str
    details: dict[str, Any] | None


class TrainingService:
    """Trains models on governed data."""

    def __init__(self, pipeline: Pipeline, data: DataService, executor: Executor) -> None:
        self._pipeline = pipeline
        self._data = data
        self._executor = executor

    def train(self, actor: Actor, dataset: str, task: Task, *, purpose: str) -> Run:
        """Train on a dataset version for a purpose; the model is sealed under the run's own key
        domain.

        Raises:
            Denied: policy refuses the training or the reading of the data.
            TrainingError, JobFailed: the work could not be done; recorded as failed.
        """
        recipe = Recipe(task.recipe)
        _check_numbers(task)
        source = self._data.find(dataset)
        run = Ref("run", new_id())
        found = environment()
        act_type = TrainModel(
            recipe=recipe.value,
            classes=(self._data.data_class(source),),
            isolation=int(self._executor.isolation),
            seed=task.seed,
            holdout_percent=task.holdout_percent,
            code=code_digest(),
            environment=environment_digest(found),
            parameters=task.digest(),
        )
        with self._pipeline.perform(
            actor, act_type, on=run, purpose=purpose, inputs=(source,)
        ) as act:
            with self._data.opened(
                actor, source, purpose=purpose, isolation=int(self._executor.isolation)
            ) as opened:
                act.start()
                result = self._executor.run(training_job(opened, task))
            model = result.outputs["model"]
            sealed = self._pipeline.stores.vault.seal(act.domain, io.BytesIO(model))
            act.describe(task=task.as_json(), report=result.report, environment=found)
            act.conclude(
                outputs=[Output(ref=str(run), sealed=sealed.sealed_digest, digest=sealed.digest)],
                rows=result.report["rows"],
                features=result.report["features"],
                cpu_ms=round(result.usage.cpu_seconds * 1000),
                wall_ms=round(result.usage.wall_seconds * 1000),
                peak_bytes=result.usage.peak_bytes,
                blob=sealed.name,
            )
        return self._run(run)

    def list(self, actor: Actor) -> tuple[Run, ...]:
        """Every finished run, newest last."""
        self._pipeline.ask(actor, "run.list", on=self._pipeline.circumstances.estate)
        rows = self._pipeline.stores.catalog.all(select(RUN).order_by(RUN.c.time, RUN.c.id))
        return tuple(map(_run, rows))

    def show(self, actor: Actor, run: str) -> Run:
        """One run."""
        ref = Ref.parse(run)
        self._pipeline.ask(actor, "run.show", on=ref)
        return self._run(ref)

    def find(self, run: str) -> Run:
        """The run of this reference, for other rooms.

        Raises:
            NotFound: no finished run of that id.
        """
        return self._run(Ref.parse(run))

    def weights(self, run: str) -> bytes:
        """The model file that a run made. For rooms above, whose own acts decide who may have it.

        Raises:
            DomainErased: it was erased.
        """
        ref = Ref.parse(run)
        row = self._row(ref)
        return self._pipeline.stores.vault.read(ref.id, row.blob, MODEL_BYTES_MAX)

    def _run(self, ref: Ref) -> Run:
        return _run(self._row(ref))

    def _row(self, ref: Ref) -> Row[Any]:
        row = self._pipeline.stores.catalog.first(select(RUN).where(RUN.c.id == ref.id))
        if row is None:
            raise NotFound(
                "training.unknown",
                f"there is no finished run {ref}",
                "see `freehold training list`",
            )
        return row


MODEL_BYTES_MAX = 2_147_483_648  # a model of these recipes is read into memory


def _check_numbers(task: Task) -> None:
    for name, value, most in (
        ("seed", task.seed, SEED_MAX),
        ("holdout_percent", task.holdout_percent, HOLDOUT_PERCENT_MAX),
    ):
        if not 0 <= value <= most:
            raise TrainingError("training.number", f"{name} is 0 to {most}, got {value}")


def training_job(opened: OpenedDataset, task: Task) -> Job:
    """The isolated job that trains `task` on the opened data."""
    return Job(
        entry="freehold.training._job:main",
        parameters={
            **task.as_json(),
            "format": opened.format.value,
            "options": opened.options_json(),
        },
        inputs={"data": opened.stream},
        outputs=("model",),
    )


def _run(row: Row[Any]) -> Run:
    return Run(
        ref=f"run:{row.id}",
        recipe=row.recipe,
        dataset=row.dataset,
        purpose=row.purpose,
        trainer=row.trainer,
        classes=tuple(row.classes.split()),
        isolation=row.isolation,
        seed=row.seed,
        holdout_percent=row.holdout,
        rows=row.rows,
        features=row.features,
        cpu_ms=row.cpu_ms,
        wall_ms=row.wall_ms,
        digest=row.digest,
        time=row.time,
        act=row.record,
        details=json.loads(row.details) if row.details else None,
    )
