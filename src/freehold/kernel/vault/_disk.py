"""How the vault's bytes become durable on a local file system."""

from __future__ import annotations

import os
from collections.abc import Callable

from freehold.kernel import SyncError

Sync = Callable[[int], None]
"""Makes what was written to a descriptor durable, or raises OSError."""

# macOS has no fdatasync.
sync_data: Sync = getattr(os, "fdatasync", os.fsync)


def sync_file(sync: Sync, descriptor: int) -> None:
    """Make a file durable.

    Raises:
        SyncError: it may not be.
    """
    try:
        sync(descriptor)
    except OSError as error:
        raise SyncError(error.errno, error.strerror) from error


def open_private(path: str, flags: int) -> int:
    """Open a file that nobody else on the machine may read, if it is created."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
