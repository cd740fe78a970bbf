"""Copying a keyring: its rows and its custody out, as they lie, and into a new folder.

Nothing is unwrapped on the way, so that no custody is needed. What a copy holds opens with the
custody of its moment alone.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from freehold.kernel import Json, canonical, parse_json, sync_folder
from freehold.kernel.keys import _tables as tables
from freehold.kernel.keys._custody import Custody
from freehold.kernel.keys._custody_file import WrappedRoot, encode_roots, parse_roots, read_roots
from freehold.kernel.keys._disk import Disk, LocalDisk
from freehold.kernel.keys._limits import DEFAULT_KEYS_LIMITS, KeysLimits
from freehold.kernel.keys._wrapping import unwrap
from freehold.kernel.keys.errors import KeysError, storage_errors

CUSTODY, DATABASE = "custody.json", "keyring.db"
TRIES_MAX = 100  # an erasure would have to change custody.json in the middle of each

Row = Sequence[Json]
"""The name of a table and the values of one of its rows; bytes in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A keyring at one moment; `rows` can be gone through once."""

    generation: int
    custody: bytes
    rows: Iterator[Row]


@contextmanager
def snapshot(folder: Path, limits: KeysLimits = DEFAULT_KEYS_LIMITS) -> Iterator[Snapshot]:
    """Hold one moment of the keyring in `folder`, while others go on writing to it.

    Raises:
        KeysError: `keys.corrupt`, `keys.out_of_step`.
        sqlite3.Error, OSError: it cannot be read.
    """
    db = tables.connect(folder / DATABASE, limits)
    try:
        for _ in range(TRIES_MAX):
            db.execute("BEGIN")
            generation = tables.read_generation(db)
            root = read_roots(folder / CUSTODY, limits).get(generation)
            if root is not None:
                yield Snapshot(generation, encode_roots([root]), _rows(db))
                return
            db.execute("ROLLBACK")  # an erasure was finished between the two readings
        raise KeysError(
            "keys.out_of_step",
            f"custody.json has no root key of generation {generation}",
            "restore both from one backup, then apply the recorded erasures",
        )
    finally:
        db.close()


class KeyringWriter:
    """Makes a keyring of the rows of another; it is there once `finish` returns."""

    def __init__(self, folder: Path, limits: KeysLimits = DEFAULT_KEYS_LIMITS) -> None:
        """Begin a keyring in `folder`, which must not exist; it is built aside.

        Raises:
            KeysError: `keys.storage`.
        """
        self._folder = folder
        self._built = folder.with_name(folder.name + ".new")
        with storage_errors(folder):
            shutil.rmtree(self._built, ignore_errors=True)
            self._built.mkdir(mode=0o700, parents=True)
            self._db = tables.connect(self._built / DATABASE, limits, create=True)
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM root")

    def add(self, rows: Iterable[Row]) -> None:
        """Take rows in.

        Raises:
            KeysError: `keys.corrupt`: no row of a keyring; `keys.storage`.
        """
        for row in rows:
            try:
                table, *values = row
                *plain, last = values
                columns = tables.COLUMNS[str(table)]
                if len(values) != columns:
                    raise ValueError(f"{table} has {columns} columns")
                is_key = table != "root" and last is not None
                stored = (*plain, bytes.fromhex(str(last))) if is_key else tuple(values)
                insert = f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608  # in COLUMNS
                with storage_errors(self._folder):
                    self._db.execute(insert, stored)
            except (KeyError, ValueError, TypeError) as error:
                raise KeysError("keys.corrupt", f"a row of the copy is none: {error}") from error

    def finish(self, custody: bytes, disk: Disk | None = None) -> None:
        """Give it its custody.json, make all durable, and put it in its place.

        Raises:
            KeysError: `keys.corrupt`: the custody is of another generation than the rows;
                `keys.storage`.
        """
        disk = disk or LocalDisk()
        with storage_errors(self._folder):
            found = [row[0] for row in self._db.execute("SELECT generation FROM root")]
            if found != list(parse_roots(custody)):
                raise KeysError("keys.corrupt", "rows and custody.json are not of one keyring")
            disk.commit(self._db)
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._db.close()
            disk.replace(self._built / CUSTODY, custody)
            os.rename(self._built, self._folder)
            sync_folder(self._folder.parent)

    def close(self) -> None:
        """Let go of it; what was not finished is overwritten next time."""
        self._db.close()


def _rows(db: sqlite3.Connection) -> Iterator[Row]:
    for table, columns in tables.COLUMNS.items():
        order = ", ".join(map(str, range(1, columns + 1)))
        query = f"SELECT * FROM {table} ORDER BY {order}"  # noqa: S608  # names and numbers of ours
        for values in db.execute(query):
            yield [table, *(v.hex() if isinstance(v, bytes) else v for v in values)]


def encode_locked(root: WrappedRoot, wrapped: bytes) -> bytes:
    """Write a secret that the custody holds: its root key, and the secret wrapped by that."""
    custody = encode_roots([root]).decode()
    return canonical({"custody": custody, "v": 1, "wrapped": wrapped.hex()}) + b"\n"


def unlock(text: bytes, name: str, custody: Custody) -> bytes:
    """Give back what `Keyring.lock_away` locked away under `name`; no keyring is needed.

    Raises:
        WrongCustody: another custody holds it.
        KeysError: `keys.corrupt`.
    """
    match parse_json(text):
        case {"v": 1, "custody": str(roots), "wrapped": str(wrapped)}:
            (root,) = parse_roots(roots.encode()).values()
            return unwrap(bytes.fromhex(wrapped), name=name, key=root.unwrap(custody))
        case _:
            raise KeysError("keys.corrupt", "a secret held by the custody cannot be read")
