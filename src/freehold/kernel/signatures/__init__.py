"""Signatures of people: approvals in the SSH signature format (docs/formats/approval.md).

A person signs a `Statement` with their own Ed25519 key: a file, ssh-agent, or a security key; no
server can sign for them. Here is only the cryptography: who may approve what, and whether a nonce
was used before, is decided by those who ask.

    key = public_key_of(path)
    armored = sign(statement.message(), path)
    verify(statement.message(), armored, key)
"""

from freehold.kernel.signatures._keys import (
    allowed_signers_line,
    fingerprint,
    new_key_file,
    parse_public_key,
    public_key_of,
)
from freehold.kernel.signatures._limits import SIGNATURE_LIMITS, SignatureLimits
from freehold.kernel.signatures._sign import SshAgent, sign
from freehold.kernel.signatures._statement import NAMESPACE, Statement
from freehold.kernel.signatures._verify import verify
from freehold.kernel.signatures.errors import (
    InvalidSignatureError,
    KeyFormatError,
    SignatureError,
    SigningError,
    StatementError,
)

__all__ = [
    "NAMESPACE",
    "SIGNATURE_LIMITS",
    "InvalidSignatureError",
    "KeyFormatError",
    "SignatureError",
    "SignatureLimits",
    "SigningError",
    "SshAgent",
    "Statement",
    "StatementError",
    "allowed_signers_line",
    "fingerprint",
    "new_key_file",
    "parse_public_key",
    "public_key_of",
    "sign",
    "verify",
]
