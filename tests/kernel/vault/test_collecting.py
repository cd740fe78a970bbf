"""Collecting blobs that nothing refers to: the young stay, whatever the clock says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freehold.kernel.keys import Keyring
from freehold.kernel.vault import (
    Collected,
    StoredBlob,
    Vault,
)
from tests.kernel.clocks import FakeHostClock
from tests.kernel.vault.stores import (
    MemoryStore,
    SetClock,
    path_of,
    seal,
)


def test_collecting_removes_old_orphans_alone(
    folder: Path, keyring: Keyring, vault: Vault, domain: str
) -> None:
    clock = SetClock(timedelta(0))
    with Vault.open(folder, keyring, clock=clock) as timed:
        referenced, orphan = seal(timed, domain, b"referenced"), seal(timed, domain, b"orphan")
        assert timed.collect({referenced.name}) == Collected(0, 0)
        clock.ahead = timedelta(hours=25)
        assert timed.collect({referenced.name}) == Collected(1, orphan.sealed_size)
        assert timed.exists(referenced.name)
        assert not timed.exists(orphan.name)
        assert timed.collect(set(), grace=timedelta(hours=26)) == Collected(0, 0)
        assert timed.collect(set(), grace=timedelta(0)).count == 1


@pytest.mark.parametrize("days", [2, 3650, -2, -20_000])
def test_a_blob_that_was_just_put_is_young_whatever_the_clock_is_set_to(
    folder: Path, keyring: Keyring, vault: Vault, domain: str, days: int
) -> None:
    host = FakeHostClock(datetime.now(UTC))
    with Vault.open(folder, keyring, clock=host) as timed:
        orphan = seal(timed, domain, b"orphan")
        host.set_by(days=days)
        assert timed.collect(set()) == Collected(0, 0)
        host.set_by(days=-days)
        host.wait(hours=25)
        assert timed.collect(set()) == Collected(1, orphan.sealed_size)


def test_a_vault_forgets_when_it_put_what_is_no_longer_young(
    folder: Path, keyring: Keyring, vault: Vault, domain: str
) -> None:
    host = FakeHostClock(datetime.now(UTC))
    with Vault.open(folder, keyring, clock=host) as timed:
        for number in range(50):
            seal(timed, domain, b"%d" % number)
            host.wait(hours=1)
        assert timed.collect(set(), grace=timedelta(hours=24.5)).count == 26
        assert timed.collect(set(), grace=timedelta(0)).count == 24


class LateList(MemoryStore):
    """A store whose list tells ages as they were long ago."""

    def list(self) -> Iterator[StoredBlob]:
        for blob in super().list():
            yield StoredBlob(blob.name, blob.size, datetime(2001, 9, 9, tzinfo=UTC))


def test_a_blob_that_became_young_while_collecting_stays(
    folder: Path, keyring: Keyring, vault: Vault, domain: str
) -> None:
    with Vault.open(folder, keyring, store=LateList()) as late:
        sealed = seal(late, domain)
        assert late.collect(set()) == Collected(0, 0)
        assert late.exists(sealed.name)


def test_a_blob_that_is_wanted_again_is_young_again(
    folder: Path, keyring: Keyring, vault: Vault, domain: str
) -> None:
    sealed = seal(vault, domain)
    os.utime(path_of(folder, sealed.name), (0, 0))
    seal(vault, domain)
    assert vault.collect(set()) == Collected(0, 0)
