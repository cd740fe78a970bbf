"""Verification of SSH signatures (OpenSSH PROTOCOL.sshsig) by Ed25519 keys and security keys.

Only what approvals need: one armored signature, the key that is expected, one namespace, SHA-512 or
SHA-256. Certificates, other algorithms and bytes beyond the format are refused. Nothing is
returned: it raises or it holds.
"""

from __future__ import annotations

import hashlib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from freehold.kernel.signatures._keys import SECURITY_KEY, decode_key, key_blob
from freehold.kernel.signatures._limits import SIGNATURE_LIMITS
from freehold.kernel.signatures._statement import NAMESPACE
from freehold.kernel.signatures._wire import decode_base64, pack, unpack
from freehold.kernel.signatures.errors import InvalidSignatureError

MAGIC = b"SSHSIG\0\0\0\1"  # with version 1
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_ARMOR = re.compile(rf"{BEGIN}\n((?:[A-Za-z0-9+/=]{{1,76}}\n)+){END}\n?")
_SIGNED = b"SSHSIG"  # here without a version
_HASHES = (b"sha512", b"sha256")
_USER_PRESENT = 0x01  # the flag that a security key sets once it was touched (FIDO U2F)


def signed_data(message: bytes, namespace: str, *, hash_name: str = "sha512") -> bytes:
    """Return what the key signs for `message` (PROTOCOL.sshsig, 4)."""
    hashed = hashlib.new(hash_name, message).digest()
    return _SIGNED + pack(namespace.encode(), b"", hash_name.encode(), hashed)


def verify(message: bytes, armored: str, public_key: str, *, namespace: str = NAMESPACE) -> None:
    """Check that `public_key` signed `message` for `namespace`.

    Raises:
        InvalidSignatureError: malformed, by another key, for another namespace or message, or by a
            security key that was not touched.
        KeyFormatError: `public_key` is not an Ed25519 key.
    """
    expected = key_blob(public_key)
    try:
        blob = _unarmor(armored)
        if not blob.startswith(MAGIC):
            raise ValueError("it is not an SSH signature of version 1")
        parts, rest = unpack(blob[len(MAGIC) :], 5)
        key, signed_namespace, reserved, hash_name, signature = parts
        (kind, raw), presence = unpack(signature, 2)
    except ValueError as error:
        raise _invalid("malformed", f"the signature is malformed: {error}") from error
    if key != expected:
        raise _invalid("key", "the signature is by another key than the one expected")
    if signed_namespace != namespace.encode():
        found = signed_namespace.decode(errors="replace")
        raise _invalid("namespace", f"signed for namespace {found!r:.60}, expected {namespace!r}")
    if hash_name not in _HASHES or reserved or rest:
        raise _invalid("malformed", "the signature has an unknown hash or bytes to spare")
    signer = decode_key(key)
    if kind != signer.kind.encode():
        raise _invalid("malformed", "the signature is of another type than its key")
    signed = signed_data(message, namespace, hash_name=hash_name.decode())
    if signer.kind == SECURITY_KEY:
        signed = _seen_by_security_key(signed, signer.application, presence=presence)
    elif presence:
        raise _invalid("malformed", "the signature has bytes to spare")
    try:
        Ed25519PublicKey.from_public_bytes(signer.point).verify(raw, signed)
    except InvalidSignature as error:
        raise _invalid("message", "the signature does not fit this message and key") from error


def _unarmor(armored: str) -> bytes:
    if len(armored) > SIGNATURE_LIMITS.armored_chars_max:
        raise ValueError(f"it has more than {SIGNATURE_LIMITS.armored_chars_max} characters")
    match = _ARMOR.fullmatch(armored.replace("\r\n", "\n"))
    if match is None:
        raise ValueError(f"it does not stand between {BEGIN} and {END}")
    return decode_base64(match[1].replace("\n", ""))


def _seen_by_security_key(signed: bytes, application: bytes, *, presence: bytes) -> bytes:
    """Return what a security key really signed: its application, flags and counter too."""
    if len(presence) != 5:
        raise _invalid("malformed", "a security key's signature ends with flags and a counter")
    if not presence[0] & _USER_PRESENT:
        raise _invalid("presence", "the security key was not touched when it signed")
    return hashlib.sha256(application).digest() + presence + hashlib.sha256(signed).digest()


def _invalid(what: str, message: str) -> InvalidSignatureError:
    return InvalidSignatureError(f"signatures.{what}", message)
