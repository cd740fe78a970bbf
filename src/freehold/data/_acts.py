"""What is done to datasets, declared; their tables; and how policies see a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, MetaData, Row, String, Table, Text, select

from freehold.data.terms import State, day_after, midnight, state_at
from freehold.kernel import Ref, canonical
from freehold.kernel.acts import (
    Act,
    Blob,
    Code,
    Codes,
    Declarations,
    Digest,
    Id,
    Query,
    Record,
    Reference,
    ResourceType,
    Standing,
    found,
)
from freehold.kernel.catalog import DOMAIN, ERASABLE, Amend, Catalog, Change, Forget, Put

TABLES = MetaData()

DATASET = Table(
    "dataset",
    TABLES,
    Column("id", String(36), primary_key=True, info=DOMAIN),
    Column("data_class", String, nullable=False),
    Column("purposes", Text, nullable=False),  # codes, separated by spaces
    Column("residency", Text, nullable=False),
    Column("owner", String, nullable=False),
    Column("versions", Integer, nullable=False),
    Column("erased_by", String(36)),  # record of the erasure
    Column("name", String, info=ERASABLE),
    Column("terms", Text, info=ERASABLE),
    Index("dataset_by_name", "name"),
)

DATASET_VERSION = Table(
    "dataset_version",
    TABLES,
    Column("id", String(36), primary_key=True, info=DOMAIN),
    Column("version", Integer, primary_key=True),
    Column("blob", String, nullable=False),
    Column("sealed", String, nullable=False),
    Column("format", String, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("columns", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("duplicates", Integer, nullable=False),
    Column("time", String, nullable=False),
    Column("options", Text, info=ERASABLE),  # canonical JSON, how it is read
    Column("profile", Text, info=ERASABLE),  # canonical JSON
)

TERMS = Table(
    "dataset_terms",
    TABLES,
    Column("id", String(36), primary_key=True, info=DOMAIN),
    Column("record", String(36), nullable=False),
    Column("licence", String, nullable=False),
    Column("allowed", Text, nullable=False),  # purposes, separated by spaces
    Column("supplier_uses", Text, nullable=False),
    Column("onward", Text, nullable=False),
    Column("legal_basis", String, nullable=False),
    Column("special_basis", String, nullable=False),
    Column("starts", String, nullable=False),  # a day, or empty
    Column("expires", String, nullable=False),
    Column("keep_until", String, nullable=False),
    Column("supplier", String, info=ERASABLE),
    Column("contract", String, info=ERASABLE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestDataset(Act, name="dataset.ingest", on="Dataset"):
    """Bring a version of a dataset under governance; the same bytes again are the same version."""

    data_class: Code
    purposes: Codes
    residency: Codes
    owner: Reference
    format: Code
    is_new: bool = found(False)
    version: int = found(0)
    rows: int = found(0)
    columns: int = found(0)
    bytes: int = found(0)
    missing: int = found(0)
    duplicates: int = found(0)
    blob: Blob | None = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        facts, known = record.facts, details or {}
        ref = Ref.parse(record.resource)
        yield Put(
            DATASET,
            {
                "id": ref.id,
                "data_class": facts["data_class"],
                "purposes": " ".join(facts["purposes"]),
                "residency": " ".join(facts["residency"]),
                "owner": facts["owner"],
                "versions": facts["version"],
                "erased_by": None,
                "name": known.get("name"),
                "terms": known.get("terms"),
            },
        )
        if facts["is_new"]:
            yield Put(
                DATASET_VERSION,
                {
                    "id": ref.id,
                    "version": facts["version"],
                    "blob": facts["blob"],
                    "sealed": record.outputs[0].sealed,
                    "format": facts["format"],
                    **{name: facts[name] for name in ("rows", "columns", "bytes")},
                    **{name: facts[name] for name in ("missing", "duplicates")},
                    "time": record.time,
                    **{name: _text(known.get(name)) for name in ("options", "profile")},
                },
            )


def _text(value: Any) -> str | None:
    return None if value is None else canonical(value).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearDataset(Act, name="dataset.clear", on="Dataset"):
    """Say for which purposes a dataset may be used from now on, and for no others."""

    purposes: Codes

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        purposes = " ".join(record.facts["purposes"])
        yield Amend(DATASET, {"id": Ref.parse(record.resource).id}, {"purposes": purposes})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDataset(Act, name="dataset.read", on="Dataset", exclusive=False):
    """Open the bytes of a dataset for a purpose, in a process of the given isolation level."""

    isolation: int
    bytes: int = found(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseDataset(Act, name="dataset.erase", on="Dataset"):
    """Erase a dataset for ever, by destroying the key of its domain."""

    evidence: Digest

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        ref = Ref.parse(record.resource)
        yield Amend(DATASET, {"id": ref.id}, {"erased_by": record.id})
        yield Forget(ref.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyErasure(Act, name="erasure.apply", on="Dataset"):
    """Erase again, after a restoration, what `act` erased and the restored ledger does not know."""

    act: Id

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        ref = Ref.parse(record.resource)
        yield Amend(DATASET, {"id": ref.id}, {"erased_by": record.id})
        yield Forget(ref.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTerms(Act, name="dataset.set_terms", on="Dataset"):
    """State the terms that a dataset came under, in place of those before.

    `starts`, `expires` and `keep_until` are days, `2027-12-31`, or empty for no bound; the words of
    the terms lie in the body.
    """

    licence: Code
    allowed: Codes
    supplier_uses: Codes
    onward: Codes
    legal_basis: Code
    special_basis: Code
    starts: Code = ""
    expires: Code = ""
    keep_until: Code = ""

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        facts, known = record.facts, details or {}
        sets = ("allowed", "supplier_uses", "onward")
        plain = ("licence", "legal_basis", "special_basis", "starts", "expires", "keep_until")
        yield Put(
            TERMS,
            {
                "id": Ref.parse(record.resource).id,
                "record": record.id,
                **{name: facts[name] for name in plain},
                **{name: " ".join(facts[name]) for name in sets},
                "supplier": known.get("supplier"),
                "contract": known.get("contract"),
            },
        )


def dataset_standing(catalog: Catalog, ref: Ref, now: datetime) -> Standing:
    """How policies see a dataset; one that does not exist yet has no class, no purposes, no owner
    and no terms.
    """
    row = catalog.first(select(DATASET).where(DATASET.c.id == ref.id))
    terms = catalog.first(select(TERMS).where(TERMS.c.id == ref.id))
    state, until = ("", None) if terms is None else terms_state(terms, now)
    return Standing(
        {
            "data_class": row.data_class if row else "",
            "purposes": row.purposes.split() if row else [],
            "residency": row.residency.split() if row else [],
            "owner": row.owner if row else "",
            "is_erased": row is not None and row.erased_by is not None,
            "terms": state,
            "allowed": terms.allowed.split() if terms else [],
        },
        until,
    )


def terms_bounds(terms: Row[Any]) -> tuple[datetime | None, datetime | None]:
    """When the terms of a row of `TERMS` begin to hold, and when they no longer do."""
    starts = midnight(date.fromisoformat(terms.starts)) if terms.starts else None
    return starts, day_after(date.fromisoformat(terms.expires)) if terms.expires else None


def terms_state(terms: Row[Any], now: datetime) -> tuple[State, datetime | None]:
    """How the terms of a row of `TERMS` stand at a moment, and until when."""
    starts, ends = terms_bounds(terms)
    return state_at(now, starts=starts, ends=ends)


DECLARATIONS = Declarations(
    acts=(IngestDataset, ClearDataset, SetTerms, ReadDataset, EraseDataset, ApplyErasure),
    queries=(Query("dataset.list", "Estate"), Query("dataset.show", "Dataset")),
    resources=(
        ResourceType(
            "Dataset",
            "dataset",
            {
                "data_class": str,
                "purposes": "set",
                "residency": "set",
                "owner": str,
                "is_erased": bool,
                "terms": str,
                "allowed": "set",
            },
            standing=dataset_standing,
            names=DATASET.c.name,
        ),
    ),
    tables=(TABLES,),
)
