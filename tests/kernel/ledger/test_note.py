"""Signed notes, against the vectors of Go's `sumdb/note`."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from freehold.kernel import Limits
from freehold.kernel.ledger import (
    Ed25519Signer,
    NoteError,
    VerifierKey,
    open_note,
    sign_note,
    vkey,
)

SIGNER = Ed25519Signer(b"\x01" * 32)
KEY = VerifierKey("log", SIGNER.public_key)
TEXT = "one line\nanother\n"


@pytest.fixture
def vectors(shared_data: Path) -> dict[str, Any]:
    text = (shared_data / "vectors-signed-note" / "note_vectors.json").read_text()
    data: dict[str, Any] = json.loads(text)
    return data


def test_published_keys_are_read_and_written_back(vectors: dict[str, Any]) -> None:
    for text in vectors["verifier_keys"]["good"]:
        key = VerifierKey.parse(text)
        assert str(key) == vkey(key.name, key.public_key) == text


def test_published_bad_keys_are_refused(vectors: dict[str, Any]) -> None:
    for text in vectors["verifier_keys"]["bad"]:
        with pytest.raises(NoteError):
            VerifierKey.parse(text)


def test_a_published_note_is_signed_alike(vectors: dict[str, Any]) -> None:
    case = vectors["sign"]
    name, _, encoded = case["signer_key"].removeprefix("PRIVATE+KEY+").split("+", 2)
    signer = Ed25519Signer(base64.b64decode(encoded)[1:])
    assert sign_note(case["text"], name, signer=signer) == case["want"]


def test_published_notes_are_judged_as_published(vectors: dict[str, Any]) -> None:
    assert len(vectors["open"]) == 15
    for case in vectors["open"]:
        note = base64.b64decode(case["note_base64"])
        keys = list(map(VerifierKey.parse, case["verifiers"]))
        if case["expect"] == "ok":
            assert note.startswith(open_note(note, keys).encode()), case["name"]
        else:
            with pytest.raises(NoteError):
                open_note(note, keys)


def test_a_note_with_sixteen_signatures_is_accepted() -> None:
    note = sign_note(TEXT, "log", signer=SIGNER)
    for number in range(15):
        other = sign_note(TEXT, f"witness{number}", signer=Ed25519Signer(bytes([number]) * 32))
        note += other.removeprefix(TEXT + "\n")
    assert open_note(note, [KEY]) == TEXT


def test_a_note_beyond_the_bounds_is_refused() -> None:
    note = sign_note(TEXT, "log", signer=SIGNER)
    with pytest.raises(NoteError, match="bytes"):
        open_note(note, [KEY], limits=Limits(note_bytes_max=len(note.encode()) - 1))
    line = note.removeprefix(TEXT + "\n")
    with pytest.raises(NoteError, match="signatures"):
        open_note(note + line, [KEY], limits=Limits(note_signatures_max=1))


def test_a_changed_text_is_refused() -> None:
    note = sign_note(TEXT, "log", signer=SIGNER)
    with pytest.raises(NoteError) as refusal:
        open_note(note.replace("another", "amother"), [KEY])
    assert refusal.value.code == "ledger.signature"


def test_a_note_without_the_demanded_signer_is_refused() -> None:
    note = sign_note(TEXT, "log", signer=SIGNER)
    with pytest.raises(NoteError, match="no known key of witness"):
        open_note(note, [KEY], signed_by="witness")


def test_a_key_of_another_name_is_unknown() -> None:
    with pytest.raises(NoteError, match="no known key"):
        open_note(sign_note(TEXT, "log", signer=SIGNER), [VerifierKey("gol", SIGNER.public_key)])


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb"])
def test_a_name_that_breaks_a_signature_line_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        VerifierKey(name, SIGNER.public_key)


@pytest.mark.parametrize("text", ["no newline", "", "a\rb\n", "a\tb\n"])
def test_a_text_that_no_note_can_hold_is_not_signed(text: str) -> None:
    with pytest.raises(ValueError, match="newline"):
        sign_note(text, "log", signer=SIGNER)


@pytest.mark.parametrize("text", ["", "log", "log+00000000", "log+zz+AAAA", "log+00000000+AQ=="])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parse(text)
