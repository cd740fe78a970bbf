"""keyring.db: the tables of the keyring, and what is done to them (docs/formats/vault.md).

Everything here works on an open transaction and leaves its end to the caller. Rows of domains lie
in the order of their shards, so that an erasure reads and writes one shard's domains and all shard
keys, however many domains there are.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from freehold.kernel.keys._limits import KeysLimits
from freehold.kernel.keys._wrapping import new_key, unwrap, wrap
from freehold.kernel.keys.errors import DomainErased, KeysError, UnknownDomain, UnknownSigner

_VERSION = 1
_SCHEMA = """
PRAGMA user_version = 1;
BEGIN;
CREATE TABLE root (generation INTEGER NOT NULL) STRICT;
CREATE TABLE shards (shard INTEGER PRIMARY KEY, wrapped BLOB NOT NULL) STRICT;
CREATE TABLE domains (
    shard INTEGER NOT NULL, id TEXT NOT NULL, wrapped BLOB, PRIMARY KEY (shard, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE signers (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE pins (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO root VALUES (1);
COMMIT;
"""

COLUMNS: Mapping[str, int] = MappingProxyType(
    {"root": 1, "shards": 2, "domains": 3, "signers": 2, "pins": 2}
)
"""How many columns each table has; of all but `root` the last holds bytes, or null."""


def connect(path: Path, limits: KeysLimits, *, create: bool = False) -> sqlite3.Connection:
    """Open keyring.db, creating its tables if `create` is given.

    Raises:
        KeysError: `keys.newer`, `keys.corrupt`: of another version.
        sqlite3.Error: it cannot be opened.
    """
    db = sqlite3.connect(
        f"file:{quote(str(path))}?mode={'rwc' if create else 'rw'}",
        uri=True,
        timeout=limits.lock_wait_ms_max / 1_000,
        isolation_level=None,  # transactions begin and end where the code says so
        check_same_thread=False,  # the keyring's lock serialises
    )
    try:
        if not create:
            _refuse_other_version(db)
        # Durable before anything returns; freed pages are overwritten, so that no wrapped secret
        # lingers in them.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")
        if create:
            path.chmod(0o600)
            db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def _refuse_other_version(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise KeysError(
            "keys.newer",
            f"keyring.db has version {version}, this release reads up to {_VERSION}",
            "use the newer Freehold that wrote it",
        )
    if version != _VERSION:
        raise KeysError(
            "keys.corrupt",
            f"keyring.db has version {version}, expected {_VERSION}",
            "restore it from a backup",
        )


def peek_pins(path: Path) -> dict[str, bytes]:
    """Read all pins without writing a byte, of a keyring that need not be opened for it.

    Raises:
        KeysError: `keys.newer`, `keys.corrupt`: of another version.
        sqlite3.Error: it cannot be read.
    """
    # Without a write-ahead file nobody has it open, and it can be read as if nobody ever wrote it;
    # otherwise even a reader makes files beside it.
    how = "mode=ro" if path.with_name(path.name + "-wal").exists() else "mode=ro&immutable=1"
    with closing(sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True)) as db:
        _refuse_other_version(db)
        return {str(name): bytes(value) for name, value in db.execute("SELECT * FROM pins")}


def read_generation(db: sqlite3.Connection) -> int:
    """The generation of the root key that wraps these tables."""
    row = db.execute("SELECT generation FROM root").fetchone()
    return int(row[0])


def shard_of(domain_id: str) -> int:
    """The shard of a domain: the first 12 bits of SHA-256 of its id in ASCII."""
    return int.from_bytes(hashlib.sha256(domain_id.encode("ascii")).digest()[:2]) >> 4


def insert_domain(db: sqlite3.Connection, domain_id: str, *, identity: str, root: bytes) -> None:
    """Keep the secret of a new domain.

    Raises:
        KeysError: `keys.domain_exists`.
        DomainErased: there was a domain of this id; an erased id is never used again.
    """
    shard = shard_of(domain_id)
    row = _find_domain(db, domain_id)
    if row is not None:
        if row[0] is None:
            raise DomainErased(domain_id)
        raise KeysError(
            "keys.domain_exists", f"the key domain {domain_id} exists", "choose another id"
        )
    shard_key = _find_shard_key(db, shard, root=root)
    if shard_key is None:
        shard_key = new_key()
        wrapped = wrap(shard_key, name=_shard_name(shard), key=root)
        db.execute("INSERT INTO shards VALUES (?, ?)", (shard, wrapped))
    secret = identity.encode("ascii")
    wrapped = wrap(secret, name=_domain_name(domain_id), key=shard_key)
    db.execute("INSERT INTO domains VALUES (?, ?, ?)", (shard, domain_id, wrapped))


def read_identity(db: sqlite3.Connection, domain_id: str, *, root: bytes) -> str:
    """Unwrap the secret of a domain.

    Raises:
        UnknownDomain: there never was one.
        DomainErased: it is destroyed.
        KeysError: `keys.corrupt`.
    """
    shard = shard_of(domain_id)
    row = _find_domain(db, domain_id)
    if row is None:
        raise UnknownDomain(domain_id)
    if row[0] is None:
        raise DomainErased(domain_id)
    found = db.execute("SELECT wrapped FROM shards WHERE shard = ?", (shard,)).fetchone()
    shard_key = unwrap_shard(shard, found[0] if found else None, root=root)
    return unwrap_identity(domain_id, row[0], shard_key=shard_key)


def unwrap_shard(shard: int, wrapped: bytes | None, *, root: bytes) -> bytes:
    """Unwrap the key of a shard that has domains.

    Raises:
        KeysError: `keys.corrupt`: there is none, or it is not this shard's.
    """
    if wrapped is None:
        raise KeysError(
            "keys.corrupt", f"keyring.db has no key of shard {shard}", "restore it from a backup"
        )
    return unwrap(wrapped, name=_shard_name(shard), key=root)


def unwrap_identity(domain_id: str, wrapped: bytes, *, shard_key: bytes) -> str:
    """Unwrap the secret of a domain with its shard's key.

    Raises:
        KeysError: `keys.corrupt`: it is not this domain's.
    """
    return unwrap(wrapped, name=_domain_name(domain_id), key=shard_key).decode("ascii")


def read_shard(
    db: sqlite3.Connection, shard: int
) -> tuple[bytes | None, list[tuple[str, bytes | None]]]:
    """The wrapped key of a shard, and its domains with their wrapped secrets."""
    key = db.execute("SELECT wrapped FROM shards WHERE shard = ?", (shard,)).fetchone()
    rows = db.execute("SELECT id, wrapped FROM domains WHERE shard = ?", (shard,)).fetchall()
    return key[0] if key else None, rows


def shards_with_domains(db: sqlite3.Connection) -> list[int]:
    """Numbers of the shards that have a key or a domain."""
    query = "SELECT shard FROM shards UNION SELECT DISTINCT shard FROM domains"
    return [number for (number,) in db.execute(query)]


def signer_names(db: sqlite3.Connection) -> list[str]:
    """Names of the signing keys."""
    return [name for (name,) in db.execute("SELECT name FROM signers")]


def is_erased(db: sqlite3.Connection, domain_id: str) -> bool:
    """Tell whether the domain is erased already.

    Raises:
        UnknownDomain: there never was one.
    """
    row = _find_domain(db, domain_id)
    if row is None:
        raise UnknownDomain(domain_id)
    return row[0] is None


def erase_domain(
    db: sqlite3.Connection, domain_id: str, *, old_root: bytes, new_root: bytes
) -> None:
    """Destroy a domain's secret, leave its tombstone, and wrap its shard and all others anew.

    Raises:
        KeysError: `keys.corrupt`: something does not unwrap under `old_root`.
    """
    shard = shard_of(domain_id)
    db.execute("UPDATE domains SET wrapped = NULL WHERE shard = ? AND id = ?", (shard, domain_id))
    change_root(db, old_root=old_root, new_root=new_root, renewed=shard)


def change_root(
    db: sqlite3.Connection, *, old_root: bytes, new_root: bytes, renewed: int | None = None
) -> None:
    """Wrap all that a root key wraps under a new one; the shard `renewed` gets a new key as well.

    Raises:
        KeysError: `keys.corrupt`: something does not unwrap under `old_root`.
    """
    new_shard_key = new_key()
    shards = db.execute("SELECT shard, wrapped FROM shards").fetchall()
    for number, wrapped in shards:
        key = unwrap(wrapped, name=_shard_name(number), key=old_root)
        if number == renewed:
            _rewrap_domains(db, number, old_key=key, new_key=new_shard_key)
            key = new_shard_key
        wrapped = wrap(key, name=_shard_name(number), key=new_root)
        db.execute("UPDATE shards SET wrapped = ? WHERE shard = ?", (wrapped, number))
    for name, wrapped in db.execute("SELECT name, wrapped FROM signers").fetchall():
        seed = unwrap(wrapped, name=_signer_name(name), key=old_root)
        wrapped = wrap(seed, name=_signer_name(name), key=new_root)
        db.execute("UPDATE signers SET wrapped = ? WHERE name = ?", (wrapped, name))
    db.execute("UPDATE root SET generation = generation + 1")


def _rewrap_domains(db: sqlite3.Connection, shard: int, *, old_key: bytes, new_key: bytes) -> None:
    rows = db.execute(
        "SELECT id, wrapped FROM domains WHERE shard = ? AND wrapped IS NOT NULL", (shard,)
    )
    for domain_id, wrapped in rows.fetchall():
        name = _domain_name(domain_id)
        secret = unwrap(wrapped, name=name, key=old_key)
        wrapped = wrap(secret, name=name, key=new_key)
        db.execute(
            "UPDATE domains SET wrapped = ? WHERE shard = ? AND id = ?", (wrapped, shard, domain_id)
        )


def insert_signer(db: sqlite3.Connection, name: str, *, seed: bytes, root: bytes) -> None:
    """Keep the seed of a new signer.

    Raises:
        KeysError: `keys.signer_exists`.
    """
    if db.execute("SELECT 1 FROM signers WHERE name = ?", (name,)).fetchone():
        raise KeysError(
            "keys.signer_exists", f"the signing key {name!r} exists", "choose another name"
        )
    wrapped = wrap(seed, name=_signer_name(name), key=root)
    db.execute("INSERT INTO signers VALUES (?, ?)", (name, wrapped))


def read_seed(db: sqlite3.Connection, name: str, *, root: bytes) -> bytes:
    """Unwrap the seed of a signer.

    Raises:
        UnknownSigner: no signer has this name.
        KeysError: `keys.corrupt`.
    """
    row = db.execute("SELECT wrapped FROM signers WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise UnknownSigner(name)
    return unwrap(row[0], name=_signer_name(name), key=root)


def write_pin(db: sqlite3.Connection, name: str, *, value: bytes) -> None:
    """Keep a small public fact, in place of its former value."""
    db.execute("INSERT OR REPLACE INTO pins VALUES (?, ?)", (name, value))


def read_pin(db: sqlite3.Connection, name: str) -> bytes | None:
    """The value pinned under `name`, if there is one."""
    row = db.execute("SELECT value FROM pins WHERE name = ?", (name,)).fetchone()
    return None if row is None else bytes(row[0])


def _find_domain(db: sqlite3.Connection, domain_id: str) -> tuple[bytes | None] | None:
    row: tuple[bytes | None] | None = db.execute(
        "SELECT wrapped FROM domains WHERE shard = ? AND id = ?", (shard_of(domain_id), domain_id)
    ).fetchone()
    return row


def _find_shard_key(db: sqlite3.Connection, shard: int, *, root: bytes) -> bytes | None:
    row = db.execute("SELECT wrapped FROM shards WHERE shard = ?", (shard,)).fetchone()
    return None if row is None else unwrap(row[0], name=_shard_name(shard), key=root)


def _shard_name(shard: int) -> str:
    return f"shard:{shard}"


def _domain_name(domain_id: str) -> str:
    return f"domain:{domain_id}"


def _signer_name(name: str) -> str:
    return f"signer:{name}"
