"""Bundles of an estate that prunes: nothing kept is lost, and nothing pruned comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from freehold.estate import Estate
from freehold.kernel.acts import Actor
from freehold.kernel.backup import BundleWriter, Wanted
from freehold.kernel.retention import PruneEstate, verify_pruned
from freehold.transfer import check, restore
from tests.estate.world import World, check_everything, copy_world, custody
from tests.kernel.backup.scenes import SMALL, blobs_of, with_log

COLUMNS: dict[str, list[Any]] = {"age": [50], "pressure": [150], "ward": ["north"]}
WORDS, ALL = 185, 3_700  # days after which answers lose their words, and go


class Shifted:
    """The machine's clock, some days ahead."""

    days = 0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.days)


@pytest.fixture(scope="module")
def answered(founded_deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment that has given 260 answers, closed."""
    folder = tmp_path_factory.mktemp("answered") / "world"
    world = copy_world(founded_deployed, folder)
    for _ in range(260):
        world.estate.serving.answer(world.actor("dana"), "triage", COLUMNS)
    world.close()
    return folder


@pytest.fixture
def clock() -> Shifted:
    return Shifted()


@pytest.fixture
def world(answered: Path, tmp_path: Path, clock: Shifted) -> Iterator[World]:
    world = copy_world(answered, tmp_path / "world", clock=clock)
    yield world
    world.close()


def otto(world: World) -> Actor:
    return Actor(world.estate.people.find("otto"))


def create(world: World, place: Path) -> Path:
    return Path(world.estate.backup.create(otto(world), place).bundle)


def prune(world: World) -> None:
    assert world.estate.retention.prune(otto(world))


def restored(world: World, bundle: Path, folder: Path) -> None:
    """Restore a bundle, and hold it to being whole and to having what the world has now."""
    restore(bundle, folder, custody())
    with Estate.open(folder, custody(), clock=world.clock, executor=world.executor) as estate:
        stores = estate.pipeline.stores
        own = world.estate.pipeline.stores
        size = world.estate.backup.list(otto(world))[-1].records
        assert list(stores.log.entries(0, size)) == list(own.log.entries(0, size))
        for name in blobs_of(world):
            assert stores.vault.sealed_digest(name) == own.vault.sealed_digest(name)
        stores.log.publish()
        verify_pruned(stores.log.reader())
        check_everything(estate)


@pytest.mark.parametrize("days", [WORDS, ALL])
def test_what_is_pruned_is_backed_up_as_it_is(world, clock, tmp_path, days):
    clock.days = days
    prune(world)
    bundle = create(world, tmp_path / "backups")
    check(world.estate, otto(world), bundle)
    restored(world, bundle, tmp_path / "again")


@pytest.mark.parametrize("days", [WORDS, ALL])
def test_a_delta_after_a_pruning_brings_nothing_back(world, clock, tmp_path, days):
    old = create(world, tmp_path / "backups")
    clock.days = days
    prune(world)
    bundle = create(world, tmp_path / "backups")
    assert bundle.name.endswith("delta")
    check(world.estate, otto(world), bundle)
    check(world.estate, otto(world), old)  # of before: what is gone is left out of the comparison
    restored(world, bundle, tmp_path / "again")


class _PruningLog:
    """A log of a world that prunes once a bundle has begun to read it."""

    def __init__(self, world: World, times: int) -> None:
        self._world = world
        self._log = world.estate.pipeline.stores.log
        self._times = times

    def reader(self, size: int | None = None) -> Any:
        if size is not None and self._times:
            self._times -= 1
            prune(self._world)
        return self._log.reader(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def test_a_pruning_in_the_middle_makes_a_later_cut(world, clock, tmp_path):
    clock.days = ALL
    log: Any = _PruningLog(world, 1)
    writer = BundleWriter(with_log(world, log), limits=SMALL, taking_out=(PruneEstate.name,))
    written = writer.write(tmp_path / "b" / "1", Wanted())
    assert written.checkpoint.size == world.estate.pipeline.stores.log.size
    restore(tmp_path / "b" / "1", tmp_path / "again", custody())
