"""Random acts, bundles, erasures and restorations: what comes out is always what a list says."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from freehold.kernel import Ref
from freehold.kernel.backup import BackupError, Bundle, Wanted
from freehold.kernel.keys import DomainErased
from tests.estate.world import World, copy_world, dump, table
from tests.kernel.backup.scenes import FaultyDisk, blobs_of, restore, writer


class Estates(RuleBasedStateMachine):
    """One estate, the bundles of it, and what each bundle has to give back."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="freehold-model-"))
        self.world: World = copy_world(self.template, self.folder / "world")
        self.made: list[tuple[Bundle, str, bytes, set[str]]] = []
        self.datasets: list[str] = []
        self.number = 0

    def teardown(self) -> None:
        self.world.close()
        shutil.rmtree(self.folder)
        super().teardown()

    @rule()
    def ingest(self) -> None:
        self.number += 1
        name = f"set-{self.number}"
        self.world.ingest(name, table(3 + self.number, marker=f"m{self.number}"))
        self.datasets.append(name)

    @precondition(lambda self: self.datasets)
    @rule(data=st.data(), times=st.integers(1, 40))
    def clear(self, data: st.DataObject, times: int) -> None:
        name = data.draw(st.sampled_from(self.datasets))
        stella = self.world.actor("stella")
        for _ in range(times):
            self.world.estate.data.clear(stella, name, purposes=())

    @precondition(lambda self: self.datasets)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.datasets))
        self.datasets.remove(name)
        self.world.erase(name)

    @rule()
    def reopen(self) -> None:
        self.world.reopen()

    @rule(
        is_full=st.booleans(),
        fails_at=st.one_of(st.none(), st.integers(1, 25)),
        is_written=st.booleans(),
    )
    def back_up(self, is_full: bool, fails_at: int | None, is_written: bool) -> None:
        base = None if is_full or not self.made else self.made[-1][0]
        folder = self.folder / "bundles" / f"{len(self.made):03}"
        if fails_at is not None:
            try:
                writer(self.world, FaultyDisk(fails_at, is_written=is_written)).write(
                    folder, Wanted(base=base)
                )
            except BackupError:
                pass
            else:
                shutil.rmtree(folder)
        written = writer(self.world).write(folder, Wanted(base=base))
        stores = self.world.estate.pipeline.stores
        if written.checkpoint.size == stores.log.size:
            self.made.append(
                (
                    written.bundle,
                    stores.log.reader().note,
                    dump(self.world.estate),
                    blobs_of(self.world),
                )
            )
        else:
            shutil.rmtree(folder)

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def restore_one(self, data: st.DataObject) -> None:
        bundle, checkpoint, catalog, blobs = data.draw(st.sampled_from(self.made))
        copy = World(self.folder / "copy", self.world.executor, None)
        shutil.copytree(self.folder / "world" / "people", copy.home.parent / "people")
        restored = restore(bundle.folder, copy.home, self.world)
        assert restored.note == checkpoint
        assert restored.blobs == len(blobs)
        copy.open()
        assert dump(copy.estate) == catalog
        copy.close()
        shutil.rmtree(self.folder / "copy")

    @invariant()
    def nothing_erased_can_be_opened(self) -> None:
        keyring = self.world.estate.pipeline.stores.keyring
        for domain, _ in self.world.estate.data.erasures():
            with pytest.raises(DomainErased):
                keyring.domain(Ref("dataset", domain).id)


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        (3, 8),
        pytest.param(60, 30, marks=[pytest.mark.slow, pytest.mark.timeout(3_600)]),
    ],
)
def test_what_is_restored_is_what_was_backed_up(founded, examples, steps):
    Estates.template = founded
    run_state_machine_as_test(
        Estates,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
