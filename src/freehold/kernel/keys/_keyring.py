"""The keyring of an estate: one folder with custody.json and keyring.db (docs/formats/vault.md).

Threads may share one keyring, and processes one folder: whoever writes holds the database's write
lock, and a change of the root key by another process is noticed before a cached key is given out.
The commit of the database is the commit point of everything but a change of custody, whose commit
point is the replacing of custody.json. After a write that failed it is not known what is on disk,
so the keyring gives and takes nothing more until it is opened again, which finds out.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from freehold.kernel import is_id, make_folder, new_id, sync_folder
from freehold.kernel.keys import _tables as tables
from freehold.kernel.keys._copy import CUSTODY, DATABASE, Snapshot, encode_locked, snapshot
from freehold.kernel.keys._custody import Custody
from freehold.kernel.keys._custody_file import WrappedRoot, encode_roots, read_roots
from freehold.kernel.keys._disk import Disk, LocalDisk
from freehold.kernel.keys._domain import DomainKeys, derive
from freehold.kernel.keys._identity import new_identity
from freehold.kernel.keys._limits import DEFAULT_KEYS_LIMITS, KeysLimits
from freehold.kernel.keys._recoveries import Recoveries
from freehold.kernel.keys._recovery import Recovery
from freehold.kernel.keys._signer import SigningKey
from freehold.kernel.keys._survey import KeyringState, Shard, check_shard
from freehold.kernel.keys._wrapping import KEY_BYTES, new_key, wrap
from freehold.kernel.keys.errors import BadPin, KeysError, storage_errors


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
        with storage_errors(folder):
            if folder.exists() and any(folder.iterdir()):
                raise KeysError("keys.exists", f"{folder} exists", "open it, or choose another")
            # Built aside and renamed: a crash leaves no half keyring under its name.
            staged = folder.with_name(folder.name + ".new")
            shutil.rmtree(staged, ignore_errors=True)
            make_folder(staged)
            tables.connect(staged / DATABASE, limits, create=True).close()
            root = WrappedRoot.of(new_key(), generation=1, custody=custody)
            disk.replace(staged / CUSTODY, encode_roots([root]))
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
        for name in (CUSTODY, DATABASE):
            if not (folder / name).is_file():
                raise KeysError(
                    "keys.missing",
                    f"{folder} holds no keyring: {name} is missing",
                    "`freehold init` creates one; a lost file comes back from a backup only",
                )
        with storage_errors(folder):
            db = tables.connect(folder / DATABASE, limits)
        keyring = cls(folder, custody, db=db, disk=disk or LocalDisk(), limits=limits)
        try:
            with storage_errors(folder):
                # The name of the write-ahead file, which is there since `connect`. SQLite syncs it
                # with the first commit, and takes no notice where that fails (os_unix.c, unixSync):
                # what was committed would be lost with the name.
                sync_folder(folder)
            keyring._settle()
        except BaseException:
            keyring.close()
            raise
        return keyring

    def close(self) -> None:
        """Forget every key and close the files. Closing twice is harmless."""
        with self._lock, storage_errors(self._folder):
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

    @property
    def custody(self) -> Custody:
        """What holds the root key, for opening copies of this keyring."""
        return self._custody

    def new_domain(self, domain_id: str | None = None) -> str:
        """Create a key domain, durable before this returns, and give its id (a UUID).

        Raises:
            KeysError: `keys.domain_exists`, `keys.storage`.
            DomainErased: this id was in use and is erased; it is never used again.
        """
        domain_id = domain_id or new_id()
        self.new_domains((domain_id,))
        return domain_id

    def new_domains(self, ids: Iterable[str]) -> None:
        """Create key domains of these ids, all or none, durable before this returns.

        Raises:
            KeysError: `keys.domain_exists`, `keys.storage`.
            DomainErased: an id was in use and is erased.
        """
        made = [(_check_domain(each), new_identity()) for each in ids]
        with self._writing() as (db, root):
            for domain_id, identity in made:
                tables.insert_domain(db, domain_id, identity=identity, root=root.key)

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

    def kept(self, ids: Iterable[str]) -> list[str]:
        """Those of the domains whose secrets are not destroyed; quick for very many.

        Raises:
            UnknownDomain: there never was one of these.
            KeysError: `keys.storage`.
        """
        with self._reading() as (db, _):
            return [each for each in ids if not tables.is_erased(db, _check_domain(each))]

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
                new = self._next_root(root, ways=root.wrapped.ways)
                tables.erase_domain(db, domain_id, old_root=root.key, new_root=new.key)
                self._take(new)
        self._settle()

    def rotate_custody(self, new: Custody) -> None:
        """Let `new` hold the root key from now on; the root key and all that it wraps stay.

        An error leaves the keyring with the old or with the new custody, never with both or none.

        Raises:
            KeysError: `keys.storage`.
        """
        with self._writing() as (_, root):
            rotated = WrappedRoot.of(
                root.key,
                generation=root.wrapped.generation,
                custody=new,
                ways=root.wrapped.ways,
            )
            self._put([rotated])  # the commit point
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

    def check(self) -> KeyringState:
        """Unwrap every secret that is kept, and tell what does not; nothing is changed.

        Shard by shard, so that others wait for no more than one.

        Raises:
            KeysError: `keys.storage`.
        """
        with self._reading() as (db, _):
            numbers, names = tables.shards_with_domains(db), tables.signer_names(db)
        domains = erased = 0
        faults: list[KeysError] = []
        for number in numbers:
            with self._reading() as (db, root):
                shard, key = Shard(number, *tables.read_shard(db, number)), root.key
            living, gone, wrong = check_shard(shard, root=key)
            domains, erased = domains + living, erased + gone
            faults += wrong
        for name in names:
            try:
                self.signer(name)
            except KeysError as error:
                faults.append(error)
        return KeyringState(domains, erased, len(names), tuple(faults))

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Hold one moment of the keyring for copying; nobody waits for it meanwhile.

        Raises:
            KeysError: `keys.storage`, `keys.corrupt`.
        """
        with storage_errors(self._folder), snapshot(self._folder, self._limits) as held:
            yield held

    def lock_away(self, name: str, secret: bytes) -> bytes:
        """Wrap a secret of another's, to be given back by `unlock` to whoever has the custody.

        Raises:
            KeysError: `keys.storage`.
        """
        with self._reading() as (_, root):
            return encode_locked(
                root.wrapped, wrap(secret, name=self._check_label(name), key=root.key)
            )

    @property
    def recoveries(self) -> Recoveries:
        """The ways to the root key besides the custody."""
        return Recoveries(self)

    def _next_root(self, old: _Root, *, ways: tuple[Recovery, ...]) -> _Root:
        """Make a new root key, and put it into custody.json beside the old."""
        key = new_key()
        generation = old.wrapped.generation + 1
        wrapped = WrappedRoot.of(key, generation=generation, custody=self._custody, ways=ways)
        # A crash after this and before the commit: the database still names the old generation,
        # and opening drops the new.
        self._put([old.wrapped, wrapped])
        return _Root(key, wrapped)

    def _take(self, new: _Root) -> None:
        """Go on with the root key that the tables have just been wrapped under."""
        self._cache.clear()
        self._known = new

    def _settle(self) -> None:
        """Finish what was begun: empty the write-ahead file, leave one root key in custody.json."""
        with self._lock:
            # May find another process reading. Then the write-ahead file stays until it is written
            # back by whoever comes next; the old secrets in it are wrapped under keys that exist
            # no more.
            with storage_errors(self._folder), self._unless_failing():
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            with self._writing():
                pass

    @contextmanager
    def _writing(self) -> Iterator[tuple[sqlite3.Connection, _Root]]:
        """Hold the write lock with the current root key; commit at the end, or undo and forget."""
        with self._lock, storage_errors(self._folder):
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
        with self._lock, storage_errors(self._folder):
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
        with storage_errors(self._folder):
            (version,) = self._db.execute("PRAGMA data_version").fetchone()
        if version != self._data_version:
            with self._reading():
                self._data_version = version

    def _load_root(self) -> _Root:
        """Read the root key of the database's generation; drop any other from custody.json."""
        generation = tables.read_generation(self._db)
        roots = self._lying()
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
            self._put([current])
        return known

    def _lying(self) -> dict[int, WrappedRoot]:
        return read_roots(self._folder / CUSTODY, self._limits)

    def _put(self, roots: Iterable[WrappedRoot]) -> None:
        self._disk.replace(self._folder / CUSTODY, encode_roots(roots))

    def _forget(self) -> None:
        self._known = None
        self._cache.clear()

    def _check_label(self, name: str) -> str:
        if not (name.isascii() and name.isprintable() and name.split() == [name]):
            raise ValueError(f"a name is of printable ASCII without spaces, got {name!r:.80}")
        if len(name) > self._limits.label_chars_max:
            raise ValueError(f"a name has at most {self._limits.label_chars_max} characters")
        return name


def pinned_number(keyring: Keyring, name: str, *, otherwise: int) -> int:
    """Give the whole number that is pinned under `name`, or `otherwise` where nothing is.

    Raises:
        BadPin: it is none.
        KeysError: `keys.storage`.
    """
    pinned = keyring.pinned(name)
    try:
        return otherwise if pinned is None else int(pinned)
    except ValueError:
        raise BadPin(name) from None


def peek_pins(folder: Path) -> dict[str, bytes]:
    """Read what is pinned in the keyring of a folder, with no custody and changing nothing.

    Empty where there is no keyring.

    Raises:
        KeysError: `keys.newer`, `keys.corrupt`, `keys.storage`.
    """
    database = folder / DATABASE
    if not database.is_file():
        return {}
    with storage_errors(folder):
        return tables.peek_pins(database)


def _check_domain(domain_id: str) -> str:
    if not is_id(domain_id):
        raise ValueError(f"a key domain's id is a lower-case UUID, got {domain_id!r:.80}")
    return domain_id
