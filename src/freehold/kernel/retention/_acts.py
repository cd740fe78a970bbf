"""Pruning and holds, declared; their tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Index, Integer, MetaData, String, Table

from freehold.kernel.acts import (
    Act,
    Code,
    Declarations,
    Digest,
    Moment,
    Query,
    Record,
    Reference,
    found,
)
from freehold.kernel.catalog import Amend, Change, Put

TABLES = MetaData()

PRUNING = Table(
    "pruning",
    TABLES,
    Column("id", String(36), primary_key=True),  # of the record
    Column("kind", String, nullable=False),
    Column("cutoff", String, nullable=False),
    Column("after", Integer, nullable=False),
    Column("before", Integer, nullable=False),
)

HOLD = Table(
    "hold",
    TABLES,
    Column("held_by", String(36), primary_key=True),  # the record that set it
    Column("thing", String, nullable=False),  # without a version
    Column("since", String, nullable=False),
    Column("released_by", String(36)),
    Index("hold_by_thing", "thing"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneEstate(Act, name="estate.prune", on="Estate"):
    """Remove what is past its retention: bodies of one kind, or with `logs` whole records.

    From the records [after, before) of the log, those older than the cutoff that nobody holds. With
    `logs`, `pruned` is the digest of all places of the log that are empty from now on.
    """

    kind: Code
    cutoff: Moment
    after: int
    before: int
    count: int = found(0)
    pruned: Digest | None = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        said = {name: record.facts[name] for name in ("kind", "cutoff", "after", "before")}
        yield Put(PRUNING, {"id": record.id, **said})


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldThing(Act, name="estate.hold", on="Estate"):
    """Put a thing under a legal hold: nothing that names it is pruned until it is released."""

    thing: Reference

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        row = {"held_by": record.id, "thing": record.facts["thing"], "since": record.time}
        yield Put(HOLD, {**row, "released_by": None})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseThing(Act, name="estate.release", on="Estate"):
    """End the legal hold of a thing."""

    thing: Reference

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        held = {"thing": record.facts["thing"], "released_by": None}
        yield Amend(HOLD, held, {"released_by": record.id})


DECLARATIONS = Declarations(
    acts=(PruneEstate, HoldThing, ReleaseThing),
    queries=(Query("estate.retention", "Estate"),),
    tables=(TABLES,),
)
