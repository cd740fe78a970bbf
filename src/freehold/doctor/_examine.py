"""All checks in order: the machine first, since an estate is no safer than it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from freehold.doctor._check import Check
from freehold.doctor._disk import file_system, space, sync_behaviour
from freehold.doctor._estate import catalog, keys, ledger, permissions
from freehold.doctor._machine import (
    clock,
    core_dumps,
    isolation,
    memory,
    open_files,
    programs,
    swap,
)


def examine(folder: Path) -> Iterator[Check]:
    """Look at the machine, and at the estate in `folder` if there is one."""
    yield programs()
    yield clock()
    yield isolation()
    yield memory()
    yield swap()
    yield core_dumps()
    yield open_files()
    disk = folder if folder.is_dir() else folder.resolve().parent
    yield file_system(disk)
    yield space(disk)
    yield sync_behaviour(disk)
    if (folder / "keys").is_dir():
        yield permissions(folder)
        yield keys(folder)
        yield ledger(folder)
        yield catalog(folder)
