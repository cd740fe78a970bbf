"""The verbs of emergency access: ask for a role, take it for a time, end it, review it.

    emergency = emergencies.request(actor, "operator", minutes=60, code="outage", reason="…")
    emergencies.break_glass(actor, emergency.ref)    # approved by another, unless alone is allowed
    emergencies.end(actor, emergency.ref)
    emergencies.review(another, emergency.ref, outcome="justified", finding="…")

A role taken so is one more role to the policies and nothing else: it makes no approver and no
owner, and it ends by the clock, without anybody's action.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select

from freehold.charter import CharterService
from freehold.kernel import Ref, canonical, digest, format_time, new_id, parse_time
from freehold.kernel.acts import Actor, Concern, Conflict, NotFound, Output, Pipeline
from freehold.parties._acts import PERSON
from freehold.parties._emergency_acts import (
    EMERGENCY,
    BreakGlass,
    EndAccess,
    RequestAccess,
    ReviewEmergency,
)
from freehold.parties.errors import PartyError

CODES = ("absence", "incident", "legal", "outage", "safety", "other")  # why; more is in words
OUTCOMES = ("justified", "avoidable", "misused")
MINUTES_MAX = 1_440  # whatever policies there are: what lasts longer than a day is an assignment
REQUEST_HOURS = 24  # an approved request that nobody took is no key to keep in a drawer
WORDS_MAX = 4_000  # of a reason or finding: a page


@dataclass(frozen=True, slots=True)
class Emergency:
    """One emergency. `reason` and `finding` are None once erased, `state` is as of now."""

    ref: str
    person: str
    role: str
    code: str
    minutes: int
    state: str  # asked | lapsed | open | over | reviewed
    asked: str
    taken: str | None
    expires: str | None
    ended: str | None
    reviewed_by: str | None
    outcome: str | None
    reason: str | None
    finding: str | None


class EmergencyService:
    """Roles taken for a time, and what follows."""

    def __init__(self, pipeline: Pipeline, charter: CharterService) -> None:
        self._pipeline = pipeline
        self._charter = charter

    def request(
        self, actor: Actor, role: str, *, minutes: int, code: str, reason: str
    ) -> Emergency:
        """Ask for a role for a time. It gives nothing until the glass is broken.

        Raises:
            PartyError: no such role or code, no minutes, or too many words.
            Conflict: they hold the role anyhow.
        """
        _check_choice("code", code, CODES)
        check_words(reason)
        self._classes(role)
        if not 1 <= minutes <= MINUTES_MAX:
            raise PartyError(
                "emergency.minutes",
                f"a role is taken for 1 to {MINUTES_MAX} minutes, got {minutes}",
            )
        ref = Ref("emergency", new_id())
        request = RequestAccess(role=role, minutes=minutes, code=code)
        with self._pipeline.perform(actor, request, on=ref) as act:
            if role in self._roles(actor.authority):
                raise Conflict("emergency.held", f"they hold the role {role} without any emergency")
            act.describe(reason=reason)
            act.conclude()
        return self._emergency(ref)

    def break_glass(self, actor: Actor, emergency: str) -> Emergency:
        """Take the role that was asked for, from now until its minutes are over.

        Raises:
            NotFound: no such request.
            Conflict: taken before, or asked for too long ago.
        """
        ref, row = self._row(emergency)
        person = actor.authority
        with self._pipeline.hold(Ref("emergency", person.id)):  # two at once: the second waits
            now = self._pipeline.clock.now()
            taking = BreakGlass(
                role=row.role,
                minutes=row.minutes,
                clearances=self._classes(row.role),
                expires=format_time(now + timedelta(minutes=row.minutes)),
                evidence=self.evidence(ref),
                own=row.person == str(person),
                unreviewed=self._unreviewed(person),
            )
            with self._pipeline.perform(actor, taking, on=ref) as act:
                _, row = self._row(emergency)  # as it is while nobody else acts on it
                if self._charter.in_force().emergency is None:  # whatever other policies permit
                    raise Conflict("emergency.none", "the charter in force has no [emergency]")
                if row.taken is not None:
                    raise Conflict("emergency.taken", f"{ref} was taken at {row.taken}")
                if _state(row, now) == "lapsed":
                    raise Conflict(
                        "emergency.lapsed",
                        f"{ref} was asked for over {REQUEST_HOURS} hours ago, or before the owners"
                        " accepted the host's clock",
                        "ask again with `freehold access request`",
                    )
                whose_rights_change = Output(ref=row.person)
                act.conclude(outputs=[whose_rights_change])
        return self._emergency(ref)

    def end(self, actor: Actor, emergency: str) -> Emergency:
        """End an emergency before its time.

        Raises:
            NotFound: no such emergency.
            Conflict: it is not under way.
        """
        ref, row = self._row(emergency)
        ending = EndAccess(own=row.person == str(actor.authority))
        with self._pipeline.perform(actor, ending, on=ref) as act:
            self._require_state(emergency, "open", "it is not under way")
            act.conclude(outputs=[Output(ref=row.person)])
        return self._emergency(ref)

    def review(self, actor: Actor, emergency: str, *, outcome: str, finding: str) -> Emergency:
        """Say whether an emergency that is over was one; the person may take a role again then.

        Raises:
            NotFound: no such emergency.
            Conflict: it is not over, or reviewed already.
            PartyError: no such outcome, or too many words.
        """
        _check_choice("outcome", outcome, OUTCOMES)
        check_words(finding)
        ref, row = self._row(emergency)
        review = ReviewEmergency(outcome=outcome, own=row.person == str(actor.authority))
        with self._pipeline.perform(actor, review, on=ref) as act:
            self._require_state(emergency, "over", "it has to be over and not reviewed")
            act.describe(finding=finding)
            act.conclude()
        return self._emergency(ref)

    def list(self, actor: Actor) -> tuple[Emergency, ...]:
        """Every emergency, newest first."""
        self._pipeline.ask(actor, "access.show", on=self._pipeline.circumstances.estate)
        rows = self._pipeline.stores.catalog.all(
            select(EMERGENCY).order_by(EMERGENCY.c.asked.desc(), EMERGENCY.c.id.desc())
        )
        now = self._pipeline.clock.now()
        return tuple(_emergency(row, now) for row in rows)

    def evidence(self, ref: Ref) -> str:
        """What an approver signs: who asked for which role, for how long and by which code.

        Raises:
            NotFound: no such request.
        """
        _, row = self._row(str(ref))
        asked = {name: getattr(row, name) for name in ("id", "person", "role", "minutes", "code")}
        return digest(b"freehold/emergency/v1\0" + canonical(asked))

    def concerns(self) -> tuple[Concern, ...]:
        """Emergencies that are under way, or that nobody has reviewed."""
        rows = self._pipeline.stores.catalog.all(
            select(EMERGENCY)
            .where(EMERGENCY.c.taken.is_not(None), EMERGENCY.c.reviewed.is_(None))
            .order_by(EMERGENCY.c.taken)
        )
        now = self._pipeline.clock.now()
        return tuple(self._concern(row, now) for row in rows)

    def _concern(self, row: Row[Any], now: datetime) -> Concern:
        ref, state = f"emergency:{row.id}", _state(row, now)
        if state == "open":
            step = f"{row.person} holds {row.role} until {row.expires}; `freehold access end {ref}`"
            return Concern("emergency.open", ref, row.taken, step)
        over = min(filter(None, (row.ended, row.expires)))
        rules = self._charter.in_force().emergency
        days = rules.review_days if rules else 0
        is_late = parse_time(over) + timedelta(days=days) <= now
        code = "emergency.review_overdue" if is_late else "emergency.unreviewed"
        return Concern(code, ref, over, f"`freehold access review-emergency {ref}`")

    # -- within ------------------------------------------------------------------------------------

    def _classes(self, role: str) -> tuple[str, ...]:
        known = self._charter.in_force().roles
        if role not in known:
            raise PartyError(
                "party.code",
                f"the charter has no role {role!r:.80}; it has {', '.join(sorted(known))}",
            )
        return tuple(sorted(known[role].classes))

    def _roles(self, person: Ref) -> frozenset[str]:
        row = self._pipeline.stores.catalog.first(
            select(PERSON.c.roles).where(PERSON.c.id == person.id)
        )
        return frozenset(row.roles.split() if row else ())

    def _unreviewed(self, person: Ref) -> int:
        row = self._pipeline.stores.catalog.first(
            select(func.count().label("unreviewed")).where(
                EMERGENCY.c.person == str(person),
                EMERGENCY.c.taken.is_not(None),
                EMERGENCY.c.reviewed.is_(None),
            )
        )
        return int(row.unreviewed) if row else 0

    def _row(self, emergency: str) -> tuple[Ref, Row[Any]]:
        ref = Ref.parse(emergency)
        row = self._pipeline.stores.catalog.first(select(EMERGENCY).where(EMERGENCY.c.id == ref.id))
        if row is None or ref.kind != "emergency":
            raise NotFound("emergency.unknown", f"there is no emergency {emergency!r:.80}")
        return Ref("emergency", ref.id), row

    def _require_state(self, emergency: str, state: str, why: str) -> None:
        _, row = self._row(emergency)
        found = _state(row, self._pipeline.clock.now())
        if found != state:
            raise Conflict("emergency.state", f"{emergency} is {found}; {why}")

    def _emergency(self, ref: Ref) -> Emergency:
        return _emergency(self._row(str(ref))[1], self._pipeline.clock.now())


def check_words(text: str) -> None:
    """Refuse an empty explanation, or one that nobody would read.

    Raises:
        PartyError: blank, or over `WORDS_MAX` characters.
    """
    if not text.strip() or len(text) > WORDS_MAX:
        raise PartyError(
            "party.words", f"expected a reason of 1 to {WORDS_MAX} characters, got {len(text)}"
        )


def _check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise PartyError(
            f"emergency.{name}", f"expected one of {', '.join(known)}, got {value!r:.40}"
        )


def _state(row: Row[Any], now: datetime) -> str:
    if row.taken is None:
        is_old = parse_time(row.asked) + timedelta(hours=REQUEST_HOURS) < now
        return "lapsed" if is_old or row.ended is not None else "asked"
    if row.reviewed is not None:
        return "reviewed"
    return "open" if row.ended is None and parse_time(row.expires) > now else "over"


def _emergency(row: Row[Any], now: datetime) -> Emergency:
    return Emergency(
        ref=f"emergency:{row.id}",
        person=row.person,
        role=row.role,
        code=row.code,
        minutes=row.minutes,
        state=_state(row, now),
        asked=row.asked,
        taken=row.taken,
        expires=row.expires,
        ended=row.ended,
        reviewed_by=row.reviewed_by,
        outcome=row.outcome,
        reason=row.reason,
        finding=row.finding,
    )
