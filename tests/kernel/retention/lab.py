"""A small estate whose words expire, on disks that stop when told to.

    lab = Lab(tmp_path / "lab")
    lab.say(300, about=lab.topic())
    lab.clock.advance(days=40)
    lab.retention.prune(KEEPER)

`lab.fuse.arm(n, is_written=…)` cuts the power at the n-th thing that is made durable, and
`lab.restart()` goes on from what lay on the disk at that moment.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Column, MetaData, String, Table

from freehold.kernel import DEFAULT_LIMITS, EstateClock, FreeholdError, Ref, new_id
from freehold.kernel.acts import (
    Act,
    Actor,
    Circumstances,
    Code,
    Declarations,
    Output,
    Pipeline,
    Record,
    Recorded,
    Registry,
    ResourceType,
    Standing,
    Stores,
)
from freehold.kernel.catalog import Catalog, Change, Put
from freehold.kernel.keys import INSECURE_TEST_COST, Keyring, PassphraseCustody
from freehold.kernel.ledger import LocalDisk, Log, LogConfig
from freehold.kernel.policy import Denied, PolicySet
from freehold.kernel.retention import DECLARATIONS, Retention
from freehold.kernel.vault import Vault

TABLES = MetaData()
WORD = Table(
    "word",
    TABLES,
    Column("id", String(36), primary_key=True),
    Column("topic", String, nullable=False),
)
TOPIC = Table(
    "topic",
    TABLES,
    Column("id", String(36), primary_key=True),
    Column("colour", String, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SayWord(Act, name="word.say", on="Topic", exclusive=False, retention="words"):
    """Say something on a topic."""

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(WORD, {"id": record.id, "topic": record.resource})


@dataclass(frozen=True, slots=True, kw_only=True)
class HearWord(Act, name="word.hear", on="Topic", exclusive=False, retention="words"):
    """Hear something; leaves nothing but its trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintTopic(Act, name="topic.paint", on="Topic"):
    """Give a topic its colour: state, kept for ever."""

    colour: Code

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        key = Ref.parse(record.resource).id
        yield Put(TOPIC, {"id": key, "colour": record.facts["colour"]})


@dataclass(frozen=True, slots=True, kw_only=True)
class GreedyWord(Act, name="word.greedy", on="Topic", retention="words"):
    """Declared to expire, although it changes what others made: must never be pruned."""

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(TOPIC, {"id": Ref.parse(record.resource).id, "colour": "grey"})


ROOM = Declarations(
    acts=(SayWord, HearWord, PaintTopic, GreedyWord),
    resources=(ResourceType("Topic", "topic"), ResourceType("Estate", "estate")),
    tables=(TABLES,),
)
POLICIES = """
@id("keepers") permit (principal, action, resource) when { principal.roles.contains("keeper") };
"""
SITE = {"jurisdiction": "NL", "operator": "own", "tenancy": "shared", "connectivity": ""}
KEEPER = Actor(Ref("user", new_id()))
STRANGER = Actor(Ref("user", new_id()))
DAYS = {"words": 30, "logs": 100}
CUSTODY = PassphraseCustody("passphrase of a lab", cost=INSECURE_TEST_COST)
NEVER_ALONE = replace(DEFAULT_LIMITS, publish_delay_ms_max=10**8, publish_records_max=10**9)


def roles_of(catalog: Catalog, principal: Ref, now: datetime) -> Standing:
    """The keeper is one, nobody else is."""
    roles = ["keeper"] if principal == KEEPER.principal else []
    return Standing({"roles": roles, "clearances": [], "unit": "", "is_active": True})


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def advance(self, *, days: float) -> None:
        self.moment += timedelta(days=days)


class PowerCut(BaseException):
    """The machine stopped here; no code of ours gets to react to it."""


class Fuse:
    """Counts what is made durable; blows where it is told, and keeps what then lay on the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kept = folder, folder.with_name(folder.name + "-kept")
        self.done = 0
        self._at, self._is_written = -1, False

    def arm(self, at: int, *, is_written: bool) -> None:
        self.done, self._at, self._is_written = 0, at, is_written

    def step(self, operation: Callable[[], object]) -> None:
        self.done += 1
        if self.done != self._at:
            operation()
            return
        if self._is_written:
            operation()
        shutil.copytree(self.folder, self.kept)
        raise PowerCut


class FusedDisk(LocalDisk):
    """Files of the log; not synced, since what a test loses is decided by the fuse."""

    def __init__(self, fuse: Fuse) -> None:
        self.fuse = fuse

    def append(self, file: int, data: bytes) -> None:
        self.fuse.step(lambda: super(FusedDisk, self).append(file, data))

    def create(self, path: Path, data: bytes) -> None:
        self.fuse.step(lambda: path.write_bytes(data))

    def replace(self, path: Path, data: bytes) -> None:
        draft = path.with_name(path.name + ".tmp")
        draft.write_bytes(data)
        self.fuse.step(lambda: draft.replace(path))

    def sync_folder(self, folder: Path) -> None:
        """Nothing to lose: names are never late here."""

    def remove(self, path: Path) -> None:
        self.fuse.step(lambda: path.unlink(missing_ok=True))


class FusedCatalog(Catalog):
    """The catalog, whose transactions the fuse may cut."""

    fuse: Fuse

    def apply(self, changes: Iterable[Change], size: int | None) -> None:
        self.fuse.step(lambda: super(FusedCatalog, self).apply(changes, size))


class FusedKeyring(Keyring):
    """The keyring, whose pins the fuse may cut."""

    fuse: Fuse | None = None

    def pin(self, name: str, value: bytes) -> None:
        if self.fuse is None:
            super().pin(name, value)
        else:
            self.fuse.step(lambda: super(FusedKeyring, self).pin(name, value))


class Lab:
    """Stores, a pipeline and retention over them."""

    def __init__(self, folder: Path, *, days: Mapping[str, int] = DAYS) -> None:
        self.folder, self.clock, self.days = folder, Hands(), dict(days)
        self.estate = Ref("estate", new_id())
        self.origin = f"estate/{self.estate.id}/main"
        with Keyring.create(folder / "keys", CUSTODY) as keyring:
            keyring.new_domain(self.estate.id)
            signer = keyring.new_signer("log")
            Vault.create(folder / "vault", keyring).close()
            Log.create(folder / "ledger", LogConfig(origin=self.origin, signer=signer)).close()
        self.open()

    def open(self) -> None:
        folder, self.fuse = self.folder, Fuse(self.folder)
        keyring = FusedKeyring.open(folder / "keys", CUSTODY)
        vault = Vault.open(folder / "vault", keyring, sync=lambda _: self.fuse.step(lambda: None))
        config = LogConfig(
            origin=self.origin,
            signer=keyring.signer("log"),
            limits=NEVER_ALONE,
            before_sync=vault.sync,
            on_commit=lambda first, entries: self.pipeline.follow(first, entries),
            disk=FusedDisk(self.fuse),
        )
        log = Log.open(folder / "ledger", config)
        registry = Registry([ROOM, DECLARATIONS])
        catalog = FusedCatalog(folder / "catalog.db", self.origin, registry.tables)
        catalog.fuse = keyring.fuse = self.fuse  # type: ignore[attr-defined]
        self.pipeline = Pipeline(
            registry,
            Stores(log, vault, keyring, catalog),
            clock=EstateClock(self.clock),
            circumstances=Circumstances(self.estate, True, SITE),
            principals=roles_of,
        )
        self.pipeline.enforce(PolicySet(POLICIES, registry.schema))
        self.pipeline.catch_up()
        self.retention = Retention(self.pipeline, lambda: self.days)
        self.retention.finish()

    def close(self) -> None:
        stores = self.pipeline.stores
        for store in (stores.log, stores.catalog, stores.vault, stores.keyring):
            with suppress(FreeholdError):  # after a power cut they are in no good state
                store.close()

    def copied(self, folder: Path) -> Lab:
        """Another lab on a copy of this one, which is closed by it."""
        self.close()
        shutil.copytree(self.folder, folder)
        other = copy.copy(self)
        other.folder = folder
        other.open()
        return other

    def restart(self) -> None:
        """Go on from what lay on the disk when the fuse blew, else from what lies there now."""
        kept = self.fuse.kept
        self.fuse.arm(-1, is_written=False)
        self.close()
        if kept.exists():
            shutil.rmtree(self.folder)
            kept.rename(self.folder)
        self.open()

    # ---- what happens ---------------------------------------------------------------------------

    @staticmethod
    def topic() -> Ref:
        return Ref("topic", new_id())

    def say(self, count: int, about: Ref, *, act: Act | None = None) -> list[Recorded]:
        """Say some words on a topic."""
        said = []
        for number in range(count):
            spoken = act or SayWord()
            with self.pipeline.perform(KEEPER, spoken, on=about, domain=self.estate.id) as under:
                under.describe(word=f"word {number}")
                under.conclude(outputs=[Output(ref=f"topic:{about.id}")])
            said.append(under.recorded)
        return said

    def be_refused(self, about: Ref) -> None:
        with suppress(Denied), self.pipeline.perform(STRANGER, SayWord(), on=about) as act:
            act.conclude()

    # ---- what tests ask -------------------------------------------------------------------------

    def entries(self) -> list[bytes]:
        return list(self.pipeline.stores.log.entries())

    def dump(self) -> list[tuple[str, tuple[Any, ...]]]:
        return list(self.pipeline.stores.catalog.dump())

    def segments(self) -> bytes:
        """All that lies in the vault's segments."""
        paths = sorted((self.folder / "vault" / "segments").iterdir())
        return b"".join(path.read_bytes() for path in paths)
