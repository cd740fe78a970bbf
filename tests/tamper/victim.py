"""An estate's folder under attack, the audits that look at it, and a thief of the log's key.

victim.edit("ledger/main/checkpoint", lambda data: data[:-1])
assert "ledger.unsigned" in codes(victim.look())
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freehold.audit import FolderAudit, Pin, Report, Severity, Trust, audit_estate
from freehold.estate import ROOMS, Estate
from freehold.kernel import Clock
from freehold.kernel.acts import Actor, Record, Registry
from freehold.kernel.keys import Keyring
from freehold.kernel.ledger import Log, LogConfig, LogReader, VerifierKey
from tests.estate.world import FakeExecutor, custody

REGISTRY = Registry(ROOMS)


def codes(report: Report, *, notices: bool = False) -> set[str]:
    """The codes of what was found; without mere notices unless they are asked for."""
    return {
        finding.code
        for finding in report.findings
        if notices or finding.severity is not Severity.notice
    }


@dataclass(frozen=True)
class Victim:
    """The folder of a closed estate."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "estate"

    @property
    def log(self) -> Path:
        return self.home / "ledger" / "main"

    def copy(self, name: str) -> Victim:
        """Another copy beside this one, as it is now."""
        other = self.folder.with_name(name)
        shutil.copytree(self.folder, other)
        return Victim(other)

    def put_back(self, older: Victim, *names: str) -> None:
        """Replace files or folders of the estate by those of an older copy."""
        for name in names:
            target, source = self.home / name, older.home / name
            if target.is_dir():
                shutil.rmtree(target)
                shutil.copytree(source, target)
            else:
                shutil.copy2(source, target)

    def edit(self, name: str, change: Callable[[bytes], bytes]) -> None:
        path = self.home / name
        path.write_bytes(change(path.read_bytes()))

    def sql(self, name: str, *statements: tuple[str, Sequence[Any]]) -> None:
        """Change a database by hand."""
        with closing(sqlite3.connect(self.home / name)) as db:
            for statement, values in statements:
                db.execute(statement, values)
            db.commit()

    def rows(self, name: str, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.home / name)) as db:
            return db.execute(query).fetchall()

    # ---- looking

    def look(
        self, *pins: bytes, key: VerifierKey | None = None, clock: Clock | None = None
    ) -> Report:
        """Audit the folder from outside, with these pins and this key, at the time of `clock`."""
        seen = tuple(Pin(pin, f"pin {number}") for number, pin in enumerate(pins, 1))
        trust = Trust(key=key, pins=seen)
        return FolderAudit(self.home, REGISTRY, trust=trust, clock=clock).round()

    def look_within(self) -> Report:
        """Open the estate and audit it from within, as the auditor."""
        with self.opened() as estate:
            return audit_estate(estate, Actor(estate.people.find("ada")))

    def opened(self) -> Estate:
        return Estate.open(self.home, custody(), executor=FakeExecutor())

    def records(self) -> list[Record]:
        return [Record.decode(entry) for entry in self.entries()]

    def entries(self) -> list[bytes]:
        key = self.thief().key
        return list(LogReader(self.log, key.name, keys=[key]).entries())

    @property
    def checkpoint(self) -> bytes:
        return (self.log / "checkpoint").read_bytes()

    def thief(self) -> Thief:
        """Somebody who has the log's key, as from the memory of the host."""
        with Keyring.open(self.home / "keys", custody()) as keyring:
            origin = self.checkpoint.decode().partition("\n")[0]
            return Thief(LogConfig(origin=origin, signer=keyring.signer("log")))


@dataclass(frozen=True)
class Thief:
    """Holds the key of a log and can sign whatever history they like."""

    config: LogConfig

    @property
    def key(self) -> VerifierKey:
        return self.config.key

    def rewrite(self, victim: Victim, entries: Iterable[bytes]) -> None:
        """Put another log with these records in place of the victim's, and remove all traces."""
        shutil.rmtree(victim.log)
        with Log.create(victim.log, self.config) as log:
            for entry in entries:
                log.append(entry)
        for path in victim.home.glob("catalog.db*"):
            path.unlink()  # it is made anew from the ledger, whichever that is
        newest = victim.checkpoint
        victim.sql("keys/keyring.db", ("UPDATE pins SET value = ? WHERE name = 'head'", (newest,)))

    def append(self, victim: Victim, *entries: bytes) -> None:
        """Go on with the victim's log."""
        with Log.open(victim.log, self.config) as log:
            for entry in entries:
                log.append(entry)
