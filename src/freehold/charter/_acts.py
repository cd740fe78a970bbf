"""What is done to a charter and to policies, declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from freehold.charter._tables import CHARTER, ESTATE, OWNER, POLICY, RATIFICATION, TABLES
from freehold.kernel import Ref
from freehold.kernel.acts import (
    Act,
    Attributes,
    Blob,
    Declarations,
    Digest,
    Ids,
    Moment,
    Nonce,
    Query,
    Record,
    ResourceType,
    VKey,
    found,
)
from freehold.kernel.catalog import Amend, Catalog, Change, Put


def _propose(record: Record, ref: Ref, details: Mapping[str, Any] | None) -> Iterable[Change]:
    """Rows of a charter that is not yet ratified, with the owners who may ratify it."""
    yield Put(
        CHARTER,
        {
            "id": ref.id,
            "version": ref.version,
            "digest": record.facts["charter"],
            "blob": record.facts["blob"],
            "is_ratified": False,
        },
    )
    owners = {owner["id"]: owner for owner in (details or {}).get("owners", ())}
    for owner_id in record.facts["owners"]:
        known = owners.get(owner_id, {})
        yield Put(
            OWNER,
            {
                "charter": ref.id,
                "version": ref.version,
                "id": owner_id,
                "domain": record.body.domain if record.body else "",
                "code": known.get("code"),
                "ssh_key": known.get("ssh_key"),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateEstate(Act, name="estate.create", on="Estate"):
    """Make an estate from a charter file.

    The first act of every ledger, done by the estate itself.
    """

    trial: bool
    vkey: VKey
    charter: Digest
    owners: Ids = ()
    blob: Blob = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(
            ESTATE,
            {
                "id": Ref.parse(record.resource).id,
                "is_trial": record.facts["trial"],
                "created": record.time,
                "vkey": record.facts["vkey"],
            },
        )
        yield from _propose(record, Ref.parse(record.outputs[0].ref), details)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeCharter(Act, name="charter.propose", on="Charter"):
    """Propose another version of the charter; it is in force only once distinct owners have
    ratified it.
    """

    charter: Digest
    owners: Ids = ()
    blob: Blob = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield from _propose(record, Ref.parse(record.resource), details)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatifyCharter(Act, name="charter.ratify", on="Charter"):
    """Ratify a charter as one of its owners, by signature.

    The last one needed puts its policies in force.
    """

    evidence: Digest
    nonce: Nonce
    expires: Moment
    is_complete: bool = found(False)
    policies: Digest | None = found()
    blob: Blob | None = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        ref = Ref.parse(record.resource)
        key = {"id": ref.id, "version": ref.version}
        yield Put(
            RATIFICATION,
            {
                "charter": ref.id,
                "version": ref.version,
                "owner": Ref.parse(record.principal).id,
                "record": record.id,
                "nonce": record.facts["nonce"],
            },
        )
        if record.facts["is_complete"]:
            yield Amend(CHARTER, key, {"is_ratified": True})
            yield Put(
                POLICY,
                {
                    **key,
                    "digest": record.facts["policies"],
                    "blob": record.facts["blob"],
                    "proposed_by": record.principal,
                    "in_force_since": record.time,
                    "put_in_force_by": record.id,
                },
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePolicy(Act, name="policy.propose", on="Policy"):
    """Lay down policies of the organisation's own, to be put in force beside the charter's."""

    evidence: Digest
    blob: Blob = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(
            POLICY,
            {
                "id": Ref.parse(record.resource).id,
                "version": 1,
                "digest": record.facts["evidence"],
                "blob": record.facts["blob"],
                "proposed_by": record.principal,
                "in_force_since": None,
                "put_in_force_by": None,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivatePolicy(Act, name="policy.activate", on="Policy"):
    """Put proposed policies in force; a second person has to have approved them."""

    evidence: Digest

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        ref = Ref.parse(record.resource)
        yield Amend(
            POLICY,
            {"id": ref.id},
            {"in_force_since": record.time, "put_in_force_by": record.id},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeEstate(Act, name="estate.upgrade", on="Estate"):
    """Go over to another format version, with the charter in force compiled for the acts that this
    software knows.
    """

    former: int
    format: int
    records: int
    comparison: Digest
    policies: Digest
    blob: Blob = found()

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Put(
            POLICY,
            {
                "id": Ref.parse(record.outputs[0].ref).id,
                "version": 1,
                "digest": record.facts["policies"],
                "blob": record.facts["blob"],
                "proposed_by": record.principal,
                "in_force_since": record.time,
                "put_in_force_by": record.id,
            },
        )


def policy_attributes(catalog: Catalog, ref: Ref) -> Attributes:
    """How policies see a proposed policy set: by who proposed it."""
    row = catalog.first(select(POLICY.c.proposed_by).where(POLICY.c.id == ref.id))
    return {"proposed_by": row.proposed_by if row else ""}


DECLARATIONS = Declarations(
    acts=(
        CreateEstate,
        ProposeCharter,
        RatifyCharter,
        ProposePolicy,
        ActivatePolicy,
        UpgradeEstate,
    ),
    queries=(
        Query("estate.status", "Estate"),
        Query("charter.show", "Charter"),
        Query("policy.show", "Estate"),
        Query("policy.explain", "Estate"),
        Query("policy.test", "Estate"),
        Query("policy.simulate", "Estate"),
    ),
    resources=(
        ResourceType("Estate", "estate"),
        ResourceType("Charter", "charter"),
        ResourceType("Policy", "policy", {"proposed_by": str}, policy_attributes, ("proposed_by",)),
    ),
    tables=(TABLES,),
)
