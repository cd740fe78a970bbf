"""The keyring of an estate: one folder with custody.json and keyring.db (docs/formats/vault.md).

Threads may share one keyring, and processes one folder: whoever writes holds the database's write
lock, and a change of the root key by another process is noticed before a cached key is given out.
The commit of the database is the commit point of everything but a change of custody, whose commit
point is the replacing of custody.json. After a write that failed nobody knows what is on disk, so
the keyring gives and takes nothing more until it is opened again, which finds out.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from freehold.kernel import is_id, make_folder, new_id, sync_folder
from freehold.kernel.keys import _tables as tables
from freehold.kernel.keys._custody import Custody
from freehold.kernel.keys._custody_file import WrappedRoot, encode_roots, read_roots
from freehold.kernel.keys._disk import Disk, LocalDisk
from freehold.kernel.keys._domain import DomainKeys, derive, new_identity
from freehold.kernel.keys._limits import DEFAULT_KEYS_LIMITS, KeysLimits
from freehold.kernel.keys._signer import SigningKey
from freehold.kernel.keys._wrapping import KEY_BYTES, new_key
from freehold.kernel.keys.errors import KeysError

_CUSTODY, _DATABASE = "custody.json", "keyring.db"


@dataclass(frozen=True, slots=True)
class _Root:
    """A root key, and the entry of custody.json that it came from."""

    key: bytes = field(repr=False)
    wrapped: WrappedRoot


class Keyring:
    """Keeps the secrets of key domains and signers, wrapped; `create` and `open` make one."""

    def __init__(
        self,
        folder: Path,
        custody: Custody,
        *,
        db: sqlite3.Connection,
        disk: Disk,
        limits: KeysLimits,
    ) -> None:
        self._folder = folder
        self._custody = custody
        self._db = db
        self._disk = disk
        self._limits = limits
        self._lock = threading.RLock()  # owns every field below and the connection
        self._known: _Root | None = None
        self._data_version = -1
        self._look_again_at = 0.0  # by the monotonic clock
        self._cache: OrderedDict[str, DomainKeys] = OrderedDict()
        self._failure = ""  # what the disk said when a write failed; set, never cleared

    def __repr__(self) -> str:
        return f"Keyring({str(self._folder)!r})"

    def __enter__(self) -> Keyring:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @classmethod
    def create(
        cls,
        folder: Path,
        custody: Custody,
        *,
        disk: Disk | None = None,
        limits: KeysLimits = DEFAULT_KEYS_LIMITS,
    ) -> Keyring:
        """Create a keyring in `folder`, which must not exist or be empty, and open it.

        Raises:
            KeysError: `keys.exists`, `keys.storage`.
        """
        disk = disk or LocalDisk()
        with _storage_errors(folder):
            if folder.exists() and any(folder.iterdir()):
                raise KeysError("keys.exists", f"{folder} exists", "open it, or choose another")
            # Built aside and renamed: a crash leaves no half keyring under its name.
            staged = folder.with_name(folder.name + ".new")
            shutil.rmtree(staged, ignore_errors=True)
            make_folder(staged)
            tables.connect(staged / _DATABASE, limits, create=True).close()
            root = WrappedRoot.of(new_key(), generation=1, custody=custody)
            disk.replace(staged / _CUSTODY, encode_roots([root]))
            os.rename(staged, folder)
            sync_folder(folder.parent)
        return cls.open(folder, custody, disk=disk, limits=limits)

    @classmethod
    def open(
        cls,
        folder: Path,
        custody: Custody,
        *,
        disk: Disk | None = None,
        limits: KeysLimits = DEFAULT_KEYS_LIMITS,
    ) -> Keyring:
        """Open the keyring in `folder`; an erasure that was interrupted is finished or undone.

        Raises:
            WrongCustody: another passphrase or token holds it.
            KeysError: `keys.missing`, `keys.corrupt`, `keys.out_of_step`, `keys.storage`.
        """
        for name in (_CUSTODY, _DATABASE):
            if not (folder / name).is_file():
                raise KeysError(
                    "keys.missing",
                    f"{folder} holds no keyring: {name} is missing",
                    "`freehold init` creates one; a lost file comes back from a backup only",
                )
        with _storage_errors(folder):
            db = tables.connect(folder / _DATABASE, limits)
        keyring = cls(folder, custody, db=db, disk=disk or LocalDisk(), limits=limits)
        try:
            keyring._settle()
        except BaseException:
            keyring.close()
            raise
        return keyring

    def close(self) -> None:
        """Forget every key and close the files. Closing twice is harmless."""
        with self._lock, _storage_errors(self._folder):
            self._forget()
            self._db.close()

    def refuse_after_failure(self) -> None:
        """Raise `keys.reopen` if a write has failed."""
        if self._failure:
            raise KeysError(
                "keys.reopen",
                f"a write to the keyring in {self._folder} failed: {self._failure}",
                "check the disk, then open the estate again; what was acknowledged is complete",
            )

    def new_domain(self, domain_id: str | None = None) -> str:
        """Create a key domain, durable before this returns, and give its id (a UUID).

        Raises:
            KeysError: `keys.domain_exists`, `keys.storage`.
            DomainErased: this id was in use and is erased; it is never used again.
        """
        domain_id = _check_domain(domain_id or new_id())
        identity = new_identity()
        with self._writing() as (db, root):
            tables.insert_domain(db, domain_id, identity=identity, root=root.key)
        return domain_id

    def domain(self, domain_id: str) -> DomainKeys:
        """Give the keys of a domain.

        Raises:
            UnknownDomain: there never was one.
            DomainErased: they are destroyed.
            KeysError: `keys.corrupt`, `keys.storage`.
        """
        with self._lock:
            self.refuse_after_failure()
            self._notice_others()
            keys = self._cache.get(domain_id)
            if keys is None:
                with self._reading() as (db, root):
                    identity = tables.read_identity(db, _check_domain(domain_id), root=root.key)
                keys = self._cache[domain_id] = derive(domain_id, identity)
                if len(self._cache) > self._limits.domains_cached_max:
                    self._cache.popitem(last=False)
            else:
                self._cache.move_to_end(domain_id)
            return keys

    def erase(self, domain_id: str) -> None:
        """Destroy the secret of a domain for good; erasing it again changes nothing.

        Its shard gets a new key and the keyring a new root key, so that no older copy of keyring.db
        opens with what is kept from now on. An error after the commit point leaves it erased;
        opening tidies up.

        Raises:
            UnknownDomain: there never was one.
            KeysError: `keys.corrupt`, `keys.storage`.
        """
        _check_domain(domain_id)
        with self._writing() as (db, root):
            if not tables.is_erased(db, domain_id):
                self._erase(domain_id, root)
        self._settle()

    def rotate_custody(self, new: Custody) -> None:
        """Let `new` hold the root key from now on; the root key and all that it wraps stay.

        An error leaves the keyring with the old or with the new custody, never with both or none.

        Raises:
            KeysError: `keys.storage`.
        """
        with self._writing() as (_, root):
            rotated = WrappedRoot.of(root.key, generation=root.wrapped.generation, custody=new)
            self._disk.replace(self._folder / _CUSTODY, encode_roots([rotated]))  # commit point
            self._custody, self._known = new, _Root(root.key, rotated)

    def new_signer(self, name: str) -> SigningKey:
        """Create a named Ed25519 signing key, durable before this returns.

        Raises:
            KeysError: `keys.signer_exists`, `keys.storage`.
        """
        seed = os.urandom(KEY_BYTES)
        with self._writing() as (db, root):
            tables.insert_signer(db, self._check_label(name), seed=seed, root=root.key)
        return SigningKey(name, seed)

    def signer(self, name: str) -> SigningKey:
        """Give the signing key of this name.

        Raises:
            UnknownSigner: no signer has this name.
            KeysError: `keys.corrupt`, `keys.storage`.
        """
        with self._reading() as (db, root):
            return SigningKey(name, tables.read_seed(db, name, root=root.key))

    def pin(self, name: str, value: bytes) -> None:
        """Keep a small public fact, like the newest trusted checkpoint, in place of the former.

        Raises:
            KeysError: `keys.storage`.
        """
        if len(value) > self._limits.pin_bytes_max:
            raise ValueError(f"a pin has at most {self._limits.pin_bytes_max} bytes")
        with self._writing() as (db, _):
            tables.write_pin(db, self._check_label(name), value=value)

    def pinned(self, name: str) -> bytes | None:
        """Give what is pinned under `name`, or None.

        Raises:
            KeysError: `keys.storage`.
        """
        with self._reading() as (db, _):
            return tables.read_pin(db, name)

    def _erase(self, domain_id: str, old: _Root) -> None:
        """Put a new root key into custody.json beside the old, then change the tables to it."""
        key = new_key()
        generation = old.wrapped.generation + 1
        new = _Root(key, WrappedRoot.of(key, generation=generation, custody=self._custody))
        # A crash after this and before the commit: the database still names the old generation,
        # and opening drops the new.
        self._disk.replace(self._folder / _CUSTODY, encode_roots([old.wrapped, new.wrapped]))
        tables.erase_domain(self._db, domain_id, old_root=old.key, new_root=new.key)
        self._cache.clear()
        self._known = new

    def _settle(self) -> None:
        """Finish what was begun: empty the write-ahead file, leave one root key in custody.json."""
        with self._lock:
            with _storage_errors(self._folder), self._unless_failing():
                # May find another process reading. Then the write-ahead file stays until it is
                # written back by whoever comes next; the old secrets in it are wrapped under keys
                # that exist no more.
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            with self._writing():
                pass

    @contextmanager
    def _writing(self) -> Iterator[tuple[sqlite3.Connection, _Root]]:
        """Hold the write lock with the current root key; commit at the end, or undo and forget."""
        with self._lock, _storage_errors(self._folder):
            self.refuse_after_failure()
            self._db.execute("BEGIN IMMEDIATE")  # an error here is that another process writes
            try:
                with self._unless_failing():
                    yield self._db, self._load_root()
                    self._disk.commit(self._db)
            except BaseException:
                self._forget()
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _unless_failing(self) -> Iterator[None]:
        """Stop for good where the disk fails: whether the write is on it, nobody knows.

        A second try could succeed and mean nothing, since a failed sync drops what it did not
        write; and keys read meanwhile could be those of a commit that a power loss undoes.
        """
        try:
            yield
        except (sqlite3.Error, OSError, MemoryError) as error:
            self._failure = str(error) or type(error).__name__
            self._forget()
            raise

    @contextmanager
    def _reading(self) -> Iterator[tuple[sqlite3.Connection, _Root]]:
        """Hold one snapshot of the database with the root key that belongs to it."""
        with self._lock, _storage_errors(self._folder):
            self.refuse_after_failure()
            self._db.execute("BEGIN")
            try:
                while (root := self._root_of_snapshot()) is None:
                    self._db.execute("ROLLBACK")
                    with self._writing():
                        pass
                    self._db.execute("BEGIN")
                yield self._db, root
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def _root_of_snapshot(self) -> _Root | None:
        generation = tables.read_generation(self._db)
        known = self._known
        return known if known is not None and known.wrapped.generation == generation else None

    def _notice_others(self) -> None:
        """Drop what is cached if another process has changed the root key, as each erasure does.

        Looked for now and then only: each look gives other threads a turn while the lock is held.
        """
        now = time.monotonic()
        if now < self._look_again_at:
            return
        self._look_again_at = now + self._limits.others_noticed_ms / 1000
        with _storage_errors(self._folder):
            (version,) = self._db.execute("PRAGMA data_version").fetchone()
        if version != self._data_version:
            with self._reading():
                self._data_version = version

    def _load_root(self) -> _Root:
        """Read the root key of the database's generation; drop any other from custody.json."""
        generation = tables.read_generation(self._db)
        roots = read_roots(self._folder / _CUSTODY, self._limits)
        current = roots.get(generation)
        if current is None:
            raise KeysError(
                "keys.out_of_step",
                f"keyring.db is of generation {generation}, custody.json of {max(roots)}",
                "restore both from one backup, then apply the recorded erasures",
            )
        known = self._known
        if known is None or known.wrapped != current:
            self._forget()
            known = self._known = _Root(current.unwrap(self._custody), current)
        if len(roots) > 1:
            self._disk.replace(self._folder / _CUSTODY, encode_roots([current]))
        return known

    def _forget(self) -> None:
        self._known = None
        self._cache.clear()

    def _check_label(self, name: str) -> str:
        if not (name.isascii() and name.isprintable() and name.split() == [name]):
            raise ValueError(f"a name is of printable ASCII without spaces, got {name!r:.80}")
        if len(name) > self._limits.label_chars_max:
            raise ValueError(f"a name has at most {self._limits.label_chars_max} characters")
        return name


@contextmanager
def _storage_errors(folder: Path) -> Iterator[None]:
    """Tell what the file system or SQLite could not do in words of the keyring."""
    try:
        yield
    except (sqlite3.Error, OSError, MemoryError) as error:
        raise KeysError(
            "keys.storage",
            f"the keyring in {folder} cannot be read or written: {error or 'out of memory'}",
            "check the disk's space, health and permissions, then try again",
        ) from error


def _check_domain(domain_id: str) -> str:
    if not is_id(domain_id):
        raise ValueError(f"a key domain's id is a lower-case UUID, got {domain_id!r:.80}")
    return domain_id
