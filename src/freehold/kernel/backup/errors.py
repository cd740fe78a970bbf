"""Errors of bundles.

    FreeholdError
    └── BackupError
        └── ChangedBundle    backup.changed: not what was signed

Other codes: `backup.missing`, `backup.unfinished`, `backup.target`, `backup.storage`, `backup.key`
(nothing that was given opens it), `backup.signature`, `backup.base` (a bundle of the chain is
missing), `backup.estate` (of another estate), `backup.blob` (a blob that the ledger names is
missing or another), `backup.loss` (records that were seen are not in it), `backup.custody`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from freehold.kernel.errors import FreeholdError


class BackupError(FreeholdError):
    """A bundle cannot be made, read or restored."""


class ChangedBundle(BackupError):
    """Something in a bundle is not what was signed."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(
            "backup.changed",
            f"{what} is not what was signed: {reason}",
            "take another copy of this bundle, or an older bundle",
        )


@contextmanager
def storage_errors(what: object) -> Iterator[None]:
    """Tell that the disk did not do its part for `what`."""
    try:
        yield
    except OSError as error:
        raise BackupError(
            "backup.storage",
            f"{what} cannot be read or written: {error}",
            "check the disk's space, health and permissions, then run the same command again: "
            "it goes on where it stopped",
        ) from error
