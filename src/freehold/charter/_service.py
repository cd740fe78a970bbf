"""The charter's verbs: create the estate from it, propose, ratify, and keep the policies that
follow from it in force.

Policies in force are always a document in the vault with its digest in the ledger: what was in
force at any time can be read again, whatever a later version of the compiler would make of the same
charter.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, select

from freehold.charter._acts import CreateEstate, ProposeCharter, RatifyCharter
from freehold.charter._charter import Charter, check_complete
from freehold.charter._compile import bootstrap_policies, compile_policies
from freehold.charter._tables import CHARTER, ESTATE, OWNER, POLICY, RATIFICATION
from freehold.charter.errors import CharterError
from freehold.kernel import DEFAULT_LIMITS, Ref, digest, format_time, new_id, parse_time
from freehold.kernel.acts import Actor, Conflict, NotFound, Output, Pipeline
from freehold.kernel.catalog import ACT, Catalog
from freehold.kernel.policy import PolicySet
from freehold.kernel.signatures import Statement, verify

POLICY_BYTES_MAX = 4_194_304  # thousands of policies; decisions slow down by 3 µs for each
OWN_POLICIES = "// The organisation's own policies\n"  # all that follows is theirs
OWNERS_NEEDED = 2  # distinct owners must ratify; a trial estate of one person has but one
OWNER_ROLE = "owner"
ESTATE_ROLE = "estate"  # no code of a charter: what the estate records of its own accord
ESTATE_ACTS = (  # without anybody asking, as its owners ratified or declared
    "access.refused",  # totals of unknown callers
    "erasure.apply",
    "estate.prune",
    "estate.restore",
    "estate.retention",
    "stream.interrupt",
    "stream.resume",
    "witness.accept",
    "witness.ask",
    "witness.miss",
)
BUILTIN_POLICIES = """\
@id("builtin.login")
@reason("Whoever is enrolled and active may get a token by signing with their own key.")
permit (principal is User, action == Action::"token.login", resource)
when { principal.is_active };
@id("builtin.statement")
@reason("Whoever is enrolled and active may see what an approval says; it counts once signed.")
permit (principal is User, action == Action::"approval.show", resource)
when { principal.is_active };
"""


@dataclass(frozen=True, slots=True)
class CharterStatus:
    """A version of the charter and who has ratified it."""

    ref: str
    digest: str
    is_ratified: bool
    ratified_by: tuple[str, ...]
    missing: int


class CharterService:
    """Everything about the charter and the policies in force."""

    def __init__(
        self, pipeline: Pipeline, enrolled_key: Callable[[Catalog, str], str | None]
    ) -> None:
        """`enrolled_key` gives the key of somebody enrolled, empty if none counts; None if nobody.

        Once an owner is enrolled, that key alone ratifies: the one in the charter may be revoked.
        """
        self._pipeline = pipeline
        self._enrolled_key = enrolled_key
        self._parsed: tuple[str, Charter] | None = None  # by its blob, which never changes

    # -- beginning ---------------------------------------------------------------------------------

    def create_estate(self, source: bytes, *, is_trial: bool, vkey: str) -> str:
        """Record the estate and its proposed charter; the first act of the ledger. Returns the
        act's id.

        Raises:
            CharterError: the charter does not parse or is not complete.
        """
        charter = Charter.parse(source)
        check_complete(charter, trial=is_trial)
        pipeline = self._pipeline
        estate = pipeline.circumstances.estate
        owners = self._owners(charter)
        founding = CreateEstate(
            trial=is_trial,
            vkey=vkey,
            charter=digest(source),
            owners=tuple(owner["id"] for owner in owners),
        )
        with pipeline.perform(Actor(Ref("service", estate.id)), founding, on=estate) as act:
            sealed = pipeline.stores.vault.seal(act.domain, io.BytesIO(source))
            act.describe(owners=owners, organisation=charter.organisation.name)
            ref = Ref("charter", new_id(), 1)
            act.conclude(
                outputs=[Output(ref=str(ref), sealed=sealed.sealed_digest, digest=sealed.digest)],
                blob=sealed.name,
            )
        return act.recorded.record.id

    def propose(self, actor: Actor, source: bytes) -> CharterStatus:
        """Propose a new version of the charter.

        The one in force stays in force until this one is ratified.
        """
        charter = Charter.parse(source)
        pipeline = self._pipeline
        check_complete(charter, trial=pipeline.circumstances.is_trial)
        latest = self._latest()
        owners = self._owners(charter)
        ref = Ref("charter", latest.id, latest.version + 1)
        proposal = ProposeCharter(
            charter=digest(source), owners=tuple(owner["id"] for owner in owners)
        )
        estate = pipeline.circumstances.estate
        with pipeline.perform(actor, proposal, on=ref, domain=estate.id) as act:
            sealed = pipeline.stores.vault.seal(act.domain, io.BytesIO(source))
            act.describe(owners=owners)
            act.conclude(
                outputs=[Output(ref=str(ref), sealed=sealed.sealed_digest, digest=sealed.digest)],
                blob=sealed.name,
            )
        return self.status()

    # -- ratification ------------------------------------------------------------------------------

    def statement(self, owner: str, *, valid_days: int = 1) -> Statement:
        """What `owner` (a code of the charter) has to sign to ratify the newest version.

        Raises:
            Conflict: nothing is left to ratify.
            NotFound: the charter names no such owner.
        """
        latest = self._latest()
        if (
            latest.is_ratified
        ):  # anybody may ask: who the owners are is told only while it has to be
            raise _already_ratified()
        row = find_owner(self._pipeline.stores.catalog, OWNER.c.code == owner)
        if row is None:
            raise NotFound("charter.owner", f"the charter names no owner {owner!r:.80}")
        return Statement(
            estate=self._pipeline.circumstances.estate.id,
            approver=f"user:{row.id}",
            act="charter.ratify",
            resource=str(Ref("charter", latest.id, latest.version)),
            evidence=latest.digest,
            policy_set=self._pipeline.policies.digest,
            nonce=new_id().replace("-", ""),
            expires=format_time(self._pipeline.clock.now() + timedelta(days=valid_days)),
        )

    def ratify(self, statement: bytes, signature: str) -> CharterStatus:
        """Count an owner's signed ratification; with the last one needed the charter is in force.

        The signature is the authentication: no token exists before the charter does.

        Raises:
            CharterError: the statement is not about this charter, is expired or was used before.
            SignatureError: the signature is not the owner's.
            Conflict: this owner has already ratified, or nothing is left to ratify.
        """
        said = Statement.parse(statement)
        latest = self._latest()
        if latest.is_ratified:
            raise _already_ratified()
        ref = Ref("charter", latest.id, latest.version)
        self._check_statement(said, ref, latest.digest)
        owner = Ref.parse(said.approver)
        pipeline = self._pipeline
        row = find_owner(pipeline.stores.catalog, OWNER.c.id == owner.id)
        enrolled = self._enrolled_key(pipeline.stores.catalog, owner.id)
        key = row.ssh_key if row is not None and enrolled is None else enrolled
        if row is None or not key:
            raise CharterError("charter.not_owner", f"the charter names no owner {said.approver}")
        verify(statement, signature, key)
        act_type = RatifyCharter(evidence=said.evidence, nonce=said.nonce, expires=said.expires)
        estate = pipeline.circumstances.estate
        with pipeline.perform(Actor(owner), act_type, on=ref, domain=estate.id) as act:
            done = set(self._ratified_by(ref))
            if owner.id in done:
                raise Conflict(
                    "charter.twice", f"{said.approver} has already ratified this charter"
                )
            act.describe(statement=statement.decode(), signature=signature)
            needed = self._needed(ref)
            if len(done) + 1 < needed:
                act.conclude(is_complete=False)
                activated = None
            else:
                activated = self._compile(ref)
                sealed = pipeline.stores.vault.seal(act.domain, io.BytesIO(activated.text.encode()))
                act.conclude(
                    outputs=[
                        Output(ref=str(ref), sealed=sealed.sealed_digest, digest=sealed.digest)
                    ],
                    is_complete=True,
                    policies=activated.digest,
                    blob=sealed.name,
                )
        if activated is not None:
            pipeline.enforce(activated)
        return self.status()

    @staticmethod
    def signer(statement: bytes) -> Ref:
        """Whose statement this says it is; only to be believed after `ratify`."""
        return Ref.parse(Statement.parse(statement).approver)

    def last_ratifier(self) -> Ref:
        """The owner whose ratification put the charter in force.

        Raises:
            NotFound: none is in force.
        """
        row = self._pipeline.stores.catalog.first(
            select(ACT.c.principal)
            .join(RATIFICATION, RATIFICATION.c.record == ACT.c.id)
            .join(
                CHARTER,
                and_(
                    CHARTER.c.id == RATIFICATION.c.charter,
                    CHARTER.c.version == RATIFICATION.c.version,
                ),
            )
            .where(CHARTER.c.is_ratified)
            .order_by(ACT.c.position.desc())
        )
        if row is None:
            raise NotFound("charter.none", "no charter is in force")
        return Ref.parse(row.principal)

    def _check_statement(self, said: Statement, ref: Ref, evidence: str) -> None:
        pipeline = self._pipeline
        expected = {
            "estate": pipeline.circumstances.estate.id,
            "act": "charter.ratify",
            "resource": str(ref),
            "evidence": evidence,
            "policy_set": pipeline.policies.digest,
        }
        for name, value in expected.items():
            if getattr(said, name) != value:
                raise CharterError(
                    "charter.statement",
                    f"the signed statement's {name} is {getattr(said, name)!r:.90}, "
                    f"expected {value}",
                    "sign a fresh statement with `freehold charter ratify`",
                )
        now, expires = pipeline.clock.now(), parse_time(said.expires)
        if not now < expires <= now + timedelta(days=DEFAULT_LIMITS.approval_days_max):
            raise CharterError(
                "charter.expired",
                f"the signed statement expired or is valid too long: {said.expires}",
            )
        if pipeline.stores.catalog.first(
            select(RATIFICATION.c.nonce).where(RATIFICATION.c.nonce == said.nonce)
        ):
            raise CharterError("charter.replay", "this signed statement was already used")

    # -- reading -----------------------------------------------------------------------------------

    def status(self) -> CharterStatus:
        """The newest version and how far its ratification is."""
        latest = self._latest()
        ref = Ref("charter", latest.id, latest.version)
        done = self._ratified_by(ref)
        missing = 0 if latest.is_ratified else max(self._needed(ref) - len(done), 0)
        return CharterStatus(str(ref), latest.digest, latest.is_ratified, tuple(done), missing)

    def show(self, actor: Actor) -> dict[str, Any]:
        """The newest charter's text and status."""
        latest = self._latest()
        ref = Ref("charter", latest.id, latest.version)
        self._pipeline.ask(actor, "charter.show", on=ref)
        return {"status": self.status(), "text": self._text(latest.blob).decode()}

    def is_ratified(self) -> bool:
        """Whether any version of the charter is in force."""
        query = select(CHARTER.c.id).where(CHARTER.c.is_ratified)
        return self._pipeline.stores.catalog.first(query) is not None

    def organisation(self) -> str:
        """The organisation's name, from the charter in force, else from the proposed one."""
        charter = Charter.parse(self._text(self._latest().blob))
        return charter.organisation.name

    def in_force(self) -> Charter:
        """The newest ratified charter.

        Raises:
            Conflict: none is ratified yet.
        """
        row = self._pipeline.stores.catalog.first(
            select(CHARTER).where(CHARTER.c.is_ratified).order_by(CHARTER.c.version.desc())
        )
        if row is None:
            raise Conflict(
                "charter.unratified",
                "no charter is ratified, so nothing but ratification is possible",
                "each owner runs `freehold charter ratify`",
            )
        parsed = self._parsed
        if parsed is None or parsed[0] != row.blob:
            parsed = self._parsed = (row.blob, Charter.parse(self._text(row.blob)))
        return parsed[1]

    def policies_in_force(self) -> PolicySet:
        """The policy set that the ledger says is in force; the built-in one before any
        ratification.
        """
        row = self._pipeline.stores.catalog.first(
            select(POLICY)
            .join(ACT, ACT.c.id == POLICY.c.put_in_force_by)
            .order_by(ACT.c.position.desc())
        )
        schema = self._pipeline.registry.schema
        if row is None:
            own = estate_policy(self._pipeline.registry.actions)
            return PolicySet(f"{own}{bootstrap_policies()}", schema)
        return PolicySet(self._text(row.blob).decode(), schema)

    def compiled_anew(self) -> PolicySet:
        """The charter in force compiled for the acts that this software knows, with the own
        policies in force beside it.

        Raises:
            Conflict: none is in force.
            InvalidPolicy: an own policy does not fit this software any more.
        """
        return self._compiled(self.in_force())

    def known_people(self) -> Mapping[str, str]:
        """Ids already given to owners, by their code."""
        rows = self._pipeline.stores.catalog.all(select(OWNER.c.code, OWNER.c.id))
        return {row.code: row.id for row in rows if row.code}

    # -- within ------------------------------------------------------------------------------------

    def _latest(self) -> Any:
        row = self._pipeline.stores.catalog.first(
            select(CHARTER).order_by(CHARTER.c.version.desc())
        )
        if row is None:
            raise NotFound(
                "charter.none", "this estate has no charter", "`freehold init` makes one"
            )
        return row

    def _text(self, blob: str) -> bytes:
        estate = self._pipeline.circumstances.estate
        return self._pipeline.stores.vault.read(estate.id, blob, POLICY_BYTES_MAX)

    def _compile(self, ref: Ref) -> PolicySet:
        row: Any = self._pipeline.stores.catalog.first(  # asked for a charter that there is
            select(CHARTER).where(CHARTER.c.id == ref.id, CHARTER.c.version == ref.version)
        )
        return self._compiled(Charter.parse(self._text(row.blob)))

    def _compiled(self, charter: Charter) -> PolicySet:
        registry = self._pipeline.registry
        own = self._pipeline.policies.text.partition(OWN_POLICIES)[2]
        return PolicySet(compile_charter(charter, registry.actions, own=own), registry.schema)

    def _owners(self, charter: Charter) -> list[dict[str, str]]:
        known = self.known_people()
        return [
            {
                "id": known.get(person.code) or new_id(),
                "code": person.code,
                "ssh_key": person.ssh_key or "",
            }
            for person in charter.owners
        ]

    def _ratified_by(self, ref: Ref) -> list[str]:
        rows = self._pipeline.stores.catalog.all(
            select(RATIFICATION.c.owner).where(
                and_(RATIFICATION.c.charter == ref.id, RATIFICATION.c.version == ref.version)
            )
        )
        return [row.owner for row in rows]

    def _needed(self, ref: Ref) -> int:
        if not self._pipeline.circumstances.is_trial:
            return OWNERS_NEEDED
        row = self._pipeline.stores.catalog.first(
            select(func.count().label("owners"))
            .select_from(OWNER)
            .where(OWNER.c.charter == ref.id, OWNER.c.version == ref.version)
        )
        return min(OWNERS_NEEDED, int(row.owners) if row else OWNERS_NEEDED)


def _already_ratified() -> Conflict:
    return Conflict("charter.ratified", "the newest charter is already ratified")


def find_owner(catalog: Catalog, which: ColumnElement[bool]) -> Row[Any] | None:
    """Find an owner who may ratify: of the newest ratified charter, or of the first while none is.

    Owners whom a proposed charter would add have no say in its ratification.
    """
    electing = catalog.first(
        select(CHARTER.c.id, CHARTER.c.version).order_by(
            CHARTER.c.is_ratified.desc(), CHARTER.c.version.desc()
        )
    )
    if electing is None:
        return None
    return catalog.first(
        select(OWNER).where(
            OWNER.c.charter == electing.id, OWNER.c.version == electing.version, which
        )
    )


def founding_role(catalog: Catalog, principal: Ref) -> str:
    """Tell the role of a principal whom no enrolment names, or nothing.

    Owners of the charter may ratify it before they are enrolled; the estate itself creates itself,
    and later records totals.
    """
    if principal.kind == "service":
        estate = catalog.first(select(ESTATE.c.id))
        if estate is None:
            return OWNER_ROLE
        return ESTATE_ROLE if estate.id == principal.id else ""
    return OWNER_ROLE if find_owner(catalog, OWNER.c.id == principal.id) is not None else ""


def estate_policy(actions: Collection[str]) -> str:
    """The policy that permits the estate what it does of its own accord, of the acts that exist."""
    own = ", ".join(f'Action::"{act}"' for act in ESTATE_ACTS if act in actions)
    return f"""\
@id("builtin.estate")
@reason("The estate itself does what its owners ratified or declared, without being asked.")
permit (principal is Service, action in [{own}], resource)
when {{ principal.roles.contains("estate") }};
"""


def compile_charter(charter: Charter, actions: Mapping[str, str], *, own: str = "") -> str:
    """Compile a charter's policies, with those of every estate and the organisation's `own`.

    The own ones stand last, after a mark: another charter takes them over as they are.
    """
    builtin = estate_policy(actions) + BUILTIN_POLICIES
    compiled = f"{builtin}\n{compile_policies(charter, actions)}"
    return f"{compiled}\n{OWN_POLICIES}{own}" if own else compiled
