"""The keys of one domain: an age identity and what is derived from it (docs/formats/vault.md)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyrage  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from freehold.kernel.keys._wrapping import KEY_BYTES


@dataclass(frozen=True, slots=True)
class DomainKeys:
    """What opens, names and seals the bytes of one domain. Keep it no longer than the work at hand.

    `identity` and `recipient` are age X25519 strings, the other two are 32 bytes. None of them is
    ever shown.
    """

    domain: str
    identity: str = field(repr=False)
    recipient: str = field(repr=False)
    naming_key: bytes = field(repr=False)
    body_key: bytes = field(repr=False)


def new_identity() -> str:
    """Make an age X25519 identity."""
    return str(pyrage.x25519.Identity.generate())


def derive(domain_id: str, identity: str) -> DomainKeys:
    """Derive the keys of a domain from its identity (HKDF-SHA-256, RFC 5869, without salt)."""
    secret = identity.encode("ascii")
    return DomainKeys(
        domain=domain_id,
        identity=identity,
        recipient=str(pyrage.x25519.Identity.from_str(identity).to_public()),
        naming_key=_hkdf(secret, b"freehold/name/v1"),
        body_key=_hkdf(secret, b"freehold/body/v1"),
    )


def _hkdf(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret)
