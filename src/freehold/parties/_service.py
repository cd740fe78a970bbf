"""The verbs about people: enrol, assign, revoke, tokens, log in by signature, and approvals.

A token is 32 random bytes, shown once; the estate keeps its SHA-256, which is enough for a secret
that cannot be guessed. Approvals are never given by token: they are signed with the person's own
key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Row, literal, select

from freehold.charter import Charter, CharterService
from freehold.kernel import DEFAULT_LIMITS, Ref, check_name, format_time, new_id, parse_time
from freehold.kernel.acts import Actor, Conflict, NotFound, Pipeline
from freehold.kernel.catalog import ACT, LINK
from freehold.kernel.signatures import (
    InvalidSignatureError,
    Statement,
    parse_public_key,
    verify,
)
from freehold.parties._acts import (
    APPROVAL,
    PERSON,
    TOKEN,
    AssignPerson,
    EnrolPerson,
    GiveApproval,
    IssueToken,
    LogIn,
    RevokePerson,
    RevokeToken,
)
from freehold.parties.errors import PartyError, Unauthenticated

TOKEN_PREFIX = "fh_"  # noqa: S105  # so that scanners of leaked secrets can know one
TOKEN_DAYS = 30
TOKEN_DAYS_MAX = 366  # a secret that nobody renews is one that nobody watches
STATEMENT_DAYS = 7
UNVERSIONED = frozenset({"dataset"})  # decided about as a whole, whichever version was named


@dataclass(frozen=True, slots=True)
class Person:
    """A person or service as the estate knows them; names are None once erased."""

    ref: str
    code: str | None
    name: str | None
    roles: tuple[str, ...]
    clearances: tuple[str, ...]
    unit: str
    is_active: bool
    can_sign: bool


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token, the one time that it is shown."""

    id: str
    token: str
    expires: str


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What enrolment needs to know."""

    code: str
    name: str
    roles: tuple[str, ...]
    clearances: tuple[str, ...] = ()
    unit: str = ""
    ssh_key: str = ""
    kind: str = "user"


EvidenceOf = Callable[[Ref], str]


class PeopleService:
    """People, their credentials and approvals."""

    def __init__(
        self, pipeline: Pipeline, charter: CharterService, evidence: Mapping[str, EvidenceOf]
    ) -> None:
        """`evidence` tells for each act that may need approval what its approvers look at, as a
        digest.
        """
        self._pipeline = pipeline
        self._charter = charter
        self._evidence = evidence

    # -- who is it ---------------------------------------------------------------------------------

    def authenticate(self, token: str) -> Actor:
        """Find out whose token this is.

        Raises:
            Unauthenticated: nobody's, or expired, or revoked.
        """
        hashed = _hash(token)
        row = self._pipeline.stores.catalog.first(select(TOKEN).where(TOKEN.c.hash == hashed))
        if row is None or not hmac.compare_digest(row.hash, hashed) or row.is_revoked:
            raise Unauthenticated
        if parse_time(row.expires) <= self._pipeline.clock.now():
            raise Unauthenticated
        person = self._row(PERSON.c.id == row.person)
        if person is None or not person.is_active:
            raise Unauthenticated
        return Actor(Ref(person.kind, person.id))

    def find(self, name: str) -> Ref:
        """Resolve a person's code, `user:code` or `user:<id>`.

        Raises:
            NotFound: nobody of that name.
        """
        code = name.partition(":")[2] if ":" in name else name
        row = self._row((PERSON.c.code == code) | (PERSON.c.id == code))
        if row is None:
            raise NotFound(
                "party.unknown", f"nobody here is called {name!r:.80}", "see `freehold people list`"
            )
        return Ref(row.kind, row.id)

    def list(self, actor: Actor) -> tuple[Person, ...]:
        """Everybody, with roles and clearances."""
        self._pipeline.ask(actor, "person.list", on=self._pipeline.circumstances.estate)
        rows = self._pipeline.stores.catalog.all(
            select(PERSON).order_by(PERSON.c.since, PERSON.c.id)
        )
        return tuple(map(_person, rows))

    # -- enrolment ---------------------------------------------------------------------------------

    def enrol(self, actor: Actor, person: NewPerson) -> Person:
        """Enrol a person or service.

        Raises:
            Conflict: the code is taken.
            MalformedError: the code or the key is not of its form.
        """
        check_name(person.code)
        self._check_codes(person.roles, person.clearances)
        known = self._charter.known_people() if "owner" in person.roles else {}
        ref = Ref(person.kind, known.get(person.code) or new_id())
        key = parse_public_key(person.ssh_key) if person.ssh_key else ""
        enrolment = EnrolPerson(roles=person.roles, clearances=person.clearances, unit=person.unit)
        with (
            self._pipeline.hold(Ref("person", person.code)),  # two of one code wait for each other
            self._pipeline.perform(actor, enrolment, on=ref) as act,
        ):
            if self._row((PERSON.c.code == person.code) & PERSON.c.is_active):
                raise Conflict("party.exists", f"somebody is already enrolled as {person.code}")
            act.describe(code=person.code, name=person.name, ssh_key=key)
            act.conclude()
        return self._person(ref)

    def enrol_charter(self, actor: Actor) -> tuple[Person, ...]:
        """Enrol whom the charter in force names and who is not enrolled yet; safe to repeat."""
        charter = self._charter.in_force()
        enrolled = []
        for code in charter.people:
            if self._row(PERSON.c.code == code) is None:
                enrolled.append(self.enrol(actor, _from_charter(charter, code)))
        return tuple(enrolled)

    def assign(
        self,
        actor: Actor,
        person: str,
        *,
        roles: Sequence[str],
        clearances: Sequence[str] = (),
        unit: str = "",
    ) -> Person:
        """Give a person other roles and clearances."""
        ref = self.find(person)
        self._check_codes(roles, clearances)
        assignment = AssignPerson(roles=tuple(roles), clearances=tuple(clearances), unit=unit)
        with self._pipeline.perform(actor, assignment, on=ref) as act:
            act.conclude()
        return self._person(ref)

    def revoke(self, actor: Actor, person: str) -> Person:
        """End a person's part: roles, tokens and future approvals."""
        ref = self.find(person)
        with self._pipeline.perform(actor, RevokePerson(), on=ref) as act:
            act.conclude()
        return self._person(ref)

    # -- tokens ------------------------------------------------------------------------------------

    def token(self, actor: Actor, person: str, *, days: int = TOKEN_DAYS) -> IssuedToken:
        """Issue a token to a person; it is shown this once.

        Raises:
            PartyError: for no day, or for more than a token may live.
        """
        if not 1 <= days <= TOKEN_DAYS_MAX:
            raise PartyError(
                "party.days", f"a token lives 1 to {TOKEN_DAYS_MAX} days, got {days}", "give --days"
            )
        issue = IssueToken(expires=self._in(days), nonce=_new_nonce())
        return self._issue(actor, self.find(person), issue)

    def login(self, statement: bytes, signature: str) -> IssuedToken:
        """Issue a token to whoever signed `token.login` for themselves with their enrolled key.

        Raises:
            Unauthenticated: not the signature of anybody who may log in.
            PartyError: the statement is about something else, expired, or was used before.
        """
        said = self._signed(statement, signature)
        ref = Ref.parse(said.approver)
        self._check(said, self._statement(ref, LogIn.name, ref, evidence=_login_evidence(ref)))
        login = LogIn(expires=self._in(TOKEN_DAYS), nonce=said.nonce)
        with self._once(said.nonce, TOKEN.c.nonce):
            return self._issue(Actor(ref), ref, login)

    def revoke_token(self, actor: Actor, person: str, token_id: str) -> None:
        """Revoke one token of a person.

        Raises:
            NotFound: that person has no such token.
        """
        ref = self.find(person)
        its = select(TOKEN.c.id).where(TOKEN.c.id == token_id, TOKEN.c.person == ref.id)
        with self._pipeline.perform(actor, RevokeToken(token=token_id), on=ref) as act:
            if self._pipeline.stores.catalog.first(its) is None:
                raise NotFound("token.unknown", f"{person} has no token {token_id}")
            act.conclude()

    # -- approvals ---------------------------------------------------------------------------------

    def prepare(self, actor: Actor, person: str, act: str, resource: Ref) -> Statement:
        """Show what `person` has to sign to approve `act` on `resource` as it is now.

        Raises:
            PartyError: that act takes no approvals.
        """
        self._pipeline.ask(actor, "approval.show", on=resource)
        return self.statement(person, act, resource)

    def statement(self, person: str, act: str, resource: Ref | None = None) -> Statement:
        """What `person` has to sign for `act`; for rooms above, which ask policy, or to log in.

        For `token.login` anybody may ask, so the answer does not tell whether there is such a
        person.

        Raises:
            PartyError: that act takes no approvals.
        """
        if act == LogIn.name:
            return self._challenge(person)
        if act not in self._evidence or resource is None:
            raise PartyError(
                "party.no_approval",
                f"{act!r:.80} takes no approvals; these do: {', '.join(sorted(self._evidence))}",
            )
        if resource.kind in UNVERSIONED:
            resource = resource.at(None)
        approver = self.find(person)
        return self._statement(approver, act, resource, evidence=self._evidence[act](resource))

    def approve(self, statement: bytes, signature: str) -> str:
        """Record a signed approval; returns the act's id. The signature is the authentication.

        Raises:
            Unauthenticated: not the signature of anybody who may approve.
            PartyError: the statement is expired, was used before, or what it covers has changed.
        """
        said = self._signed(statement, signature)
        approver, resource = Ref.parse(said.approver), Ref.parse(said.resource)
        if said.act not in self._evidence:
            raise PartyError("party.no_approval", f"{said.act!r:.80} takes no approvals")
        evidence = self._evidence[said.act](resource)
        self._check(said, self._statement(approver, said.act, resource, evidence=evidence))
        approval = GiveApproval(
            for_act=said.act,
            evidence=said.evidence,
            policy_set=said.policy_set,
            nonce=said.nonce,
            expires=said.expires,
        )
        estate = self._pipeline.circumstances.estate  # an approval outlives what it approved
        with (
            self._once(said.nonce, APPROVAL.c.nonce),
            self._pipeline.perform(Actor(approver), approval, on=resource, domain=estate.id) as act,
        ):
            act.describe(statement=statement.decode(), signature=signature)
            act.conclude()
        return act.recorded.record.id

    def valid(
        self, act: str, resource: Ref, *, evidence: str, excluded: frozenset[str]
    ) -> tuple[str, ...]:
        """Serve as the kernel's `Approvals`: unexpired, under the policies in force, by distinct
        others.
        """
        try:
            rule = self._charter.in_force().approvals.get(act)
        except Conflict:
            return ()
        if rule is None:
            return ()
        ref = literal("approval:").concat(APPROVAL.c.id)
        uses = select(LINK.c.position).where(LINK.c.ref == ref, LINK.c.direction == "by")
        rows = self._pipeline.stores.catalog.all(
            select(APPROVAL)
            .where(
                APPROVAL.c.act == act,
                APPROVAL.c.resource == str(resource),
                APPROVAL.c.evidence == evidence,
                APPROVAL.c.policy_set == self._pipeline.policies.digest,
                APPROVAL.c.is_void.is_(False),
                ~uses.exists(),  # each counts once
            )
            .order_by(APPROVAL.c.id)
        )
        now = self._pipeline.clock.now()
        counted: dict[str, str] = {}
        for row in rows:
            approver = Ref.parse(row.approver)
            person = self._row(PERSON.c.id == approver.id)
            is_eligible = (
                row.approver not in excluded
                and parse_time(row.expires) > now
                and person is not None
                and person.is_active
                and not set(rule.roles).isdisjoint(person.roles.split())
                and self._is_recorded(row)
            )
            if is_eligible:
                counted.setdefault(row.approver, row.id)
        return tuple(counted.values())

    def _is_recorded(self, row: Row[Any]) -> bool:
        """Whether the ledger holds this approval: the catalog, a file that somebody may have
        edited, only tells where to look.
        """
        pipeline = self._pipeline
        try:
            record = pipeline.record(pipeline.position(row.id))
        except NotFound:
            return False
        said = {"for_act": row.act}
        said |= {
            name: getattr(row, name) for name in ("evidence", "policy_set", "nonce", "expires")
        }
        return (
            (record.id, record.act, record.phase) == (row.id, GiveApproval.name, "done")
            and (record.principal, record.resource) == (row.approver, row.resource)
            and record.facts.items() >= said.items()
        )

    def allowed_signers(self, actor: Actor) -> str:
        """The public keys of all who sign, as an OpenSSH allowed_signers file.

        To be trusted only as far as its source.
        """
        self._pipeline.ask(actor, "person.list", on=self._pipeline.circumstances.estate)
        rows = self._pipeline.stores.catalog.all(select(PERSON).order_by(PERSON.c.id))
        return "".join(
            f'{row.kind}:{row.id} namespaces="freehold-approval" {row.ssh_key}\n'
            for row in rows
            if row.ssh_key
        )

    # -- within ------------------------------------------------------------------------------------

    def _issue(self, actor: Actor, ref: Ref, issue: IssueToken) -> IssuedToken:
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        token_id = new_id()
        with self._pipeline.perform(actor, issue, on=ref) as act:
            act.describe(hash=_hash(token))
            act.conclude(token=token_id)
        return IssuedToken(token_id, token, issue.expires)

    def _in(self, days: int) -> str:
        return format_time(self._pipeline.clock.now() + timedelta(days=days))

    def _statement(self, approver: Ref, act: str, resource: Ref, *, evidence: str) -> Statement:
        pipeline = self._pipeline
        return Statement(
            estate=pipeline.circumstances.estate.id,
            approver=str(approver),
            act=act,
            resource=str(resource),
            evidence=evidence,
            policy_set=pipeline.policies.digest,
            nonce=_new_nonce(),
            expires=format_time(pipeline.clock.now() + timedelta(days=STATEMENT_DAYS)),
        )

    def _challenge(self, person: str) -> Statement:
        try:
            ref = self.find(person)
        except NotFound:
            ref = self._nobody(person)
        return self._statement(ref, LogIn.name, ref, evidence=_login_evidence(ref))

    def _nobody(self, person: str) -> Ref:
        """An id that is nobody's, always the same for this name, and in shape and age like that of
        whoever was enrolled first.
        """
        estate = self._pipeline.circumstances.estate.id
        first = self._pipeline.stores.catalog.first(
            select(ACT.c.resource)
            .where(ACT.c.act == EnrolPerson.name, ACT.c.phase == "done")
            .order_by(ACT.c.position)  # not by time: a clock may go back
        )
        key = self._pipeline.stores.keyring.domain(estate).naming_key
        tail = hmac.new(key, f"freehold/nobody/v1\0{person}".encode(), hashlib.sha256).hexdigest()
        time = (Ref.parse(first.resource).id if first else estate)[:13]
        variant = "89ab"[int(tail[0], 16) % 4]
        return Ref("user", f"{time}-7{tail[1:4]}-{variant}{tail[4:7]}-{tail[7:19]}")

    def _signed(self, statement: bytes, signature: str) -> Statement:
        """Read a statement that its approver has signed.

        First of all checks: whoever cannot sign learns nothing of what it should have said.

        Raises:
            Unauthenticated: nobody active here, or another's signature; which of them is not told.
        """
        said = Statement.parse(statement)
        person = self._row(PERSON.c.id == Ref.parse(said.approver).id)
        try:
            if person is None or not person.is_active or not person.ssh_key:
                raise _not_signed()
            verify(statement, signature, person.ssh_key)
        except InvalidSignatureError as error:
            raise _not_signed() from error
        return said

    @contextmanager
    def _once(self, nonce: str, used: Column[Any]) -> Iterator[None]:
        """Let one use of a signed statement through, also of two at the same time.

        Raises:
            PartyError: it was used before.
        """
        with self._pipeline.hold(Ref("nonce", nonce)):
            if self._pipeline.stores.catalog.first(select(used).where(used == nonce)):
                raise PartyError("party.replay", "this signed statement was already used")
            yield

    def _check(self, said: Statement, expected: Statement) -> None:
        """Refuse a statement that is not what would be asked for now."""
        for name in ("estate", "approver", "act", "resource", "evidence", "policy_set"):
            if getattr(said, name) != getattr(expected, name):
                raise PartyError(
                    "party.statement",
                    f"the signed statement's {name} is {getattr(said, name)!r:.90}; "
                    f"it is now {getattr(expected, name)}",
                    "look at the thing again and sign a fresh statement",
                )
        now, expires = self._pipeline.clock.now(), parse_time(said.expires)
        if not now < expires <= now + timedelta(days=DEFAULT_LIMITS.approval_days_max):
            raise PartyError(
                "party.expired",
                f"the signed statement expired or is valid too long: {said.expires}",
            )

    def _check_codes(self, roles: Sequence[str], clearances: Sequence[str]) -> None:
        charter = self._charter.in_force()
        for wanted, known, what in (
            (roles, charter.roles, "role"),
            (clearances, charter.classes, "data class"),
        ):
            unknown = sorted(set(wanted) - set(known))
            if unknown:
                raise PartyError(
                    "party.code",
                    f"the charter has no {what} {unknown[0]!r:.80}; "
                    f"it has {', '.join(sorted(known))}",
                )

    def _row(self, which: Any) -> Row[Any] | None:
        return self._pipeline.stores.catalog.first(
            select(PERSON).where(which).order_by(PERSON.c.is_active.desc())
        )

    def _person(self, ref: Ref) -> Person:
        row = self._row(PERSON.c.id == ref.id)
        assert row is not None  # noqa: S101  # just recorded
        return _person(row)


def _person(row: Row[Any]) -> Person:
    return Person(
        ref=f"{row.kind}:{row.id}",
        code=row.code,
        name=row.name,
        roles=tuple(row.roles.split()),
        clearances=tuple(row.clearances.split()),
        unit=row.unit,
        is_active=bool(row.is_active),
        can_sign=bool(row.ssh_key),
    )


def _from_charter(charter: Charter, code: str) -> NewPerson:
    person = charter.people[code]
    return NewPerson(
        code=person.code,
        name=person.name,
        roles=person.roles,
        clearances=tuple(sorted(charter.clearances(code))),
        unit=person.unit,
        ssh_key=person.ssh_key or "",
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _new_nonce() -> str:
    return secrets.token_hex(16)


def _not_signed() -> Unauthenticated:
    return Unauthenticated(
        "the statement is not signed with a key of anybody active here",
        "sign with the key that is enrolled for you (--key), as yourself (--as)",
    )


def _login_evidence(ref: Ref) -> str:
    return "sha256:" + hashlib.sha256(f"freehold/login/v1\0{ref}".encode()).hexdigest()
