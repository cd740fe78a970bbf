"""A trial estate to measure on: the demonstration's charter, ratified, and its people logged in.

No model answers here: a deployment is recorded as started, and the acts alone are measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from freehold.charter import DEMO_PEOPLE, demo_charter
from freehold.compute import Isolation, Job
from freehold.estate import Estate
from freehold.kernel import Ref, new_id
from freehold.kernel.acts import Act, Actor, Output, Pipeline
from freehold.kernel.keys import INSECURE_TEST_COST, PassphraseCustody
from freehold.kernel.policy import Denied, PolicySet
from freehold.kernel.signatures import new_key_file, sign

POLICIES = 50  # what the demonstration's charter compiles to, filled up to this number
PURPOSE = "diagnosis-support"
COLUMNS = {f"feature_{n:02}": [round(0.37 * n + 0.001, 3)] for n in range(30)}
REPLY = {
    "labels": ["benign"],
    "probabilities": [[0.031, 0.969]],
    "classes": ["malignant", "benign"],
}


class _NoWork:
    """An executor for an estate in which nothing is run."""

    isolation = Isolation.process

    def run(self, job: Job) -> NoReturn:
        raise NotImplementedError(job.entry)

    def start(self, job: Job) -> NoReturn:
        raise NotImplementedError(job.entry)


@dataclass(frozen=True, slots=True)
class Trial:
    """The estate with its people by code, and one deployment."""

    estate: Estate
    people: dict[str, Actor]
    deployment: Ref
    model: Ref

    @property
    def pipeline(self) -> Pipeline:
        return self.estate.pipeline

    def answer(self) -> None:
        """One act of the hot path: question and answer of one row with 30 features."""
        answering = declared(self.pipeline, "decision.answer", model=str(self.model))
        with self.pipeline.perform(
            self.people["dana"],
            answering,
            on=self.deployment,
            purpose=PURPOSE,
            inputs=(self.model,),
        ) as act:
            act.describe(columns=COLUMNS, reply=REPLY)
            act.conclude(outputs=[Output(ref=f"decision:{act.record_id}")], rows=1, latency_us=250)

    def ingest(self, dataset: Ref) -> None:
        """Bring a dataset in, without bytes: the act, its words and its row in the catalog."""
        ingesting = declared(
            self.pipeline,
            "dataset.ingest",
            data_class="internal",
            purposes=(PURPOSE,),
            residency=("EU",),
            owner=str(self.people["stella"].principal),
            format="csv",
        )
        with self.pipeline.perform(self.people["stella"], ingesting, on=dataset) as act:
            act.describe(name="claims", terms="benchmark", options={}, profile={"columns": []})
            act.conclude(
                outputs=[Output(ref=str(dataset.at(1)), sealed="sha256:" + "0" * 64)],
                blob="0" * 64,
                is_new=True,
                version=1,
                rows=7,
            )

    def clear(self, dataset: Ref) -> None:
        """Clear a dataset once more: an exclusive act, after which policies look at it afresh."""
        clearing = declared(self.pipeline, "dataset.clear", purposes=(PURPOSE,))
        with self.pipeline.perform(self.people["stella"], clearing, on=dataset) as act:
            act.conclude()

    def be_refused(self) -> None:
        """An act that policy refuses, and records: an auditor asks for an answer."""
        asking = declared(self.pipeline, "decision.answer", model=str(self.model))
        with (
            suppress(Denied),
            self.pipeline.perform(
                self.people["ada"], asking, on=self.deployment, purpose=PURPOSE
            ) as act,
        ):
            act.conclude()


@contextmanager
def trial(folder: Path) -> Iterator[Trial]:
    """Create the estate in `folder`, ratify its charter, log everybody in, record a deployment."""
    keys = {person: folder / f"key-{person}" for person in DEMO_PEOPLE}
    charter = demo_charter({person: new_key_file(path, person) for person, path in keys.items()})
    custody = PassphraseCustody("benchmark", cost=INSECURE_TEST_COST)
    with Estate.create(
        folder / "estate", charter.encode(), custody, is_trial=True, executor=_NoWork()
    ) as estate:
        for owner in ("olivia", "oscar"):
            statement = estate.charter.statement(owner).message()
            status = estate.charter.ratify(statement, sign(statement, keys[owner]))
            if status.is_ratified:
                estate.adopt_charter()
                estate.people.enrol_charter(Actor(estate.charter.signer(statement)))
        people = {code: _log_in(estate, code, path) for code, path in keys.items()}
        estate.pipeline.enforce(filled_up(estate.pipeline.policies))
        deployment, model = Ref("deployment", new_id()), Ref("model", new_id(), 1)
        starting = declared(
            estate.pipeline, "deployment.start", model=str(model), classes=("health",), isolation=0
        )
        with estate.pipeline.perform(
            people["otto"], starting, on=deployment, purpose=PURPOSE, inputs=(model,)
        ) as act:
            act.describe(name="triage")
            act.conclude(outputs=[Output(ref=str(deployment))])
        yield Trial(estate, people, deployment, model)


@contextmanager
def reopened(folder: Path) -> Iterator[Trial]:
    """Open the estate that `trial` made in `folder`, with its people and its deployment."""
    custody = PassphraseCustody("benchmark", cost=INSECURE_TEST_COST)
    with Estate.open(folder / "estate", custody, executor=_NoWork()) as estate:
        people = {code: Actor(estate.people.find(code)) for code in DEMO_PEOPLE}
        (deployment,) = estate.serving.list(people["ada"])
        yield Trial(estate, people, Ref.parse(deployment.ref), Ref.parse(deployment.model))


def declared(pipeline: Pipeline, name: str, **facts: Any) -> Act:
    """An act of the declared type of this name."""
    act_type: Callable[..., Act] = pipeline.registry.acts[name]
    return act_type(**facts)


def filled_up(policies: PolicySet) -> PolicySet:
    """The same policies and as many that forbid what nobody asks as make `POLICIES` of them."""
    more = (
        f'@id("filler.{n}")\nforbid (principal, action, resource)\n'
        f'when {{ context.purpose == "filler-{n}" && principal.roles.contains("filler-{n}") }};\n'
        for n in range(POLICIES - len(policies.ids))
    )
    return PolicySet("\n".join([policies.text, *more]), policies.schema_text)


def _log_in(estate: Estate, person: str, key: Path) -> Actor:
    statement = estate.people.statement(person, "token.login").message()
    return estate.people.authenticate(estate.people.login(statement, sign(statement, key)).token)
