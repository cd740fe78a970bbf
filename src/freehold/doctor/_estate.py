"""The estate's folder as it lies there: who may read it, who holds it, how far its parts are.

It verifies nothing: that is the audit's work.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from freehold.doctor._check import Check, bad, doubtful, good

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_RESTORE = "restore the folder `keys` from a backup"


def permissions(folder: Path) -> Check:
    """Tell whether the estate is its owner's alone."""
    name = "permissions"
    own = os.geteuid()
    for path in (folder, folder / "keys", *sorted((folder / "keys").iterdir())):
        status = path.stat()
        if status.st_uid != own:
            return bad(
                name,
                f"{path} belongs to user {status.st_uid}, this is user {own}",
                f"run this as the estate's user, or chown -R it ({path})",
            )
        if status.st_mode & _OTHERS and (path == folder or path.is_file()):
            return bad(
                name,
                f"{path} has mode {stat.S_IMODE(status.st_mode):04o}: others may get in",
                f"chmod go= {path}",
            )
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return bad(
                name,
                f"anybody may write to {parent}, and so put another folder in this one's place",
                f"chmod o-w {parent}, or move the estate",
            )
    return good(name, "the owner's alone")


def keys(folder: Path) -> Check:
    """Tell who holds the keys, and how many domains there are."""
    name = "keys"
    try:
        custody = json.loads((folder / "keys" / "custody.json").read_bytes())
        roots = custody["roots"]
        kinds = sorted({str(root["kind"]) for root in roots})
        with _read_only(folder / "keys" / "keyring.db") as db:
            (generation,) = db.execute("SELECT generation FROM root").fetchone()
            (living,) = db.execute(
                "SELECT count(*) FROM domains WHERE wrapped IS NOT NULL"
            ).fetchone()
            (erased,) = db.execute("SELECT count(*) FROM domains WHERE wrapped IS NULL").fetchone()
    except (OSError, ValueError, KeyError, TypeError, sqlite3.Error) as error:
        return bad(name, f"custody.json or keyring.db cannot be read: {error}", _RESTORE)
    told = f"held by {', '.join(kinds)}; {living:,} domains, {erased:,} erased"
    if generation not in {root["generation"] for root in roots}:
        return bad(
            name,
            f"keyring.db is of generation {generation}, custody.json is not",
            "they are of different moments: restore both from one backup",
        )
    if not any(root.get("recovery") for root in roots):
        return doubtful(
            name,
            f"{told}; no recovery if the passphrase is lost",
            "freehold recovery set-up",
        )
    return good(name, told)


def ledger(folder: Path) -> Check:
    """Tell how long the ledger is, what waits to be published, and who writes to it."""
    name = "ledger"
    main = folder / "ledger" / "main"
    try:
        origin, size, *_ = (main / "checkpoint").read_text().split("\n")
        published = int(size)
        age = datetime.now(UTC).timestamp() - (main / "checkpoint").stat().st_mtime
        waiting = sum(path.stat().st_size for path in (main / "wal").glob("*.wal"))
    except (OSError, ValueError) as error:
        return bad(name, f"there is no readable checkpoint in {main}: {error}", "restore a backup")
    holder = _holder(main / "lock")
    told = f"{origin}: {published:,} records, newest checkpoint {_age(age)} old"
    told += f", write-ahead file of {waiting:,} bytes; "
    return good(name, told + (f"held by process {holder}" if holder else "nobody holds it"))


def catalog(folder: Path) -> Check:
    """Tell whether the catalog is there and not ahead of the ledger."""
    name, path = "catalog", folder / "catalog.db"
    if not path.exists():
        return doubtful(name, "missing", "it is built from the ledger at the next opening")
    try:
        published = int((folder / "ledger" / "main" / "checkpoint").read_text().split("\n")[1])
        with _read_only(path) as db:
            row = db.execute("SELECT max(size) FROM position").fetchone()
    except (OSError, ValueError, IndexError, sqlite3.Error) as error:
        return doubtful(
            name, f"cannot be read: {error}", "delete catalog.db: it is rebuilt at the opening"
        )
    projected = int(row[0] or 0)
    told = f"at record {projected:,}"
    if projected < published:
        return doubtful(name, f"{told} of {published:,}", "the next opening catches up")
    return good(name, told)


def _read_only(path: Path) -> AbstractContextManager[sqlite3.Connection]:
    """A database that is read, not changed, and closed at the end."""
    # SQLite makes files beside one that nobody has open, unless it is told that nobody writes.
    is_open = path.with_name(path.name + "-wal").exists()
    options = "mode=ro" if is_open else "immutable=1"
    return closing(sqlite3.connect(f"file:{quote(str(path))}?{options}", uri=True))


def _holder(lock: Path) -> int | None:
    """The process that holds the lock (proc(5), /proc/locks); taking it would be in its way."""
    try:
        status = lock.stat()
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return None
    wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in lines:
        words = line.split()
        if "FLOCK" in words and wanted in words:
            return int(words[words.index(wanted) - 1])
    return None


def _age(seconds: float) -> str:
    for unit, size in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{max(seconds, 0):,.0f} seconds"
