"""The verbs of serving: start, stop, list, answer, read a past decision.

An answer leaves only once its record, with question and answer in the sealed body, is durable. No
record, no answer.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from freehold.compute import Executor, Job, Worker, WorkerGone
from freehold.kernel import Ref, canonical, check_name, new_id
from freehold.kernel.acts import Actor, Conflict, NotFound, Output, Pipeline, Recorded
from freehold.models import ModelService
from freehold.serving._acts import (
    DECISION,
    DEPLOYMENT,
    AnswerDecision,
    ReadDecision,
    StartDeployment,
    StopDeployment,
)
from freehold.serving.errors import ServingError

ANSWER_SECONDS_MAX = (
    60.0  # a worker that takes longer is ended, and its next caller gets a fresh one
)

Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model answering under a name."""

    ref: str
    name: str | None
    model: str
    classes: tuple[str, ...]
    purpose: str
    status: str
    since: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer: labels and probabilities by row, with the proof that it is recorded."""

    id: str
    deployment: str
    model: str
    labels: tuple[Any, ...]
    probabilities: tuple[tuple[float, ...], ...]
    classes: tuple[Any, ...]
    recorded: Recorded


class ServingService:
    """Deployments, each with one isolated worker while the estate is open."""

    def __init__(self, pipeline: Pipeline, models: ModelService, executor: Executor) -> None:
        self._pipeline = pipeline
        self._models = models
        self._executor = executor
        self._workers: dict[tuple[str, str], Worker] = {}  # by deployment and model
        self._lock = threading.Lock()  # guards the table of workers; held while one starts

    def start(self, actor: Actor, name: str, model: str, *, purpose: str) -> Deployment:
        """Let a live model answer as `name`; a running deployment of that name goes over to the
        model.

        Raises:
            Conflict: the model is not live.
            Denied: policy refuses.
        """
        check_name(name)
        version = self._models.find(model)
        with self._pipeline.hold(Ref("deployment", name)):
            row = self._named(name)
            ref = Ref("deployment", row.id if row else new_id())
            act_type = StartDeployment(
                model=version.ref,
                classes=version.classes,
                isolation=int(self._executor.isolation),
            )
            with self._pipeline.perform(
                actor, act_type, on=ref, purpose=purpose, inputs=(Ref.parse(version.ref),)
            ) as act:
                self._check_live(version.ref)
                self._worker(actor.authority, ref.id, version.ref)
                act.describe(name=name)
                act.conclude(outputs=[Output(ref=str(ref))])
            self._end(ref.id, but=version.ref)
        return self._deployment(ref)

    def stop(self, actor: Actor, name: str) -> Deployment:
        """Stop a deployment; it answers no more."""
        ref = self.find(name)
        with self._pipeline.perform(actor, StopDeployment(), on=ref) as act:
            act.conclude()
        self._end(ref.id)
        return self._deployment(ref)

    def list(self, actor: Actor) -> tuple[Deployment, ...]:
        """Every deployment."""
        self._pipeline.ask(actor, "deployment.list", on=self._pipeline.circumstances.estate)
        rows = self._pipeline.stores.catalog.all(select(DEPLOYMENT).order_by(DEPLOYMENT.c.id))
        return tuple(map(_deployment, rows))

    def answer(self, actor: Actor, name: str, columns: Columns, *, subject: str = "") -> Decision:
        """Answer for some rows, given by column. Returns only once the decision is recorded
        durably.

        `subject` is a pseudonym of the person it is about: its bodies then lie in that person's own
        key domain.

        Raises:
            Conflict: the deployment is stopped.
            ServingError, JobFailed: the rows do not fit the model; recorded as failed.
            LedgerError: it could not be recorded, so there is no answer.
        """
        ref = self.find(name)
        row = self._row(ref)
        act_type = AnswerDecision(model=row.model)
        with self._pipeline.perform(
            actor,
            act_type,
            on=ref,
            purpose=row.purpose,
            inputs=(Ref.parse(row.model),),
            domain=self._domain(ref, subject),
        ) as act:
            if row.status != "running":
                raise Conflict("serving.stopped", f"the deployment {name} is stopped")
            self._check_live(row.model)
            started = time.perf_counter_ns()
            reply = self._ask(row, columns)
            act.describe(columns={k: list(v) for k, v in columns.items()}, reply=reply)
            act.conclude(
                outputs=[Output(ref=f"decision:{act.record_id}")],
                rows=len(reply["labels"]),
                latency_us=(time.perf_counter_ns() - started) // 1000,
            )
        return Decision(
            id=act.record_id,
            deployment=str(ref),
            model=row.model,
            labels=tuple(reply["labels"]),
            probabilities=tuple(map(tuple, reply["probabilities"])),
            classes=tuple(reply["classes"]),
            recorded=act.recorded,
        )

    def decision(self, actor: Actor, decision: str) -> dict[str, Any]:
        """The question and answer of a past decision, or that they are erased; an act of its own.

        Raises:
            NotFound: no such decision.
        """
        wanted = decision.removeprefix("decision:")
        catalog = self._pipeline.stores.catalog
        row = catalog.first(select(DECISION).where(DECISION.c.id == wanted))
        if row is None:
            raise NotFound("serving.unknown", f"there is no decision {decision!r:.80}")
        ref = Ref("decision", row.id)
        estate = self._pipeline.circumstances.estate
        with self._pipeline.perform(actor, ReadDecision(), on=ref, domain=estate.id) as act:
            record = self._pipeline.record(self._pipeline.position(row.id))
            details = self._pipeline.details(record)
            act.conclude()
        return {
            "id": row.id,
            "deployment": row.deployment,
            "model": row.model,
            "time": row.time,
            "details": details,
        }

    def replay(self, decision: str) -> bool | None:
        """Ask the deployment of a past decision the same question again; tell whether it answers
        the same.

        None where the question is erased, or the deployment or its model answers no more.

        Raises:
            ServingError, JobFailed: it cannot answer.
        """
        record = self._pipeline.record(self._pipeline.position(decision))
        details = self._pipeline.details(record)
        row = self._row(Ref.parse(record.resource))
        is_asked = row.status == "running" and row.model == record.facts["model"]
        if details is None or not is_asked or self._models.find(row.model).status != "live":
            return None
        reply = self._ask(row, details["columns"])
        return canonical(reply) == canonical(details["reply"])

    def inputs(self, actor: Actor, name: str) -> dict[str, Any]:
        """What the deployed model takes: features with their kinds, and its classes."""
        ref = self.find(name)
        self._pipeline.ask(actor, "deployment.list", on=self._pipeline.circumstances.estate)
        return self._models.card(self._row(ref).model)

    def find(self, name: str) -> Ref:
        """Resolve a deployment's name or id.

        Raises:
            NotFound: no such deployment.
        """
        code = name.removeprefix("deployment:")
        row = self._named(code) or self._pipeline.stores.catalog.first(
            select(DEPLOYMENT).where(DEPLOYMENT.c.id == code)
        )
        if row is None:
            raise NotFound(
                "serving.unknown",
                f"there is no deployment {name!r:.80}",
                "see `freehold serving list`",
            )
        return Ref("deployment", row.id)

    def close(self) -> None:
        """End every worker."""
        for deployment, _ in tuple(self._workers):
            self._end(deployment)

    # -- within ------------------------------------------------------------------------------------

    def _check_live(self, model: str) -> None:
        """Refuse a model that is not live, or no more."""
        status = self._models.find(model).status
        if status != "live":
            raise Conflict(
                "serving.not_live",
                f"{model} is {status}; only a live model may answer",
                "have it promoted first, or start a live one under this name",
            )

    def _ask(self, row: Row[Any], columns: Columns) -> dict[str, Any]:
        request = {"rows": {name: list(values) for name, values in columns.items()}}
        try:
            canonical(request)
        except ValueError as error:
            raise ServingError(
                "serving.value",
                "a value that JSON does not hold exactly, such as a whole number beyond 2^53",
                "send it as a text or as a decimal number",
            ) from error
        worker = self._worker(Ref.parse(row.started_by), row.id, row.model)
        try:
            return worker.ask(request, timeout_seconds=ANSWER_SECONDS_MAX)
        except WorkerGone as error:
            self._end(row.id)
            raise ServingError(
                "serving.worker",
                f"the process of this deployment ended while it answered: {error.message}",
                "ask again; a fresh process starts by itself",
            ) from error

    def _worker(self, starter: Ref, deployment: str, model: str) -> Worker:
        """The process that answers; of this model, so that no answer is recorded as another's."""
        with self._lock:
            worker = self._workers.get((deployment, model))
            if worker is None:
                worker = self._workers[deployment, model] = self._launch(starter, model)
            return worker

    def _launch(self, starter: Ref, model: str) -> Worker:
        """Start a process; the estate opens the weights for the starter, with their rights."""
        estate = Ref("service", self._pipeline.circumstances.estate.id)
        weights = self._models.weights(Actor(estate, on_behalf=starter), model)
        return self._executor.start(
            Job(entry="freehold.serving._worker:main", inputs={"model": weights})
        )

    def _end(self, deployment: str, *, but: str = "") -> None:
        """End the processes of a deployment, or all `but` that of one model."""
        for key in tuple(self._workers):
            if key[0] == deployment and key[1] != but:
                self._workers.pop(key).close()

    def _domain(self, deployment: Ref, subject: str) -> str:
        """The key domain of an answer: the subject's, else that of the deployment and month.

        Both are derived by the estate's naming key, so that a pseudonym cannot be guessed from a
        domain.
        """
        pipeline = self._pipeline
        month = pipeline.clock.now().strftime("%Y-%m")
        what = f"subject\0{subject}" if subject else f"period\0{deployment}\0{month}"
        key = pipeline.stores.keyring.domain(pipeline.circumstances.estate.id).naming_key
        name = hmac.new(key, f"freehold/decision/v1\0{what}".encode(), hashlib.sha256).hexdigest()
        return f"{name[:8]}-{name[8:12]}-8{name[13:16]}-8{name[17:20]}-{name[20:32]}"

    def _named(self, name: str) -> Row[Any] | None:
        return self._pipeline.stores.catalog.first(
            select(DEPLOYMENT).where(DEPLOYMENT.c.name == name)
        )

    def _row(self, ref: Ref) -> Row[Any]:
        row = self._pipeline.stores.catalog.first(
            select(DEPLOYMENT).where(DEPLOYMENT.c.id == ref.id)
        )
        if row is None:
            raise NotFound("serving.unknown", f"there is no {ref}")
        return row

    def _deployment(self, ref: Ref) -> Deployment:
        return _deployment(self._row(ref))


def _deployment(row: Row[Any]) -> Deployment:
    return Deployment(
        ref=f"deployment:{row.id}",
        name=row.name,
        model=row.model,
        classes=tuple(row.classes.split()),
        purpose=row.purpose,
        status=row.status,
        since=row.since,
    )
