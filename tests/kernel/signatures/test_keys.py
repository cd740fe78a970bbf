"""Public keys of people: what is accepted, how it is normalised, and new key files."""

from __future__ import annotations

import base64
import contextlib
import stat
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.kernel.signatures import (
    KeyFormatError,
    SignatureError,
    allowed_signers_line,
    fingerprint,
    new_key_file,
    parse_public_key,
    public_key_of,
)
from tests.kernel.signatures.keys import SecurityKey, pack


def line(*strings: bytes, kind: str = "ssh-ed25519", tail: bytes = b"") -> str:
    return f"{kind} {base64.b64encode(pack(*strings) + tail).decode()}"


GOOD = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")  # RFC 8032
REFUSED = {
    "another algorithm": line(b"ssh-rsa", GOOD, kind="ssh-rsa"),
    "a type that is not that of the blob": line(b"ssh-ed25519", GOOD, kind="ssh-rsa"),
    "bytes to spare": line(b"ssh-ed25519", GOOD, tail=b"\0"),
    "a point that is too short": line(b"ssh-ed25519", GOOD[:31]),
    "the neutral point": line(b"ssh-ed25519", (1).to_bytes(32, "little")),
    "a point that is not canonical": line(b"ssh-ed25519", b"\xee" + b"\xff" * 30 + b"\x7f"),
    "a blob that is cut short": line(b"ssh-ed25519", GOOD)[:-8],
    "no base64": "ssh-ed25519 !!!!",
    "an option before it": "no-pty " + line(b"ssh-ed25519", GOOD),
    "two lines": line(b"ssh-ed25519", GOOD) + "\n" + line(b"ssh-ed25519", GOOD),
    "nothing": "",
    "a very long comment": line(b"ssh-ed25519", GOOD) + " " + "x" * 2_000,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_key_is_refused_for(text):
    with pytest.raises(KeyFormatError):
        parse_public_key(text)


def test_every_point_of_small_order_is_refused():
    eighth = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
    prime = 2**255 - 19
    order_8 = int.from_bytes(eighth, "little")
    for y in (0, 1, prime - 1, order_8, prime - order_8):
        for sign in (0, 1):
            point = (y | sign << 255).to_bytes(32, "little")
            with pytest.raises(KeyFormatError):
                parse_public_key(line(b"ssh-ed25519", point))


def test_a_key_is_normalised_to_type_and_base64():
    plain = line(b"ssh-ed25519", GOOD)
    for text in (plain, plain + " ada@home", plain + "  a comment of words\n"):
        assert parse_public_key(text) == plain


def test_a_security_key_is_accepted():
    key = SecurityKey().public_key
    assert parse_public_key(key + " yubikey") == key


@given(st.text() | st.builds("ssh-ed25519 {}".format, st.binary().map(base64.b64encode)))
def test_any_text_is_a_key_or_a_signature_error(text):
    with contextlib.suppress(SignatureError):
        assert parse_public_key(text).startswith("ssh-ed25519 ")


def test_a_new_key_file_is_one_that_openssh_reads(tmp_path, program):
    path = tmp_path / "id"
    public = new_key_file(path, "ada for the demo")
    keygen = program("ssh-keygen")
    shown = subprocess.run(
        [keygen, "-y", "-f", path], capture_output=True, text=True, check=True
    ).stdout
    assert parse_public_key(shown) == public == public_key_of(path)
    assert public_key_of(tmp_path / "id.pub") == public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    listed = subprocess.run(
        [keygen, "-l", "-f", path], capture_output=True, text=True, check=True
    ).stdout
    assert listed.split()[1] == fingerprint(public)


def test_a_new_key_file_overwrites_nothing(tmp_path):
    public = new_key_file(tmp_path / "id", "first")
    with pytest.raises(FileExistsError):
        new_key_file(tmp_path / "id", "second")
    assert public_key_of(tmp_path / "id") == public


def test_a_public_key_left_by_someone_else_is_kept_and_no_private_key_remains(tmp_path):
    (tmp_path / "id.pub").write_text("theirs")
    with pytest.raises(FileExistsError):
        new_key_file(tmp_path / "id", "mine")
    assert (tmp_path / "id.pub").read_text() == "theirs"
    assert not (tmp_path / "id").exists()


def test_a_comment_of_two_lines_is_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="one line"):
        new_key_file(tmp_path / "id", "two\nlines")


def test_a_missing_public_key_says_how_to_write_it(tmp_path):
    with pytest.raises(KeyFormatError, match="ssh-keygen -y"):
        public_key_of(tmp_path / "id")


def test_an_allowed_signers_line_limits_the_namespaces():
    key = line(b"ssh-ed25519", GOOD)
    written = allowed_signers_line(
        "user:ada", key + " comment", namespaces=("freehold-approval", "file")
    )
    assert written == f'user:ada namespaces="freehold-approval,file" {key}'


@pytest.mark.parametrize(
    ("principal", "namespaces"),
    [("*", ("n",)), ("a b", ("n",)), ("a\nb", ("n",)), ("a,b", ("n",)), ("a", ('n"',)), ("a", ())],
)
def test_an_allowed_signers_line_takes_no_patterns_or_quotes(principal, namespaces):
    with pytest.raises(ValueError, match="without patterns"):
        allowed_signers_line(principal, line(b"ssh-ed25519", GOOD), namespaces=namespaces)
