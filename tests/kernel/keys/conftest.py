"""A keyring to test with, under a passphrase that costs nothing to try."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.kernel.keys import INSECURE_TEST_COST, Keyring, PassphraseCustody


@pytest.fixture
def custody() -> PassphraseCustody:
    return PassphraseCustody("a long walk by the sea", cost=INSECURE_TEST_COST)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def keyring(folder: Path, custody: PassphraseCustody) -> Iterator[Keyring]:
    with Keyring.create(folder, custody) as keyring:
        yield keyring
