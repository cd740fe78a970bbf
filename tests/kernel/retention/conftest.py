"""A lab for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.retention.lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A small estate whose words expire after 30 days, and their records after 100."""
    lab = Lab(tmp_path / "lab")
    yield lab
    lab.close()
