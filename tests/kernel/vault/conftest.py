"""A vault to test with, on a keyring whose passphrase costs nothing to try."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.kernel.keys import INSECURE_TEST_COST, Keyring, PassphraseCustody
from freehold.kernel.vault import Vault


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[Keyring]:
    custody = PassphraseCustody("a long walk by the sea", cost=INSECURE_TEST_COST)
    with Keyring.create(tmp_path / "keys", custody) as keyring:
        yield keyring


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "vault"


@pytest.fixture
def vault(folder: Path, keyring: Keyring) -> Iterator[Vault]:
    with Vault.create(folder, keyring) as vault:
        yield vault


@pytest.fixture
def domain(keyring: Keyring) -> str:
    return keyring.new_domain()
