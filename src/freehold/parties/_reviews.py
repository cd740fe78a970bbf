"""The verbs of access reviews: open, decide person by person, close.

    review = reviews.open(actor)
    reviews.decide(actor, review.ref, "dana", decision="revoke", reason="left in May")
    reviews.close(actor, review.ref)          # refused while somebody is undecided

The picture that a review begins with lies in its record's body, with its digest in the ledger: what
the reviewer saw can be shown later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, select

from freehold.charter import CharterService
from freehold.kernel import Ref, canonical, digest, format_time, new_id, parse_time
from freehold.kernel.acts import Actor, Concern, Conflict, NotFound, Pipeline
from freehold.kernel.catalog import ACT
from freehold.parties._acts import PERSON, TOKEN
from freehold.parties._emergency import check_words
from freehold.parties._review_acts import (
    DECISION,
    REVIEW,
    CloseReview,
    DecideAccess,
    OpenReview,
)
from freehold.parties.errors import PartyError

DECISIONS = ("keep", "change", "revoke")


@dataclass(frozen=True, slots=True)
class Review:
    """A review of access and how far it is."""

    ref: str
    unit: str
    opened: str
    opened_by: str
    closed: str | None
    people: int
    decided: int
    snapshot: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One person or service in a review: as they were when it began, and what was decided."""

    person: str
    code: str | None
    name: str | None
    roles: tuple[str, ...]
    clearances: tuple[str, ...]
    unit: str
    tokens: int
    last_act: str | None
    decision: str | None
    decided_by: str | None
    reason: str | None


class ReviewService:
    """Reviews of who may what."""

    def __init__(
        self,
        pipeline: Pipeline,
        charter: CharterService,
        revoke: Callable[[Actor, str], object],
    ) -> None:
        """`revoke` ends a person's part, as an act of its own, decided by policy."""
        self._pipeline = pipeline
        self._charter = charter
        self._revoke = revoke

    def open(self, actor: Actor, *, unit: str = "") -> Review:
        """Begin a review of everybody who is active, or of one unit.

        Raises:
            NotFound: nobody active is of that unit.
        """
        ref = Ref("review", new_id())
        scope = select(PERSON).where(PERSON.c.is_active).order_by(PERSON.c.since, PERSON.c.id)
        if unit:
            scope = scope.where(PERSON.c.unit == unit)
        if not self._pipeline.stores.catalog.all(scope):
            raise NotFound("review.empty", f"nobody active is of the unit {unit!r:.80}")
        with self._pipeline.perform(actor, OpenReview(unit=unit), on=ref) as act:
            people = [self._picture(row) for row in self._pipeline.stores.catalog.all(scope)]
            act.describe(people=people)
            act.conclude(people=len(people), snapshot=digest(canonical(people)))
        return self._review(ref)

    def decide(
        self, actor: Actor, review: str, person: str, *, decision: str, reason: str
    ) -> Reviewed:
        """Decide about a person of the review; to revoke ends their part at once.

        Deciding again replaces what was decided, as long as the review is open.

        Raises:
            NotFound: no such review, or the person is not of it.
            Conflict: the review is closed.
            PartyError: no such decision, or no reason.
            Denied: it is oneself, or one may not revoke; recorded.
        """
        if decision not in DECISIONS:
            raise PartyError(
                "review.decision",
                f"expected one of {', '.join(DECISIONS)}, got {decision!r:.40}",
            )
        check_words(reason)
        ref, _ = self._open_row(review)
        of = self._person(person)
        deciding = DecideAccess(person=str(of), decision=decision, own=of.id == actor.authority.id)
        with self._pipeline.perform(actor, deciding, on=ref) as act:
            _, row = self._open_row(review)  # as it is while nobody else acts on it
            if all(each["ref"] != str(of) for each in self._people(row)):
                raise NotFound("review.person", f"{person!r:.80} is not in {ref}")
            if decision == "revoke":
                self._revoke(actor, str(of))  # a crash after it: revoked, and to be decided again
            act.describe(reason=reason)
            act.conclude()
        return next(each for each in self._items(ref) if each.person == str(of))

    def close(self, actor: Actor, review: str) -> Review:
        """Close a review that has decided about everybody.

        Raises:
            NotFound: no such review.
            Conflict: it is closed, or somebody is undecided.
        """
        ref, _ = self._open_row(review)
        with self._pipeline.perform(actor, CloseReview(), on=ref) as act:
            self._open_row(review)
            items = self._items(ref)
            undecided = [each.person for each in items if each.decision is None]
            if undecided:
                raise Conflict(
                    "review.incomplete",
                    f"{len(undecided)} of {len(items)} are undecided, {undecided[0]} first",
                    f"`freehold access review-decide {ref} …`",
                )
            made = [each.decision for each in items]
            act.conclude(
                kept=made.count("keep"),
                changed=made.count("change"),
                revoked=made.count("revoke"),
            )
        return self._review(ref)

    def show(self, actor: Actor, review: str) -> tuple[Reviewed, ...]:
        """Everybody in a review, with what was decided.

        Raises:
            NotFound: no such review.
        """
        self._ask(actor)
        return self._items(self._row(review)[0])

    def list(self, actor: Actor) -> tuple[Review, ...]:
        """Every review, newest first."""
        self._ask(actor)
        query = select(REVIEW.c.id).order_by(REVIEW.c.opened.desc(), REVIEW.c.id.desc())
        rows = self._pipeline.stores.catalog.all(query)
        return tuple(self._review(Ref("review", row.id)) for row in rows)

    def last_closed(self) -> str | None:
        """When a review of everybody was closed last."""
        row = self._pipeline.stores.catalog.first(
            select(func.max(REVIEW.c.closed).label("closed")).where(REVIEW.c.unit == "")
        )
        return row.closed if row else None

    def concerns(self) -> tuple[Concern, ...]:
        """Reviews that wait for decisions, and the one that is overdue by the charter."""
        rows = self._pipeline.stores.catalog.all(
            select(REVIEW).where(REVIEW.c.closed.is_(None)).order_by(REVIEW.c.opened)
        )
        waiting = [
            Concern("review.open", f"review:{row.id}", row.opened, "`freehold access review-show`")
            for row in rows
        ]
        days = self._charter.in_force().reviews_days
        since = self.last_closed() or self._beginning()
        if days and parse_time(since) + timedelta(days=days) <= self._pipeline.clock.now():
            estate = str(self._pipeline.circumstances.estate)
            waiting.append(
                Concern("review.overdue", estate, since, "`freehold access review-open`")
            )
        return tuple(waiting)

    # -- within ------------------------------------------------------------------------------------

    def _ask(self, actor: Actor) -> None:
        self._pipeline.ask(actor, "access.show", on=self._pipeline.circumstances.estate)

    def _picture(self, row: Row[Any]) -> dict[str, Any]:
        """A person as they stand now; ids of tokens that open something, never what opens."""
        catalog, ref = self._pipeline.stores.catalog, f"{row.kind}:{row.id}"
        tokens = catalog.all(
            select(TOKEN.c.id)
            .where(
                TOKEN.c.person == row.id,
                TOKEN.c.is_revoked.is_(False),
                TOKEN.c.expires > format_time(self._pipeline.clock.now()),
            )
            .order_by(TOKEN.c.id)
        )
        last = catalog.first(
            select(ACT.c.time)
            .where(ACT.c.principal == ref)
            .order_by(ACT.c.position.desc())
            .limit(1)
        )
        return {
            "ref": ref,
            "code": row.code,
            "name": row.name,
            "roles": row.roles.split(),
            "clearances": row.clearances.split(),
            "unit": row.unit,
            "can_sign": bool(row.ssh_key),
            "tokens": [each.id for each in tokens],
            "last_act": last.time if last else None,
        }

    def _people(self, row: Row[Any]) -> Sequence[Mapping[str, Any]]:
        """The picture that a review began with, checked against its record.

        Raises:
            Conflict: it is erased.
        """
        pipeline = self._pipeline
        details = pipeline.details(pipeline.record(pipeline.position(row.record)))
        if details is None:
            raise Conflict("review.erased", f"what review:{row.id} saw is erased")
        people: list[Mapping[str, Any]] = details["people"]
        return people

    def _items(self, ref: Ref) -> tuple[Reviewed, ...]:
        rows = self._pipeline.stores.catalog.all(
            select(DECISION).where(DECISION.c.review == ref.id)
        )
        decisions = {row.person: row for row in rows}
        people = self._people(self._row(str(ref))[1])
        return tuple(_reviewed(each, decisions.get(each["ref"])) for each in people)

    def _person(self, person: str) -> Ref:
        """Resolve somebody who may have been revoked, by code or by reference."""
        named = person.partition(":")[2] or person
        row = self._pipeline.stores.catalog.first(
            select(PERSON.c.kind, PERSON.c.id)
            .where((PERSON.c.code == named) | (PERSON.c.id == named))
            .order_by(PERSON.c.is_active.desc())
        )
        if row is None:
            raise NotFound("party.unknown", f"nobody here is called {person!r:.80}")
        return Ref(row.kind, row.id)

    def _row(self, review: str) -> tuple[Ref, Row[Any]]:
        ref = Ref.parse(review)
        row = self._pipeline.stores.catalog.first(select(REVIEW).where(REVIEW.c.id == ref.id))
        if row is None or ref.kind != "review":
            raise NotFound("review.unknown", f"there is no review {review!r:.80}")
        return Ref("review", ref.id), row

    def _open_row(self, review: str) -> tuple[Ref, Row[Any]]:
        ref, row = self._row(review)
        if row.closed is not None:
            raise Conflict("review.closed", f"{ref} was closed at {row.closed}")
        return ref, row

    def _review(self, ref: Ref) -> Review:
        _, row = self._row(str(ref))
        decided = self._pipeline.stores.catalog.all(
            select(DECISION.c.person).where(DECISION.c.review == ref.id)
        )
        return Review(
            ref=str(ref),
            unit=row.unit,
            opened=row.opened,
            opened_by=row.opened_by,
            closed=row.closed,
            people=row.people,
            decided=len(decided),
            snapshot=row.snapshot,
        )

    def _beginning(self) -> str:
        row = self._pipeline.stores.catalog.first(select(ACT.c.time).where(ACT.c.position == 0))
        return str(row.time) if row else format_time(self._pipeline.clock.now())


def _reviewed(picture: Mapping[str, Any], decision: Row[Any] | None) -> Reviewed:
    return Reviewed(
        person=picture["ref"],
        code=picture["code"],
        name=picture["name"],
        roles=tuple(picture["roles"]),
        clearances=tuple(picture["clearances"]),
        unit=picture["unit"],
        tokens=len(picture["tokens"]),
        last_act=picture["last_act"],
        decision=decision.decision if decision else None,
        decided_by=decision.decided_by if decision else None,
        reason=decision.reason if decision else None,
    )
