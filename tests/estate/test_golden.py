"""Estates of every past version open, verify, rebuild, answer and go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.kernel.policy import Denied
from tests.estate.world import FakeExecutor, World, check_everything, dump, table
from tests.golden.estates import archive, expected, outcome, unpack, versions


@pytest.fixture(params=versions())
def golden(request: pytest.FixtureRequest, tmp_path: Path):
    """Each golden estate, open, with the version it is of."""
    world = World(unpack(request.param, tmp_path / "golden"), FakeExecutor(), None)
    world.open()
    yield world, request.param
    world.close()


def test_each_version_has_its_archive():
    assert versions()
    assert all(archive(version).is_file() for version in versions())


def test_it_opens_and_holds_what_it_held(golden):
    world, version = golden
    found, wanted = outcome(world), expected(version)
    found["tables"] = {name: found["tables"].get(name) for name in wanted["tables"]}
    assert found == wanted


def test_its_catalog_rebuilds_to_the_same(golden):
    world, _version = golden
    before = dump(world.estate)
    world.estate.pipeline.rebuild()
    assert dump(world.estate) == before


def test_it_goes_on_and_verifies(golden):
    world, version = golden
    world.ingest("others", table(10), data_class="internal")
    with pytest.raises(Denied, match="Nothing here is public"):
        world.ingest("notices", table(10), data_class="public")
    assert {d.name for d in world.estate.data.list(world.actor("stella"))} == {
        "patients",
        None,
        "others",
    }
    log = world.estate.pipeline.stores.log
    log.publish()
    assert log.size > expected(version)["records"]
    assert log.consistency(expected(version)["records"])
    check_everything(world.estate)
