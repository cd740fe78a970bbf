"""The kernel against a naive model: a list of acts and a few dictionaries.

Random acts, refusals, crashes, lost catalogs, erasures, rotations, backups and restorations on a
real estate with a deployed model. Whatever happens in whatever order, the ledger holds exactly the
acts that were acknowledged, in their order; what was not erased reads back as it was given; what
was erased never does.
"""

from __future__ import annotations

import shutil
import tempfile
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from freehold.data import DatasetVersion
from freehold.estate import Estate
from freehold.kernel import FreeholdError
from freehold.kernel.acts import Record
from freehold.kernel.policy import Denied
from freehold.transfer import With, restore
from tests.estate.world import PURPOSE, World, check_everything, copy_world, custody, make_world

NAMES = ("claims", "visits", "letters")
PURPOSES = (PURPOSE, "research")
AGES = st.integers(min_value=0, max_value=120)


class Told(NamedTuple):
    """One act as the model remembers it: what stands in the ledger for ever."""

    act: str
    phase: str


@dataclass
class Dataset:
    """What a dataset is to its users: its purposes, and the bytes of each version."""

    id: str
    purposes: tuple[str, ...]
    versions: list[bytes] = field(default_factory=list)


@dataclass
class Model:
    """The whole estate, naively."""

    acts: list[Told] = field(default_factory=list)
    datasets: dict[str, Dataset] = field(default_factory=dict)  # by name; an erased one is gone
    answers: dict[str, dict[str, list[Any]]] = field(default_factory=dict)  # by id: the question
    erased: set[str] = field(default_factory=set)  # ids of datasets

    def erase(self, name: str) -> None:
        self.erased.add(self.datasets.pop(name).id)

    def tell(self, *acts: str, phase: str = "done") -> None:
        self.acts += [Told(act, phase) for act in acts]


class Saved(NamedTuple):
    """A bundle, and what the estate was when it was written."""

    bundle: Path
    passphrase: str
    model: Model


def csv_of(ages: list[int]) -> bytes:
    """A small table, unlike any other where its ages are."""
    return b"age,outcome\n" + b"".join(f"{age},well\n".encode() for age in ages)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An estate with a model deployed as `triage`, and everybody logged in: closed."""
    folder = tmp_path_factory.mktemp("model") / "template"
    world = make_world(folder)
    world.ingest()
    world.deploy()
    world.close()
    return folder


class EstateAgainstModel(RuleBasedStateMachine):
    """An estate and a naive model of it."""

    template: Path  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.world = copy_world(self.template, self.place / "0")
        for person in ("stella", "clara", "dana", "olivia", "otto", "ravi"):
            self.world.actor(person)
        self.model = Model()
        self.skipped = len(self.records())
        self.passphrase = "passphrase of a test estate"
        self.lives = 0  # folders that the estate lay in before this one
        self.saved: list[Saved] = []
        self.is_warm = False  # whether a process with the model's weights runs

    # ---- acts ---------------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES), ages=st.lists(AGES, min_size=1, max_size=5))
    def ingest(self, name: str, ages: list[int]) -> None:
        content = csv_of(ages)
        version = self.bring(name, content)
        self.model.tell("dataset.ingest")
        dataset = version.ref.partition(":")[2].partition("@")[0]
        known = self.model.datasets.setdefault(name, Dataset(dataset, (PURPOSE,)))
        assert version.is_new == (content not in known.versions)
        if version.is_new:
            known.versions.append(content)

    @rule(name=st.sampled_from(NAMES), purpose=st.sampled_from(PURPOSES))
    def clear(self, name: str, purpose: str) -> None:
        stella = self.world.actor("stella")
        if name not in self.model.datasets:
            with pytest.raises(FreeholdError):
                self.world.estate.data.clear(stella, name, purposes=[purpose])
            return
        self.world.estate.data.clear(stella, name, purposes=[purpose])
        self.model.tell("dataset.clear")
        self.model.datasets[name].purposes = (purpose,)

    @rule(age=AGES, subject=st.sampled_from(("", "p-1", "p-2")))
    def answer(self, age: int, subject: str) -> None:
        question: dict[str, list[Any]] = {"age": [age], "pressure": [120], "ward": ["north"]}
        serving = self.world.estate.serving
        decision = serving.answer(self.world.actor("dana"), "triage", question, subject=subject)
        if not self.is_warm:  # the first answer after an opening fetches the weights
            self.model.tell("model.fetch")
        self.is_warm = True
        self.model.tell("decision.answer")
        self.model.answers[decision.id] = question

    @rule(name=st.sampled_from(NAMES))
    def be_refused(self, name: str) -> None:
        """A developer may not clear data; a dataset that is not there is refused without a word."""
        if name not in self.model.datasets:
            return
        with pytest.raises(Denied):
            self.world.estate.data.clear(self.world.actor("dana"), name, purposes=[PURPOSE])
        self.model.tell("dataset.clear", phase="denied")

    @rule(name=st.sampled_from(NAMES))
    def fail(self, name: str) -> None:
        """A table that does not parse is an act that failed, and leaves nothing behind."""
        with pytest.raises(FreeholdError):
            self.bring(name, b"a,b\n1\n")
        self.model.tell("dataset.ingest", phase="failed")

    @precondition(lambda self: self.model.datasets)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.datasets)))
        self.world.erase(name)
        self.model.tell("approval.give", "dataset.erase")
        self.model.erase(name)

    @rule(passphrase=st.sampled_from(("one", "two", "three")))
    def rotate(self, passphrase: str) -> None:
        estate = self.world.estate
        self.world.approve("oscar", "custody.rotate", estate.pipeline.circumstances.estate)
        estate.upkeep.rotate_custody(self.world.actor("olivia"), custody(passphrase))
        self.model.tell("approval.give", "custody.rotate")
        self.passphrase = passphrase

    @rule()
    def collect(self) -> None:
        self.world.estate.upkeep.collect(self.world.actor("olivia"))
        self.model.tell("vault.collect")

    @rule(kind=st.sampled_from(("auto", "full")))
    def back_up(self, kind: str) -> None:
        """What is begun is in the bundle; that it is done is not, since that comes after it."""
        otto, place = self.world.actor("otto"), self.place / f"bundles-{self.lives}"
        self.model.tell("backup.create", phase="started")
        saved = deepcopy(self.model)
        made = self.world.estate.backup.create(otto, place, kind=kind)
        self.model.tell("backup.create")
        self.saved.append(Saved(Path(made.bundle), self.passphrase, saved))

    # ---- what befalls an estate ---------------------------------------------------------------

    @rule()
    def crash(self) -> None:
        """Go on with what a killed process left: everything that it wrote, and nothing it held."""
        log, left = self.world.estate.pipeline.stores.log, self.another_place()
        with log._publishing:  # a copy takes a while, and a kill does not
            shutil.copytree(self.world.folder, left)
        self.move_to(left)

    @precondition(lambda self: self.saved)
    @rule(data=st.data(), is_listed=st.booleans())
    def lose_it_and_restore(self, data: st.DataObject, is_listed: bool) -> None:
        """Go on from any bundle, with the list of what was erased since, or without."""
        bundle, passphrase, model = data.draw(st.sampled_from(self.saved))
        listed = self.world.estate.backup.erasures(self.world.actor("otto")) if is_listed else ""
        left = self.another_place()
        shutil.copytree(self.world.folder / "people", left / "people")
        restore(bundle, left / "estate", custody(passphrase), With(erasures=listed))
        erased, self.model, self.passphrase = self.model.erased, deepcopy(model), passphrase
        self.model.tell("estate.restore")
        for name, dataset in list(self.model.datasets.items()) if is_listed else ():
            if dataset.id in erased:
                self.model.tell("erasure.apply")
                self.model.erase(name)
        self.move_to(left)

    @rule()
    def reopen(self) -> None:
        self.world.close()
        self.open()

    @rule()
    def lose_the_catalog(self) -> None:
        self.world.close()
        for path in self.world.home.glob("catalog.db*"):
            path.unlink()
        self.open()

    @rule()
    def publish(self) -> None:
        self.world.estate.pipeline.stores.log.publish()

    @rule()
    def rebuild(self) -> None:
        self.world.estate.pipeline.rebuild()

    # ---- what holds whatever happened ---------------------------------------------------------

    @invariant()
    def the_ledger_holds_what_was_acknowledged(self) -> None:
        told = [Told(record.act, record.phase) for record in self.records()[self.skipped :]]
        assert told == self.model.acts

    @invariant()
    def what_was_not_erased_reads_back(self) -> None:
        data, stella = self.world.estate.data, self.world.actor("stella")
        found = {each.name: each for each in data.list(stella) if each.erased_by is None}
        del found["patients"]
        assert set(found) == set(self.model.datasets)
        for name, known in self.model.datasets.items():
            assert found[name].purposes == known.purposes
            assert found[name].versions == len(known.versions)
            for number, content in enumerate(known.versions, 1):
                assert self.content(f"{name}@{number}") == content

    @invariant()
    def what_was_erased_has_no_key(self) -> None:
        keyring = self.world.estate.pipeline.stores.keyring
        for domain in self.model.erased:
            with pytest.raises(FreeholdError, match="was erased"):
                keyring.domain(domain)

    def teardown(self) -> None:
        try:
            for decision, question in self.model.answers.items():
                pipeline = self.world.estate.pipeline
                details = pipeline.details(pipeline.record(pipeline.position(decision)))
                assert details is not None
                assert details["columns"] == question
            check_everything(self.world.estate)
        finally:
            self.world.close()
            shutil.rmtree(self.place)

    def bring(self, name: str, content: bytes) -> DatasetVersion:
        """Ingest a table; only the first version of a dataset says what it is for."""
        purposes = () if name in self.model.datasets else (PURPOSE,)
        return self.world.ingest(name, content, data_class="internal", purposes=purposes)

    def another_place(self) -> Path:
        self.lives += 1
        return self.place / str(self.lives)

    def move_to(self, left: Path) -> None:
        """Let go of the estate, and go on with the one in another folder."""
        before = self.world
        self.world = World(left, before.executor, None)
        self.world._actors = before._actors
        self.open()
        before.close()
        shutil.rmtree(before.folder)

    # ---- looking ------------------------------------------------------------------------------

    def open(self) -> None:
        self.world.estate = Estate.open(
            self.world.home, custody(self.passphrase), executor=self.world.executor
        )
        self.world._is_open = True
        self.is_warm = False

    def records(self) -> list[Record]:
        return [Record.decode(each) for each in self.world.estate.pipeline.stores.log.entries()]

    def content(self, dataset: str) -> bytes:
        """The bytes of a version, from the vault."""
        estate = self.world.estate
        ref = estate.data.find(f"dataset:{dataset}")
        blob = estate.data._version_row(ref).blob
        return estate.pipeline.stores.vault.read(ref.id, blob, 1_000_000)


def run(template: Path, *, examples: int, steps: int) -> None:
    class Machine(EstateAgainstModel):
        """The machine on this template."""

    Machine.template = template
    Machine.TestCase.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a step takes too long to shrink by
        suppress_health_check=list(HealthCheck),
    )
    Machine.TestCase().runTest()


@pytest.mark.timeout(300)
def test_an_estate_is_what_a_naive_model_says(template: Path):
    run(template, examples=4, steps=16)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_an_estate_is_what_a_naive_model_says_at_length(template: Path):
    run(template, examples=150, steps=60)
