"""The format version of an estate: a pin in its keyring, and what an upgrade keeps beside it.

An estate without the pin is of version 1. What the versions mean: docs/guides/upgrades.md.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from freehold.kernel.keys import BadPin, Keyring, peek_pins
from freehold.kernel.upkeep.errors import FormatError

FORMAT = 2
"""What this software writes. 1: records say nothing about the clock. 2: they do."""

ASIDE = "before-upgrade"
"""The folder in an estate that holds its former state, until the first act after an upgrade."""

ABOUT = "upgrade.json"
"""The file in it that says of which version it is; without it, it is not whole."""

UNDOING = "undoing-upgrade"
"""The folder in an estate where an undo that is under way puts what it takes away."""

IDENTITY = "estate"
"""The pin that names the estate and says whether it is trial: the last that is made."""

_PIN = "format"
_UNPINNED = 1


def format_of(folder: Path) -> int:
    """The format version of the estate in a folder; nothing is opened or changed."""
    try:
        return int(peek_pins(folder / "keys").get(_PIN, _UNPINNED))
    except ValueError:
        raise BadPin(_PIN) from None


def pin_format(keyring: Keyring, version: int) -> None:
    """Say of which version an estate is."""
    keyring.pin(_PIN, str(version).encode())


def check_format(folder: Path, *, is_upgrading: bool = False) -> None:
    """Refuse an estate of another version, before anything in it is touched.

    Raises:
        FormatError: it is newer; or older, unless it is being upgraded.
        KeysError: its keyring cannot be read, or is newer.
    """
    if (folder / UNDOING).exists():
        raise FormatError(
            "estate.undoing",
            f"undoing the upgrade of the estate in {folder} was interrupted",
            "finish it with `freehold upgrade --undo`",
        )
    if IDENTITY not in peek_pins(folder / "keys"):
        return  # not complete; whoever opens it says so
    version = format_of(folder)
    if version > FORMAT:
        raise FormatError(
            "estate.newer",
            f"the estate in {folder} is of format {version}; this software reads up to {FORMAT}",
            "use the newer Freehold that wrote it; nothing was changed",
        )
    if version < FORMAT and not is_upgrading:
        raise FormatError(
            "estate.older",
            f"the estate in {folder} is of format {version}; this software writes {FORMAT}",
            "try `freehold upgrade --rehearse`, then `freehold upgrade`; nothing was changed",
        )


def drop_aside(folder: Path) -> None:
    """Forget the state before an upgrade: what is written from here on could not be undone with it.

    Its keys go first, overwritten: they open what may be erased next.
    """
    aside = folder / ASIDE
    (aside / ABOUT).unlink(missing_ok=True)  # from here on it is not a state that could come back
    keys = aside / "keys"
    for path in sorted(keys.iterdir()) if keys.is_dir() else ():
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            os.fsync(file.fileno())
        path.unlink()
    shutil.rmtree(aside)
