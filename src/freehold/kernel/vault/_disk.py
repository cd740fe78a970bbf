"""How the vault's bytes become durable on a local file system."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

Sync = Callable[[int], None]
"""Makes what was written to a descriptor durable, or raises OSError."""

# macOS has no fdatasync.
sync_data: Sync = getattr(os, "fdatasync", os.fsync)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_private(path: str, flags: int) -> int:
    """Open a file that nobody else on the machine may read, if it is created."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of `data`, however little the system takes at once."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
