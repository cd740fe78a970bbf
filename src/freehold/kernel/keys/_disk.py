"""How the keyring's bytes become durable: two operations, either of which a test can let fail."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Protocol

from freehold.kernel import sync_folder


class Disk(Protocol):
    """Makes changes durable. May raise before or after the change; must not lie about it."""

    def replace(self, target: Path, content: bytes) -> None:
        """Give `target` this content in one step: it has the old or the new one, never a part."""

    def commit(self, db: sqlite3.Connection) -> None:
        """Commit the open transaction of `db`."""


class LocalDisk:
    """The local file system."""

    def replace(self, target: Path, content: bytes) -> None:
        # One fixed name: what a crash left here is overwritten next time and never piles up.
        staged = target.with_name(target.name + ".new")
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, target)
        sync_folder(target.parent)

    def commit(self, db: sqlite3.Connection) -> None:
        db.execute("COMMIT")
