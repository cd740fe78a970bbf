"""Public keys of people in OpenSSH's one-line form, and new key files for demonstrations.

Accepted are `ssh-ed25519` and `sk-ssh-ed25519@openssh.com` (a security key), nothing else. A
normalised key has no comment, so that equal keys are equal texts. Points of small order are
refused: their "signatures" fit messages that nobody signed.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from freehold.kernel.signatures._limits import SIGNATURE_LIMITS
from freehold.kernel.signatures._statement import NAMESPACE
from freehold.kernel.signatures._wire import decode_base64, unpack
from freehold.kernel.signatures.errors import KeyFormatError

PLAIN = "ssh-ed25519"
SECURITY_KEY = "sk-ssh-ed25519@openssh.com"
_LINE = re.compile(r"(\S+) +([A-Za-z0-9+/=]+)(?:[ \t]+[^\r\n]*)?\n?")
_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._@-]*")
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@/-]*")
_PRIME = 2**255 - 19
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER_Y = frozenset({0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8})  # orders 4, 1, 2, 8, 8


class PublicKey(NamedTuple):
    """A parsed key: its type, its 32 bytes, and the application of a security key."""

    kind: str
    point: bytes
    application: bytes


def decode_key(blob: bytes) -> PublicKey:
    """Read the binary form of a public key (RFC 8709, 4; OpenSSH PROTOCOL.u2f).

    Raises:
        KeyFormatError: another type of key, bytes too few or too many, or an unusable point.
    """
    try:
        (kind, point), rest = unpack(blob, 2)
        application = b""
        if kind == SECURITY_KEY.encode():
            (application,), rest = unpack(rest, 1)
        if rest:
            raise ValueError("it has bytes to spare")
    except ValueError as error:
        raise _malformed(f"its base64 part is not a key: {error}") from error
    if kind not in (PLAIN.encode(), SECURITY_KEY.encode()):
        raise _malformed(f"expected Ed25519, got {kind.decode(errors='replace')!r:.40}")
    y = int.from_bytes(point, "little") & (2**255 - 1)
    if len(point) != 32 or y >= _PRIME or y in _SMALL_ORDER_Y:
        raise _malformed("it is not a usable point of the curve")
    return PublicKey(kind.decode(), point, application)


def parse_public_key(text: str) -> str:
    """Read `ssh-ed25519 AAAA… comment` and return it without the comment.

    Raises:
        KeyFormatError: any other shape or type of key.
    """
    match = _LINE.fullmatch(text) if len(text) <= SIGNATURE_LIMITS.public_key_chars_max else None
    if match is None:
        raise _malformed(f"got {text!r:.60}")
    kind, encoded = match.groups()
    try:
        blob = decode_base64(encoded)
    except ValueError as error:
        raise _malformed("its base64 is broken") from error
    if decode_key(blob).kind != kind:
        raise _malformed(f"it says {kind!r:.40} but is another type")
    return f"{kind} {encoded}"


def key_blob(public_key: str) -> bytes:
    """Return the binary form of a key in one-line form.

    Raises:
        KeyFormatError: as `parse_public_key`.
    """
    return decode_base64(parse_public_key(public_key).split(" ")[1])


def fingerprint(public_key: str) -> str:
    """Name a key as OpenSSH does: `SHA256:` and unpadded base64.

    Raises:
        KeyFormatError: as `parse_public_key`.
    """
    encoded = base64.b64encode(hashlib.sha256(key_blob(public_key)).digest())
    return "SHA256:" + encoded.decode().rstrip("=")


def public_key_of(path: Path) -> str:
    """Return the public key in a `.pub` file, or in the one beside a private key.

    Raises:
        KeyFormatError: it is missing or not an Ed25519 key.
    """
    beside = path if path.suffix == ".pub" else path.with_name(path.name + ".pub")
    try:
        with beside.open("rb") as file:
            text = file.read(SIGNATURE_LIMITS.public_key_chars_max + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFormatError(
            "signatures.key",
            f"cannot read the public key {beside}: {error}",
            f"write it with: ssh-keygen -y -f {path} > {beside}",
        ) from error
    return parse_public_key(text)


def new_key_file(path: Path, comment: str = "") -> str:
    """Make an OpenSSH Ed25519 key pair for demonstrations and return the public key.

    The private key lies at `path`, without a passphrase and with mode 0600; the public key beside
    it at `path` + `.pub`.

    Raises:
        ValueError: the comment has a line break.
        FileExistsError: one of the files is there already; nothing is overwritten.
    """
    if not comment.isprintable():
        raise ValueError("the comment of a key is printable text on one line")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    line = f"{public.decode()} {comment}".rstrip() + "\n"
    _write_new(path.with_name(path.name + ".pub"), line.encode(), mode=0o644)
    _write_new(path, private, mode=0o600)
    return public.decode()


def allowed_signers_line(
    principal: str, public_key: str, *, namespaces: tuple[str, ...] = (NAMESPACE,)
) -> str:
    """Write a line of OpenSSH's `allowed_signers` (ssh-keygen(1)), without the line break.

    Raises:
        ValueError: no namespace, or a word that would need quoting or be taken for a pattern.
        KeyFormatError: as `parse_public_key`.
    """
    if _PRINCIPAL.fullmatch(principal) is None:
        raise ValueError(f"a principal is one word without patterns, got {principal!r:.60}")
    if not namespaces or not all(map(_NAMESPACE.fullmatch, namespaces)):
        raise ValueError(f"namespaces are words without patterns, got {namespaces!r:.60}")
    return f'{principal} namespaces="{",".join(namespaces)}" {parse_public_key(public_key)}'


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _malformed(found: str) -> KeyFormatError:
    return KeyFormatError(
        "signatures.key",
        f"expected a public key like 'ssh-ed25519 AAAA… comment': {found}",
        "make one with: ssh-keygen -t ed25519",
    )
