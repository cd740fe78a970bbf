"""The vault and other programs of the age format read what the other wrote, at every length."""

from __future__ import annotations

import base64
import hmac
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from freehold.kernel.keys import age_private_key
from freehold.kernel.vault import VaultError
from tests.kernel.vault.strangers import Strangers

CHUNK, TAG = 65_536, 16
NEAR_CHUNKS = st.builds(
    lambda chunks, more: max(chunks * CHUNK + more, 0), st.integers(0, 4), st.integers(-2, 2)
)
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1]
IDENTITY = pyrage.x25519.Identity.generate()
often = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def content(size: int) -> bytes:
    """Bytes of which no two chunks are alike."""
    return b"".join(number.to_bytes(4) for number in range(size // 4 + 1))[:size]


@pytest.fixture
def strangers(tmp_path: Path) -> Strangers:
    return Strangers(tmp_path / "vault", str(IDENTITY))


@given(
    size=NEAR_CHUNKS, piece_bytes=st.integers(1_000, 200_000), chunk_bytes=st.integers(1, 300_000)
)
@often
@example(size=0, piece_bytes=1_000, chunk_bytes=1)
@example(size=2 * CHUNK, piece_bytes=CHUNK, chunk_bytes=CHUNK)
def test_another_library_opens_what_the_vault_sealed_and_the_other_way_round(
    tmp_path: Path, size: int, piece_bytes: int, chunk_bytes: int
) -> None:
    plain = content(size)
    ours = Strangers(tmp_path / "vault", str(IDENTITY), chunk_bytes=chunk_bytes)
    sealed = ours.seal(plain, piece_bytes=piece_bytes)
    assert pyrage.decrypt(sealed, [IDENTITY]) == plain
    theirs = pyrage.encrypt(plain, [IDENTITY.to_public()])  # has a recipient of no meaning too
    for file in (sealed, theirs):
        assert ours.open(file, plain, piece_bytes=piece_bytes) == plain


@pytest.mark.parametrize("size", SIZES)
def test_the_stock_program_opens_what_the_vault_sealed_and_the_other_way_round(
    strangers: Strangers, tmp_path: Path, program: Callable[[str], Path], size: int
) -> None:
    age, identity, plain = str(program("age")), tmp_path / "identity", content(size)
    identity.write_text(f"{IDENTITY}\n")
    opened = subprocess.run(
        [age, "--decrypt", "-i", identity],
        input=strangers.seal(plain),
        capture_output=True,
        check=True,
    )
    assert opened.stdout == plain
    sealed = subprocess.run(
        [age, "-r", str(IDENTITY.to_public())], input=plain, capture_output=True, check=True
    )
    assert strangers.open(sealed.stdout, plain) == plain


def test_a_file_for_several_recipients_is_opened_by_each(tmp_path: Path) -> None:
    identities = [pyrage.x25519.Identity.generate() for _ in range(3)]
    file = pyrage.encrypt(content(100), [each.to_public() for each in identities])
    for each in identities:
        assert Strangers(tmp_path / "vault", str(each)).open(file, content(100)) == content(100)
    with pytest.raises(VaultError, match="sealed to others"):
        Strangers(tmp_path / "vault", str(IDENTITY)).open(file, content(100))


@given(size=NEAR_CHUNKS, data=st.data())
@often
def test_whatever_is_cut_off_is_missed(
    strangers: Strangers, size: int, data: st.DataObject
) -> None:
    sealed = strangers.seal(content(size))
    borders = range(len(sealed) - size - TAG * max(-(-size // CHUNK), 1), len(sealed), CHUNK + TAG)
    kept = data.draw(st.sampled_from(borders) | st.integers(0, len(sealed) - 1))
    with pytest.raises(VaultError, match="is not what was sealed"):
        strangers.open(sealed[:kept], content(size))


@given(size=NEAR_CHUNKS, flipped=st.integers(0, 7), data=st.data())
@often
def test_no_bit_can_be_changed(
    strangers: Strangers, size: int, flipped: int, data: st.DataObject
) -> None:
    sealed = bytearray(strangers.seal(content(size)))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << flipped
    with pytest.raises(VaultError, match="is not what was sealed"):
        strangers.open(bytes(sealed), content(size))


def test_chunks_cannot_change_places(strangers: Strangers) -> None:
    sealed = strangers.seal(content(3 * CHUNK))
    start, chunk = len(sealed) - 3 * (CHUNK + TAG), CHUNK + TAG
    first, second = sealed[start : start + chunk], sealed[start + chunk : start + 2 * chunk]
    swapped = sealed[:start] + second + first + sealed[start + 2 * chunk :]
    with pytest.raises(VaultError, match="changed or cut"):
        strangers.open(swapped, content(3 * CHUNK))


def with_recipient(file: bytes, words: bytes) -> bytes:
    """Give a file one more recipient in an authentic header, by the letter of the format."""
    lines = file.split(b"\n", 4)
    share, wrapped = (base64.b64decode(text + b"=") for text in (lines[1].split()[2], lines[2]))
    ours = age_private_key(str(IDENTITY))
    shared = ours.exchange(X25519PublicKey.from_public_bytes(share))
    salt = share + ours.public_key().public_bytes_raw()
    wrapping = hkdf(shared, salt, b"age-encryption.org/v1/X25519")
    file_key = ChaCha20Poly1305(wrapping).decrypt(bytes(12), wrapped, None)
    header = b"\n".join([*lines[:3], b"-> " + words, b"", b"---"])
    mac = hmac.digest(hkdf(file_key, b"", b"header"), header, "sha256")
    return header + b" " + base64.b64encode(mac).rstrip(b"=") + b"\n" + lines[4]


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def test_recipients_of_other_kinds_are_passed_over_but_a_passphrase_stands_alone(
    strangers: Strangers,
) -> None:
    sealed = strangers.seal(content(10))
    assert strangers.open(with_recipient(sealed, b"ssh-ed25519 AAAA"), content(10)) == content(10)
    with pytest.raises(VaultError, match="sealed with a passphrase"):
        strangers.open(with_recipient(sealed, b"scrypt AAAA 18"), content(10))


@pytest.mark.parametrize("line", [b"x" * 70_000, b"-> X25519 x\n" * 6_000, b"\n" * 70_000, b""])
def test_a_header_without_end_is_given_up_early(strangers: Strangers, line: bytes) -> None:
    with pytest.raises(VaultError, match="no age header"):
        strangers.open(b"age-encryption.org/v1\n" + line * 100, b"")
    assert strangers.store.opened.bytes_read < 140_000


def test_two_files_of_one_content_share_neither_key_nor_nonce(strangers: Strangers) -> None:
    first, second = strangers.seal(content(CHUNK)), strangers.seal(content(CHUNK))
    same = [a == b for a, b in zip(first[:200], second[:200], strict=True)]
    assert sum(same[40:80]) < 20  # the share of the recipient's stanza
    assert first[-CHUNK:] != second[-CHUNK:]
