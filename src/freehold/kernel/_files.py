"""Writing whole, and folders whose names are durable: a file that is synced is still lost if its
name is not.
"""

from __future__ import annotations

import os
from pathlib import Path


class SyncError(OSError):
    """A sync failed: what it was to make durable may be lost, whatever a second one would say."""


def write_all(file: int, data: bytes | memoryview) -> None:
    """Write all of `data`, however little the system takes at once."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable.

    Raises:
        SyncError: they may not be; whoever needs them takes nothing more until it is opened again.
        OSError: the folder cannot be opened; nothing was synced.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise SyncError(error.errno, error.strerror, str(folder)) from error
    finally:
        os.close(descriptor)


def make_folder(folder: Path, *, mode: int = 0o700) -> None:
    """Make a folder and what is missing of its parents, with durable names.

    Raises:
        OSError: it could not be made, or may not be durable.
    """
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for each in reversed(missing):
        each.mkdir(mode=mode, exist_ok=True)
        sync_folder(each.parent)  # also where a crash left the folder without a durable name
