"""What the ledger's tests share: a log's key, configuration and place."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.kernel import Limits
from freehold.kernel.ledger import Ed25519Signer, LogConfig

ORIGIN = "estate/0192f0c1-2f6a-7c3e-9d2b-5a1f4e6c8b70/main"
NEVER_BY_ITSELF = Limits(publish_delay_ms_max=3_600_000, publish_records_max=1_000_000)


@pytest.fixture
def config() -> LogConfig:
    """A log that publishes only when it is told to."""
    return LogConfig(origin=ORIGIN, signer=Ed25519Signer(bytes(range(32))), limits=NEVER_BY_ITSELF)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "main"
