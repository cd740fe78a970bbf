"""Errors of the vault. None of them ever carries content or a secret.

    FreeholdError
    └── VaultError
        ├── MissingBlob      vault.missing_blob: no blob of this name
        └── MissingBody      vault.missing_body: nothing is left where a body lay

Other codes: `vault.missing`, `vault.exists`, `vault.corrupt` (not what was sealed),
`vault.storage`, `vault.reopen` (a sync failed: nothing more is written until it is opened again). A
domain that is unknown or erased raises the errors of `freehold.kernel.keys`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from freehold.kernel.errors import FreeholdError


class VaultError(FreeholdError):
    """The vault cannot do what was asked."""


class MissingBlob(VaultError):
    """The vault holds no blob of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "vault.missing_blob",
            f"the vault holds no blob {name}",
            "restore it from a backup or from another site that holds it",
        )


class MissingBody(VaultError):
    """Nothing is left where a body lay: its retention is over, or it was lost."""

    def __init__(self, at: Sequence[int]) -> None:
        super().__init__(
            "vault.missing_body",
            f"nothing is left of the body at {list(at)}",
            "unless its retention is over, restore it from a backup",
        )


def corrupt(what: str, reason: str) -> VaultError:
    """Tell that `what` is not what was sealed."""
    return VaultError(
        "vault.corrupt",
        f"{what} is not what was sealed: {reason}",
        "restore it from a backup, then compare its digest with the ledger's",
    )


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Tell that the disk or the store did not do its part for `what`."""
    try:
        yield
    except (OSError, MemoryError) as error:
        raise VaultError(
            "vault.storage",
            f"{what} cannot be read or written: {error or 'out of memory'}",
            "check the disk's space, health and permissions, then try again",
        ) from error
