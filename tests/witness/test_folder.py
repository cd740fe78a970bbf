"""The folder of a witness: what it keeps, and what it does when keeping fails."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from freehold.kernel import FreeholdError
from freehold.kernel.keys import INSECURE_TEST_COST, PassphraseCustody
from freehold.kernel.ledger import (
    AddCheckpoint,
    Checkpoint,
    Cosigned,
    CosignerKey,
    Ed25519Signer,
    LocalDisk,
    LogRefusedError,
    VerifierKey,
    WitnessConflict,
    WitnessRefusal,
)
from freehold.witness import WitnessError, WitnessFolder
from tests.kernel.ledger import naive

NAME = "witness.example/one"
ORIGIN = "estate/one/main"
LOG = Ed25519Signer(b"\x02" * 32)
KEY = VerifierKey(ORIGIN, LOG.public_key)
ENTRIES = [b"%d" % n for n in range(20)]
CUSTODY = PassphraseCustody("a witness's passphrase", cost=INSECURE_TEST_COST)


def request(size: int, old: int = 0) -> bytes:
    note = Checkpoint(ORIGIN, size, naive.root(ENTRIES[:size])).sign(LOG)
    proof = naive.consistency(old, ENTRIES[:size]) if 0 < old < size else []
    return AddCheckpoint(old, tuple(proof), note).text().encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A witness that knows one log."""
    place = tmp_path / "witness"
    WitnessFolder.create(place, NAME, CUSTODY)
    with WitnessFolder.open(place, CUSTODY) as held:
        held.add_log(KEY)
    return place


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(FreeholdError) as error:
        call()
    return error.value.code


def test_what_was_cosigned_is_remembered_over_a_restart(folder: Path) -> None:
    with WitnessFolder.open(folder, CUSTODY) as held:
        answer = held.witness.add_checkpoint(request(8))
        vkey = held.witness.key
    with WitnessFolder.open(folder, CUSTODY) as held:
        assert held.witness.key == vkey
        assert held.witness.newest(ORIGIN) == answer.note
        with pytest.raises(WitnessConflict) as conflict:
            held.witness.add_checkpoint(request(12, 5))
        assert conflict.value.size == 8
        held.witness.add_checkpoint(request(12, 8))
        (log,) = held.logs()
    assert (log.origin, log.size, log.vkey) == (ORIGIN, 12, str(KEY))


def test_the_key_is_the_one_that_was_told_at_the_making(tmp_path: Path) -> None:
    key = WitnessFolder.create(tmp_path / "w", NAME, CUSTODY)
    assert CosignerKey.parse(str(key)).name == NAME
    with WitnessFolder.open(tmp_path / "w", CUSTODY) as held:
        assert held.witness.key == key


def test_the_key_is_sealed_by_the_passphrase(folder: Path) -> None:
    other = PassphraseCustody("another", cost=INSECURE_TEST_COST)
    assert refused(lambda: WitnessFolder.open(folder, other)) == "keys.wrong_custody"


def test_a_witness_is_not_made_over_something(folder: Path, tmp_path: Path) -> None:
    assert refused(lambda: WitnessFolder.create(folder, NAME, CUSTODY)) == "witness.exists"
    with pytest.raises(ValueError, match="name"):
        WitnessFolder.create(tmp_path / "other", "two words", CUSTODY)
    assert not (tmp_path / "other").exists()


def test_where_there_is_no_witness_none_is_opened(tmp_path: Path) -> None:
    assert refused(lambda: WitnessFolder.open(tmp_path, CUSTODY)) == "witness.missing"


def test_one_process_holds_a_witness(folder: Path) -> None:
    with WitnessFolder.open(folder, CUSTODY), pytest.raises(LogRefusedError, match="written by"):
        WitnessFolder.open(folder, CUSTODY)


def test_a_known_log_cannot_be_given_another_key(folder: Path) -> None:
    other = VerifierKey(ORIGIN, Ed25519Signer(b"\x09" * 32).public_key)
    with WitnessFolder.open(folder, CUSTODY) as held:
        for key in (KEY, other):
            assert refused(partial(held.add_log, key)) == "witness.exists"


def kept(folder: Path) -> Path:
    (path,) = (folder / "logs").iterdir()
    return path


def test_a_log_whose_memory_is_lost_is_not_taken_for_a_new_one(folder: Path) -> None:
    with WitnessFolder.open(folder, CUSTODY) as held:
        held.witness.add_checkpoint(request(8))
    kept(folder).unlink()
    with WitnessFolder.open(folder, CUSTODY) as held:
        assert refused(lambda: held.witness.add_checkpoint(request(8))) == "witness.unknown_log"


def test_a_flipped_bit_of_the_memory_is_noticed(folder: Path) -> None:
    with WitnessFolder.open(folder, CUSTODY) as held:
        held.witness.add_checkpoint(request(8))
    path = kept(folder)
    good = path.read_bytes()
    for place in range(0, len(good) * 8, 29):  # every fourth byte, in turn another bit of it
        bad = bytearray(good)
        bad[place // 8] ^= 1 << place % 8
        path.write_bytes(bad)
        with pytest.raises(WitnessError, match="not what this witness wrote"):
            WitnessFolder.open(folder, CUSTODY)
    for size in (0, 1, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:size])
        with pytest.raises(WitnessError, match="not what this witness wrote"):
            WitnessFolder.open(folder, CUSTODY)
    path.write_bytes(good)
    WitnessFolder.open(folder, CUSTODY).close()


def test_memory_of_another_log_is_noticed(folder: Path) -> None:
    path = kept(folder)
    path.rename(path.with_name("0" * 64))
    assert refused(lambda: WitnessFolder.open(folder, CUSTODY)) == "witness.corrupt"


class FailingDisk(LocalDisk):
    """Fails its first replacement, before or after it is made; later ones would succeed."""

    def __init__(self, *, is_written: bool) -> None:
        self._is_written = is_written
        self._has_failed = False

    def replace(self, path: Path, data: bytes) -> None:
        if self._has_failed or self._is_written:
            super().replace(path, data)
        if not self._has_failed:
            self._has_failed = True
            raise OSError("the power is gone")


@pytest.mark.parametrize("is_written", [False, True], ids=["not written", "but written"])
def test_what_failed_to_be_kept_is_not_answered_and_stops_the_witness(
    folder: Path, is_written: bool
) -> None:
    with WitnessFolder.open(folder, CUSTODY) as held:
        held.witness.add_checkpoint(request(5))
    with WitnessFolder.open(folder, CUSTODY, disk=FailingDisk(is_written=is_written)) as held:
        for body in (request(8, 5), request(8, 5), request(9, 8)):
            assert refused(partial(held.witness.add_checkpoint, body)) == "witness.stopped"
        assert refused(lambda: held.witness.newest(ORIGIN)) == "witness.stopped"
    with WitnessFolder.open(folder, CUSTODY) as held:  # the log asks again, and is answered
        size = 8 if is_written else 5
        (log,) = held.logs()
        assert log.size == size
        answer = held.witness.add_checkpoint(request(8, size))
        assert Cosigned.open(answer.note, [KEY], [held.witness.key]).checkpoint.size == 8
        with pytest.raises(WitnessRefusal):
            held.witness.add_checkpoint(request(5, 5))


def test_a_draft_that_a_crash_left_is_no_memory(folder: Path) -> None:
    path = kept(folder)
    path.with_name(path.name + ".tmp").write_bytes(b"half a fi")
    with WitnessFolder.open(folder, CUSTODY) as held:
        assert len(held.logs()) == 1
