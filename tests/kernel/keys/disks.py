"""Disks that fail: one operation of theirs fails, either before or after it was done."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from freehold.kernel.keys import LocalDisk


class PowerCut(BaseException):
    """The machine stopped here; no code of ours gets to react to it."""


class FaultyDisk:
    """A local disk whose operation number `at` (from 1) goes wrong, counted from `arm`.

    What lay in `folder` at that moment is kept in `crashed`, as the next start would find it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.crashed = folder.with_name("crashed")
        self.operations: list[str] = []
        self._disk = LocalDisk()
        self._at = 0
        self._is_written = False
        self._error: BaseException = PowerCut()

    def arm(self, at: int, *, is_written: bool, error: BaseException | None = None) -> None:
        self.operations.clear()
        self._at, self._is_written, self._error = at, is_written, error or PowerCut()

    def replace(self, target: Path, content: bytes) -> None:
        self._do("replace", lambda: self._disk.replace(target, content))

    def commit(self, db: sqlite3.Connection) -> None:
        self._do("commit", lambda: self._disk.commit(db))

    def _do(self, name: str, operation: Callable[[], None]) -> None:
        self.operations.append(name)
        fails = len(self.operations) == self._at
        if not fails or self._is_written:
            operation()
        if fails:
            if self.folder.exists():
                shutil.copytree(self.folder, self.crashed)
            raise self._error
