"""Everything that the ledger writes to disk goes through here.

`Disk` is the whole of it: five operations, each durable when it returns. It knows no format.
Crash tests bring a disk that fails before or after any of them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from freehold.kernel import sync_folder, write_all
from freehold.kernel.ledger.errors import LogRefusedError


class Disk(Protocol):
    """Changes files. May be slow or raise `OSError`; must not return before it is durable.

    After an error the caller cannot know whether the change was made, and never tries it again
    on the same file: a failed fsync may have dropped the pages that it did not write.
    """

    def append(self, file: int, data: bytes) -> None: ...
    def create(self, path: Path, data: bytes) -> None: ...
    def replace(self, path: Path, data: bytes) -> None: ...
    def sync_folder(self, folder: Path) -> None: ...
    def remove(self, path: Path) -> None: ...


class LocalDisk:
    """The file system of this machine."""

    def append(self, file: int, data: bytes) -> None:
        """Write at the end of an open file and sync it."""
        write_all(file, data)
        os.fdatasync(file)

    def create(self, path: Path, data: bytes) -> None:
        """Write and sync a whole file; its folder has to be synced as well."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            write_all(file, data)
            os.fsync(file)
        finally:
            os.close(file)

    def replace(self, path: Path, data: bytes) -> None:
        """Put a whole file in place of another, at once: readers see the old one or the new one."""
        draft = path.with_name(path.name + ".tmp")
        self.create(draft, data)
        draft.replace(path)
        self.sync_folder(path.parent)

    def sync_folder(self, folder: Path) -> None:
        """Make the names in `folder` durable."""
        sync_folder(folder)

    def remove(self, path: Path) -> None:
        """Remove a file that is no longer needed; not durable, since its return does no harm."""
        path.unlink(missing_ok=True)


class FolderStore:
    """Tiles and entry bundles in a folder, at their tlog-tiles paths."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        self._sure: set[Path] = set()  # folders whose own names this process has made durable

    def read(self, path: str) -> bytes:
        """Read one object; `FileNotFoundError` where there is none."""
        return (self._folder / path).read_bytes()

    def write(self, objects: Mapping[str, bytes]) -> None:
        """Write objects; durable with all their folders on return."""
        changed: dict[Path, None] = {}
        for name, data in objects.items():
            path = self._folder / name
            make_folder(path.parent)
            self._disk.create(path, data)
            changed |= dict.fromkeys((path.parent, *self._unsure_above(path.parent)))
        for folder in changed:
            self._disk.sync_folder(folder)
        self._sure.update(changed)

    def _unsure_above(self, folder: Path) -> Iterator[Path]:
        """The folders above that have to be synced for `folder` to have a durable name.

        That it exists says nothing: a process that was killed may have made it and synced nothing.
        """
        while folder != self._folder and folder not in self._sure:
            folder = folder.parent
            yield folder

    def drop_partials(self, paths: Iterable[str]) -> None:
        """Remove what was written of `paths` before they became full."""
        for name in paths:
            folder = self._folder / f"{name}.p"
            if folder.is_dir():
                for partial in folder.iterdir():
                    self._disk.remove(partial)
                folder.rmdir()
                self._sure.discard(folder)


def make_folder(folder: Path) -> list[Path]:
    """Make a folder and its parents; return the folders that hold the new names, to be synced."""
    changed = []
    missing = folder
    while not missing.exists():
        missing = missing.parent
        changed.append(missing)
    folder.mkdir(parents=True, exist_ok=True)
    return changed


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Tell that the disk did not do its part while a log was opened or made.

    Raises:
        LogRefusedError: `ledger.storage`.
    """
    try:
        yield
    except OSError as error:
        raise LogRefusedError(
            "ledger.storage",
            f"the log in {folder} cannot be read or written: {error}",
            "check the disk's space, health and permissions, then try again",
        ) from error


class WriterLock:
    """The right to write to one folder: flock on its `lock` file, which ends with the process."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            LogRefusedError: another process, or this one, holds it; names the process.
        """
        path = folder / "lock"
        with storage_errors(folder):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise LogRefusedError(
                "ledger.locked",
                f"{folder} is being written by process {holder}",
                "it has one writer at a time; stop that process or use its API",
            ) from error
        self._is_held = True
        with suppress(OSError):  # a courtesy to who is refused; the lock holds without it
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock back; doing so twice is harmless."""
        if self._is_held:
            self._is_held = False
            os.close(self._file)
