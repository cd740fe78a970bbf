"""Time stamps, declared: the authorities that are trusted, and what they stamped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, Text

from freehold.kernel.acts import (
    Act,
    Code,
    Declarations,
    Digest,
    Id,
    Moment,
    Query,
    Record,
    found,
)
from freehold.kernel.catalog import DOMAIN, ERASABLE, Change, Put

TABLES = MetaData()

AUTHORITY = Table(
    "stamp_authority",
    TABLES,
    Column("id", String(36), primary_key=True),  # of the record that declared it
    Column("domain", String(36), nullable=False, info=DOMAIN),
    Column("since", String, nullable=False),
    Column("certificate", String, nullable=False),  # digest of the root, DER
    Column("name", String, info=ERASABLE),
    Column("url", String, info=ERASABLE),
    Column("root", Text, info=ERASABLE),  # PEM
)

STAMP = Table(
    "stamp",
    TABLES,
    Column("id", String(36), primary_key=True),  # of the record that accepted it
    Column("domain", String(36), nullable=False, info=DOMAIN),
    Column("authority", String(36), nullable=False),
    Column("size", Integer, nullable=False),
    Column("time", String, nullable=False),  # by the authority's clock
    Column("response", Text, info=ERASABLE),  # base64
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareAuthority(Act, name="stamp.declare", on="Estate"):
    """Trust a time-stamp authority by its root certificate; with an address it may be asked."""

    certificate: Digest
    destination: Code

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        known = details or {}
        yield Put(
            AUTHORITY,
            {
                "id": record.id,
                "domain": record.body.domain if record.body else "",
                "since": record.time,
                "certificate": record.facts["certificate"],
                "name": known.get("name"),
                "url": known.get("url"),
                "root": known.get("root"),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptStamp(Act, name="stamp.accept", on="Estate"):
    """Keep an authority's stamp of a checkpoint, verified."""

    authority: Id
    size: int
    stamped: Moment | None = found()
    response: Digest | None = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(
            STAMP,
            {
                "id": record.id,
                "domain": record.body.domain if record.body else "",
                "authority": record.facts["authority"],
                "size": record.facts["size"],
                "time": record.facts["stamped"],
                "response": (details or {}).get("response"),
            },
        )


DECLARATIONS = Declarations(
    acts=(DeclareAuthority, AcceptStamp),
    queries=(Query("stamp.list", "Estate"), Query("stamp.show", "Estate")),
    tables=(TABLES,),
)
