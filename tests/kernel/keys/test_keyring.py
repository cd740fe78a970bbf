"""The keyring: domains, erasure, signers, pins, and what its files hold."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding

from freehold.kernel import new_id
from freehold.kernel.keys import (
    DEFAULT_KEYS_LIMITS,
    INSECURE_TEST_COST,
    DomainErased,
    Keyring,
    KeysError,
    KeysLimits,
    PassphraseCustody,
    UnknownDomain,
    UnknownSigner,
    WrongCustody,
)


def shard(domain_id: str) -> int:
    return int(hashlib.sha256(domain_id.encode()).hexdigest()[:3], 16)


def neighbour(domain_id: str) -> str:
    """Find an id that falls into the same shard."""
    while shard(other := new_id()) != shard(domain_id):
        pass
    return other


def rows(folder: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(folder / "keyring.db")) as db:
        return db.execute(query).fetchall()


def hkdf(secret: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 of 32 bytes without salt, from its definition (RFC 5869)."""

    def mac(key: bytes, data: bytes) -> bytes:
        running = hmac.HMAC(key, hashes.SHA256())
        running.update(data)
        return running.finalize()

    return mac(mac(bytes(32), secret), info + b"\x01")


def test_opening_what_does_not_exist_names_the_command_that_creates(
    folder: Path, custody: PassphraseCustody
) -> None:
    with pytest.raises(KeysError, match="freehold init") as caught:
        Keyring.open(folder, custody)
    assert caught.value.code == "keys.missing"
    assert not folder.exists()


def test_creating_over_something_is_refused(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    before = (folder / "custody.json").read_bytes()
    with pytest.raises(KeysError) as caught:
        Keyring.create(folder, custody)
    assert caught.value.code == "keys.exists"
    assert (folder / "custody.json").read_bytes() == before


def test_the_wrong_passphrase_is_refused(keyring: Keyring, folder: Path) -> None:
    with pytest.raises(WrongCustody):
        Keyring.open(folder, PassphraseCustody("guess", cost=INSECURE_TEST_COST))


def test_nobody_else_on_the_machine_may_read_the_files(keyring: Keyring, folder: Path) -> None:
    keyring.new_domain()
    assert folder.stat().st_mode & 0o077 == 0
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_domain_survives_closing(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    domain_id = keyring.new_domain()
    keys = keyring.domain(domain_id)
    keyring.close()
    with Keyring.open(folder, custody) as reopened:
        assert reopened.domain(domain_id) == keys


def test_the_keys_of_a_domain_follow_the_format(keyring: Keyring) -> None:
    keys = keyring.domain(keyring.new_domain())
    secret = keys.identity.encode()
    assert secret.startswith(b"AGE-SECRET-KEY-1")
    assert keys.recipient.startswith("age1")
    assert keys.naming_key == hkdf(secret, b"freehold/name/v1")
    assert keys.body_key == hkdf(secret, b"freehold/body/v1")


def test_a_stranger_opens_the_keyring_from_its_description(keyring: Keyring, folder: Path) -> None:
    domain_id = keyring.new_domain()
    root = json.loads((folder / "custody.json").read_text())["roots"][-1]
    p = root["parameters"]
    kek = hashlib.scrypt(
        b"a long walk by the sea", salt=bytes.fromhex(p["salt"]), n=p["n"], r=p["r"], p=p["p"],
        dklen=32,
    )  # fmt: skip
    root_key = aes_key_unwrap_with_padding(kek, bytes.fromhex(root["wrapped"]))
    [(number, wrapped)] = rows(folder, "SELECT shard, wrapped FROM shards")
    label, shard_key = aes_key_unwrap_with_padding(root_key, wrapped).split(b"\0", 1)
    assert (number, label) == (shard(domain_id), f"shard:{number}".encode())
    [(wrapped,)] = rows(folder, "SELECT wrapped FROM domains")
    expected = f"domain:{domain_id}\0{keyring.domain(domain_id).identity}".encode()
    assert aes_key_unwrap_with_padding(shard_key, wrapped) == expected
    assert rows(folder, "SELECT generation FROM root") == [(root["generation"],)]


def test_a_domain_that_never_was_is_unknown(keyring: Keyring) -> None:
    with pytest.raises(UnknownDomain):
        keyring.domain(new_id())
    with pytest.raises(UnknownDomain):
        keyring.erase(new_id())


@pytest.mark.parametrize("bad", ["", "x", "0192F3A0-0000-7000-8000-000000000000", "../../etc"])
def test_an_id_that_is_no_uuid_is_the_callers_mistake(keyring: Keyring, bad: str) -> None:
    for call in (keyring.domain, keyring.erase):
        with pytest.raises(ValueError, match="UUID"):
            call(bad)
    if bad:
        with pytest.raises(ValueError, match="UUID"):
            keyring.new_domain(bad)


def test_an_id_is_used_once(keyring: Keyring) -> None:
    domain_id = keyring.new_domain()
    with pytest.raises(KeysError) as caught:
        keyring.new_domain(domain_id)
    assert caught.value.code == "keys.domain_exists"
    keyring.erase(domain_id)
    with pytest.raises(DomainErased):
        keyring.new_domain(domain_id)


def test_an_erased_domain_is_gone_and_all_others_stay(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    erased = keyring.new_domain()
    beside = keyring.new_domain(neighbour(erased))
    others = [keyring.new_domain() for _ in range(20)]
    before = {each: keyring.domain(each) for each in (beside, *others)}
    keyring.domain(erased)  # lies in the cache
    keyring.erase(erased)
    with pytest.raises(DomainErased):
        keyring.domain(erased)
    assert {each: keyring.domain(each) for each in before} == before
    keyring.close()
    with Keyring.open(folder, custody) as reopened:
        with pytest.raises(DomainErased):
            reopened.domain(erased)
        assert {each: reopened.domain(each) for each in before} == before


def test_erasing_twice_changes_nothing(keyring: Keyring, folder: Path) -> None:
    domain_id = keyring.new_domain()
    keyring.erase(domain_id)
    custody_file = (folder / "custody.json").read_bytes()
    keyring.erase(domain_id)
    assert (folder / "custody.json").read_bytes() == custody_file


def test_erasing_wraps_anew_one_shard_and_no_other_domain(keyring: Keyring, folder: Path) -> None:
    erased = keyring.new_domain()
    beside = keyring.new_domain(neighbour(erased))
    others = [keyring.new_domain() for _ in range(20)]
    domains = dict(rows(folder, "SELECT id, wrapped FROM domains"))
    shards = dict(rows(folder, "SELECT shard, wrapped FROM shards"))
    keyring.erase(erased)
    domains_after = dict(rows(folder, "SELECT id, wrapped FROM domains"))
    shards_after = dict(rows(folder, "SELECT shard, wrapped FROM shards"))
    assert domains_after[erased] is None
    assert domains_after[beside] != domains[beside]
    far = [each for each in others if shard(each) != shard(erased)]
    assert [domains_after[each] for each in far] == [domains[each] for each in far]
    assert not set(shards_after.values()) & set(shards.values())


def test_no_wrapped_secret_lingers_in_the_files_after_an_erasure(
    keyring: Keyring, folder: Path
) -> None:
    erased = keyring.new_domain()
    [(wrapped,)] = rows(folder, "SELECT wrapped FROM domains")
    old_shards = rows(folder, "SELECT wrapped FROM shards")
    keyring.erase(erased)
    lying = b"".join(path.read_bytes() for path in folder.iterdir())
    assert wrapped not in lying
    assert all(old not in lying for (old,) in old_shards)
    assert len(json.loads((folder / "custody.json").read_text())["roots"]) == 1


def test_an_old_copy_of_the_tables_does_not_open_with_what_remains(
    keyring: Keyring, folder: Path, custody: PassphraseCustody, tmp_path: Path
) -> None:
    erased = keyring.new_domain()
    kept = keyring.new_domain(neighbour(erased))
    keyring.close()
    old = tmp_path / "old"
    shutil.copytree(folder, old)
    with Keyring.open(folder, custody) as reopened:
        reopened.erase(erased)
    shutil.copy(folder / "custody.json", old / "custody.json")
    with pytest.raises(KeysError) as caught:
        Keyring.open(old, custody)
    assert caught.value.code == "keys.out_of_step"
    # A thief would not stop there: make the old tables claim the new generation.
    with closing(sqlite3.connect(old / "keyring.db")) as db, db:
        db.execute("UPDATE root SET generation = generation + 1")
    with Keyring.open(old, custody) as forged:
        for domain_id in (erased, kept):
            with pytest.raises(KeysError) as caught:
                forged.domain(domain_id)
            assert caught.value.code == "keys.corrupt"


def test_a_secret_copied_to_another_row_does_not_outlive_its_erasure(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    victim = keyring.new_domain()
    cuckoo = keyring.new_domain(neighbour(victim))
    keyring.new_signer("log")
    keyring.new_signer("site")
    keyring.close()
    with closing(sqlite3.connect(folder / "keyring.db")) as db, db:
        copy = "UPDATE {0} SET wrapped = (SELECT wrapped FROM {0} WHERE {1} = ?) WHERE {1} = ?"
        db.execute(copy.format("domains", "id"), (victim, cuckoo))
        db.execute(copy.format("signers", "name"), ("log", "site"))
    with Keyring.open(folder, custody) as reopened:
        for call in (
            lambda: reopened.domain(cuckoo),
            lambda: reopened.signer("site"),
            lambda: reopened.erase(victim),
        ):
            with pytest.raises(KeysError) as caught:
                call()
            assert caught.value.code == "keys.corrupt"
        assert reopened.domain(victim)  # the erasure that was refused changed nothing


def test_another_process_that_has_the_keyring_open_sees_the_erasure(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    erased, kept = keyring.new_domain(), keyring.new_domain()
    signer = keyring.new_signer("log")
    limits = KeysLimits(others_noticed_ms=0)
    with Keyring.open(folder, custody, limits=limits) as elsewhere:
        keys = elsewhere.domain(kept)
        elsewhere.domain(erased)
        keyring.erase(erased)
        with pytest.raises(DomainErased):
            elsewhere.domain(erased)
        assert elsewhere.domain(kept) == keys
        assert elsewhere.signer("log").public_key == signer.public_key
        made = elsewhere.new_domain()
        elsewhere.erase(kept)
    assert keyring.domain(made)
    with pytest.raises(DomainErased):
        keyring.domain(kept)


def test_a_signer_signs_what_strangers_can_check_and_survives_erasures(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    signer = keyring.new_signer("log-main")
    public = Ed25519PublicKey.from_public_bytes(signer.public_key)
    public.verify(signer.sign(b"checkpoint"), b"checkpoint")
    keyring.erase(keyring.new_domain())
    keyring.close()
    with Keyring.open(folder, custody) as reopened:
        again = reopened.signer("log-main")
        assert again.public_key == signer.public_key
        public.verify(again.sign(b"later"), b"later")


def test_a_signer_is_made_once_and_never_by_asking(keyring: Keyring) -> None:
    with pytest.raises(UnknownSigner):
        keyring.signer("log-main")
    keyring.new_signer("log-main")
    with pytest.raises(KeysError) as caught:
        keyring.new_signer("log-main")
    assert caught.value.code == "keys.signer_exists"


@pytest.mark.parametrize("name", ["", "two words", "línea", "a\n", "x" * 201, " x"])
def test_a_label_of_other_characters_is_the_callers_mistake(keyring: Keyring, name: str) -> None:
    with pytest.raises(ValueError, match="a name"):
        keyring.new_signer(name)
    with pytest.raises(ValueError, match="a name"):
        keyring.pin(name, b"")


def test_a_pin_keeps_its_newest_value(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    assert keyring.pinned("estate/main") is None
    keyring.pin("estate/main", b"first")
    keyring.pin("estate/main", b"second")
    keyring.erase(keyring.new_domain())
    keyring.close()
    with Keyring.open(folder, custody) as reopened:
        assert reopened.pinned("estate/main") == b"second"
    with pytest.raises(ValueError, match="at most"):
        keyring.pin("estate/main", bytes(DEFAULT_KEYS_LIMITS.pin_bytes_max + 1))


def test_the_cache_is_bounded_and_changes_no_answer(
    folder: Path, custody: PassphraseCustody
) -> None:
    with Keyring.create(folder, custody, limits=KeysLimits(domains_cached_max=2)) as keyring:
        ids = [keyring.new_domain() for _ in range(5)]
        first = [keyring.domain(each) for each in ids]
        assert [keyring.domain(each) for each in ids] == first


def test_threads_share_a_keyring(keyring: Keyring) -> None:
    kept = [keyring.new_domain() for _ in range(4)]
    expected = {each: keyring.domain(each) for each in kept}
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                mine = keyring.new_domain()
                keyring.domain(mine)
                keyring.erase(mine)
                with pytest.raises(DomainErased):
                    keyring.domain(mine)
                assert {each: keyring.domain(each) for each in kept} == expected
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def damage_version(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "keyring.db")) as db:
        db.execute("PRAGMA user_version = 2")


def damage_file(folder: Path) -> None:
    (folder / "keyring.db").write_bytes(b"no database at all, but long enough to be looked at" * 9)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        pytest.param(damage_version, "keys.newer", id="another version"),
        pytest.param(damage_file, "keys.storage", id="no database"),
        pytest.param(lambda f: (f / "keyring.db").unlink(), "keys.missing", id="no tables"),
        pytest.param(lambda f: (f / "custody.json").unlink(), "keys.missing", id="no custody"),
    ],
)
def test_a_damaged_keyring_is_told_and_not_mended(
    keyring: Keyring,
    folder: Path,
    custody: PassphraseCustody,
    damage: Callable[[Path], None],
    code: str,
) -> None:
    keyring.close()
    damage(folder)
    names = {path.name for path in folder.iterdir()}
    with pytest.raises(KeysError) as caught:
        Keyring.open(folder, custody)
    assert caught.value.code == code
    assert names <= {path.name for path in folder.iterdir()} | {"keyring.db-wal", "keyring.db-shm"}


def test_secrets_show_in_no_representation_and_no_error(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    domain_id = keyring.new_domain()
    keys = keyring.domain(domain_id)
    signer = keyring.new_signer("log")
    secrets = [
        keys.identity,
        keys.identity[16:],
        keys.recipient,
        repr(keys.naming_key),
        repr(keys.body_key),
        keys.naming_key.hex(),
        keys.body_key.hex(),
        "a long walk by the sea",
    ]
    shown = [repr(each) for each in (keys, signer, keyring, custody)]
    shown += [str(each) for each in (keys, signer, keyring, custody)]
    keyring.erase(domain_id)
    errors = []
    for call in (
        lambda: keyring.domain(domain_id),
        lambda: Keyring.open(folder, PassphraseCustody("guess", cost=INSECURE_TEST_COST)),
        lambda: keyring.new_signer("log"),
    ):
        with pytest.raises(KeysError) as caught:
            call()
        errors.append(caught.value)
    shown += [text for error in errors for text in (str(error), repr(error), error.hint)]
    assert domain_id in shown[0]
    for text in shown:
        assert not [secret for secret in secrets if secret in text], text


def test_many_domains_are_made_at_once_or_not_at_all(keyring: Keyring) -> None:
    ids = [new_id() for _ in range(20)]
    keyring.new_domains(ids)
    assert len({keyring.domain(each).identity for each in ids}) == 20
    more = new_id()
    with pytest.raises(KeysError, match="exists"):
        keyring.new_domains([more, ids[3]])
    with pytest.raises(UnknownDomain):
        keyring.domain(more)
