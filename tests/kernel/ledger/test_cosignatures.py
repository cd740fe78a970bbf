"""Checkpoints that witnesses cosigned: what is signed, what is accepted, what is refused."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from freehold.kernel.ledger import (
    Checkpoint,
    Cosigned,
    CosignerKey,
    Ed25519Signer,
    NoteError,
    VerifierKey,
    cosign,
    cosignatures,
)

ORIGIN = "estate/one/main"
LOG = Ed25519Signer(b"\x02" * 32)
KEY = VerifierKey(ORIGIN, LOG.public_key)
FIRST, SECOND = Ed25519Signer(b"\x03" * 32), Ed25519Signer(b"\x04" * 32)
ONE = CosignerKey("witness.example/one", FIRST.public_key)
TWO = CosignerKey("witness.example/two", SECOND.public_key)
CHECKPOINT = Checkpoint(ORIGIN, 5, b"\x05" * 32)
LARGER = replace(CHECKPOINT, size=6)
NOTE = CHECKPOINT.sign(LOG)
NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)

# The example of C2SP tlog-cosignature; the specification gives no key for it.
PUBLISHED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zh"
    "cyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJs"
    "X3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def line(
    signer: Ed25519Signer, key: CosignerKey, moment: datetime = NOON, *, of: Checkpoint = CHECKPOINT
) -> str:
    return cosign(of, key.name, signer=signer, moment=moment)


def test_a_witness_signs_the_time_and_the_checkpoint() -> None:
    name, encoded = line(FIRST, ONE).removeprefix("\u2014 ").rstrip("\n").split(" ")
    data = base64.b64decode(encoded)
    assert name == "witness.example/one"
    assert data[:4] == sha256(name.encode() + b"\n\x04" + FIRST.public_key).digest()[:4]
    assert int.from_bytes(data[4:12], "big") == int(NOON.timestamp())
    signed = f"cosignature/v1\ntime {int(NOON.timestamp())}\n{CHECKPOINT.text()}"
    assert data[12:] == FIRST.sign(signed.encode())


def test_the_key_of_a_cosigner_is_read_as_it_was_written() -> None:
    assert CosignerKey.parse(str(ONE)) == ONE
    assert base64.b64decode(str(ONE).split("+", 2)[2])[0] == 4


def test_the_key_of_a_log_is_no_key_of_a_witness() -> None:
    with pytest.raises(NoteError, match="cosigner"):
        CosignerKey.parse(str(KEY))
    with pytest.raises(NoteError, match="of a log"):
        VerifierKey.parse(str(ONE))


def test_the_published_example_has_the_time_that_the_specification_shows() -> None:
    key = CosignerKey("witness.example.com/w1", b"\x09" * 32)
    assert cosignatures(PUBLISHED, [key]) == {}  # another key id: unknown, ignored
    _, encoded = PUBLISHED.splitlines()[-1].rsplit(" ", 1)
    assert int.from_bytes(base64.b64decode(encoded)[4:12], "big") == 1_679_315_147


def test_another_implementation_signs_the_same_bytes() -> None:
    """What aics-tlog 0.2.1, an implementation from PyPI, made of the same key, time and tree."""
    assert str(ONE) == ("witness.example/one+48fd9ea6+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR")
    assert line(FIRST, ONE) == (
        "\u2014 witness.example/one "
        "SP2epgAAAABrBXxA5AiVqLUhCNR9g+q0g/sP6I5FFvVzyprWeV0OEMZERciYmbxZEFEO"
        "vd8Hg9Ma87Qh+qsZW/52klL18mS+rYhVBA==\n"
    )


def test_a_cosigned_checkpoint_tells_who_saw_it_and_when() -> None:
    note = NOTE + line(FIRST, ONE) + line(SECOND, TWO, LATER)
    cosigned = Cosigned.open(note, [KEY], [ONE, TWO])
    assert cosigned.checkpoint == CHECKPOINT
    assert cosigned.times == {ONE.name: NOON, TWO.name: LATER}


def test_cosignatures_of_unknown_witnesses_are_ignored() -> None:
    note = NOTE + line(FIRST, ONE) + line(SECOND, TWO)
    assert Cosigned.open(note, [KEY], [TWO]).times == {TWO.name: NOON}
    assert Checkpoint.open(note, [KEY]) == CHECKPOINT


def test_a_wrong_cosignature_of_a_known_witness_refuses_the_whole() -> None:
    note = NOTE + line(FIRST, ONE, of=LARGER) + line(SECOND, TWO)
    with pytest.raises(NoteError, match=r"witness\.example/one is wrong"):
        Cosigned.open(note, [KEY], [ONE, TWO])


def test_the_time_of_a_cosignature_cannot_be_changed() -> None:
    early, late = line(FIRST, ONE), line(FIRST, ONE, LATER)
    name, _, encoded = early.rstrip("\n").rpartition(" ")
    data, moved = base64.b64decode(encoded), base64.b64decode(late.rstrip("\n").rpartition(" ")[2])
    forged = base64.b64encode(data[:4] + moved[4:12] + data[12:]).decode()
    with pytest.raises(NoteError, match="is wrong"):
        Cosigned.open(f"{NOTE}{name} {forged}\n", [KEY], [ONE])


@pytest.mark.parametrize(
    "stamped", [b"", bytes(8), bytes(72), b"\xff" * 72, b"\0" * 7 + b"\1" * 64]
)
def test_a_cosignature_without_a_time_is_refused(stamped: bytes) -> None:
    encoded = base64.b64encode(ONE.key_id + stamped).decode()
    with pytest.raises(NoteError):
        Cosigned.open(f"{NOTE}\u2014 {ONE.name} {encoded}\n", [KEY], [ONE])


def test_witnesses_do_not_stand_in_for_the_log() -> None:
    note = f"{CHECKPOINT.text()}\n{line(FIRST, ONE)}"
    with pytest.raises(NoteError, match="no known key"):
        Cosigned.open(note, [KEY], [ONE])


def test_the_key_of_a_log_does_not_pass_for_a_cosignature() -> None:
    disguised = CosignerKey(ORIGIN, LOG.public_key)
    assert Cosigned.open(NOTE, [KEY], [disguised]).times == {}


def test_two_keys_of_one_witness_are_one_witness() -> None:
    renewed = CosignerKey(ONE.name, SECOND.public_key)
    note = NOTE + line(FIRST, ONE) + line(SECOND, renewed, LATER)
    assert Cosigned.open(note, [KEY], [ONE, renewed]).times == {ONE.name: LATER}


def test_the_answer_of_a_witness_replaces_its_former_one() -> None:
    cosigned = Cosigned.open(NOTE, [KEY], [])
    cosigned = cosigned.accept(line(FIRST, ONE), KEY, ONE)
    cosigned = cosigned.accept(line(SECOND, TWO), KEY, TWO)
    cosigned = cosigned.accept(line(FIRST, ONE, LATER), KEY, ONE)
    assert cosigned.note == NOTE + line(SECOND, TWO) + line(FIRST, ONE, LATER)
    assert Cosigned.open(cosigned.note, [KEY], [ONE, TWO]) == cosigned
    assert cosigned.times == {ONE.name: LATER, TWO.name: NOON}


def test_only_the_line_of_the_witness_that_was_asked_is_kept() -> None:
    answer = line(SECOND, TWO) + line(FIRST, ONE)
    cosigned = Cosigned.open(NOTE, [KEY], []).accept(answer, KEY, ONE)
    assert cosigned.note == NOTE + line(FIRST, ONE)


@pytest.mark.parametrize(
    "answer",
    {
        "nothing": "",
        "no line of a signature": "200 OK\n",
        "of another witness": line(SECOND, TWO),
        "another's line under its name": line(SECOND, TWO).replace(TWO.name, ONE.name),
        "for another size": line(FIRST, ONE, of=LARGER),
        "a text in front": f"{CHECKPOINT.text()}\n{line(FIRST, ONE)}",
    }.values(),
)
def test_what_is_no_cosignature_of_this_checkpoint_is_not_accepted(answer: str) -> None:
    with pytest.raises(NoteError):
        Cosigned.open(NOTE, [KEY], []).accept(answer, KEY, ONE)


def test_a_time_before_1970_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match="1970"):
        cosign(CHECKPOINT, "w", signer=FIRST, moment=datetime(1969, 1, 1, tzinfo=UTC))
