"""Signatures: ours and OpenSSH's accept each other, and nothing else is accepted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.kernel.signatures import (
    NAMESPACE,
    InvalidSignatureError,
    KeyFormatError,
    SignatureError,
    SigningError,
    SshAgent,
    allowed_signers_line,
    new_key_file,
    public_key_of,
    sign,
    verify,
)
from tests.kernel.signatures.keys import SECURITY_KEY, SecurityKey, armor, pack, unarmor

MESSAGE = b'{"act":"model.promote"}'
USER = "user:0192f6a0-0000-7000-8000-000000000001"


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "id"
    new_key_file(path, "ada")
    return path


@pytest.fixture
def agent(tmp_path, program):
    """An ssh-agent of this test alone, ended by its process id."""
    socket = tmp_path / "agent"
    said = subprocess.run(
        [program("ssh-agent"), "-s", "-a", socket], capture_output=True, text=True, check=True
    ).stdout
    match = re.search(r"SSH_AGENT_PID=(\d+)", said)
    assert match is not None
    yield socket
    os.kill(int(match[1]), signal.SIGTERM)


def keygen_verify(program, folder: Path, public_key: str, message: bytes, armored: str) -> int:
    (folder / "allowed_signers").write_text(allowed_signers_line(USER, public_key) + "\n")
    (folder / "message.sig").write_text(armored)
    options = ["-f", "allowed_signers", "-I", USER, "-n", NAMESPACE, "-s", "message.sig"]
    command = [program("ssh-keygen"), "-Y", "verify", *options]
    return subprocess.run(command, input=message, capture_output=True, cwd=folder).returncode


def test_openssh_accepts_our_signature_and_refuses_a_changed_message(tmp_path, key, program):
    armored = sign(MESSAGE, key)
    public_key = public_key_of(key)
    verify(MESSAGE, armored, public_key)
    assert keygen_verify(program, tmp_path, public_key, MESSAGE, armored) == 0
    assert keygen_verify(program, tmp_path, public_key, MESSAGE + b" ", armored) != 0


@pytest.mark.parametrize("hash_name", ["sha512", "sha256"])
def test_we_accept_the_signature_of_openssh(key, program, hash_name):
    command = [program("ssh-keygen"), "-Y", "sign", "-f", key, "-n", NAMESPACE]
    armored = subprocess.run(
        [*command, "-O", f"hashalg={hash_name}"], input=MESSAGE, capture_output=True, check=True
    ).stdout.decode()
    verify(MESSAGE, armored, public_key_of(key))
    with pytest.raises(InvalidSignatureError):
        verify(MESSAGE + b" ", armored, public_key_of(key))


def test_openssh_and_we_make_the_same_signature(key, program):
    command = [program("ssh-keygen"), "-Y", "sign", "-f", key, "-n", NAMESPACE]
    theirs = subprocess.run(command, input=MESSAGE, capture_output=True, check=True).stdout
    assert sign(MESSAGE, key) == theirs.decode()


def test_an_agent_signs_for_a_key_whose_file_is_gone(key, agent, program):
    public_key = public_key_of(key)
    environment = {**os.environ, "SSH_AUTH_SOCK": str(agent)}
    subprocess.run([program("ssh-add"), key], env=environment, capture_output=True, check=True)
    key.unlink()
    verify(MESSAGE, sign(MESSAGE, SshAgent(public_key, agent)), public_key)


def test_the_environment_s_agent_signs_for_a_public_key_file(key, agent, program, monkeypatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    subprocess.run([program("ssh-add"), key], capture_output=True, check=True)
    key.unlink()
    public_file = key.with_name("id.pub")
    verify(MESSAGE, sign(MESSAGE, public_file), public_key_of(public_file))


def test_an_agent_without_the_key_is_told_with_a_next_step(key, agent):
    with pytest.raises(SigningError, match="ssh-add -l"):
        sign(MESSAGE, SshAgent(public_key_of(key), agent))


def test_a_machine_without_openssh_is_told_so(key, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SigningError, match="not installed"):
        sign(MESSAGE, SshAgent(public_key_of(key)))
    verify(MESSAGE, sign(MESSAGE, key), public_key_of(key))  # a file needs no program


def test_an_encrypted_key_asks_for_its_passphrase(key, program, monkeypatch, tmp_path):
    command = [program("ssh-keygen"), "-p", "-q", "-P", "", "-N", "open sesame", "-f", key]
    subprocess.run(command, capture_output=True, check=True)
    asking = tmp_path / "askpass"
    asking.write_text("#!/bin/sh\necho 'open sesame'\n")
    asking.chmod(0o700)
    monkeypatch.setenv("SSH_ASKPASS", str(asking))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("DISPLAY", "none")
    verify(MESSAGE, sign(MESSAGE, key), public_key_of(key))
    asking.write_text("#!/bin/sh\necho 'open barley'\n")
    with pytest.raises(SigningError, match="unlock the key with ssh-add"):
        sign(MESSAGE, key)


def test_a_damaged_key_file_is_refused(key):
    key.write_bytes(key.read_bytes().replace(b"A", b"B"))
    with pytest.raises(SigningError, match="damaged"):
        sign(MESSAGE, key)


def test_a_key_file_that_is_no_ed25519_key_is_refused(tmp_path, program):
    path = tmp_path / "ecdsa"
    command = [program("ssh-keygen"), "-t", "ecdsa", "-N", "", "-q", "-f", path]
    subprocess.run(command, capture_output=True, check=True)
    with pytest.raises(SigningError, match="not an Ed25519 key"):
        sign(MESSAGE, path)
    with pytest.raises(KeyFormatError):
        sign(MESSAGE, path.with_name("ecdsa.pub"))


def test_a_missing_key_file_is_named(tmp_path):
    with pytest.raises(SigningError, match="nowhere"):
        sign(MESSAGE, tmp_path / "nowhere")


def test_a_message_without_bounds_is_not_signed(key):
    with pytest.raises(SigningError, match="at most"):
        sign(b"x" * 100_000, key)


def test_another_namespace_key_or_message_is_refused(key, tmp_path):
    armored, public_key = sign(MESSAGE, key), public_key_of(key)
    other = new_key_file(tmp_path / "other")
    with pytest.raises(InvalidSignatureError, match="namespace"):
        verify(MESSAGE, armored, public_key, namespace="file")
    with pytest.raises(InvalidSignatureError, match="another key"):
        verify(MESSAGE, armored, other)
    with pytest.raises(InvalidSignatureError, match="message"):
        verify(MESSAGE[1:], armored, public_key)
    with pytest.raises(InvalidSignatureError, match="namespace"):
        verify(MESSAGE, sign(MESSAGE, key, namespace="file"), public_key)


def test_every_truncation_and_every_added_byte_is_refused(key):
    blob, public_key = unarmor(sign(MESSAGE, key)), public_key_of(key)
    verify(MESSAGE, armor(blob), public_key)
    for end in range(len(blob)):
        with pytest.raises(InvalidSignatureError):
            verify(MESSAGE, armor(blob[:end]), public_key)
    with pytest.raises(InvalidSignatureError):
        verify(MESSAGE, armor(blob + b"\0"), public_key)


def test_every_changed_byte_is_refused(key):
    blob, public_key = unarmor(sign(MESSAGE, key)), public_key_of(key)
    for index in range(len(blob)):
        changed = blob[:index] + bytes([blob[index] ^ 1]) + blob[index + 1 :]
        with pytest.raises(InvalidSignatureError):
            verify(MESSAGE, armor(changed), public_key)


def test_text_around_the_armor_is_refused(key):
    armored, public_key = sign(MESSAGE, key), public_key_of(key)
    verify(MESSAGE, armored.replace("\n", "\r\n"), public_key)
    for changed in (" " + armored, armored + "\n", armored.replace("=", ""), armored.upper(), ""):
        with pytest.raises(InvalidSignatureError):
            verify(MESSAGE, changed, public_key)


def test_a_security_key_s_signature_is_accepted(tmp_path, program):
    key = SecurityKey()
    armored = key.sign(MESSAGE, NAMESPACE.encode())
    verify(MESSAGE, armored, key.public_key)
    assert keygen_verify(program, tmp_path, key.public_key, MESSAGE, armored) == 0


def test_a_security_key_that_was_not_touched_is_refused():
    key = SecurityKey()
    with pytest.raises(InvalidSignatureError, match="not touched"):
        verify(MESSAGE, key.sign(MESSAGE, NAMESPACE.encode(), flags=4), key.public_key)


def test_a_security_key_s_signature_with_bytes_to_spare_is_refused():
    key = SecurityKey()
    with pytest.raises(InvalidSignatureError, match="flags and a counter"):
        verify(MESSAGE, key.sign(MESSAGE, NAMESPACE.encode(), tail=b"\0"), key.public_key)


def test_a_plain_signature_does_not_pass_for_a_security_key_s(key):
    blob, public_key = unarmor(sign(MESSAGE, key)), public_key_of(key)
    changed = blob.replace(pack(b"ssh-ed25519", blob[-64:]), pack(SECURITY_KEY, blob[-64:]))
    with pytest.raises(InvalidSignatureError):
        verify(MESSAGE, armor(changed), public_key)


@given(armored=st.text() | st.binary().map(armor) | st.binary().map(lambda b: armor(b"SSHSIG" + b)))
def test_any_text_is_a_signature_error(armored):
    with pytest.raises(SignatureError):
        verify(MESSAGE, armored, SecurityKey().public_key)
