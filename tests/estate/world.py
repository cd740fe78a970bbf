"""A ratified trial estate with the demonstration's people, cheap keys and an executor in process.

    world = make_world(tmp_path)                  # ratified by its two owners, everybody enrolled
    dataset = world.ingest("patients", table())   # by the steward
    run = world.train("patients")                 # by the cleared scientist
    check_everything(world.estate)

What needs a real sandbox passes `executor=LocalExecutor()`. `world.reopen()` opens the same folder
again, as after a restart.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from freehold.charter import DEMO_PEOPLE, demo_charter
from freehold.compute import (
    Answer,
    Child,
    Executor,
    Isolation,
    Job,
    JobFailed,
    JobResult,
    Usage,
    Worker,
    WorkerGone,
)
from freehold.data import DatasetVersion, Format, Provenance
from freehold.estate import Estate
from freehold.kernel import Clock, FreeholdError, Ref, canonical
from freehold.kernel.acts import Actor
from freehold.kernel.keys import INSECURE_TEST_COST, PassphraseCustody
from freehold.kernel.ledger import LogReader
from freehold.kernel.signatures import new_key_file, sign
from freehold.training import Run, Task

ROOT = Path(__file__).resolve().parents[2]
VERIFIER = ROOT / "verifier" / "freehold_verify.py"
PASSPHRASE = "passphrase of a test estate"
OWNERS = ("olivia", "oscar")
PURPOSE = "diagnosis-support"

Entry = Callable[[Child], Any]


def custody(passphrase: str = PASSPHRASE) -> PassphraseCustody:
    """Give a custody that costs nothing and protects nothing."""
    return PassphraseCustody(passphrase, cost=INSECURE_TEST_COST)


class FakeExecutor:
    """Runs jobs in this process, as if at `isolation`, and holds caller and job to the protocol.

    `entries` answers for some entries instead of the functions that they name. A job that raises
    anything but a `FreeholdError` crashes, as it would in a process of its own. Every job is kept
    in `jobs`.
    """

    def __init__(
        self,
        isolation: Isolation = Isolation.process,
        entries: Mapping[str, Entry] | None = None,
    ) -> None:
        self._isolation = isolation
        self._entries = dict(entries or {})
        self.jobs: list[Job] = []
        self.workers: list[InProcessWorker] = []

    @property
    def isolation(self) -> Isolation:
        return self._isolation

    def run(self, job: Job) -> JobResult:
        child = self._child(job)
        with _reported():
            report = self._entry(job)(child)
        assert isinstance(report, dict), f"{job.entry} reports {type(report).__name__}, no object"
        outputs = {name: _written(child.outputs[name]) for name in job.outputs}
        return JobResult(_through_json(report), outputs, Usage(0.01, 0.01, 1), self._isolation)

    def start(self, job: Job) -> Worker:
        assert not job.outputs, "a worker answers; it has no outputs"
        child = self._child(job)
        with _reported():
            answer = self._entry(job)(child)
        worker = InProcessWorker(self._isolation, answer)
        self.workers.append(worker)
        return worker

    def _child(self, job: Job) -> Child:
        self.jobs.append(job)
        assert job.inputs, f"{job.entry} is given nothing to work on"
        assert len(set(job.outputs)) == len(job.outputs), "an output is named twice"
        inputs: dict[str, BinaryIO] = {}
        for name, content in job.inputs.items():
            read = content if isinstance(content, bytes) else content.read()
            assert isinstance(read, bytes), f"the input {name} is neither bytes nor a binary file"
            inputs[name] = io.BytesIO(read)
        outputs: dict[str, BinaryIO] = {name: io.BytesIO() for name in job.outputs}
        return Child(_through_json(dict(job.parameters)), inputs, outputs)

    def _entry(self, job: Job) -> Entry:
        module, colon, function = job.entry.partition(":")
        assert all((module, colon, function)), f"expected module:function, got {job.entry}"
        if job.entry in self._entries:
            return self._entries[job.entry]
        loaded: Entry = getattr(import_module(module), function)
        return loaded


class InProcessWorker(Worker):
    """A worker that answers in this process."""

    def __init__(self, isolation: Isolation, answer: Answer) -> None:
        self.isolation = isolation
        self._answer = answer
        self.is_closed = False

    def ask(self, request: dict[str, Any], *, timeout_seconds: float) -> dict[str, Any]:
        assert timeout_seconds > 0
        if self.is_closed:
            raise WorkerGone("compute.worker_closed", "this worker has ended", hint="start another")
        with _reported():
            reply = self._answer(_through_json(request))
        return _through_json(reply)

    def close(self) -> None:
        self.is_closed = True


@contextmanager
def _reported() -> Iterator[None]:
    """Give an error as it comes back from another process: as a code and words."""
    try:
        yield
    except FreeholdError as error:
        raise JobFailed(error.code, error.message, hint=error.hint) from error
    except Exception as error:
        raise JobFailed(
            "compute.crashed", "the job ended without a report", hint="look at the cause"
        ) from error


def _written(output: BinaryIO) -> bytes:
    assert isinstance(output, io.BytesIO)
    assert not output.closed, "the executor closes what it gave"
    return output.getvalue()


def _through_json(value: dict[str, Any]) -> dict[str, Any]:
    """What crosses into a process and back is JSON."""
    crossed: dict[str, Any] = json.loads(json.dumps(value, allow_nan=False))
    return crossed


class World:
    """An open estate and its people. Made by `make_world`; `reopen` puts another in `estate`."""

    def __init__(self, folder: Path, executor: Executor, clock: Clock | None) -> None:
        self.folder = folder
        self.executor = executor
        self.clock = clock
        self.estate: Estate
        self._actors: dict[str, Actor] = {}
        self._is_open = True

    @property
    def home(self) -> Path:
        """The folder of the estate itself."""
        return self.folder / "estate"

    def key(self, person: str) -> Path:
        """The private key of a person."""
        return self.folder / "people" / person

    def ratify(self, *owners: str) -> None:
        """Ratify the newest charter as each of the owners; the last one needed enrols everybody."""
        estate = self.estate
        for owner in owners or OWNERS:
            statement = estate.charter.statement(owner).message()
            status = estate.charter.ratify(statement, sign(statement, self.key(owner)))
            if status.is_ratified:
                estate.adopt_charter()
                estate.people.enrol_charter(Actor(estate.charter.signer(statement)))

    def actor(self, person: str) -> Actor:
        """Become a person of the demonstration, by a token got with their signature."""
        if person not in self._actors:
            statement = self.estate.people.statement(person, "token.login").message()
            issued = self.estate.people.login(statement, sign(statement, self.key(person)))
            self._actors[person] = self.estate.people.authenticate(issued.token)
        return self._actors[person]

    def approve(self, person: str, act: str, resource: Ref) -> str:
        """Approve an act on a resource as a person, by signature; gives the record's id."""
        statement = self.estate.people.statement(person, act, resource).message()
        return self.estate.people.approve(statement, sign(statement, self.key(person)))

    def ingest(
        self,
        name: str = "patients",
        content: bytes = b"",
        *,
        data_class: str = "health",
        purposes: tuple[str, ...] = (PURPOSE,),
        terms: str = "terms of a test",
    ) -> DatasetVersion:
        """Ingest a CSV as the steward."""
        return self.estate.data.ingest(
            self.actor("stella"),
            name,
            io.BytesIO(content or table()),
            format=Format.CSV,
            about=Provenance(data_class=data_class, purposes=purposes, terms=terms),
        )

    def train(self, dataset: str = "patients", *, label: str = "outcome") -> Run:
        """Train a tabular model as the cleared scientist."""
        task = Task(recipe="tabular", label=label)
        return self.estate.training.train(self.actor("clara"), dataset, task, purpose=PURPOSE)

    def deploy(self, name: str = "triage", dataset: str = "patients") -> str:
        """Go the whole line from plan to deployment; gives the model's reference."""
        estate, scientist, operator = self.estate, self.actor("clara"), self.actor("otto")
        plan = estate.evaluation.plan(scientist, dataset, purpose=PURPOSE)
        run = self.train(dataset)
        estate.evaluation.run(scientist, plan.ref, run.ref)
        model = estate.models.register(scientist, name, run.ref)
        estate.models.submit(scientist, model.ref)
        self.approve("ravi", "model.promote", Ref.parse(model.ref))
        estate.models.promote(operator, model.ref)
        estate.serving.start(operator, name, model.ref, purpose=PURPOSE)
        return model.ref

    def erase(self, dataset: str = "patients") -> str:
        """Erase a dataset as the steward, with the approval it takes; gives the record's id."""
        self.approve("ravi", "dataset.erase", self.estate.data.find(dataset).at(None))
        return self.estate.data.erase(self.actor("stella"), dataset)

    def open(self, passphrase: str = PASSPHRASE) -> Estate:
        """Open the estate in the folder, which nobody holds."""
        key = custody(passphrase)
        self.estate = Estate.open(self.home, key, clock=self.clock, executor=self.executor)
        self._is_open = True
        return self.estate

    def reopen(self) -> Estate:
        """Close the estate and open it again. Who logged in stays logged in."""
        self.close()
        return self.open()

    def close(self) -> None:
        """Close the estate; closing twice is harmless."""
        if self._is_open:
            self._is_open = False
            self.estate.close()


def make_world(
    folder: Path,
    *,
    executor: Executor | None = None,
    is_ratified: bool = True,
    is_trial: bool = True,
    accuracy: float = 0.5,
    isolation: str = "process",
) -> World:
    """Found an estate under the demonstration's charter; ratified unless told otherwise."""
    world = World(folder, executor or FakeExecutor(), None)
    (folder / "people").mkdir(mode=0o700, parents=True)
    keys = {person: new_key_file(world.key(person), person) for person in DEMO_PEOPLE}
    charter = demo_charter(keys, isolation=isolation, accuracy=accuracy).encode()
    world.estate = Estate.create(
        world.home, charter, custody(), is_trial=is_trial, executor=world.executor
    )
    if is_ratified:
        world.ratify()
    return world


def copy_world(
    template: Path, folder: Path, *, executor: Executor | None = None, clock: Clock | None = None
) -> World:
    """Open a copy of a world that lies closed in `template`: cheaper than founding another."""
    shutil.copytree(template, folder)
    world = World(folder, executor or FakeExecutor(), clock)
    world.open()
    return world


def table(rows: int = 60, *, marker: str = "") -> bytes:
    """A small CSV that a model can learn `outcome` from; `marker` is a value of one column."""
    lines = ["age,pressure,ward,note,outcome"]
    for row in range(rows):
        is_ill = row % 3 == 0
        age, pressure = 30 + row % 40, (150 if is_ill else 115) + row % 7
        ward = ("north", "south")[row % 2]
        lines.append(f"{age},{pressure},{ward},{marker or 'none'},{'ill' if is_ill else 'well'}")
    return "\n".join(lines).encode() + b"\n"


def check_everything(estate: Estate, *, auditor: str = "ada") -> None:
    """Hold a ratified estate to its promises.

    Every entry lies under the signed root; the catalog rebuilt from the ledger is the same; and
    a stranger with the verifier alone, given key and signers from outside, finds that it holds.
    """
    pipeline = estate.pipeline
    log, catalog = pipeline.stores.log, pipeline.stores.catalog
    actor = Actor(estate.people.find(auditor))
    exported = io.BytesIO()
    estate.history.export(actor, exported, is_full=True)
    log.publish()
    reader = log.reader()
    assert isinstance(reader, LogReader)
    assert reader.verify_all().size == log.size == catalog.position
    before = list(catalog.dump())
    assert pipeline.rebuild() == log.size
    assert list(catalog.dump()) == before, "the rebuilt catalog differs"
    verify_bundle(
        exported.getvalue(), vkey=str(log.key), signers=estate.people.allowed_signers(actor)
    )


def verify_bundle(bundle: bytes, *, vkey: str, signers: str = "", holds: bool = True) -> str:
    """Run the verifier on a zipped bundle as its own bare process, and give what it says."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "bundle.zip").write_bytes(bundle)
        (place / "signers").write_text(signers)
        command = [sys.executable, "-I", "-S", str(VERIFIER), str(place / "bundle.zip")]
        command += ["--vkey", vkey, "--allowed-signers", str(place / "signers")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == (0 if holds else 1), done.stdout + done.stderr
    return done.stdout


def ledger_bytes(world: World) -> bytes:
    """Everything that lies in the ledger's folder, published, as one byte string."""
    world.estate.pipeline.stores.log.publish()
    files = sorted((world.home / "ledger").rglob("*"))
    return b"\n".join(path.read_bytes() for path in files if path.is_file())


def dump(estate: Estate) -> bytes:
    """The whole catalog, to compare it with another."""
    return canonical([[name, list(row)] for name, row in estate.pipeline.stores.catalog.dump()])
