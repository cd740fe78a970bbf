"""The verbs of the registry: register, submit, promote, retire, fetch, list, show.

Training and evaluation stand above this room; what it needs of them comes through two narrow
protocols.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Row, select

from freehold.kernel import Ref, canonical, check_name, digest, new_id
from freehold.kernel.acts import Actor, Conflict, NotFound, Output, Pipeline
from freehold.models._acts import (
    MODEL,
    MODEL_VERSION,
    FetchModel,
    PromoteModel,
    RegisterModel,
    RetireModel,
    SubmitModel,
)
from freehold.models._artifact import read_card


class RunFacts(Protocol):
    """What the registry has to know of a training run."""

    @property
    def ref(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def trainer(self) -> str: ...
    @property
    def classes(self) -> tuple[str, ...]: ...


class Runs(Protocol):
    """Finished runs and the model files they made."""

    def find(self, run: str) -> RunFacts: ...
    def weights(self, run: str) -> bytes: ...


class ResultFacts(Protocol):
    """What the registry has to know of an evaluation."""

    @property
    def act(self) -> str: ...
    @property
    def is_passed(self) -> bool: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...


class Results(Protocol):
    """Evaluation results by run."""

    def latest(self, run: str) -> ResultFacts | None: ...


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a model and where it stands."""

    ref: str
    name: str | None
    run: str
    digest: str
    status: str
    gate: str
    evaluation: str | None
    trained_by: str
    classes: tuple[str, ...]
    approvals: tuple[str, ...]
    time: str


class ModelService:
    """The registry of models."""

    def __init__(self, pipeline: Pipeline, runs: Runs, results: Results) -> None:
        self._pipeline = pipeline
        self._runs = runs
        self._results = results

    def register(self, actor: Actor, name: str, run: str) -> ModelVersion:
        """Register the model of a run as the next version of `name`: a draft."""
        check_name(name)
        made = self._runs.find(run)
        with self._pipeline.hold(Ref("model", name)):
            row = self._named(name)
            ref = Ref("model", row.id if row else new_id(), row.versions + 1 if row else 1)
            act_type = RegisterModel(
                run=made.ref, trained_by=made.trainer, classes=made.classes, digest=made.digest
            )
            with self._pipeline.perform(
                actor, act_type, on=ref, inputs=(Ref.parse(made.ref),)
            ) as act:
                act.describe(name=name)
                act.conclude(outputs=[Output(ref=str(ref), digest=made.digest)])
        return self._version(ref)

    def submit(self, actor: Actor, model: str) -> ModelVersion:
        """Submit a draft for promotion, with its newest evaluation.

        Raises:
            Conflict: not a draft or candidate, or never evaluated.
        """
        ref = Ref.parse(self.find(model).ref)
        with self._pipeline.hold(ref):
            result = self._results.latest(self.find(model).run)
            if result is None:
                raise Conflict(
                    "models.not_evaluated",
                    f"{model} was never evaluated",
                    "fix a plan with `freehold evaluation plan` and run it",
                )
            gate = "passed" if result.is_passed else "failed"
            act_type = SubmitModel(evaluation=result.act, gate=gate)
            with self._pipeline.perform(actor, act_type, on=ref) as act:
                self._need(ref, "draft", "candidate")
                act.conclude()
        return self._version(ref)

    def promote(self, actor: Actor, model: str) -> ModelVersion:
        """Put a candidate live. The charter says which gate and how many approvals by others that
        takes.

        Raises:
            Conflict: not a candidate.
            Denied: the gate is not passed, or approvals are missing.
        """
        ref = Ref.parse(self.find(model).ref)
        with self._pipeline.hold(ref):  # what is promoted is what the evidence was taken of
            promotion = PromoteModel(evidence=self.evidence(ref))
            with self._pipeline.perform(actor, promotion, on=ref) as act:
                self._need(ref, "candidate")
                act.conclude()
        return self._version(ref)

    def retire(self, actor: Actor, model: str) -> ModelVersion:
        """Take a model out of use; its file stays retrievable."""
        ref = Ref.parse(self.find(model).ref)
        with self._pipeline.perform(actor, RetireModel(), on=ref) as act:
            self._need(ref, "draft", "candidate", "live")
            act.conclude()
        return self._version(ref)

    def weights(self, actor: Actor, model: str) -> bytes:
        """Open the model file; an act of its own.

        Raises:
            Denied: policy refuses.
            DomainErased: the run it came from was erased.
        """
        found = self.find(model)
        act_type = FetchModel(digest=found.digest)
        with self._pipeline.perform(
            actor, act_type, on=Ref.parse(found.ref), inputs=(Ref.parse(found.run),)
        ) as act:
            content = self._runs.weights(found.run)
            act.conclude()
        return content

    def list(self, actor: Actor) -> tuple[ModelVersion, ...]:
        """Every version of every model."""
        self._pipeline.ask(actor, "model.list", on=self._pipeline.circumstances.estate)
        rows = self._pipeline.stores.catalog.all(
            select(MODEL_VERSION).order_by(MODEL_VERSION.c.id, MODEL_VERSION.c.version)
        )
        return tuple(self._model_version(row) for row in rows)

    def show(self, actor: Actor, model: str) -> ModelVersion:
        """One version; the newest where none is named."""
        found = self.find(model)
        self._pipeline.ask(actor, "model.show", on=Ref.parse(found.ref))
        return found

    def card(self, model: str) -> dict[str, Any]:
        """What the model takes and gives, from its own file.

        For rooms above, which ask policy themselves.
        """
        return read_card(self._runs.weights(self.find(model).run))

    def evidence(self, ref: Ref) -> str:
        """What an approver of `model.promote` signs: the model's digest, its evaluation and the
        metrics.
        """
        found = self.find(str(ref))
        result = self._results.latest(found.run)
        return digest(
            canonical(
                {
                    "model": found.digest,
                    "gate": found.gate,
                    "evaluation": found.evaluation,
                    "metrics": dict(result.metrics) if result else {},
                }
            )
        )

    def find(self, model: str) -> ModelVersion:
        """Resolve `name`, `model:name`, `model:<id>`, each with or without `@version`.

        Raises:
            NotFound: no such model or version.
        """
        wanted = Ref.parse(model if model.startswith("model:") else f"model:{model}")
        row = self._named(wanted.id) or self._pipeline.stores.catalog.first(
            select(MODEL).where(MODEL.c.id == wanted.id)
        )
        if row is None or (wanted.version or 1) > row.versions:
            raise NotFound(
                "models.unknown",
                f"there is no {wanted}",
                "see `freehold models list` for what there is",
            )
        return self._version(Ref("model", row.id, wanted.version or row.versions))

    def _need(self, ref: Ref, *statuses: str) -> None:
        """Refuse another status; within the act, so that none can change it meanwhile."""
        found = self._version(ref)
        if found.status not in statuses:
            raise Conflict(
                "models.status",
                f"{found.ref} is {found.status}; this needs it to be {' or '.join(statuses)}",
            )

    def _named(self, name: str) -> Row[Any] | None:
        return self._pipeline.stores.catalog.first(select(MODEL).where(MODEL.c.name == name))

    def _version(self, ref: Ref) -> ModelVersion:
        row = self._pipeline.stores.catalog.first(
            select(MODEL_VERSION).where(
                MODEL_VERSION.c.id == ref.id, MODEL_VERSION.c.version == ref.version
            )
        )
        if row is None:
            raise NotFound("models.unknown", f"there is no {ref}")
        return self._model_version(row)

    def _model_version(self, row: Row[Any]) -> ModelVersion:
        model = self._pipeline.stores.catalog.first(
            select(MODEL.c.name).where(MODEL.c.id == row.id)
        )
        return ModelVersion(
            ref=f"model:{row.id}@{row.version}",
            name=model.name if model else None,
            run=row.run,
            digest=row.digest,
            status=row.status,
            gate=row.gate,
            evaluation=row.evaluation,
            trained_by=row.trained_by,
            classes=tuple(row.classes.split()),
            approvals=tuple(row.approvals.split()),
            time=row.time,
        )
