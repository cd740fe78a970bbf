"""The verbs about what has happened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import ColumnElement, Row, Select, select, union_all

from freehold.kernel import Ref
from freehold.kernel.acts import (
    Act,
    Actor,
    Declarations,
    Pipeline,
    Query,
    Recorded,
    found,
)
from freehold.kernel.catalog import ACT, LINK
from freehold.kernel.history._bundle import BundleWriter
from freehold.kernel.ledger import Appended, LogReader

LISTED_MAX = 10_000  # acts of one answer; whoever wants all of them exports
LINEAGE_EDGES_MAX = 10_000  # a larger answer helps nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportEvidence(Act, name="evidence.export", on="Estate"):
    """Hand out the ledger with receipts, approvals and the disclosed bodies, for a stranger to
    verify.
    """

    is_full: bool
    size: int = found(0)
    disclosed: int = found(0)


DECLARATIONS = Declarations(
    acts=(ExportEvidence,),
    queries=(
        Query("ledger.read", "Estate"),
        Query("ledger.receipt", "Estate"),
        Query("lineage.show", "Estate"),
    ),
)


@dataclass(frozen=True, slots=True)
class ActSummary:
    """One act in brief, as the catalog has it."""

    index: int
    id: str
    time: str
    principal: str
    act: str
    phase: str
    resource: str
    purpose: str | None
    error: str | None
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """One step: `act` consumed `source` and produced `target`."""

    source: str
    target: str
    act: str
    id: str
    time: str


@dataclass(frozen=True, slots=True)
class Exported:
    """What an evidence bundle holds."""

    size: int
    disclosed: int
    act: str


class History:
    """Acts, proofs and lineage."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        # The cosigned checkpoint of the last receipt, since the next one is often under it too.
        self._reader: LogReader | None = None  # replaced as one value

    def acts(
        self, actor: Actor, *, resource: str = "", under: str = "", limit: int = 50
    ) -> tuple[ActSummary, ...]:
        """The newest acts, newest first: all, or those on one resource, or done under one emergency
        (both by id).
        """
        self._ask(actor, "ledger.read")
        count = max(1, min(limit, LISTED_MAX))
        query = select(ACT).order_by(ACT.c.position.desc()).limit(count)
        if resource:
            ref = str(Ref.parse(resource))
            # Two ranges of one index, each in order: an OR of them would read every act there is.
            of_itself = _newest(ACT.c.resource == ref, count)
            of_versions = _newest(ACT.c.resource.between(f"{ref}@", f"{ref}@~"), count)
            query = query.where(ACT.c.position.in_(union_all(of_itself, of_versions)))
        if under:
            marked = select(LINK.c.position).where(
                LINK.c.ref == str(Ref.parse(under)), LINK.c.direction == "under"
            )
            query = query.where(ACT.c.position.in_(marked))
        return tuple(map(_summary, self._pipeline.stores.catalog.all(query)))

    def act(self, actor: Actor, act: str) -> dict[str, Any]:
        """One record as it stands in the ledger.

        Raises:
            NotFound: no such act.
        """
        self._ask(actor, "ledger.read")
        entry = self._pipeline.stores.log.entry(self._pipeline.position(act))
        record: dict[str, Any] = json.loads(entry)
        return record

    def receipt(self, actor: Actor, act: str) -> str:
        """The proof that an act is in the ledger: a C2SP tlog-proof, checkable offline.

        It is made for the earliest cosigned checkpoint that contains the act, with what witnesses
        said of it; for the newest checkpoint as long as there is no such one (docs/decisions/0014).

        Raises:
            NotFound: no such act.
        """
        self._ask(actor, "ledger.receipt")
        log, index = self._pipeline.stores.log, self._pipeline.position(act)
        size = log.cosigned.covering(index)
        receipt = log.receipt(index) if size is None else self._cosigned(size).receipt(index)
        return receipt.text()

    def promise(self, recorded: Recorded) -> str:
        """The log's signed word that a record will be in the tree by a deadline."""
        return self._pipeline.stores.log.promise(Appended(recorded.index, recorded.leaf))

    def checkpoint(self, actor: Actor) -> str:
        """The newest signed checkpoint, everything recorded so far included."""
        self._ask(actor, "ledger.receipt")
        return self._pipeline.stores.log.publish()

    def lineage(self, actor: Actor, ref: str) -> tuple[LineageEdge, ...]:
        """Everything that a thing was made from, step by step back to its sources."""
        self._ask(actor, "lineage.show")
        return self.edges(ref)

    def edges(self, ref: str) -> tuple[LineageEdge, ...]:
        """The same for what decides itself, or compares."""
        edges: list[LineageEdge] = []
        seen, frontier = {ref}, [ref]
        while frontier and len(edges) < LINEAGE_EDGES_MAX:
            steps = self._steps_to(frontier.pop(0))
            for edge in steps:
                edges.append(edge)
                if edge.source not in seen:
                    seen.add(edge.source)
                    frontier.append(edge.source)
        return tuple(edges)

    def export(self, actor: Actor, file: BinaryIO, *, is_full: bool = False) -> Exported:
        """Write an evidence bundle (docs/formats/evidence-bundle.md) as a zip to `file`.

        Ratifications and approvals are always disclosed, since signatures are for showing; with
        `is_full` every body is that can still be opened, personal data included.
        """
        pipeline = self._pipeline
        with pipeline.perform(
            actor, ExportEvidence(is_full=is_full), on=pipeline.circumstances.estate
        ) as act:
            pipeline.stores.log.publish()
            writer = BundleWriter(pipeline, file)
            disclosed = writer.write(is_full=is_full)
            act.conclude(size=writer.size, disclosed=disclosed)
        return Exported(writer.size, disclosed, act.recorded.record.id)

    def _steps_to(self, ref: str) -> Iterator[LineageEdge]:
        catalog = self._pipeline.stores.catalog
        makers = select(LINK.c.position).where(LINK.c.ref == ref, LINK.c.direction == "out")
        consumed = (
            select(LINK.c.ref, ACT.c.id, ACT.c.act, ACT.c.time)
            .join(ACT, ACT.c.position == LINK.c.position)
            .where(LINK.c.position.in_(makers), LINK.c.direction == "in", ACT.c.phase == "done")
            .order_by(LINK.c.position, LINK.c.ref)
        )
        for row in catalog.all(consumed):
            yield LineageEdge(row.ref, ref, row.act, row.id, row.time)

    def _cosigned(self, size: int) -> LogReader:
        log, reader = self._pipeline.stores.log, self._reader
        if reader is None or reader.note != log.cosigned.note(size):
            reader = self._reader = log.reader(size)
        return reader

    def _ask(self, actor: Actor, query: str) -> None:
        self._pipeline.ask(actor, query, on=self._pipeline.circumstances.estate)


def _newest(which: ColumnElement[bool], count: int) -> Select[Any]:
    """The places of the newest of these acts."""
    newest = select(ACT.c.position).where(which).order_by(ACT.c.position.desc()).limit(count)
    return select(newest.subquery().c.position)


def _summary(row: Row[Any]) -> ActSummary:
    return ActSummary(
        index=row.position,
        id=row.id,
        time=row.time,
        principal=row.principal,
        act=row.act,
        phase=row.phase,
        resource=row.resource,
        purpose=row.purpose,
        error=row.error,
        policies=tuple(row.policies.split()),
    )
