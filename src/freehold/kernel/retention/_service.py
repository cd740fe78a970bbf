"""The verbs of retention: prune, hold, release.

The record comes first, then the removal, as with erasures: what is to go follows from the record
alone, so that opening the estate ends what a crash interrupted, by the function that began it.
One act of pruning at a time holds the estate against others on it, holds and exports among them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from heapq import merge
from itertools import chain, islice, takewhile
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, select, true

from freehold.kernel import Ref, format_time
from freehold.kernel.acts import Actor, Conflict, NotFound, Pipeline, Record, retract
from freehold.kernel.catalog import ACT
from freehold.kernel.keys import Keyring, pinned_number
from freehold.kernel.ledger import PRUNED
from freehold.kernel.retention._acts import HOLD, PRUNING, HoldThing, PruneEstate, ReleaseThing
from freehold.kernel.retention._gaps import joined, pruned_digest
from freehold.kernel.retention._rule import LOGS, Rule

RECORDS_MAX = 8_192  # candidates of one act, which keeps others on the estate for a second or two
CHUNK = 2_048  # records taken out at a time: the catalog is kept from others for milliseconds
BUNDLE = 256  # entries of a bundle; only whole ones are pruned
Holds: TypeAlias = tuple[tuple[str, int, int], ...]
ALL = true()
NEVER = sys.maxsize
_THROUGH = "pruned"  # the pin with the place of the newest act of pruning that was carried out


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one act of pruning took, or would take."""

    kind: str
    cutoff: str
    count: int
    act: str | None


@dataclass(frozen=True, slots=True)
class Hold:
    """A thing under a legal hold; the reason is None once it is erased."""

    thing: str
    since: str
    reason: str | None
    act: str


def look_again(keyring: Keyring) -> None:
    """Have all that was ever recorded carried out again by the next `finish`.

    For an estate put together from copies, some of which may be from before a pruning.
    """
    keyring.pin(_THROUGH, b"-1")


class Retention:
    """Removes what is past its retention."""

    def __init__(self, pipeline: Pipeline, days: Callable[[], Mapping[str, int]]) -> None:
        """`days` gives the retention of the charter in force, by kind."""
        self._pipeline = pipeline
        self._days = days
        acts = pipeline.registry.acts.values()
        self._kinds = tuple(sorted({act.retention for act in acts} - {"", LOGS}))
        pipeline.excuse(self.is_emptied)

    def prune(self, actor: Actor, *, dry_run: bool = False) -> tuple[Pruned, ...]:
        """Remove what is past its retention by the charter in force, oldest first; with `dry_run`
        only count it.

        Raises:
            Conflict: no charter is in force.
        """
        self._pipeline.ask(actor, "estate.retention", on=self._estate)
        self._pipeline.stores.log.publish()
        found = (self._prune(actor, kind, dry_run=dry_run) for kind in (*self._kinds, LOGS))
        return tuple(chain.from_iterable(found))

    def finish(self) -> int:
        """Carry out what is recorded and was not carried out; return how many acts that were.

        The record is the commit point: after a crash, opening the estate ends here.
        """
        through = pinned_number(self._pipeline.stores.keyring, _THROUGH, otherwise=-1)
        left = [rule for rule in self._rules() if rule.position > through]
        for rule in left:
            self._carry_out(rule)
        return len(left)

    def hold(self, actor: Actor, thing: Ref, *, reason: str) -> Hold:
        """Keep everything that names `thing`, in any version, until it is released.

        Raises:
            Conflict: it is held already.
        """
        ref = str(thing.at(None))
        with self._pipeline.perform(actor, HoldThing(thing=ref), on=self._estate) as act:
            if self._held(ref):
                raise Conflict("retention.held", f"{ref} is under a hold already")
            act.describe(reason=reason)
            act.conclude()
        return Hold(ref, act.recorded.record.time, reason, act.record_id)

    def release(self, actor: Actor, thing: Ref, *, reason: str) -> None:
        """End the hold of `thing`.

        Raises:
            NotFound: it is not held.
        """
        ref = str(thing.at(None))
        with self._pipeline.perform(actor, ReleaseThing(thing=ref), on=self._estate) as act:
            if not self._held(ref):
                raise NotFound("retention.not_held", f"{ref} is under no hold")
            act.describe(reason=reason)
            act.conclude()

    def holds(self, actor: Actor) -> tuple[Hold, ...]:
        """What is under a hold, and why."""
        self._pipeline.ask(actor, "estate.retention", on=self._estate)
        rows = self._pipeline.stores.catalog.all(
            select(HOLD).where(HOLD.c.released_by.is_(None)).order_by(HOLD.c.held_by)
        )
        return tuple(
            Hold(row.thing, row.since, self._reason(row.held_by), row.held_by) for row in rows
        )

    def is_emptied(self, record: Record) -> bool:
        """Tell whether a recorded act of pruning took the body of this record."""
        position = self._pipeline.position(record.id)
        within = (PRUNING.c.after <= position) & (PRUNING.c.before > position)
        return any(rule.takes(position, record) for rule in self._rules(within))

    # -- within ------------------------------------------------------------------------------------

    @property
    def _estate(self) -> Ref:
        return self._pipeline.circumstances.estate

    def _prune(self, actor: Actor, kind: str, *, dry_run: bool) -> Iterator[Pruned]:
        days = self._days()
        # A record goes no sooner than its body: where that lies is known from the record alone.
        longest = max(days[each] for each in (*self._kinds, LOGS)) if kind == LOGS else days[kind]
        cutoff = format_time(self._pipeline.clock.now() - timedelta(days=longest))
        after, released = 0, -1
        while True:
            with self._pipeline.hold(self._estate):  # for one act: others on the estate get by
                self.finish()
                holds = self._holds()
                if (ended := sum(until < NEVER for *_, until in holds)) != released:
                    after, released = self._begin(kind, holds), ended
                span = self._due(kind, cutoff, after=after)
                if span is None:
                    return
                size = self._pipeline.stores.log.size
                rule = self._rule(size, kind, cutoff, span=span, holds=holds)
                taken = self._look_through(rule)
                act = self._perform(actor, rule, taken) if taken and not dry_run else None
                after = rule.before
            if taken:
                yield Pruned(kind, cutoff, len(taken), act)

    def _look_through(self, rule: Rule) -> list[int]:
        """The places of what a rule takes, all of which can be taken back from the catalog.

        Raises:
            ValueError: one cannot; found before anything is recorded.
        """
        places = []
        for position, record in self._taken(rule):
            for _ in retract(position, record, self._pipeline.registry.acts[record.act]):
                pass
            places.append(position)
        return places

    def _perform(self, actor: Actor, rule: Rule, taken: list[int]) -> str:
        pipeline = self._pipeline
        pruning = PruneEstate(
            kind=rule.kind, cutoff=rule.cutoff, after=rule.after, before=rule.before
        )
        pruned = self._empty_places(taken) if rule.takes_records else None
        with pipeline.perform(actor, pruning, on=self._estate) as act:
            act.conclude(count=len(taken), pruned=pruned)
        pipeline.stores.log.publish()  # whoever reads the log finds the act before the gap
        self._carry_out(replace(rule, position=act.recorded.index))
        return act.record_id

    def _empty_places(self, taken: list[int]) -> str:
        new = ((position, position + 1) for position in taken)
        return pruned_digest(joined(chain(self._pipeline.stores.log.reader().pruned(), new)))

    def _carry_out(self, rule: Rule) -> None:
        """Remove what a recorded rule takes; doing it again, in part or in whole, is harmless."""
        stores, registry = self._pipeline.stores, self._pipeline.registry
        taken = self._taken(rule)
        while chunk := list(islice(taken, CHUNK)):
            stores.vault.empty_bodies(record.body.at for _, record in chunk if record.body)
            if rule.takes_records:
                changes = (retract(at, each, registry.acts[each.act]) for at, each in chunk)
                stores.catalog.apply(chain.from_iterable(changes), None)
                stores.log.prune([position for position, _ in chunk])
        stores.keyring.pin(_THROUGH, str(rule.position).encode())

    def _taken(self, rule: Rule) -> Iterator[tuple[int, Record]]:
        """The records that a rule takes and that are still there, in order."""
        entries = self._pipeline.stores.log.entries(rule.after, rule.before)
        for position, entry in enumerate(entries, rule.after):
            if entry != PRUNED and rule.takes(position, record := Record.decode(entry)):
                yield position, record

    # -- which are due -----------------------------------------------------------------------------

    def _acts(self, kind: str) -> frozenset[str]:
        acts = self._pipeline.registry.acts.values()
        return frozenset(
            act.name for act in acts if act.retention and kind in (LOGS, act.retention)
        )

    def _begin(self, kind: str, holds: Holds) -> int:
        """Where the last act on this kind ended; 0 if a hold was released since."""
        past = self._rules(PRUNING.c.kind == kind)
        if not past or any(past[-1].position < until < NEVER for *_, until in holds):
            return 0
        return past[-1].before

    def _due(self, kind: str, cutoff: str, *, after: int) -> tuple[int, int] | None:
        """The range from the first to the last of the next candidates that are older than the
        cutoff, or None.

        It goes through the log in its order and stops at the first that is not: what a clock that
        was ahead has written goes late, and nothing goes early.
        """
        end = self._pipeline.stores.log.reader().checkpoint.size // BUNDLE * BUNDLE
        catalog = self._pipeline.stores.catalog
        found = (
            catalog.all(
                select(ACT.c.position, ACT.c.time)
                .where(ACT.c.act == act, ACT.c.position >= after, ACT.c.phase == "done")
                .order_by(ACT.c.position)
                .limit(RECORDS_MAX)
            )
            for act in self._acts(kind)
        )
        oldest = islice(merge(*(map(tuple, rows) for rows in found)), RECORDS_MAX)
        due = [at for at, _ in takewhile(lambda row: row[1] < cutoff and row[0] < end, oldest)]
        return (due[0], due[-1] + 1) if due else None

    # -- rules and holds ---------------------------------------------------------------------------

    def _rule(
        self, position: int, kind: str, cutoff: str, *, span: tuple[int, int], holds: Holds
    ) -> Rule:
        held = frozenset(thing for thing, since, until in holds if since < position < until)
        return Rule(position, kind, cutoff, *span, acts=self._acts(kind), held=held)

    def _rules(self, which: ColumnElement[bool] = ALL) -> list[Rule]:
        """Recorded acts of pruning, all or some, in their order."""
        rows = self._pipeline.stores.catalog.all(select(PRUNING).where(which))
        places = self._places(select(PRUNING.c.id).where(which)) if rows else {}
        holds = self._holds() if rows else ()
        rules = (
            self._rule(
                places[row.id],
                row.kind,
                row.cutoff,
                span=(row.after, row.before),
                holds=holds,
            )
            for row in rows
        )
        return sorted(rules, key=lambda rule: rule.position)

    def _places(self, ids: Select[Any]) -> dict[str, int]:
        """Where the records of these ids stand in the log."""
        query = select(ACT.c.id, ACT.c.position).where(ACT.c.id.in_(ids))
        return {row.id: row.position for row in self._pipeline.stores.catalog.all(query)}

    def _holds(self) -> Holds:
        """Every hold that ever was: the thing, and the places of the acts that set and ended it."""
        rows = self._pipeline.stores.catalog.all(select(HOLD))
        since = self._places(select(HOLD.c.held_by)) if rows else {}
        until = self._places(select(HOLD.c.released_by)) if rows else {}
        return tuple(
            (row.thing, since[row.held_by], until.get(row.released_by, NEVER)) for row in rows
        )

    def _held(self, ref: str) -> bool:
        query = select(HOLD.c.held_by).where(HOLD.c.thing == ref, HOLD.c.released_by.is_(None))
        return self._pipeline.stores.catalog.first(query) is not None

    def _reason(self, held_by: str) -> str | None:
        pipeline = self._pipeline
        details = pipeline.details(pipeline.record(pipeline.position(held_by)))
        return details["reason"] if details else None
