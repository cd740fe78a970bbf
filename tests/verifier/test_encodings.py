"""The verifier's readers: canonical JSON, notes, vkeys, allowed signers, SSH signatures."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import subprocess

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from freehold_verify import (
    FAULTS,
    check_signature,
    encode,
    parse,
    read_note,
    read_signers,
    read_vkey,
    ssh_signer,
)
from tests.kernel.signatures.keys import SecurityKey, armor, pack
from tests.verifier.bundles import ADA, PEOPLE, SIGNERS, key_of, note, ssh_public, ssh_sign, vkey

SAFE = 2**53 - 1
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMESPACE = b"freehold-approval"


@given(VALUES)
def test_canonical_json_is_read_and_written_as_rfc8785_does(value):
    written = rfc8785.dumps(value)
    assert encode(parse(written)).encode() == written


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_written_as_ecmascript_does(value):
    assert encode(parse(rfc8785.dumps(value))).encode() == rfc8785.dumps(value)


# RFC 8785, appendix B, and the borders of the exponent's forms
NUMBERS = ["0", "5e-324", "1.7976931348623157e+308", "9007199254740992", "295147905179352830000"]
NUMBERS += ["1e+21", "1e-7", "0.000001", "999999999999999900000", "333333333.3333332", "-1.5e-9"]


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_in_ecmascript_s_form_is_canonical(text):
    assert math.isclose(parse(text.encode()), float(text))


NOT_CANONICAL = {
    "a space": '{"a": 1}',
    "a newline at the end": "1\n",
    "keys out of order": '{"b":1,"a":1}',
    "keys in code point, not UTF-16 order": '{"\ufb33":1,"\U0001f600":1}',
    "a key twice": '{"a":1,"a":1}',
    "an escape that is not needed": '"\\u0041"',
    "an escaped slash": '"\\/"',
    "upper case in an escape": '"\\u001F"',
    "a lone surrogate": '"\\ud800"',
    "minus zero": "-0",
    "zero as a float": "0.0",
    "a whole float": "1.0",
    "an exponent that is not needed": "1e5",
    "an integer that no double holds": "9007199254740993",
    "an endless number": "1e999",
    "a number that is none": "NaN",
    "too many digits": "0.1000000000000000055",
    "a very long integer": "1" * 400,
    "deep nesting": "[" * 100_000,
    "two values": "1 1",
    "a comma at the end": "[1,]",
    "nothing": "",
    "a byte order mark": "\ufeff1",
}


@pytest.mark.parametrize("text", NOT_CANONICAL.values(), ids=NOT_CANONICAL)
def test_json_is_refused_for(text):
    with pytest.raises(FAULTS):
        parse(text.encode())


def test_nothing_that_json_readers_must_reject_is_accepted(shared_data):
    lines = (shared_data / "adversarial-json" / "test_parsing.jsonl").read_text().splitlines()
    for case in map(json.loads, lines):
        if case["expect"] == "reject":
            with pytest.raises(FAULTS):
                parse(base64.b64decode(case["content_base64"]))


def test_notes_by_go_s_library_are_read_and_its_malformed_ones_refused(shared_data):
    vectors = json.loads((shared_data / "vectors-signed-note" / "note_vectors.json").read_text())
    for case in vectors["open"]:
        data = base64.b64decode(case["note_base64"])
        if case["name"].startswith("malformed"):
            with pytest.raises(ValueError):  # noqa: PT011
                read_note(data)
            continue
        found = read_note(data)
        keys = {key.name: key for key in map(read_vkey, case["verifiers"])}
        for name, blob in found.signatures:
            if case["expect"] == "ok" and name in case["verified"] and blob[:4] == keys[name].id:
                check_signature(keys[name].key, found.text.encode(), blob[4:])


NOTE = note("origin\n1\n", key_of(1), "name")
BAD_NOTES = {
    "no signature": b"text\n\n",
    "no text": NOTE.split(b"\n\n")[1],
    "a hyphen for the dash": NOTE.replace("\u2014".encode(), b"-"),
    "no newline at the end": NOTE[:-1],
    "a carriage return": NOTE.replace(b"origin\n", b"origin\r\n"),
    "broken base64": NOTE.replace(b"name ", b"name !"),
    "not UTF-8": b"\xff" + NOTE,
    "a blank line after": NOTE + b"\n",
}


@pytest.mark.parametrize("data", BAD_NOTES.values(), ids=BAD_NOTES)
def test_a_note_is_refused_for(data):
    with pytest.raises(ValueError):  # noqa: PT011
        read_note(data)


def test_a_vkey_is_refused_if_its_id_or_type_is_another():
    good = vkey(key_of(1))
    name, key_id, encoded = good.split("+", 2)
    assert read_vkey(good + "\n").name == name
    for bad in (f"other+{key_id}+{encoded}", f"{name}+00000000+{encoded}", name, f"{good}A", ""):
        with pytest.raises(ValueError):  # noqa: PT011
            read_vkey(bad)


def test_allowed_signers_are_read_with_comments_namespaces_and_several_principals():
    key = SIGNERS.split("ssh-ed25519 ")[1].split()[0]
    text = f'# note\n\na,b ssh-ed25519 {key}\nc namespaces="file" ssh-ed25519 {key} comment\n'
    assert {who for who, _ in read_signers(text)} == {"a", "b"}
    assert (ADA, ssh_public(PEOPLE[ADA])) in read_signers(SIGNERS)


@pytest.mark.parametrize(
    "line",
    [
        "* ssh-ed25519 AAAA",
        "a cert-authority ssh-ed25519 AAAA",
        'a valid-before="20260101Z" ssh-ed25519 AAAA',
        "a ssh-rsa AAAA",
        "a ssh-ed25519 !!!",
        "a",
    ],
)
def test_allowed_signers_that_it_does_not_understand_are_refused(line):
    with pytest.raises(ValueError):  # noqa: PT011
        read_signers(line)


def test_a_signature_by_openssh_holds(tmp_path, program):
    keygen = program("ssh-keygen")
    command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"]
    subprocess.run(command, check=True)
    command = [keygen, "-Y", "sign", "-f", tmp_path / "id", "-n", NAMESPACE.decode()]
    armored = subprocess.run(command, input=b"message", capture_output=True, check=True).stdout
    public = (tmp_path / "id.pub").read_text().split()[1]
    assert read_signers(f"me ssh-ed25519 {public}") == {
        ("me", ssh_signer(b"message", armored.decode()))
    }
    with pytest.raises(ValueError, match="does not fit"):
        ssh_signer(b"another", armored.decode())


def signature_blob(kind: bytes = b"ssh-ed25519", version: int = 1, **spare: bytes) -> bytes:
    """An SSH signature of "message", with bytes to spare in its parts."""
    signer = key_of(1)
    data = b"SSHSIG" + pack(NAMESPACE, b"", b"sha512", hashlib.sha512(b"message").digest())
    parts = (
        pack(kind, signer.public_key().public_bytes_raw()) + spare.get("key", b""),
        NAMESPACE,
        spare.get("reserved", b""),
        b"sha512",
        pack(kind, signer.sign(data)) + spare.get("signature", b""),
    )
    return b"SSHSIG" + version.to_bytes(4, "big") + pack(*parts) + spare.get("end", b"")


@pytest.mark.parametrize("place", ["reserved", "key", "signature", "end"])
@pytest.mark.parametrize("spare", [b"x", pack(b""), pack(b"x")])
def test_an_ssh_signature_with_bytes_to_spare_is_refused(place, spare):
    assert ssh_signer(b"message", armor(signature_blob())) == ssh_public(key_of(1))
    with pytest.raises(ValueError, match=r"odd parts|not Ed25519|cut short|unpack"):
        ssh_signer(b"message", armor(signature_blob(**{place: spare})))


def test_an_ssh_signature_of_another_version_or_kind_of_key_is_refused():
    with pytest.raises(ValueError, match="of version 1"):
        ssh_signer(b"message", armor(signature_blob(version=2)))
    with pytest.raises(ValueError, match="not Ed25519"):
        ssh_signer(b"message", armor(signature_blob(kind=b"ssh-ed448")))


def test_a_security_key_must_have_been_touched():
    key = SecurityKey()
    assert ssh_signer(b"message", key.sign(b"message", NAMESPACE)) == key.blob
    assert read_signers(f"me {key.public_key}") == {("me", key.blob)}
    with pytest.raises(ValueError, match="saw no user"):
        ssh_signer(b"message", key.sign(b"message", NAMESPACE, flags=4))


@given(st.data())
def test_a_changed_ssh_signature_does_not_hold(data):
    armored = ssh_sign(b"message", key_of(1), NAMESPACE).decode()
    place = data.draw(st.integers(0, len(armored) - 2))
    letter = data.draw(st.characters().filter(lambda char: char != armored[place]))
    with pytest.raises(ValueError):  # noqa: PT011
        ssh_signer(b"message", armored[:place] + letter + armored[place + 1 :])
