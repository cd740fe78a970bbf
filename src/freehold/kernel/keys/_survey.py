"""What a keyring's files say without any key, and whether all that they wrap unwraps.

For audits. The files are read as they lie there, also beside the process that writes to them; what
is wrapped stays so. Nothing is changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from freehold.kernel.keys import _tables as tables
from freehold.kernel.keys._custody_file import read_roots
from freehold.kernel.keys._domain import derive
from freehold.kernel.keys._limits import DEFAULT_KEYS_LIMITS, KeysLimits
from freehold.kernel.keys.errors import KeysError

_PROBLEMS_MAX = 20  # lines of SQLite's own check; more say no more


class KeyringFiles:
    """custody.json and keyring.db, looked at without a passphrase. `close` it.

    Raises:
        KeysError: `keys.corrupt`: one of the two is not of its format; `keys.storage`.
    """

    def __init__(self, folder: Path, *, limits: KeysLimits = DEFAULT_KEYS_LIMITS) -> None:
        path = folder / "keyring.db"
        # SQLite makes files beside one that nobody has open, unless told that nobody writes.
        is_open = path.with_name(path.name + "-wal").exists()
        options = "mode=ro" if is_open else "immutable=1"
        try:
            self.roots = tuple(sorted(read_roots(folder / "custody.json", limits)))
            self._db = sqlite3.connect(f"file:{quote(str(path))}?{options}", uri=True)
            self.generation = tables.read_generation(self._db)
        except (sqlite3.Error, OSError, TypeError, ValueError) as error:
            raise KeysError(
                "keys.storage",
                f"the keyring in {folder} cannot be read: {error}",
                "restore both of its files from one backup",
            ) from error

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def problems(self) -> list[str]:
        """What SQLite finds wrong with the structure of the database; empty where it is sound."""
        try:
            found = self._db.execute(f"PRAGMA integrity_check({_PROBLEMS_MAX})").fetchall()
        except sqlite3.Error as error:
            return [str(error)]
        return [str(line) for (line,) in found if line != "ok"]

    def is_erased(self, domain_id: str) -> bool | None:
        """Tell whether a domain is erased, from its tombstone; None where there never was one.

        Raises:
            KeysError: `keys.storage`.
        """
        row = self._one(
            "SELECT wrapped IS NULL FROM domains WHERE shard = ? AND id = ?",
            (tables.shard_of(domain_id), domain_id),
        )
        return None if row is None else bool(row[0])

    def erased(self) -> Iterator[str]:
        """Yield the ids of the domains that are erased.

        Raises:
            KeysError: `keys.storage`.
        """
        with _storage_errors():
            for (domain_id,) in self._db.execute("SELECT id FROM domains WHERE wrapped IS NULL"):
                yield domain_id

    def pins(self) -> dict[str, bytes]:
        """Everything that is pinned, in the clear.

        Raises:
            KeysError: `keys.storage`.
        """
        with _storage_errors():
            rows = self._db.execute("SELECT name, value FROM pins").fetchall()
        return {str(name): bytes(value) for name, value in rows}

    def pinned(self, name: str) -> bytes | None:
        """The value that is pinned under `name`, in the clear.

        Raises:
            KeysError: `keys.storage`.
        """
        row = self._one("SELECT value FROM pins WHERE name = ?", (name,))
        return None if row is None else bytes(row[0])

    def _one(self, query: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        with _storage_errors():
            row: tuple[Any, ...] | None = self._db.execute(query, values).fetchone()
        return row


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise KeysError(
            "keys.storage", f"keyring.db cannot be read: {error}", "restore it from a backup"
        ) from error


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard's rows as they lie there: its wrapped key, and its domains with their secrets."""

    number: int
    wrapped: bytes | None
    domains: list[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class KeyringState:
    """How many secrets there are, and what is wrong with those that do not unwrap."""

    domains: int
    erased: int
    signers: int
    faults: tuple[KeysError, ...]


def check_shard(shard: Shard, *, root: bytes) -> tuple[int, int, list[KeysError]]:
    """Unwrap every secret of one shard and forget it: how many there are, how many are erased, and
    what does not unwrap.
    """
    living = [(domain_id, wrapped) for domain_id, wrapped in shard.domains if wrapped is not None]
    erased = len(shard.domains) - len(living)
    faults: list[KeysError] = []
    try:
        key = tables.unwrap_shard(shard.number, shard.wrapped, root=root)
    except KeysError as error:
        return len(living), erased, [error]
    for domain_id, wrapped in living:
        try:
            derive(domain_id, tables.unwrap_identity(domain_id, wrapped, shard_key=key))
        except KeysError as error:
            faults.append(error)
        except ValueError as error:  # it unwraps, and is no identity
            faults.append(KeysError("keys.corrupt", f"the secret of {domain_id} is none: {error}"))
        if tables.shard_of(domain_id) != shard.number:
            faults.append(KeysError("keys.corrupt", f"{domain_id} lies in another shard's row"))
    return len(living), erased, faults
