"""Security keys and signature blobs made by hand, for what no key in software would sign."""

from __future__ import annotations

import base64
import hashlib
import textwrap

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECURITY_KEY = b"sk-ssh-ed25519@openssh.com"


def pack(*strings: bytes) -> bytes:
    return b"".join(len(string).to_bytes(4, "big") + string for string in strings)


def armor(blob: bytes) -> str:
    lines = textwrap.wrap(base64.b64encode(blob).decode(), 70)
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def unarmor(armored: str) -> bytes:
    return base64.b64decode("".join(armored.split("\n")[1:-2]))


class SecurityKey:
    """What a FIDO key does (OpenSSH PROTOCOL.u2f), in software."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.blob = pack(SECURITY_KEY, self._key.public_key().public_bytes_raw(), b"ssh:")

    @property
    def public_key(self) -> str:
        return f"{SECURITY_KEY.decode()} {base64.b64encode(self.blob).decode()}"

    def sign(self, message: bytes, namespace: bytes, flags: int = 1, tail: bytes = b"") -> str:
        hashed = hashlib.sha512(message).digest()
        data = b"SSHSIG" + pack(namespace, b"", b"sha512", hashed)
        presence = bytes([flags]) + (7).to_bytes(4, "big")
        digests = hashlib.sha256(b"ssh:").digest(), hashlib.sha256(data).digest()
        raw = self._key.sign(digests[0] + presence + digests[1])
        signature = pack(SECURITY_KEY, raw) + presence + tail
        parts = pack(self.blob, namespace, b"", b"sha512", signature)
        return armor(b"SSHSIG" + (1).to_bytes(4, "big") + parts)
