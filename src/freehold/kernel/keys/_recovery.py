"""Recovery of the root key without its custody: it is sealed to age recipients whose identities
people hold apart (docs/formats/vault.md).

Sealing takes public keys alone, so every new root key is recoverable too, with nobody present.
Whoever can write custody.json could name a recipient of their own there; a MAC under the root key
refuses what was not written by somebody who had it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyrage  # type: ignore[import-untyped]  # it has no types
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from freehold.kernel import Json, canonical, is_id
from freehold.kernel.keys._wrapping import KEY_BYTES
from freehold.kernel.keys.errors import KeysError, WrongCustody

RECOVERY = "recovery"
RECIPIENTS_MAX = 32  # of all recoveries together: two roots sealed to them stay under 64 KiB
SHARES_MAX = 16  # SLIP-0039 has 4 bits for it
_MAC_INFO = b"freehold/recovery/v1"


@dataclass(frozen=True, slots=True)
class Recovery:
    """One way to the root key besides the custody.

    With `shares`, its one recipient is that of an identity which was split into so many word lists,
    `threshold` of which give it back. Without (0), each recipient's own identity suffices.
    """

    id: str
    recipients: tuple[str, ...]
    shares: int = 0
    threshold: int = 1

    def __post_init__(self) -> None:
        if not is_id(self.id):
            raise ValueError("a recovery's id is a lower-case UUID")
        if len(set(self.recipients)) != len(self.recipients) or not self.recipients:
            raise ValueError("a recovery has recipients, each once")
        if self.shares:
            if not (2 <= self.threshold <= self.shares <= SHARES_MAX):
                raise ValueError(f"from 2 of 2 to {SHARES_MAX} of {SHARES_MAX} shares")
            if len(self.recipients) != 1:
                raise ValueError("what is split into shares is one identity")
        elif self.threshold != 1:
            raise ValueError("any one recipient recovers alone")

    @property
    def kind(self) -> str:
        """Whether people hold `shares` of one identity, or are `recipients` with their own."""
        return "shares" if self.shares else "recipients"

    def as_json(self) -> dict[str, Json]:
        """As custody.json has it; nothing in it is secret."""
        return {
            "id": self.id,
            "recipients": list(self.recipients),
            "shares": self.shares,
            "threshold": self.threshold,
        }

    @classmethod
    def from_json(cls, value: Any) -> Recovery:
        """Read what `as_json` gave.

        Raises:
            ValueError: it is none.
        """
        match value:
            case {
                "id": str(id_),
                "recipients": [*recipients],
                "shares": int(shares),
                "threshold": int(threshold),
            } if len(value) == 4 and all(isinstance(each, str) for each in recipients):
                return cls(id_, tuple(recipients), shares, threshold)
            case _:
                raise ValueError("expected id, recipients, shares and threshold")


@dataclass(frozen=True, slots=True)
class SealedRoot:
    """A root key, sealed to the recipients of every recovery, and who these are."""

    ways: tuple[Recovery, ...]
    sealed: bytes = field(repr=False)
    mac: bytes = field(repr=False)

    @classmethod
    def of(cls, root: bytes, ways: Iterable[Recovery]) -> SealedRoot:
        """Seal `root` to all recipients of `ways`.

        Raises:
            KeysError: `keys.recipient`: one is no age X25519 public key.
        """
        ways = tuple(ways)
        sealed = _seal(root, [each for way in ways for each in way.recipients])
        return cls(ways, sealed, _mac(root, ways, sealed))

    def check(self, root: bytes) -> None:
        """Refuse what was not written by somebody who had `root`.

        Raises:
            KeysError: `keys.corrupt`.
        """
        if not hmac.compare_digest(self.mac, _mac(root, self.ways, self.sealed)):
            raise KeysError(
                "keys.corrupt",
                "the recovery in custody.json was changed by somebody who had no root key",
                "restore custody.json from a backup, and find out who could write it",
            )


class RecoveryCustody:
    """Holds the root key by an age identity: opens what was sealed to it, and what it sealed.

    Until another custody takes over, a root key that an erasure makes is held by it alone.
    """

    kind = RECOVERY

    def __init__(self, identity: str) -> None:
        """Take an age X25519 identity.

        Raises:
            KeysError: `keys.identity`: it is none; what it is instead is not told.
        """
        try:
            self._identity = pyrage.x25519.Identity.from_str(identity.strip())
        except pyrage.IdentityError:
            raise KeysError(
                "keys.identity",
                "this is no age identity",
                "expected one line AGE-SECRET-KEY-1…, as age-keygen writes it",
            ) from None
        self.recipient = str(self._identity.to_public())

    @property
    def parameters(self) -> Mapping[str, Json]:
        """The public key, for whoever has to find the identity again."""
        return {"recipient": self.recipient}

    def wrap(self, key: bytes) -> bytes:
        """Seal `key` to the identity's own public key."""
        return _seal(key, [self.recipient])

    def unwrap(self, wrapped: bytes, parameters: Mapping[str, Json]) -> bytes:
        """Open what was sealed to this identity, whoever else it was sealed to.

        Raises:
            WrongCustody: it was sealed to others, or changed.
        """
        try:
            key: bytes = pyrage.decrypt(wrapped, [self._identity])
        except pyrage.DecryptError:
            key = b""
        if len(key) != KEY_BYTES:
            raise WrongCustody("this recovery key does not open the keyring")
        return key


def new_recovery_identity() -> str:
    """Make an age X25519 identity to be split into shares; kept by nobody as a whole."""
    return str(pyrage.x25519.Identity.generate())


def recipient_of(identity: str) -> str:
    """The public key of an age identity.

    Raises:
        KeysError: `keys.identity`.
    """
    return RecoveryCustody(identity).recipient


def check_recipient(recipient: str) -> str:
    """Return an age X25519 public key, in the one form that it has.

    Raises:
        KeysError: `keys.recipient`: it is none.
    """
    return str(_recipient(recipient))


def _recipient(text: str) -> Any:
    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError:
        raise KeysError(
            "keys.recipient",
            "a recipient is no age X25519 public key",
            "expected age1…, the public key that age-keygen prints; a secret key never goes here",
        ) from None


def _seal(key: bytes, recipients: Iterable[str]) -> bytes:
    sealed: bytes = pyrage.encrypt(key, [_recipient(each) for each in recipients])
    return sealed


def _mac(root: bytes, ways: Iterable[Recovery], sealed: bytes) -> bytes:
    key = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_MAC_INFO).derive(root)
    value = {"sealed": sealed.hex(), "ways": [way.as_json() for way in ways]}
    return hmac.digest(key, canonical(value), "sha256")
