"""A pipeline of its own with one small room: things that are made, painted, touched and forgotten.

    with Lab(tmp_path) as lab:
        with lab.pipeline.perform(MAKER, MakeThing(colour="blue"), on=thing()) as act:
            act.conclude()

`Lab(folder)` founds; opening the same folder again is `lab.reopen()`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, MetaData, String, Table, select

from freehold.kernel import Clock, EstateClock, Ref, SystemClock, new_id
from freehold.kernel.acts import (
    Act,
    Actor,
    Circumstances,
    Code,
    Declarations,
    Digest,
    Metrics,
    Output,
    Pipeline,
    Query,
    Record,
    Recorded,
    Registry,
    ResourceType,
    Standing,
    Stores,
    found,
)
from freehold.kernel.catalog import (
    DOMAIN,
    ERASABLE,
    Amend,
    Catalog,
    Change,
    Forget,
    Put,
)
from freehold.kernel.keys import INSECURE_TEST_COST, Keyring, PassphraseCustody
from freehold.kernel.ledger import Log, LogConfig
from freehold.kernel.policy import PolicySet
from freehold.kernel.vault import Vault

TABLES = MetaData()
THING = Table(
    "thing",
    TABLES,
    Column("id", String(36), primary_key=True, info=DOMAIN),
    Column("colour", String, nullable=False),
    Column("maker", String, nullable=False),
    Column("name", String, info=ERASABLE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeThing(Act, name="thing.make", on="Thing"):
    """Make a thing of a colour."""

    colour: Code
    weight: int = 0
    count: int = found(0)
    measures: Metrics | None = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        row = {
            "id": Ref.parse(record.resource).id,
            "colour": record.facts["colour"],
            "maker": record.principal,
            "name": (details or {}).get("name"),
        }
        yield Put(THING, row)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintThing(Act, name="thing.paint", on="Thing"):
    """Give a thing another colour; a green one is never painted again."""

    colour: Code

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        row = {"colour": record.facts["colour"]}
        yield Amend(THING, {"id": Ref.parse(record.resource).id}, row)


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchThing(Act, name="thing.touch", on="Thing", exclusive=False):
    """Touch a thing; any number at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SellThing(Act, name="thing.sell", on="Thing"):
    """Sell a thing, with approvals by others than its maker."""

    evidence: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetThing(Act, name="thing.forget", on="Thing"):
    """Forget what a thing was called."""

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Forget(Ref.parse(record.resource).id)


def thing_attributes(catalog: Catalog, ref: Ref) -> dict[str, Any]:
    row = catalog.first(select(THING).where(THING.c.id == ref.id))
    return {"colour": row.colour if row else "", "maker": row.maker if row else ""}


ROOM = Declarations(
    acts=(MakeThing, PaintThing, TouchThing, SellThing, ForgetThing),
    queries=(Query("thing.show", "Thing"),),
    resources=(
        ResourceType("Thing", "thing", {"colour": str, "maker": str}, thing_attributes, ("maker",)),
    ),
    tables=(TABLES,),
)

POLICIES = """
@id("makers") @reason("makers may do all") permit (principal, action, resource)
  when { principal.roles.contains("maker") };
@id("no.red") @reason("nothing is red here")
  forbid (principal, action == Action::"thing.make", resource) when { context.colour == "red" };
@id("green.stays") forbid (principal, action == Action::"thing.paint", resource)
  when { resource.colour == "green" };
@id("too.heavy") forbid (principal, action == Action::"thing.make", resource)
  when { context.weight * 9223372036854775807 == 1 };
@id("two.sell") forbid (principal, action == Action::"thing.sell", resource)
  when { context.approvals < 2 };
"""

MAKER = Actor(Ref("user", new_id()))
STRANGER = Actor(Ref("user", new_id()))
CUSTODY = PassphraseCustody("passphrase of a lab", cost=INSECURE_TEST_COST)


def thing() -> Ref:
    """A thing that does not exist yet."""
    return Ref("thing", new_id())


def roles_of(catalog: Catalog, principal: Ref, now: datetime) -> Standing:
    """The maker is one, nobody else is; the catalog is not asked."""
    roles = ["maker"] if principal == MAKER.principal else []
    return Standing({"roles": roles, "clearances": [], "unit": "", "is_active": True})


class FakeApprovals:
    """Says which approvals there are, and remembers who was excluded from being counted."""

    def __init__(self, *records: str) -> None:
        self.records = records
        self.excluded: frozenset[str] = frozenset()

    def valid(
        self, act: str, resource: Ref, *, evidence: str, excluded: frozenset[str]
    ) -> tuple[str, ...]:
        assert resource.is_opaque
        assert evidence.startswith("sha256:")
        self.excluded = excluded
        return self.records


class Lab:
    """Keyring, vault, log, catalog and a pipeline over them."""

    def __init__(self, folder: Path, *, clock: Clock | None = None) -> None:
        self.folder = folder
        self._clock = clock or SystemClock()
        self.estate = Ref("estate", new_id())
        self._origin = f"estate/{self.estate.id}/main"
        with Keyring.create(folder / "keys", CUSTODY) as keyring:
            keyring.new_domain(self.estate.id)
            signer = keyring.new_signer("log")
            Vault.create(folder / "vault", keyring).close()
            Log.create(folder / "ledger", LogConfig(origin=self._origin, signer=signer)).close()
        self.open()

    def open(self) -> None:
        folder, keyring = self.folder, Keyring.open(self.folder / "keys", CUSTODY)
        vault = Vault.open(folder / "vault", keyring)
        config = LogConfig(
            origin=self._origin,
            signer=keyring.signer("log"),
            before_sync=vault.sync,
            on_commit=lambda first, entries: self.pipeline.follow(first, entries),
        )
        log = Log.open(folder / "ledger", config)
        registry = Registry([ROOM])
        catalog = Catalog(folder / "catalog.db", self._origin, registry.tables)
        site = {"jurisdiction": "NL", "operator": "own", "tenancy": "shared", "connectivity": ""}
        self.pipeline = Pipeline(
            registry,
            Stores(log, vault, keyring, catalog),
            clock=EstateClock(self._clock),
            circumstances=Circumstances(self.estate, True, site),
            principals=roles_of,
        )
        self.pipeline.enforce(PolicySet(POLICIES, registry.schema))
        self.pipeline.catch_up()

    def close(self) -> None:
        stores = self.pipeline.stores
        for store in (stores.log, stores.catalog, stores.vault, stores.keyring):
            store.close()

    def reopen(self) -> None:
        self.close()
        self.open()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- what tests ask -----------------------------------------------------------------------

    def make(
        self, on: Ref | None = None, *, name: str = "a thing", colour: str = "blue"
    ) -> Recorded:
        """Make a thing as the maker."""
        act_type = MakeThing(colour=colour)
        with self.pipeline.perform(MAKER, act_type, on=on or thing()) as act:
            act.describe(name=name)
            act.conclude(count=1)
        return act.recorded

    def records(self) -> list[Record]:
        """Every record of the ledger."""
        log = self.pipeline.stores.log
        return [Record.decode(entry) for entry in log.entries()]

    def last(self) -> Record:
        """The newest record."""
        return self.records()[-1]

    def dump(self) -> list[tuple[str, tuple[Any, ...]]]:
        """The whole catalog."""
        return list(self.pipeline.stores.catalog.dump())

    def colour(self, ref: Ref) -> str:
        """The colour of a thing, as the catalog has it."""
        row = self.pipeline.stores.catalog.first(select(THING).where(THING.c.id == ref.id))
        assert row is not None
        return str(row.colour)

    def ledger_bytes(self) -> bytes:
        """All that lies in the ledger's folder, published."""
        self.pipeline.stores.log.publish()
        files = sorted((self.folder / "ledger").rglob("*"))
        return b"\n".join(path.read_bytes() for path in files if path.is_file())

    def seal(self, content: bytes, *, domain: str) -> Output:
        """A sealed blob as an output."""
        sealed = self.pipeline.stores.vault.seal(domain, io.BytesIO(content))
        return Output(ref=f"thing:{domain}", sealed=sealed.sealed_digest, digest=sealed.digest)


def phases(records: Sequence[Record]) -> list[str]:
    return [record.phase for record in records]
