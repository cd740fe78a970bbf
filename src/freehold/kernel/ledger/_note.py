"""Signed notes (C2SP signed-note v1.0.0) with Ed25519 keys, type 0x01.

Makes no keys and stores none. A note is accepted when at least one known key signed it and no
known key's signature is wrong; signatures of unknown keys are ignored.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Protocol, Self, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from freehold.kernel import DEFAULT_LIMITS, Limits
from freehold.kernel.ledger.errors import NoteError

_KEY_BYTES = 32
_KEY_ID_BYTES = 4
_NAME = re.compile(r"[^\s+\x00-\x1f]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
DASH = "\u2014 "
_Key = TypeVar("_Key", bound="NoteKey")


class Signer(Protocol):
    """Signs with one Ed25519 key, in software or in a token; never shows it."""

    @property
    def public_key(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes: ...


class Ed25519Signer:
    """A signer in software.

    Args:
        seed: the raw private key, 32 bytes (RFC 8032, 5.1.5).
    """

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> bytes:
        """Raw public key, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Sign `message`; 64 bytes."""
        return self._key.sign(message)


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A named Ed25519 key (a *vkey*), which `str` writes as `name+keyid+base64`; each kind of key
    has its type.
    """

    name: str
    public_key: bytes
    type: ClassVar[bytes]
    what: ClassVar[str]  # in messages

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.public_key) != _KEY_BYTES:
            raise ValueError(f"an Ed25519 key has 32 bytes, got {len(self.public_key)}")

    def __str__(self) -> str:
        encoded = base64.b64encode(self.type + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @property
    def key_id(self) -> bytes:
        """First 4 bytes of SHA-256(name, newline, type, key)."""
        content = self.name.encode() + b"\n" + self.type + self.public_key
        return sha256(content).digest()[:_KEY_ID_BYTES]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a vkey.

        Raises:
            NoteError: malformed, another key type, or an id that does not belong to the key.
        """
        parts = text.split("+", 2)
        encoded = _decode_base64(parts[2]) if len(parts) == 3 else b""
        if encoded[:1] != cls.type or len(encoded) != 1 + _KEY_BYTES or not is_key_name(parts[0]):
            raise NoteError(
                "ledger.note", f"expected {cls.what} as name+keyid+base64, got {text!r:.100}"
            )
        key = cls(parts[0], encoded[1:])
        if parts[1] != key.key_id.hex():
            raise NoteError(
                "ledger.note", f"key id {parts[1]!r:.20} is not {key.key_id.hex()} of this key"
            )
        return key

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check one signature.

        Raises:
            NoteError: it is not this key's signature of `message`.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError) as error:  # the latter: no point of the curve
            raise NoteError(
                "ledger.signature",
                f"the signature of {self.name} is wrong",
                "the note was changed, or it was signed with another key",
            ) from error


@dataclass(frozen=True, slots=True)
class VerifierKey(NoteKey):
    """The key of a log, which signs the text of its notes as it is."""

    type: ClassVar[bytes] = b"\x01"
    what: ClassVar[str] = "an Ed25519 key of a log"


def vkey(name: str, public_key: bytes) -> str:
    """Write the vkey of a raw 32-byte Ed25519 public key."""
    return str(VerifierKey(name, public_key))


def is_key_name(name: str) -> bool:
    """Tell whether `name` may name a key: not empty, no space, no plus, no control character."""
    return _NAME.fullmatch(name) is not None


def check_key_name(name: str) -> str:
    """Return `name` if it may name a key and a log.

    Raises:
        ValueError: it may not.
    """
    if not is_key_name(name):
        raise ValueError(f"a key's name has no spaces, '+' or control characters: {name!r:.100}")
    return name


def sign_note(text: str, name: str, *, signer: Signer) -> str:
    """Sign `text`, which ends with a newline, as `name`.

    Raises:
        ValueError: a text that no note can hold.
    """
    if not text.endswith("\n") or _CONTROL.search(text):
        raise ValueError("the text of a note ends with a newline and has no control characters")
    key = VerifierKey(name, signer.public_key)
    signature = base64.b64encode(key.key_id + signer.sign(text.encode())).decode()
    return f"{text}\n{DASH}{name} {signature}\n"


def open_note(
    note: str | bytes,
    keys: Iterable[VerifierKey],
    *,
    signed_by: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> str:
    """Verify a note and return its text.

    Args:
        keys: the keys that are known; two with the same name and id refuse a note that they signed.
        signed_by: a name whose key must be among those that signed.

    Raises:
        NoteError: malformed, a known key's signature is wrong, or no known key signed it.
    """
    text, signed = known_signatures(note, keys, limits)
    for key, signature in signed.items():
        key.verify(text.encode(), signature)
    if not signed or (signed_by is not None and signed_by not in {key.name for key in signed}):
        raise NoteError(
            "ledger.signature",
            f"no known key{f' of {signed_by}' if signed_by else ''} signed this note",
            "give the key that you trust as a vkey: name+keyid+base64",
        )
    return text


def known_signatures(
    note: str | bytes, keys: Iterable[_Key], limits: Limits
) -> tuple[str, dict[_Key, bytes]]:
    """Take a note apart into its text and the first signature of each known key; unverified."""
    text, signatures = _split_note(note, limits)
    known: dict[tuple[str, bytes], list[_Key]] = {}
    for key in keys:
        known.setdefault((key.name, key.key_id), []).append(key)
    signed: dict[_Key, bytes] = {}
    for name, key_id, signature in signatures:
        candidates = known.get((name, key_id), [])
        if len(candidates) > 1:
            raise NoteError("ledger.signature", f"two known keys are {name}+{key_id.hex()}")
        for key in candidates:
            signed.setdefault(key, signature)
    return text, signed


def signature_lines(block: str, key: NoteKey) -> tuple[list[str], list[str]]:
    """Split lines of signatures into those that claim to be by `key` and the others; unverified.

    Raises:
        NoteError: something else than lines of signatures.
    """
    own: list[str] = []
    others: list[str] = []
    *lines, rest = block.split("\n")
    if rest:
        raise NoteError("ledger.note", f"expected a line of signature, got {rest!r:.100}")
    for line in lines:
        name, key_id, _ = _split_signature(line)
        is_own = (name, key_id) == (key.name, key.key_id)
        (own if is_own else others).append(line + "\n")
    return own, others


def _split_note(note: str | bytes, limits: Limits) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Take a note apart into its text and (name, key id, signature)."""
    try:
        raw = note.encode() if isinstance(note, str) else note
        if len(raw) > limits.note_bytes_max:
            raise NoteError(
                "ledger.note", f"{len(raw)} bytes, a note has at most {limits.note_bytes_max}"
            )
        decoded = raw.decode()
    except UnicodeError as error:
        raise NoteError("ledger.note", "a note is UTF-8") from error
    text, blank, block = decoded.rpartition("\n\n")
    if not blank or not block.endswith("\n") or _CONTROL.search(decoded):
        raise NoteError("ledger.note", "expected text, an empty line and lines of signatures")
    lines = block[:-1].split("\n")
    if len(lines) > limits.note_signatures_max:
        raise NoteError(
            "ledger.note",
            f"{len(lines)} signatures, a note has at most {limits.note_signatures_max}",
        )
    return text + "\n", [_split_signature(line) for line in lines]


def _split_signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    signature = _decode_base64(encoded)
    if not line.startswith(DASH) or not is_key_name(name) or len(signature) <= _KEY_ID_BYTES:
        raise NoteError("ledger.note", f"expected a line of signature, got {line!r:.100}")
    return name, signature[:_KEY_ID_BYTES], signature[_KEY_ID_BYTES:]


def _decode_base64(text: str) -> bytes:
    """Decode what an encoder writes, and nothing else: a note has one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""  # every caller refuses a length of zero
    return data if base64.b64encode(data).decode() == text else b""
