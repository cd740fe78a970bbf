"""Estates of every past version are upgraded, hold what they held, rebuild, answer and go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.kernel.policy import Denied
from freehold.kernel.upkeep import FORMAT, FormatError, format_of
from tests.estate.world import FakeExecutor, World, check_everything, dump, table
from tests.golden.estates import archive, expected, open_golden, outcome, unpack, versions


@pytest.fixture(params=versions())
def golden(request: pytest.FixtureRequest, tmp_path: Path):
    """Each golden estate, upgraded and open, with the version it is of."""
    world = open_golden(request.param, tmp_path / "golden")
    yield world, request.param
    world.close()


def test_each_version_has_its_archive():
    assert versions()
    assert all(archive(version).is_file() for version in versions())


@pytest.mark.parametrize("version", [version for version in versions() if version < FORMAT])
def test_an_estate_of_a_past_version_says_that_it_is_to_be_upgraded(version: int, tmp_path: Path):
    world = World(unpack(version, tmp_path / "old"), FakeExecutor(), None)
    assert format_of(world.home) == version
    with pytest.raises(FormatError, match="freehold upgrade") as refused:
        world.open()
    assert refused.value.code == "estate.older"


def test_it_holds_what_it_held(golden):
    world, version = golden
    found, wanted = outcome(world, expected(version)["records"]), expected(version)
    assert found | {"tables": {}} == wanted | {"tables": {}}


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
    assert log.reader().consistency(expected(version)["records"])
    check_everything(world.estate)
