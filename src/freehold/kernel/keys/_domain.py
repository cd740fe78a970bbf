"""The keys of one domain: an age identity and what is derived from it (docs/formats/vault.md)."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from freehold.kernel.keys._identity import recipient_of
from freehold.kernel.keys._wrapping import KEY_BYTES


@dataclass(frozen=True, slots=True)
class DomainKeys:
    """What opens, names and seals the bytes of one domain. Keep it no longer than the work at hand.

    `identity` is an age X25519 string, the other two are 32 bytes. None of them is ever shown.
    """

    domain: str
    identity: str = field(repr=False)
    naming_key: bytes = field(repr=False)
    body_key: bytes = field(repr=False)

    @property
    def recipient(self) -> str:
        """What the stock `age` seals to."""
        return recipient_of(self.identity)


def derive(domain_id: str, identity: str) -> DomainKeys:
    """Derive the keys of a domain from its identity (HKDF-SHA-256, RFC 5869, without salt)."""
    secret = identity.encode("ascii")
    return DomainKeys(
        domain=domain_id,
        identity=identity,
        naming_key=_hkdf(secret, b"freehold/name/v1"),
        body_key=_hkdf(secret, b"freehold/body/v1"),
    )


def _hkdf(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret)
