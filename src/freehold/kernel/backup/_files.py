"""Writing files that are durable when it is said so, hashed on the way."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from freehold.kernel import write_all
from freehold.kernel.ledger import Disk

SYNCS_AT_ONCE = 16


def write_durably(path: Path, blocks: Iterable[bytes | memoryview], disk: Disk) -> tuple[str, int]:
    """Write `blocks`, each good until the next, to a file; give their SHA-256 and their length.

    The content is durable on return; the file's name is once its folder is synced.
    """
    sha256, size, waiting = hashlib.sha256(), 0, b""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        for block in blocks:
            sha256.update(block)
            size += len(block)
            write_all(file, waiting)
            waiting = bytes(block)
        disk.append(file, waiting)  # the last of it, and all before is durable
    finally:
        os.close(file)
    return sha256.hexdigest(), size


def sync_files(paths: Sequence[Path]) -> None:
    """Make files durable. Many at a time, since a file system makes such syncs one commit."""
    with ThreadPoolExecutor(SYNCS_AT_ONCE, thread_name_prefix="sync") as threads:
        for _ in threads.map(_sync_file, paths):
            pass


def _sync_file(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
