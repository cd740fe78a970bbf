"""What is done about witnesses, declared; and how policies see one.

A witness's name, key and address lie in the body; policies and the record see the host that is
spoken to, since what goes out goes there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, String, Table, select

from freehold.kernel import Ref
from freehold.kernel.acts import (
    Act,
    Attributes,
    Code,
    Declarations,
    Digest,
    Moment,
    Query,
    Record,
    ResourceType,
)
from freehold.kernel.catalog import DOMAIN, ERASABLE, Amend, Catalog, Change, Put

TABLES = MetaData()

WITNESS = Table(
    "witness",
    TABLES,
    Column("id", String(36), primary_key=True, info=DOMAIN),
    Column("destination", String, nullable=False),  # the host, empty for one that is asked by file
    Column("is_active", Boolean, nullable=False),
    Column("since", String, nullable=False),
    Column("size", Integer),  # of the checkpoint that it cosigned last
    Column("time", String),  # when it did
    Column("trouble", String, nullable=False),  # code of why it does not, empty while it does
    Column("name", String, info=ERASABLE),
    Column("vkey", String, info=ERASABLE),
    Column("url", String, info=ERASABLE),
    Index("witness_by_name", "name"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareWitness(Act, name="witness.declare", on="Witness"):
    """Declare a witness by its key, and the host that checkpoints are sent to; none for one that is
    asked by file.
    """

    key: Digest
    destination: Code

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        known = details or {}
        yield Put(
            WITNESS,
            {
                "id": Ref.parse(record.resource).id,
                "destination": record.facts["destination"],
                "is_active": True,
                "since": record.time,
                "size": None,
                "time": None,
                "trouble": "",
                "name": known.get("name"),
                "vkey": known.get("vkey"),
                "url": known.get("url"),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawWitness(Act, name="witness.withdraw", on="Witness"):
    """Ask a witness no more; what it cosigned stays."""

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        key = {"id": Ref.parse(record.resource).id}
        yield Amend(WITNESS, key, {"is_active": False, "since": record.time})


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptCosignature(Act, name="witness.accept", on="Witness"):
    """Keep what a witness said: that at `time` this was the largest tree of the log it had seen."""

    size: int
    time: Moment

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Amend(
            WITNESS,
            {"id": Ref.parse(record.resource).id},
            {"size": record.facts["size"], "time": record.facts["time"], "trouble": ""},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MissWitness(Act, name="witness.miss", on="Witness"):
    """Record that a witness could not be had, or would not cosign; once, until that changes."""

    trouble: Code

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        key = {"id": Ref.parse(record.resource).id}
        yield Amend(WITNESS, key, {"trouble": record.facts["trouble"]})


def witness_attributes(catalog: Catalog, ref: Ref) -> Attributes:
    """How policies see a witness."""
    row = catalog.first(select(WITNESS).where(WITNESS.c.id == ref.id))
    if row is None:
        return {"destination": "", "is_active": False}
    return {"destination": row.destination, "is_active": bool(row.is_active)}


DECLARATIONS = Declarations(
    acts=(DeclareWitness, WithdrawWitness, AcceptCosignature, MissWitness),
    queries=(Query("witness.ask", "Witness"), Query("witness.list", "Estate")),
    resources=(
        ResourceType(
            "Witness",
            "witness",
            {"destination": str, "is_active": bool},
            witness_attributes,
            names=WITNESS.c.name,
        ),
    ),
    tables=(TABLES,),
)
