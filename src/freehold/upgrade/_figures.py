"""What must be the same before and after an upgrade, as counts and digests.

Values of the first records alone, so that what the upgrade itself adds does not count.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import select

from freehold.estate import Estate
from freehold.kernel import canonical, digest
from freehold.kernel.catalog import LINK
from freehold.kernel.ledger import LogReader

LINEAGES_MAX = 1_000  # the newest; the rows that lineage comes from are compared all the same
_ASSETS = ("deployment:", "model:", "run:", "dataset:")


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing that was counted and hashed on both sides."""

    what: str
    before: str
    after: str

    @property
    def is_same(self) -> bool:
        return self.before == self.after


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Compared, ...]:
    """Put two sets of figures side by side."""
    names = [*before, *(name for name in after if name not in before)]
    return tuple(
        Compared(name, before.get(name, "missing"), after.get(name, "missing")) for name in names
    )


def figures(estate: Estate, home: Path, *, size: int) -> dict[str, str]:
    """Count and hash what the first `size` records of an estate hold; every entry is verified.

    Raises:
        CorruptLogError: the log does not have the root that was signed.
        InvalidRecord, VaultError: a record or a body cannot be read.
    """
    stores = estate.pipeline.stores
    stores.log.publish()
    log = home / "ledger" / "main"
    LogReader(log, stores.log.key.name, keys=[stores.log.key]).verify_all()
    reader = LogReader(log, stores.log.key.name, keys=[stores.log.key], size=size)
    return {
        "key of the log": str(stores.log.key),
        "root of the log": reader.checkpoint.root.hex(),
        "records": _told(entry for entry in reader.entries()),
        "bodies that open": _told(_bodies(estate, size)),
        "lineage": _told(_lineages(estate, size)),
    }


def blobs(home: Path) -> dict[str, int]:
    """Names and sizes of all sealed blobs."""
    found = (path for path in (home / "vault" / "blobs").glob("*/*") if path.is_file())
    return {path.name: path.stat().st_size for path in found}


def tables(catalog: Path, *, size: int) -> dict[str, tuple[str, ...]]:
    """Tables of a catalog as it lies there, with their columns; none if it is not at `size`."""
    if not catalog.exists():
        return {}
    with closing(_connect(catalog)) as db:
        try:
            (at_size,) = db.execute(
                "SELECT count(*) FROM position WHERE size = ?", (size,)
            ).fetchone()
        except sqlite3.Error:
            return {}
        if not at_size:
            return {}
        names = db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        return {
            str(name): tuple(row[1] for row in db.execute(f'PRAGMA table_info("{name}")'))
            for (name,) in sorted(names)
        }


def rows(catalog: Path, columns: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Count and hash the rows of these tables, in an order of their own values."""
    if not columns:
        return {}
    with closing(_connect(catalog)) as db:
        return {
            f"table {name}": _told(
                canonical([_plain(value) for value in row])
                for row in db.execute(_query(name, chosen))
            )
            for name, chosen in columns.items()
        }


def shared(
    old: Mapping[str, tuple[str, ...]], new: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """The columns that both versions of each table have."""
    both = {
        name: tuple(column for column in columns if column in new[name])
        for name, columns in old.items()
        if name in new
    }
    return {name: columns for name, columns in both.items() if columns}


def rows_of(estate: Estate) -> str:
    """Count and hash all rows of an open catalog."""
    dumped = estate.pipeline.stores.catalog.dump()
    return _told(canonical([name, *map(_plain, row)]) for name, row in dumped)


def _query(table: str, columns: tuple[str, ...]) -> str:
    named = ", ".join(f'"{column}"' for column in columns)
    return f'SELECT {named} FROM "{table}" ORDER BY {named}'  # noqa: S608  # names of tables


def _connect(catalog: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(catalog))}?mode=ro", uri=True)


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _bodies(estate: Estate, size: int) -> Iterator[bytes]:
    for index in range(size):
        record = estate.pipeline.record(index)
        if estate.pipeline.body(record) is not None:
            yield record.id.encode()


def _lineages(estate: Estate, size: int) -> Iterator[bytes]:
    made = estate.pipeline.stores.catalog.all(
        select(LINK.c.ref)
        .where(LINK.c.direction == "out", LINK.c.position < size)
        .order_by(LINK.c.position.desc(), LINK.c.ref)
    )
    refs = dict.fromkeys(row.ref for row in made if row.ref.startswith(_ASSETS))
    for ref in list(refs)[:LINEAGES_MAX]:
        edges = [[e.source, e.target, e.act, e.id] for e in estate.history.edges(ref)]
        yield canonical([ref, edges])


def _told(items: Iterable[bytes]) -> str:
    """A count and a digest of byte strings, each after its length."""
    count, hashed = 0, hashlib.sha256()
    for item in items:
        count += 1
        hashed.update(len(item).to_bytes(8) + item)
    return f"{count}, sha256 {hashed.hexdigest()}"


def digest_of(compared: Iterable[Compared]) -> str:
    """The digest that the record of an upgrade holds: of what was compared, by name and value."""
    return digest(canonical([[each.what, each.before] for each in compared]))
