"""Fixtures of worlds, for the `conftest.py` of every folder that wants them.

`world` is ratified and empty; `deployed` has a trained, promoted and deployed model besides. Each
test gets a copy of its own, of a template that is founded once in a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.estate.world import World, copy_world, make_world

# Each conftest that imports a session fixture has one of its own; the folder is made once for all.


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ratified estate, closed: a template."""
    folder = tmp_path_factory.getbasetemp() / "founded"
    if not folder.exists():
        make_world(folder).close()
    return folder


@pytest.fixture(scope="session")
def founded_deployed(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a model deployed as `triage`, closed: a template."""
    folder = tmp_path_factory.getbasetemp() / "deployed"
    if not folder.exists():
        world = copy_world(founded, folder)
        world.ingest()
        world.deploy()
        world.close()
    return folder


@pytest.fixture
def world(founded: Path, tmp_path: Path) -> Iterator[World]:
    """A ratified estate with everybody enrolled and nothing in it."""
    world = copy_world(founded, tmp_path / "world")
    yield world
    world.close()


@pytest.fixture
def deployed(founded_deployed: Path, tmp_path: Path) -> Iterator[World]:
    """An estate in which `patients` was learned from and `triage` answers."""
    world = copy_world(founded_deployed, tmp_path / "world")
    yield world
    world.close()
