"""The script of the demonstration. Every line it prints is what has just really happened."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from freehold.charter import DEMO_PEOPLE, demo_charter
from freehold.compute import Isolation, LocalExecutor
from freehold.data import Provenance, guess_format
from freehold.demo._cast import Stage, approve, log_in, ratify
from freehold.demo._inputs import Subject, as_tensors, breast_cancer, customer_letters, own_file
from freehold.demo._lines import Lines
from freehold.demo._server import served
from freehold.demo._verify import verify
from freehold.demo.errors import DemoError
from freehold.estate import Estate
from freehold.kernel import Ref
from freehold.kernel.acts import Actor
from freehold.kernel.keys import PassphraseCustody
from freehold.kernel.policy import Denied
from freehold.training import Task

ACCURACY_MIN = 0.85
OWN_ACCURACY_MIN = 0.5  # nobody knows the user's data; the gate is shown, not tuned
ISOLATION_WANTED = Isolation.namespaces


def run_demo(folder: Path, *, data: Path | None = None, label: str = "") -> None:
    """Run the whole line in a fresh trial estate under `folder`, printing a line for each step.

    Raises:
        DemoError: the folder holds something else, or a step did not do what it says.
        FreeholdError: the user's file cannot be read or learned from.
    """
    stage = Stage.prepare(folder)
    subject = own_file(data, label) if data else breast_cancer(stage.inputs)
    lines = Lines()
    lines.print("Freehold: the line from your own file to a proof that a stranger checks")
    lines.print()
    executor = LocalExecutor()
    floor = min(executor.isolation, ISOLATION_WANTED)
    with lines.step("charter") as told:
        accuracy = OWN_ACCURACY_MIN if data else ACCURACY_MIN
        charter = demo_charter(stage.new_keys(), isolation=floor.name, accuracy=accuracy)
        custody = PassphraseCustody(stage.new_passphrase())
        estate = Estate.create(
            stage.estate, charter.encode(), custody, is_trial=True, executor=executor
        )
        told.append("estate created and marked TRIAL; nothing is allowed before ratification")
    with estate:
        _Play(stage, lines, estate, subject).perform()
    _farewell(lines, stage, subject)


@dataclass
class _Play:
    """The steps in order; what one leaves for the next is a field."""

    stage: Stage
    lines: Lines
    estate: Estate
    subject: Subject

    def perform(self) -> None:
        self._ratify()
        people = self._log_in()
        letters = customer_letters(self.stage.inputs)
        self._ingest(people["stella"], self.subject)
        self._ingest(people["stella"], letters)
        self._refusal(people["simon"])
        run = self._train(people["clara"], self.subject)
        self._train(people["clara"], letters)
        model = self._promote(people, run)
        decision = self._ask(people, model)
        self._receipt(people["ada"], decision)
        self._prove(people)
        self._erase(people, letters)
        self._rebuild()
        self.stage.write_environment()

    def _ratify(self) -> None:
        with self.lines.step("ratified") as told:
            for owner in ("olivia", "oscar"):
                ratify(self.estate, self.stage, owner)
            told.append("by two owners, olivia and oscar, each by signature")
            told.append("(both keys are this demonstration's own, which is why it is a trial)")

    def _log_in(self) -> dict[str, Actor]:
        with self.lines.step("people") as told:
            people = {code: log_in(self.estate, self.stage, code) for code in DEMO_PEOPLE}
            told.append(", ".join(f"{code} ({role})" for code, role in DEMO_PEOPLE.items()))
        return people

    def _ingest(self, steward: Actor, subject: Subject) -> None:
        with self.lines.step("ingested") as told, subject.source.open("rb") as source:
            version = self.estate.data.ingest(
                steward,
                subject.name,
                source,
                format=guess_format(subject.source.name),
                about=Provenance(
                    data_class=subject.data_class,
                    purposes=(subject.purpose,),
                    terms="demonstration",
                ),
            )
            told.append(f"{subject.name}: {subject.about}")
            told.append(
                f"{version.rows} rows, {version.columns} columns, {version.missing} missing, "
                f"{version.duplicates} duplicates; sealed; class {subject.data_class}, "
                f"cleared for {subject.purpose}"
            )

    def _refusal(self, scientist: Actor) -> None:
        with self.lines.step("REFUSED") as told:
            task = Task(recipe=self.subject.recipe, label=self.subject.label)
            try:
                self.estate.training.train(
                    scientist, self.subject.name, task, purpose=self.subject.purpose
                )
            except Denied as error:
                told.append(
                    f"simon, a scientist without clearance, may not train on {self.subject.name}"
                )
                told.append(f"deciding policy: {', '.join(error.policies)}; recorded")
                return
            raise DemoError("demo.refusal", "simon was not refused")

    def _train(self, scientist: Actor, subject: Subject) -> str:
        estate = self.estate
        with self.lines.step("planned") as told:
            plan = estate.evaluation.plan(scientist, subject.name, purpose=subject.purpose)
            bounds = [f"{name} ≥ {bound:g}" for name, bound in plan.at_least.items()]
            told.append(f"{subject.name}: {', '.join(bounds)}; fixed in the ledger before training")
        with self.lines.step("trained") as told:
            task = Task(recipe=subject.recipe, label=subject.label)
            run = estate.training.train(scientist, subject.name, task, purpose=subject.purpose)
            level = Isolation(run.isolation).name
            told.append(
                f"{subject.recipe} on {run.rows} rows, {run.features} features, "
                f"{run.cpu_ms / 1000:.1f} s of processor; own process without network ({level})"
            )
            told.append(f"model {run.digest[:23]}…; the same inputs give the same digest")
        with self.lines.step("evaluated") as told:
            result = estate.evaluation.run(scientist, plan.ref, run.ref)
            told.append(
                f"{'passed' if result.is_passed else 'FAILED'} on {result.rows} held-out rows: "
                + ", ".join(f"{name} {result.metrics[name]:.3f}" for name in _shown(result.metrics))
            )
        return run.ref

    def _promote(self, people: dict[str, Actor], run: str) -> str:
        estate = self.estate
        with self.lines.step("approved") as told:
            model = estate.models.register(people["clara"], "triage", run)
            submitted = estate.models.submit(people["clara"], model.ref)
            try:
                estate.models.promote(people["otto"], model.ref)
            except Denied as error:
                told.append(f"promotion without approval is refused by {', '.join(error.policies)}")
            if submitted.gate != "passed":
                raise DemoError(
                    "demo.gate",
                    "the model did not reach the thresholds, so no policy lets it be promoted",
                    "this is the gate at work; try another label or more rows",
                )
            approve(estate, self.stage, "ravi", act="model.promote", resource=Ref.parse(model.ref))
            live = estate.models.promote(people["otto"], model.ref)
            told.append("ravi, a reviewer who did not train it, signs with his own key")
            told.append(f"otto promotes triage@1: {live.status}")
        return model.ref

    def _ask(self, people: dict[str, Actor], model: str) -> str:
        estate, subject = self.estate, self.subject
        with self.lines.step("deployed") as told:
            estate.serving.start(people["otto"], "triage", model, purpose=subject.purpose)
            told.append("triage answers over HTTP (Open Inference Protocol v2), in its own process")
        with served(estate) as url, self.lines.step("asked") as told:
            answer = _post(url, self.stage, subject)
            label = answer["outputs"][0]["data"][0]
            decision = str(answer["parameters"]["decision"])
            told.append(f"one record → {label} (its own file says {subject.answer})")
            told.append(f"decision {decision}, durable before it was released")
            told.append("with the log's signed promise:")
            told += [f"  {line}" for line in answer["parameters"]["promise"].splitlines()[:5]]
        return decision

    def _receipt(self, auditor: Actor, decision: str) -> None:
        with self.lines.step("receipt") as told:
            receipt = self.estate.history.receipt(auditor, decision)
            shown = receipt.splitlines()
            told.append(shown[0])
            told.append(f"{shown[1]}; {len(receipt)} bytes, checkable offline")

    def _export(self, auditor: Actor, name: str) -> Path:
        folder = self.stage.folder / name
        packed = self.stage.folder / f"{name}.zip"
        with packed.open("xb") as file:
            self.estate.history.export(auditor, file)
        with zipfile.ZipFile(packed) as bundle:
            bundle.extractall(folder)
        return folder

    def _prove(self, people: dict[str, Actor]) -> None:
        signers = self.stage.folder / "allowed_signers"
        signers.write_text(self.estate.people.allowed_signers(people["ada"]))
        vkey = str(self.estate.pipeline.stores.log.key)
        with self.lines.step("exported") as told:
            bundle = self._export(people["ada"], "evidence")
            told.append(f"{bundle}.zip: ledger, receipts, approvals; no names, no values")
        with self.lines.step("verified") as told:
            verdict = verify(bundle, vkey=vkey, signers=signers)
            if not verdict.holds:
                raise DemoError("demo.verify", f"the evidence does not verify: {verdict.failures}")
            told.append("by freehold_verify.py: one file, a bare Python, nothing of Freehold")
            told.append(verdict.conclusion)
        with self.lines.step("tampered") as told:
            copy = self.stage.folder / "evidence-tampered"
            shutil.copytree(bundle, copy)
            changed = _change_one_byte(copy)
            verdict = verify(copy, vkey=vkey, signers=signers)
            if verdict.holds:
                raise DemoError("demo.tamper", "the verifier missed a changed byte")
            told.append(f"one byte of a copy changed ({changed}); the verifier says:")
            told += verdict.failures[:2]

    def _erase(self, people: dict[str, Actor], letters: Subject) -> None:
        with self.lines.step("erased") as told:
            resource = self.estate.data.find(letters.name).at(None)
            for person in ("ravi", "olivia"):
                approve(self.estate, self.stage, person, act="dataset.erase", resource=resource)
            self.estate.data.erase(people["stella"], letters.name)
            told.append(f"{letters.name}: its key is destroyed, bytes and names are gone for ever")
            signers = self.stage.folder / "allowed_signers"
            bundle = self._export(people["ada"], "evidence-after-erasure")
            verdict = verify(bundle, vkey=str(self.estate.pipeline.stores.log.key), signers=signers)
            if not verdict.holds:
                raise DemoError("demo.erase", f"the chain broke: {verdict.failures}")
            told.append(f"the chain still verifies: {verdict.conclusion}")

    def _rebuild(self) -> None:
        with self.lines.step("rebuilt") as told:
            catalog = self.estate.pipeline.stores.catalog
            before = list(catalog.dump())
            records = self.estate.pipeline.rebuild()
            if before != list(catalog.dump()):
                raise DemoError("demo.rebuild", "the rebuilt catalog differs")
            told.append(f"the catalog from {records} records of the ledger: identical")


def _post(url: str, stage: Stage, subject: Subject) -> dict[str, Any]:
    token = stage.token("dana").read_text().strip()
    response = httpx.post(
        f"{url}/v2/models/triage/infer",
        json={"inputs": as_tensors(subject.question), "parameters": {"subject": "case-0001"}},
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
        trust_env=False,
    )
    if response.status_code != httpx.codes.OK:
        raise DemoError("demo.ask", f"the deployment refused: {response.text[:300]}")
    answer: dict[str, Any] = response.json()
    return answer


def _shown(metrics: Any) -> list[str]:
    return [name for name in ("accuracy", "balanced_accuracy", "roc_auc") if name in metrics]


def _change_one_byte(bundle: Path) -> str:
    """Flip one bit in the middle of the newest entry bundle."""
    path = max((bundle / "log" / "tile" / "entries").rglob("*"), key=lambda p: p.is_file())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return str(path.relative_to(bundle))


def _farewell(lines: Lines, stage: Stage, subject: Subject) -> None:
    program = Path(sys.prefix, "bin", "freehold")
    freehold = os.path.relpath(program) if program.exists() else "freehold"
    lines.print()
    lines.print(f"Done in {lines.seconds:.0f} s. Everything above is in the ledger. Try next:")
    lines.print(f"  . {stage.folder}/env && {freehold} ledger acts")
    lines.print(f"  . {stage.folder}/env && {freehold} data show {subject.name}")
    lines.print(f"  . {stage.folder}/env && {freehold} ledger lineage deployment:triage")
