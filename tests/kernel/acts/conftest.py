"""A lab, and worlds, to test in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.estate.fixtures import founded, world
from tests.kernel.acts.lab import Lab

__all__ = ["founded", "lab", "world"]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A pipeline with one small room."""
    with Lab(tmp_path / "lab") as lab:
        yield lab
