"""Checkpoints, promises and receipts as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.kernel.ledger import (
    Checkpoint,
    Ed25519Signer,
    NoteError,
    Promise,
    ProofError,
    Receipt,
    VerifierKey,
    leaf_hash,
    sign_note,
)
from tests.kernel.ledger import naive

ORIGIN = "estate/one/main"
SIGNER = Ed25519Signer(b"\x02" * 32)
THIEF = Ed25519Signer(b"\x03" * 32)
KEY = VerifierKey(ORIGIN, SIGNER.public_key)
ENTRIES = [b"a", b"b", b"c", b"d", b"e"]
CHECKPOINT = Checkpoint(ORIGIN, 5, naive.root(ENTRIES))
PROMISE = Promise(ORIGIN, 2, leaf_hash(b"c"), datetime(2026, 11, 24, 6, 2, 49, 123456, tzinfo=UTC))


def receipt(index: int = 2) -> Receipt:
    path = tuple(naive.inclusion(index, ENTRIES))
    return Receipt(index, path, CHECKPOINT.sign(SIGNER))


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    assert Checkpoint.parse(CHECKPOINT.text()) == CHECKPOINT
    assert Checkpoint.open(CHECKPOINT.sign(SIGNER), [KEY]) == CHECKPOINT


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "extension\n",
        lambda text: text[:-1],
        lambda text: text.replace("\n5\n", "\n05\n"),
        lambda text: text.replace("\n5\n", "\n-5\n"),
        lambda text: text.replace("\n5\n", "\n\u0665\n"),
        lambda text: text.replace("\n5\n", "\n99999999999999999999\n"),
        lambda text: text.replace("=", ""),
        lambda text: text.replace(ORIGIN, ""),
        lambda text: text[:-3] + "B=\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(change: Callable[[str], str]) -> None:
    assert change(CHECKPOINT.text()) != CHECKPOINT.text()
    with pytest.raises(NoteError):
        Checkpoint.parse(change(CHECKPOINT.text()))


def test_a_checkpoint_signed_by_a_known_witness_alone_is_refused() -> None:
    witness = VerifierKey("witness", THIEF.public_key)
    note = sign_note(CHECKPOINT.text(), "witness", signer=THIEF)
    with pytest.raises(NoteError, match="no known key"):
        Checkpoint.open(note, [KEY, witness])


def test_a_promise_is_read_as_it_was_written() -> None:
    assert PROMISE.text().startswith("freehold/promise/v1\nestate/one/main\n2\n")
    assert PROMISE.text().endswith("\n2026-11-24T06:02:49.123456Z\n")
    promise = Promise.open(PROMISE.sign(SIGNER), [KEY])
    assert promise == PROMISE
    promise.verify(b"c")


def test_a_promise_of_another_entry_is_refused() -> None:
    with pytest.raises(ProofError):
        PROMISE.verify(b"d")


def test_a_promise_of_a_thief_is_refused() -> None:
    with pytest.raises(NoteError):
        Promise.open(PROMISE.sign(THIEF), [KEY])
    witness = VerifierKey("witness", THIEF.public_key)
    with pytest.raises(NoteError, match="no known key"):
        Promise.open(sign_note(PROMISE.text(), "witness", signer=THIEF), [KEY, witness])


def test_a_checkpoint_is_no_promise_and_a_promise_no_checkpoint() -> None:
    with pytest.raises(NoteError):
        Promise.open(CHECKPOINT.sign(SIGNER), [KEY])
    with pytest.raises(NoteError):
        Checkpoint.open(PROMISE.sign(SIGNER), [KEY])
    with pytest.raises(NoteError, match="deadline"):
        Promise.parse(PROMISE.text().replace("2026-11-24T", "yesterday"))


def test_a_receipt_is_read_as_it_was_written() -> None:
    for index in range(5):
        for extra in (b"", b"what the proof does not cover"):
            written = replace(receipt(index), extra=extra)
            read = Receipt.parse(written.text())
            assert read == written
            assert read.verify(ENTRIES[index], [KEY]) == CHECKPOINT


def test_a_receipt_has_the_shape_of_the_specification() -> None:
    lines = receipt().text().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 2"]
    assert lines[5:8] == ["", ORIGIN, "5"]


def test_a_receipt_of_another_entry_is_refused() -> None:
    with pytest.raises(ProofError):
        receipt(2).verify(b"d", [KEY])
    with pytest.raises(ProofError):
        replace(receipt(2), index=3).verify(b"c", [KEY])


def test_a_receipt_from_a_fork_is_refused() -> None:
    fork = Checkpoint(ORIGIN, 5, naive.root([b"a", b"b", b"c", b"d", b"f"]))
    with pytest.raises(ProofError):
        replace(receipt(2), checkpoint=fork.sign(SIGNER)).verify(b"c", [KEY])


def test_a_receipt_signed_by_a_thief_is_refused() -> None:
    forged = replace(receipt(), checkpoint=CHECKPOINT.sign(THIEF))
    with pytest.raises(NoteError):
        forged.verify(b"c", [KEY])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nnote",
        "c2sp.org/tlog-proof@v1\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nnote",
        "c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + ("A" * 43 + "=\n") * 64 + "\nnote",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n" + "x" * 70_000,
    ],
)
def test_a_malformed_receipt_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Receipt.parse(text)


@given(st.data())
def test_no_changed_byte_of_a_receipt_goes_unnoticed(data: st.DataObject) -> None:
    raw = bytearray(receipt().text().encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        changed = Receipt.parse(raw.decode())
        proven = changed.verify(b"c", [KEY])
    except (UnicodeDecodeError, NoteError, ProofError):
        return
    # A changed signature line of a key that is no longer known leaves nothing that is signed.
    assert (proven, changed.index) == (CHECKPOINT, 2)
