"""Estates to tamper with: copies of one template, closed, with a bit of everything in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.estate.fixtures import founded, founded_deployed
from tests.estate.world import copy_world
from tests.tamper.victim import Victim

__all__ = ["founded", "founded_deployed", "template", "victim"]


@pytest.fixture(scope="session")
def template(founded_deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed estate with a deployed model, one dataset more, and one that was erased."""
    folder = tmp_path_factory.getbasetemp() / "tampered-template"
    if not folder.exists():
        world = copy_world(founded_deployed, folder)
        world.ingest("others", data_class="internal")
        world.ingest("gone")
        world.erase("gone")
        world.estate.data.clear(world.actor("stella"), "others", purposes=["research"])
        world.close()
    return folder


@pytest.fixture
def victim(template: Path, tmp_path: Path) -> Victim:
    """A copy of the template, to be tampered with."""
    shutil.copytree(template, tmp_path / "world")
    return Victim(tmp_path / "world")
