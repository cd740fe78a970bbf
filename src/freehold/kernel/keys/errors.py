"""Errors of the keyring. None of them ever carries a secret.

    FreeholdError
    └── KeysError
        ├── WrongCustody     keys.wrong_custody: this passphrase or token does not open the keyring
        ├── UnknownDomain    keys.unknown_domain: there never was such a domain
        ├── DomainErased     keys.domain_erased: there was, and its secret is destroyed
        ├── UnknownSigner    keys.unknown_signer: no signing key has this name
        ├── BadPin           keys.pin: a pin does not read as what it is
        └── BadShares        keys.share, keys.shares_few, keys.shares_mixed: they give nothing

Other codes: `keys.missing`, `keys.exists`, `keys.domain_exists`, `keys.signer_exists`,
`keys.corrupt`, `keys.newer` (a later version wrote it), `keys.out_of_step` (keyring.db and
custody.json are not of one backup),
`keys.identity`, `keys.recipient`, `keys.recipients`, `keys.unknown_recovery`, `keys.storage`,
`keys.reopen` (a write failed: nothing more until it is opened again) and `keys.unrecorded` (the
custody was changed, its record failed).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from freehold.kernel.errors import FreeholdError


class KeysError(FreeholdError):
    """The keyring cannot do what was asked."""


class WrongCustody(KeysError):
    """The custody that was given is not the one that holds this keyring."""

    def __init__(self, message: str) -> None:
        super().__init__(
            "keys.wrong_custody", message, "check the passphrase or token; nothing was changed"
        )


class UnknownDomain(KeysError):
    """There never was a key domain with this id."""

    def __init__(self, domain_id: str) -> None:
        super().__init__(
            "keys.unknown_domain",
            f"the keyring has no key domain {domain_id}",
            "check the id, or restore the keyring from a backup that has it",
        )


class DomainErased(KeysError):
    """The key domain was erased: what lay in it can never be read again."""

    def __init__(self, domain_id: str) -> None:
        super().__init__(
            "keys.domain_erased",
            f"the key domain {domain_id} was erased",
            "nothing can bring it back; the ledger tells which act erased it",
        )


class UnknownSigner(KeysError):
    """No signing key has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "keys.unknown_signer",
            f"the keyring has no signing key {name!r}",
            "`freehold init` creates the keys of an estate",
        )


class BadPin(KeysError):
    """A pin is not what Freehold writes there: somebody changed it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "keys.pin",
            f"the pin {name!r} in keyring.db does not read as what Freehold writes there",
            "`freehold audit` tells what else was changed; restore the keys from a backup",
        )


class BadShares(KeysError):
    """The shares that were given do not give back a recovery's identity; none of them is shown."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(
            code,
            message,
            "`freehold recovery show` tells how many of which recovery it takes; nothing was "
            "changed",
        )


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Tell what the file system or SQLite could not do in words of the keyring."""
    try:
        yield
    except (sqlite3.Error, OSError, MemoryError) as error:
        raise KeysError(
            "keys.storage",
            f"the keyring in {folder} cannot be read or written: {error or 'out of memory'}",
            "check the disk's space, health and permissions, then try again",
        ) from error
