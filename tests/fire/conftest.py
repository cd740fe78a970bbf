"""Worlds to test in, and a fast place for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.estate.fixtures import founded, founded_deployed

__all__ = ["fast", "founded", "founded_deployed"]


@pytest.fixture
def fast() -> Iterator[Path]:
    """A folder in memory, where there is one: for what does not depend on a disk's syncs."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)
