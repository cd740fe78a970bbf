"""Holds an estate to what it has promised: `check_everything` for estates that came through fire.

The promises are the lines that a workload told. What was only begun may be done or not; what was
acknowledged must hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from freehold.estate import EstateError
from freehold.kernel import Ref, new_id
from freehold.kernel.acts import Record
from freehold.kernel.keys import DomainErased, WrongCustody
from freehold.kernel.ledger import leaf_hash
from tests.estate.world import PASSPHRASE, FakeExecutor, World, table


@dataclass(slots=True)
class Promises:
    """What a workload was promised up to some moment, and what it had begun."""

    is_created: bool = False
    is_ratified: bool = False
    leaves: dict[int, str] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    published: int = 0
    passphrases: list[str] = field(default_factory=lambda: [PASSPHRASE])

    @classmethod
    def of(cls, lines: Iterable[str]) -> Promises:
        promises = cls()
        for line in lines:
            promises.take_line(line)
        return promises

    def take_line(self, line: str) -> None:
        self.take(json.loads(line))

    def take(self, told: dict[str, Any]) -> None:
        if told.get("doing") == "rotate":
            self.passphrases = [told["passphrase"], *self.passphrases]  # either may hold it
        if "done" not in told:
            return
        self.is_created |= told["done"] in ("create", "open")
        self.is_ratified |= told["done"] in ("ratify", "open")
        self.leaves |= {index: leaf for index, leaf in told["acts"] if leaf is not None}
        self.published = max(self.published, told.get("published", 0))
        if "erased" in told:
            self.erased.add(told["erased"])
        if told["done"] == "rotate":
            self.passphrases = [told["passphrase"]]


def check_everything(
    folder: Path, promises: Promises, more: Callable[[World], None] | None = None
) -> str:
    """Open the estate in `folder`/estate, hold it to all promises, act once more, and close it.

    The keys of its people lie in `folder`/people; `more` checks more of the open estate. Gives the
    passphrase that opened it, or nothing where there is no estate yet and none was promised.
    """
    world = World(folder, FakeExecutor(), None)
    try:
        passphrase = _open(world, promises.passphrases)
    except EstateError as error:
        if promises.is_created or error.code not in ("estate.missing", "estate.incomplete"):
            raise
        return ""
    try:
        _check(world, promises)
        if more is not None:
            more(world)
        _go_on(world, is_ratified=promises.is_ratified)
    finally:
        world.close()
    return passphrase


def _open(world: World, passphrases: list[str]) -> str:
    for passphrase in passphrases:
        try:
            world.open(passphrase)
        except WrongCustody:
            continue
        return passphrase
    raise AssertionError(f"none of {len(passphrases)} passphrases opens it")


def _check(world: World, promises: Promises) -> None:
    pipeline = world.estate.pipeline
    log, catalog = pipeline.stores.log, pipeline.stores.catalog
    entries = list(log.entries())
    for index, leaf in promises.leaves.items():
        assert index < len(entries), f"the acknowledged act {index} is lost"
        assert leaf_hash(entries[index]).hex() == leaf, f"the acknowledged act {index} is another"
    assert log.size >= promises.published
    log.publish()
    assert log.reader().verify_all().size == log.size == catalog.position
    before = list(catalog.dump())
    assert pipeline.rebuild() == log.size
    assert list(catalog.dump()) == before, "the rebuilt catalog differs"
    for domain in promises.erased:
        with pytest.raises(DomainErased):
            pipeline.stores.keyring.domain(domain)
    _check_bodies(world, map(Record.decode, entries))
    _check_blobs(world)


def _check_bodies(world: World, records: Iterable[Record]) -> None:
    """Every body opens and is what was committed to, or its key domain is erased."""
    pipeline, erased = world.estate.pipeline, _erased(world)
    for record in records:
        if record.body is not None and pipeline.body(record) is None:
            assert record.body.domain in erased, f"the body of {record.id} is gone"


def _erased(world: World) -> set[str]:
    """The datasets that the ledger says are erased."""
    log = world.estate.pipeline.stores.log
    records = map(Record.decode, log.entries())
    return {
        Ref.parse(record.resource).id
        for record in records
        if (record.act, record.phase) == ("dataset.erase", "done")
    }


def _check_blobs(world: World) -> None:
    """Every blob that the catalog names is there as the ledger has it, unless it was erased."""
    stores, erased = world.estate.pipeline.stores, _erased(world)
    for metadata in world.estate.pipeline.registry.tables:
        for name, found in metadata.tables.items():
            if "blob" not in found.c:
                continue
            for row in stores.catalog.all(select(found)):
                if row.id in erased:
                    continue
                if "sealed" in found.c and row.sealed is not None:
                    assert stores.vault.sealed_digest(row.blob) == row.sealed, (name, row)
                assert stores.vault.exists(row.blob), (name, row)


def _go_on(world: World, *, is_ratified: bool) -> None:
    """Act once more; an estate that may be ratified or not is ratified first."""
    if not is_ratified and not world.estate.charter.is_ratified():
        if world.estate.charter.status().missing == 2:
            world.ratify()
        else:
            world.estate.charter.status()
            return
    version = world.ingest(f"after-{new_id()}", table(7), data_class="internal")
    assert world.estate.data.find(version.ref)
