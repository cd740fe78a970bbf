"""What is done with bundles, declared; and what the catalog knows of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Column, Integer, MetaData, String, Table

from freehold.kernel.acts import Act, Code, Declarations, Digest, Id, Query, Record, found
from freehold.kernel.catalog import Change, Put

TABLES = MetaData()

BUNDLE = Table(
    "bundle",
    TABLES,
    Column("digest", String, primary_key=True),
    Column("kind", String, nullable=False),  # full | delta
    Column("base", String),
    Column("size", Integer, nullable=False),  # records
    Column("blobs", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("time", String, nullable=False),
    Column("record", String(36), nullable=False),
)

BUNDLE_CHECK = Table(
    "bundle_check",
    TABLES,
    Column("record", String(36), primary_key=True),
    Column("digest", String, nullable=False),
    Column("result", String, nullable=False),  # same | differs
    Column("time", String, nullable=False),
)

RESTORATION = Table(
    "restoration",
    TABLES,
    Column("id", String(36), primary_key=True),
    Column("digest", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("time", String, nullable=False),
)

PLACE = Table(
    "estate_place",
    TABLES,
    Column("id", Integer, primary_key=True),  # 1
    Column("is_moved", Boolean, nullable=False),
    Column("record", String(36), nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBackup(Act, name="backup.create", on="Estate", exclusive=False):
    """Copy the estate into a signed and sealed bundle: all of it, or what came after another."""

    kind: Code
    recipients: int
    made: Code = found("")
    bundle: Digest | None = found()
    base: Digest | None = found()
    root: Digest | None = found()
    size: int = found(0)
    blobs: int = found(0)
    bytes: int = found(0)

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        facts = record.facts
        yield Put(
            BUNDLE,
            {
                "digest": facts["bundle"],
                "kind": facts["made"],
                "base": facts.get("base"),
                **{name: facts[name] for name in ("size", "blobs", "bytes")},
                "time": record.time,
                "record": record.id,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckBackup(Act, name="backup.check", on="Estate", exclusive=False):
    """Restore a bundle into a scratch place and compare it with the estate."""

    bundle: Digest | None = found()
    result: Code = found("")
    size: int = found(0)
    blobs: int = found(0)
    bodies: int = found(0)
    answers: int = found(0)
    differences: int = found(0)

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        facts = record.facts
        row = {"record": record.id, "digest": facts["bundle"], "result": facts["result"]}
        yield Put(BUNDLE_CHECK, {**row, "time": record.time})


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreEstate(Act, name="estate.restore", on="Estate"):
    """Say that the estate goes on from a bundle, and how many records are known to be lost."""

    restoration: Id
    bundle: Digest
    made_for: Code
    size: int
    lost: int
    erasures: int

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        facts = record.facts
        yield Put(
            RESTORATION,
            {
                "id": facts["restoration"],
                "digest": facts["bundle"],
                "size": facts["size"],
                "lost": facts["lost"],
                "time": record.time,
            },
        )
        if facts["made_for"] == "move":
            yield Put(PLACE, {"id": 1, "is_moved": False, "record": record.id})


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveEstate(Act, name="estate.move", on="Estate"):
    """Let the estate go on elsewhere: the last record here; a bundle of it is what moves."""

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(PLACE, {"id": 1, "is_moved": True, "record": record.id})


DECLARATIONS = Declarations(
    acts=(CreateBackup, CheckBackup, RestoreEstate, MoveEstate),
    queries=(
        Query("backup.list", "Estate"),
        Query("backup.erasures", "Estate"),
        Query("estate.moved", "Estate"),
    ),
    tables=(TABLES,),
)
