"""The one write path: decide, do, record, project.

Rules it keeps:

- The append is the commit point. Before it a crash leaves unreferenced blobs at most; after it the
  catalog catches up at the next opening, through `_project`, which the live path uses too.
- No decision without a record: a denial that cannot be recorded is an error of the ledger, not a
  denial.
- Acts on one resource wait for each other (unless declared not exclusive), so that what was decided
  still holds at the append.

It does not know what any act means; that lies in the declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, NoReturn

from sqlalchemy import select

from freehold.kernel import EstateClock, FreeholdError, LedgerTime, Ref, SystemClock, new_id
from freehold.kernel.acts._caches import EntityCache, ResourceLocks, Seen
from freehold.kernel.acts._declare import Act, Attributes, Registry, Standing
from freehold.kernel.acts._performance import Decided, Performance, scope_of
from freehold.kernel.acts._record import Body, Record, SealedBody, open_body
from freehold.kernel.acts._trace import ledger_time, trace
from freehold.kernel.acts._values import (
    Actor,
    Approvals,
    Circumstances,
    Principals,
    Recorded,
    Stores,
)
from freehold.kernel.acts.errors import Conflict, InvalidRecord, NotFound
from freehold.kernel.catalog import ACT, CLOCK, REBUILD_RECORDS, Catalog, Change, Put
from freehold.kernel.keys import DomainErased, UnknownDomain
from freehold.kernel.ledger import PRUNED, Appended
from freehold.kernel.policy import Denied, Entity, PolicyRequest, PolicySet
from freehold.kernel.vault import MissingBody


class Pipeline:
    """Performs acts and answers queries for the whole estate. Thread-safe."""

    def __init__(
        self,
        registry: Registry,
        stores: Stores,
        *,
        clock: EstateClock,
        circumstances: Circumstances,
        principals: Principals,
    ) -> None:
        self.registry = registry
        self.stores = stores
        self.clock = clock
        self.circumstances = circumstances
        self._principals = principals
        self._approvals: Approvals | None = None
        self._policies: PolicySet | None = None
        self._is_emptied: Callable[[Record], bool] = lambda _record: False
        self._locks = ResourceLocks()
        self._entities = EntityCache()
        self._ended: FreeholdError | None = None  # why nothing is recorded any more; never cleared
        self._time = LedgerTime()  # as far as the ledger is projected; owned by whoever projects
        self._pending: dict[bytes, tuple[Record, Mapping[str, Any] | None]] = {}

    @property
    def policies(self) -> PolicySet:
        """The set in force.

        Raises:
            Denied: none is, which refuses everything.
        """
        if self._policies is None:
            raise Denied("no policy set is in force, so nothing is permitted", policies=())
        return self._policies

    def enforce(self, policies: PolicySet, approvals: Approvals | None = None) -> None:
        """Put a validated policy set in force; called by the composition root and after an act that
        activates one.
        """
        self._policies = policies
        self._entities.clear()  # a ratified charter changes who its owners are
        if approvals is not None:
            self._approvals = approvals

    def end(self, reason: FreeholdError) -> None:
        """Let nothing be recorded any more: every act, and every refusal, raises `reason`."""
        self._ended = reason

    def excuse(self, is_emptied: Callable[[Record], bool]) -> None:
        """Say which records' bodies retention has emptied; any other that is missing is damage."""
        self._is_emptied = is_emptied

    @contextmanager
    def perform(
        self,
        actor: Actor,
        act: Act,
        *,
        on: Ref,
        purpose: str | None = None,
        inputs: Sequence[Ref] = (),
        domain: str | None = None,
    ) -> Iterator[Performance]:
        """Decide and perform one act; the block does the work and ends with `conclude`.

        `domain` is the key domain of the act's body, by default that of the resource.

        Raises:
            Denied: policy refuses; recorded.
            InvalidFact: a fact of another kind than declared, a purpose that is no code, an input
                that is a name; nothing is recorded, since nothing was asked yet.
            FreeholdError: what the block raised; recorded as failed by its code.
        """
        scope = scope_of(act, purpose, inputs, domain)
        performance = Performance(self, actor, act=act, on=on, scope=scope)
        with self._locks.hold(on) if act.exclusive else ExitStack():
            if self._ended is not None:  # before any work is done that could not be recorded
                raise self._ended
            performance._decide()
            try:
                yield performance
                performance._finish()
            except FreeholdError as error:
                performance._fail(error.code)
                raise
            except BaseException:
                performance._fail("internal")
                raise

    def hold(self, ref: Ref) -> AbstractContextManager[None]:
        """Keep others from acting on this resource, or from taking a name while it is given."""
        return self._locks.hold(ref)

    def ask(self, actor: Actor, query: str, *, on: Ref) -> None:
        """Decide a query.

        Raises:
            Denied: policy refuses; recorded, unlike a permission.
        """
        principal = self._principal(actor.authority)
        request = PolicyRequest(
            principal.entity, query, self._resource(on), self._context({}, None, 0)
        )
        policies = self.policies
        decision = policies.decide(request)
        if not decision.is_allowed:
            self._deny(actor, query, on, Decided(request, decision, policies, principal.under))

    def _principal(self, ref: Ref) -> Seen:
        """The principal as policies see it now."""
        type_ = ref.kind.capitalize()
        return self._seen("principal", ref, type_=type_, id_=ref.id, look=self._principals)

    def _seen(
        self,
        role: str,
        ref: Ref,
        *,
        type_: str,
        id_: str,
        look: Callable[[Catalog, Ref, datetime], Standing],
    ) -> Seen:
        """A principal or thing as policies see it now: what is so for a time ends with that time,
        by this estate's clock, at the first decision after it.
        """

        def see() -> Seen:
            standing = look(self.stores.catalog, ref, self.clock.now())
            entity = Entity(type_, id_, _plain(standing.attributes))
            return Seen(entity, standing.until, standing.under)

        seen = self._entities.get(role, ref, see)
        if seen.until is not None and seen.until <= self.clock.now():
            self._entities.evict([ref])
            seen = self._entities.get(role, ref, see)
        return seen

    def _resource(self, ref: Ref) -> Entity:
        """The resource as policies see it.

        Raises:
            NotFound: no kind of thing that is declared, or a name where an id must stand. What was
                typed must not enter the ledger, not even as the resource of a refusal.
        """
        declared = self.registry.kinds.get(ref.kind)
        if declared is None or not ref.is_opaque:
            raise NotFound("thing.unknown", f"there is no {ref}")
        look = declared.stands
        return self._seen("resource", ref, type_=declared.name, id_=str(ref), look=look).entity

    def details(self, record: Record) -> dict[str, Any] | None:
        """The details in a record's body, or None once it is erased or past its retention."""
        body = self.body(record)
        return None if body is None else body["details"]

    def body(self, record: Record) -> dict[str, Any] | None:
        """Details and request of a record, checked against its commitment; None once it is erased
        or past its retention.
        """
        plaintext = self.plaintext(record)
        if plaintext is None or record.body is None:
            return None
        return open_body(plaintext, record.body.commitment)

    def plaintext(self, record: Record) -> bytes | None:
        """The opened body of a record as it is disclosed to an auditor; None when there is none, it
        is erased, or its retention is over.
        """
        if record.body is None:
            return None
        try:
            return self.stores.vault.get_body(record.body.domain, record.id, record.body.at)
        except DomainErased:
            return None
        except MissingBody:
            if not self._is_emptied(record):
                raise
            return None

    def position(self, act: str) -> int:
        """The place in the log of an act that is named by its id, or by that place itself.

        Raises:
            NotFound: the ledger has no such act, or none of this id any more.
        """
        if act.isdecimal() and int(act) < self.stores.log.size:
            return int(act)
        row = self.stores.catalog.first(select(ACT.c.position).where(ACT.c.id == act))
        if row is None:
            raise NotFound(
                "act.unknown",
                f"the ledger has no act {act!r:.80}",
                "one that is past its retention is found by its place in the log alone",
            )
        return int(row.position)

    def record(self, index: int) -> Record:
        """The record at a position of the log.

        Raises:
            PrunedError: it is past its retention.
        """
        return Record.decode(self.stores.log.entry(index))

    def catch_up(self, until: int | None = None) -> int:
        """Project every record that the catalog has not seen; return how many there were.

        With `until`, only those before that place of the log.

        Raises:
            Conflict: the catalog has seen more records than the log holds, so the log was rewound.
        """
        log, catalog = self.stores.log, self.stores.catalog
        start = catalog.position
        if start > log.size:
            raise Conflict(
                "ledger.rewind",
                f"the log holds {log.size} records, but the catalog has already seen {start}",
                "the ledger was replaced by an older copy; restore a newer backup",
            )
        clock = catalog.first(select(CLOCK).where(CLOCK.c.log == log.key.name))
        self._time = LedgerTime(clock.newest, clock.accepted) if clock else LedgerTime()
        position, entries = start, log.entries(start, log.size if until is None else until)
        while batch := list(islice(entries, REBUILD_RECORDS)):
            self._project(position, batch)
            position += len(batch)
        self.clock.hold(self._time)
        self._entities.clear()
        catalog.index()  # a rebuild that was interrupted left it without
        return position - start

    def rebuild(self) -> int:
        """Empty the catalog and project the whole ledger again; return the number of records."""
        self.stores.catalog.clear()
        return self.catch_up()

    def follow(self, first: int, entries: Sequence[bytes]) -> None:
        """The log's `on_commit`: project what has just become durable."""
        accepted = self._time.accepted
        touched = self._project(first, entries)
        self.clock.hold(self._time)
        if self._time.accepted != accepted:  # until when anybody was seen counts no more
            self._entities.clear()
        self._entities.evict(map(Ref.parse, touched))

    # -- what the performances use -----------------------------------------------------------------

    def _context(
        self, facts: Mapping[str, Any], purpose: str | None, approvals: int
    ) -> dict[str, Any]:
        return {
            **facts,
            "approvals": approvals,
            "purpose": purpose or "",
            "site": dict(self.circumstances.site),
            "trial": self.circumstances.is_trial,
        }

    def _approved(self, act: Act, on: Ref, actor: Actor) -> tuple[str, ...]:
        evidence = getattr(act, "evidence", None)
        if self._approvals is None or evidence is None:
            return ()
        resource = self._resource(on)
        authors = {resource.attributes[name] for name in self.registry.kinds[on.kind].authors}
        return self._approvals.valid(
            act.name, on, evidence=evidence, excluded=frozenset({str(actor.authority), *authors})
        )

    def _append(self, record: Record, details: Mapping[str, Any] | None) -> Recorded:
        """Make a record durable and projected. The commit point of every act."""
        if self._ended is not None:
            raise self._ended
        entry = record.encode()
        self._pending[entry] = (record, details)
        try:
            appended: Appended = self.stores.log.append(entry)
        finally:
            self._pending.pop(entry, None)
        return Recorded(appended.index, appended.leaf, record)

    def _seal_body(self, domain: str, record_id: str, body: Body) -> SealedBody:
        at = self.stores.vault.put_body(domain, record_id, body.plaintext)
        return SealedBody(at, body.commitment, domain)

    def _seal_spare(self, wanted: str, record_id: str, body: Body) -> SealedBody:
        """Seal the body of a refusal or failure, which creates no domain: in the one that it was
        about, else in the estate's.
        """
        try:
            return self._seal_body(wanted, record_id, body)
        except (UnknownDomain, DomainErased):
            return self._seal_body(self.circumstances.estate.id, record_id, body)

    def _deny(self, actor: Actor, action: str, on: Ref, decided: Decided) -> NoReturn:
        record_id = new_id()
        body, reading = Body.make({}, decided.request.as_json()), self.clock.read()
        self._append(
            Record(
                id=record_id,
                time=reading.time,
                clock=reading.state,
                log=self.stores.log.key.name,
                principal=str(actor.principal),
                on_behalf=str(actor.on_behalf) if actor.on_behalf else None,
                act=action,
                phase="denied",
                resource=str(on),
                purpose=None,  # it may be no code of the charter; the body holds what was asked
                decision=decided.recorded(body.request),
                facts=decided.marks,
                error="policy.denied",
                body=self._seal_spare(on.id, record_id, body),
            ),
            None,
        )
        raise Denied(
            f"{action} on {on} is refused: {decided.policies.explain(decided.decision)}",
            policies=decided.decision.policies,
            hint=f"the refusal is recorded as act {record_id}",
        )

    def _project(self, first: int, entries: Sequence[bytes]) -> set[str]:
        """Bring the catalog up to these entries; tell what policies may see otherwise from now."""
        touched: set[str] = set()
        changes = self._changes(first, entries, touched=touched)
        self.stores.catalog.apply(changes, first + len(entries))
        return touched

    def _changes(
        self, first: int, entries: Iterable[bytes], *, touched: set[str]
    ) -> Iterator[Change]:
        for index, entry in enumerate(entries, first):
            if entry == PRUNED:
                continue
            record, details = self._pending.get(entry) or self._reopen(entry)
            self._time = ledger_time(self._time, record)
            yield from trace(index, record)
            if record.phase == "done":
                act = self._type(record)
                yield from act.project(record, details)
                touched.update(output.ref for output in record.outputs)
                if act.exclusive:
                    touched.add(record.resource)
        yield Put(CLOCK, {"log": self.stores.log.key.name, **self._time._asdict()})

    def _reopen(self, entry: bytes) -> tuple[Record, Mapping[str, Any] | None]:
        record = Record.decode(entry)
        is_told = record.phase == "done" and self._type(record).exclusive
        return record, self.details(record) if is_told else None

    def _type(self, record: Record) -> type[Act]:
        act = self.registry.acts.get(record.act)
        if act is None:
            raise InvalidRecord(
                "record.unknown_act",
                f"record {record.id} is of an act {record.act!r} that this software does not know",
                "use the newer Freehold that wrote it",
            )
        return act


def _plain(attributes: Attributes) -> dict[str, Any]:
    """Sets become sorted lists: the one shape that Cedar, cache and body share."""
    return {
        name: sorted(value) if isinstance(value, set | frozenset | tuple | list) else value
        for name, value in sorted(attributes.items())
    }


def shadow(pipeline: Pipeline, catalog: Catalog) -> Pipeline:
    """Make a pipeline that projects the same log into another catalog, and serves for nothing else:
    it enforces no policies, and so permits nothing.
    """
    return Pipeline(
        pipeline.registry,
        replace(pipeline.stores, catalog=catalog),
        clock=EstateClock(SystemClock()),
        circumstances=pipeline.circumstances,
        principals=pipeline._principals,
    )
