"""A keyring copied row by row, and secrets that its custody holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.kernel.keys import (
    INSECURE_TEST_COST,
    DomainErased,
    Keyring,
    KeyringWriter,
    KeysError,
    PassphraseCustody,
    WrongCustody,
    unlock,
)


def copy(keyring: Keyring, folder: Path) -> None:
    writer = KeyringWriter(folder)
    with keyring.snapshot() as held:
        writer.add(held.rows)
        writer.finish(held.custody)
    writer.close()


def test_a_copy_is_the_same_keyring(keyring, custody, tmp_path):
    domains = [keyring.new_domain() for _ in range(20)]
    signer = keyring.new_signer("log")
    keyring.pin("head", b"a checkpoint")
    keyring.erase(domains[0])
    copy(keyring, tmp_path / "copy")
    with Keyring.open(tmp_path / "copy", custody) as copied:
        for domain in domains[1:]:
            assert copied.domain(domain) == keyring.domain(domain)
        with pytest.raises(DomainErased):
            copied.domain(domains[0])
        assert copied.signer("log").public_key == signer.public_key
        assert copied.pinned("head") == b"a checkpoint"
        copied.erase(domains[1])
    with pytest.raises(WrongCustody):
        Keyring.open(tmp_path / "copy", PassphraseCustody("other", cost=INSECURE_TEST_COST))


def test_a_snapshot_is_of_one_moment_whatever_others_do(keyring, custody, tmp_path):
    kept, erased = keyring.new_domain(), keyring.new_domain()
    writer = KeyringWriter(tmp_path / "copy")
    with keyring.snapshot() as held:
        keyring.erase(erased)
        later = keyring.new_domain()
        writer.add(held.rows)
        writer.finish(held.custody)
    with Keyring.open(tmp_path / "copy", custody) as copied:
        assert copied.domain(kept) == keyring.domain(kept)
        assert copied.domain(erased)
        with pytest.raises(KeysError, match="has no key domain"):
            copied.domain(later)
    with pytest.raises(DomainErased):
        keyring.domain(erased)


@pytest.mark.parametrize(
    "row", [["domains", 1, "x"], ["secrets", "00"], [], ["shards", 1, "no hex"], ["root", 1, 2]]
)
def test_what_is_no_row_is_refused(tmp_path, row):
    writer = KeyringWriter(tmp_path / "copy")
    with pytest.raises(KeysError) as refused:
        writer.add([row])
    assert refused.value.code in ("keys.corrupt", "keys.storage")
    writer.close()
    assert not (tmp_path / "copy").exists()


def test_rows_and_custody_of_two_keyrings_do_not_mix(keyring, tmp_path):
    domain = keyring.new_domain()
    with keyring.snapshot() as held:
        former = held.custody
    keyring.erase(domain)
    writer = KeyringWriter(tmp_path / "copy")
    with keyring.snapshot() as held:
        writer.add(held.rows)
    with pytest.raises(KeysError, match="not of one keyring"):
        writer.finish(former)
    writer.close()


def test_what_is_locked_away_opens_by_the_custody_of_that_moment(keyring, custody):
    locked = keyring.lock_away("bundle:1", b"a secret")
    keyring.erase(keyring.new_domain())  # another root key
    keyring.rotate_custody(PassphraseCustody("other", cost=INSECURE_TEST_COST))
    assert unlock(locked, "bundle:1", custody) == b"a secret"
    with pytest.raises(KeysError):
        unlock(locked, "bundle:2", custody)
    with pytest.raises(WrongCustody):
        unlock(locked, "bundle:1", PassphraseCustody("third", cost=INSECURE_TEST_COST))
    assert b"a secret" not in locked
