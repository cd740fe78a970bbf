"""Who holds the root key: a passphrase.

A token (PKCS#11), which unwraps inside itself, fits the same protocol.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from freehold.kernel import Json
from freehold.kernel.keys._wrapping import KEY_BYTES
from freehold.kernel.keys.errors import KeysError, WrongCustody

_SALT_BYTES = 16  # RFC 8018, 4.1 asks for at least 8


class Custody(Protocol):
    """Wraps the keyring's root key. May be slow or need a person; must never show its own key."""

    @property
    def kind(self) -> str:
        """A short name of its kind, kept in custody.json."""

    @property
    def parameters(self) -> Mapping[str, Json]:
        """What `unwrap` will need besides the secret itself; public, kept in custody.json."""

    def wrap(self, key: bytes) -> bytes:
        """Wrap `key` under the custody's own key, by `parameters`."""

    def unwrap(self, wrapped: bytes, parameters: Mapping[str, Json]) -> bytes:
        """Give back what was wrapped by `parameters`.

        Raises:
            WrongCustody: it was wrapped by another passphrase or token.
        """


@dataclass(frozen=True, slots=True)
class ScryptCost:
    """Cost of scrypt (RFC 7914): memory is `128 · n · r` bytes, time grows with `n · r · p`.

    The default takes 64 MiB and 0.1 to 0.3 s of one core: hardly noticed once at a start, and so
    dear in memory that guessing on graphics cards gains little.
    """

    n: int = 65_536
    r: int = 8
    p: int = 1

    def __post_init__(self) -> None:
        # Bounds, because these numbers are read from a file: at most 2 GiB, and n a power of two
        # (RFC 7914, 2).
        if not (2 <= self.n <= 1_048_576 and self.n & (self.n - 1) == 0):
            raise ValueError(f"n is a power of two from 2 to 1048576, got {self.n}")
        if not (1 <= self.r <= 16 and 1 <= self.p <= 16):
            raise ValueError(f"r and p are from 1 to 16, got {self.r} and {self.p}")


INSECURE_TEST_COST = ScryptCost(n=16)  # protects nothing: for tests and demonstrations


class PassphraseCustody:
    """Holds the root key by a passphrase: scrypt makes a key of it, RFC 5649 wraps with that.

    Args:
        passphrase: text; differences of Unicode composition do not count (NFC).
        cost: of what is wrapped from now on; unwrapping takes the stored one.
    """

    kind = "passphrase"

    def __init__(self, passphrase: str, *, cost: ScryptCost | None = None) -> None:
        if not passphrase:
            raise ValueError("the passphrase is empty")
        self._passphrase = unicodedata.normalize("NFC", passphrase).encode()
        self._cost = cost or ScryptCost()
        self._salt = os.urandom(_SALT_BYTES)
        self._derived: dict[tuple[ScryptCost, bytes], bytes] = {}

    @property
    def parameters(self) -> Mapping[str, Json]:
        """Salt and cost, public."""
        cost = self._cost
        return {"kdf": "scrypt", "n": cost.n, "p": cost.p, "r": cost.r, "salt": self._salt.hex()}

    def wrap(self, key: bytes) -> bytes:
        """Wrap `key` (RFC 5649)."""
        return keywrap.aes_key_wrap_with_padding(self._key(self._cost, self._salt), key)

    def unwrap(self, wrapped: bytes, parameters: Mapping[str, Json]) -> bytes:
        """Give back what was wrapped by `parameters`.

        Raises:
            WrongCustody: another passphrase wrapped it, or it was changed.
            KeysError: `keys.corrupt`: the parameters are none of ours.
        """
        cost, salt = _read_parameters(parameters)
        try:
            return keywrap.aes_key_unwrap_with_padding(self._key(cost, salt), wrapped)
        except keywrap.InvalidUnwrap:
            self._derived.pop((cost, salt), None)
            raise WrongCustody("this passphrase does not open the keyring") from None

    def _key(self, cost: ScryptCost, salt: bytes) -> bytes:
        """Derive the wrapping key, once for each salt: it is slow, and erasures wrap often."""
        known = self._derived.get((cost, salt))
        if known is None:
            scrypt = Scrypt(salt=salt, length=KEY_BYTES, n=cost.n, r=cost.r, p=cost.p)
            known = self._derived[cost, salt] = scrypt.derive(self._passphrase)
        return known


def _read_parameters(parameters: Mapping[str, Json]) -> tuple[ScryptCost, bytes]:
    match dict(parameters):
        case {"kdf": "scrypt", "n": int(n), "p": int(p), "r": int(r), "salt": str(salt)}:
            try:
                return ScryptCost(n=n, r=r, p=p), bytes.fromhex(salt)
            except ValueError as error:
                raise _bad_parameters(str(error)) from error
        case _:
            raise _bad_parameters("expected kdf, n, p, r and salt")


def _bad_parameters(reason: str) -> KeysError:
    return KeysError(
        "keys.corrupt",
        f"the scrypt parameters in custody.json are not valid: {reason}",
        "restore custody.json from a backup",
    )
