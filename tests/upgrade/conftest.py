"""Fixtures of upgrading."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.upgrade import by_signature, upgrade
from tests.estate.fixtures import founded
from tests.estate.world import FakeExecutor, World, custody
from tests.golden.estates import unpack

__all__ = ["founded"]


@pytest.fixture(scope="session")
def golden_v1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden estate of format 1, unpacked and closed: a template."""
    return unpack(1, tmp_path_factory.mktemp("golden") / "v1")


@pytest.fixture(scope="session")
def upgraded_v1(golden_v1: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, upgraded and closed, with its former state beside."""
    folder = tmp_path_factory.mktemp("upgraded") / "v2"
    shutil.copytree(golden_v1, folder)
    upgrade(folder / "estate", custody(), by_signature("olivia", folder / "people" / "olivia"))
    return folder


@pytest.fixture
def old(golden_v1: Path, tmp_path: Path):
    """A world of format 1, closed."""
    yield from _closed_copy(golden_v1, tmp_path / "old")


@pytest.fixture
def upgraded(upgraded_v1: Path, tmp_path: Path):
    """A world that was upgraded and not used since, closed."""
    yield from _closed_copy(upgraded_v1, tmp_path / "upgraded")


def _closed_copy(template: Path, folder: Path) -> Iterator[World]:
    shutil.copytree(template, folder)
    world = World(folder, FakeExecutor(), None)
    world._is_open = False
    yield world
    world.close()
