"""The custody of the root key."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from freehold.kernel import Json
from freehold.kernel.keys import (
    INSECURE_TEST_COST,
    Keyring,
    KeysError,
    PassphraseCustody,
    ScryptCost,
    WrongCustody,
)


def test_a_passphrase_gives_back_what_it_wrapped() -> None:
    custody = PassphraseCustody("sesame", cost=INSECURE_TEST_COST)
    wrapped = custody.wrap(bytes(32))
    assert custody.unwrap(wrapped, custody.parameters) == bytes(32)
    again = PassphraseCustody("sesame")
    assert again.unwrap(wrapped, custody.parameters) == bytes(32)


def test_another_passphrase_is_refused() -> None:
    custody = PassphraseCustody("sesame", cost=INSECURE_TEST_COST)
    wrapped = custody.wrap(bytes(32))
    with pytest.raises(WrongCustody) as caught:
        PassphraseCustody("Sesame").unwrap(wrapped, custody.parameters)
    assert caught.value.code == "keys.wrong_custody"
    assert "esame" not in str(caught.value)


def test_a_passphrase_may_be_typed_composed_or_decomposed() -> None:
    custody = PassphraseCustody("caf\u00e9", cost=INSECURE_TEST_COST)
    wrapped = custody.wrap(bytes(32))
    typed = PassphraseCustody("cafe\u0301")
    assert typed.unwrap(wrapped, custody.parameters) == bytes(32)


def test_an_empty_passphrase_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        PassphraseCustody("")


def test_the_default_cost_is_felt_by_who_guesses() -> None:
    custody = PassphraseCustody("sesame")
    began = time.process_time()
    custody.wrap(bytes(32))
    assert custody.parameters["n"] == 65_536
    assert time.process_time() - began > 0.03  # 0.1 to 0.3 s; a fast machine may take less


@pytest.mark.parametrize(
    "cost", [{"n": 0}, {"n": 1000}, {"n": 2_097_152}, {"r": 0}, {"r": 64}, {"p": 0}, {"p": 17}]
)
def test_a_cost_beyond_reason_is_refused(cost: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="from"):
        ScryptCost(**cost)


@pytest.mark.parametrize(
    "changed",
    [
        {"kdf": "argon2id"},
        {"n": "16"},
        {"n": 2**40},
        {"n": 1000},
        {"salt": "no hex"},
        {"salt": None},
    ],
)
def test_parameters_that_are_not_ours_are_refused(changed: dict[str, Json]) -> None:
    custody = PassphraseCustody("sesame", cost=INSECURE_TEST_COST)
    wrapped = custody.wrap(bytes(32))
    with pytest.raises(KeysError) as caught:
        custody.unwrap(wrapped, {**custody.parameters, **changed})
    assert caught.value.code == "keys.corrupt"


class Token:
    """A stand-in for a hardware token: another kind of custody, with a key of its own."""

    kind = "token"

    def __init__(self, mask: int) -> None:
        self._mask = mask

    @property
    def parameters(self) -> dict[str, Json]:
        return {"label": "root"}

    def wrap(self, key: bytes) -> bytes:
        return bytes(byte ^ self._mask for byte in key)

    def unwrap(self, wrapped: bytes, parameters: object) -> bytes:
        assert parameters == {"label": "root"}
        return self.wrap(wrapped)


def tables(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "keyring.db")) as db:
        return list(db.iterdump())


def test_a_token_takes_over_from_a_passphrase_and_blobs_keep_their_keys(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    domain_id = keyring.new_domain()
    keys = keyring.domain(domain_id)
    before = tables(folder)
    keyring.rotate_custody(Token(7))
    keyring.close()
    assert tables(folder) == before
    with Keyring.open(folder, Token(7)) as reopened:
        assert reopened.domain(domain_id) == keys
        reopened.erase(reopened.new_domain())
        assert reopened.domain(domain_id) == keys
    with pytest.raises(WrongCustody, match="token"):
        Keyring.open(folder, custody)


def test_the_old_passphrase_does_not_open_after_a_rotation(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    new = PassphraseCustody("another", cost=INSECURE_TEST_COST)
    keyring.rotate_custody(new)
    keyring.close()
    with pytest.raises(WrongCustody):
        Keyring.open(folder, custody)
    Keyring.open(folder, new).close()


def test_a_keyring_that_is_open_elsewhere_cannot_undo_a_rotation(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    domain_id = keyring.new_domain()
    with Keyring.open(folder, custody) as elsewhere:
        new = PassphraseCustody("another", cost=INSECURE_TEST_COST)
        keyring.rotate_custody(new)
        with pytest.raises(WrongCustody):
            elsewhere.erase(domain_id)
    assert keyring.domain(domain_id)
    keyring.close()
    Keyring.open(folder, new).close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"v":2,"roots":[]}',
        '{"v":1,"roots":[]}',
        '{"v":1,"roots":[{"generation":1}]}',
        " " * 70_000,
    ],
)
def test_a_custody_file_that_is_none_is_refused(
    keyring: Keyring, folder: Path, custody: PassphraseCustody, text: str
) -> None:
    keyring.close()
    (folder / "custody.json").write_text(text)
    with pytest.raises(KeysError) as caught:
        Keyring.open(folder, custody)
    assert caught.value.code == "keys.corrupt"


def test_a_changed_wrapped_root_is_refused(
    keyring: Keyring, folder: Path, custody: PassphraseCustody, tmp_path: Path
) -> None:
    keyring.close()
    value = json.loads((folder / "custody.json").read_text())
    wrapped = bytearray.fromhex(value["roots"][0]["wrapped"])
    for position in range(len(wrapped)):
        copy = tmp_path / f"copy{position}"
        shutil.copytree(folder, copy)
        wrapped[position] ^= 1
        value["roots"][0]["wrapped"] = wrapped.hex()
        wrapped[position] ^= 1
        (copy / "custody.json").write_text(json.dumps(value))
        with pytest.raises(WrongCustody):
            Keyring.open(copy, custody)
