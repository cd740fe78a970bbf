"""The verbs about audit streams, and the threads that carry them while an estate is served."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sqlalchemy import Row, select

from freehold.interop._acts import STREAM, DeclareStream, EndStream, InterruptStream, ResumeStream
from freehold.interop._destination import parse_destination
from freehold.interop._encoding import Source, as_json
from freehold.interop._event import event_of
from freehold.interop._follower import Follower
from freehold.interop.errors import StreamError
from freehold.kernel import Ref, check_name, new_id
from freehold.kernel.acts import Act, Actor, NotFound, Pipeline, Record
from freehold.kernel.keys import Keyring, pinned_number
from freehold.kernel.ledger import PRUNED

READ_MAX = 10_000  # events of one answer


@dataclass(frozen=True, slots=True)
class Stream:
    """A declared stream: where it goes, how far it is, and why it does not get through if so."""

    ref: str
    name: str
    kind: str
    destination: str
    status: str
    since: str
    sent: int
    waiting: int
    error: str


class _PinnedPlace:
    """A stream's place, kept with the estate's pins: durable, and no projection of the ledger."""

    def __init__(self, keyring: Keyring, stream: str) -> None:
        self._keyring = keyring
        self._name = f"stream:{stream}"

    def get(self) -> int:
        return pinned_number(self._keyring, self._name, otherwise=0)

    def put(self, sent: int) -> None:
        self._keyring.pin(self._name, str(sent).encode())


class StreamService:
    """Audit streams: declared, listed, read, ended; carried between `start` and `close`."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._lock = threading.Lock()  # guards the two below
        self._followers: dict[str, Follower] = {}
        self._is_carrying = False

    def declare(self, actor: Actor, name: str, destination: str) -> Stream:
        """Send every act from here on to `destination`, while the estate is served.

        Raises:
            StreamError: no such destination, or the name is taken.
        """
        check_name(name)
        parsed = parse_destination(destination)
        ref = Ref("stream", new_id())
        declaring = DeclareStream(kind=parsed.kind, is_outbound=parsed.is_outbound)
        estate = self._pipeline.circumstances.estate
        with (
            self._pipeline.hold(Ref("name", f"stream.{name}")),
            self._pipeline.perform(actor, declaring, on=ref, domain=estate.id) as act,
        ):
            if self._named(name) is not None:
                raise StreamError(
                    "stream.name", f"there is a stream {name!r}", "end it, or choose another name"
                )
            act.describe(name=name, destination=destination)
            act.conclude()
        row = self._row(ref)
        self._place(row).put(act.recorded.index)  # its own declaration is its first event
        with self._lock:
            if self._is_carrying:
                self._follow(row)
        return self._stream(row)

    def end(self, actor: Actor, name: str) -> Stream:
        """Send nothing more to a stream's destination.

        Raises:
            NotFound: no such stream.
        """
        ref = self.find(name)
        with self._pipeline.perform(
            actor, EndStream(), on=ref, domain=self._pipeline.circumstances.estate.id
        ) as act:
            act.conclude()
        with self._lock:
            follower = self._followers.pop(ref.id, None)
        if follower is not None:
            follower.stop()
        return self._stream(self._row(ref))

    def list(self, actor: Actor) -> tuple[Stream, ...]:
        """Every stream that was declared, with how far it is."""
        self._ask(actor, "stream.list")
        rows = self._pipeline.stores.catalog.all(select(STREAM).order_by(STREAM.c.id))
        return tuple(map(self._stream, rows))

    def read(
        self, actor: Actor, *, after: int = 0, limit: int = 1_000
    ) -> tuple[dict[str, Any], ...]:
        """The events of the records from place `after` of the ledger on, for whoever fetches."""
        self._ask(actor, "stream.read")
        log = self._pipeline.stores.log
        start = max(0, min(after, log.size))
        stop = min(log.size, start + max(1, min(limit, READ_MAX)))
        return tuple(
            as_json(event_of(index, Record.decode(entry), self._pipeline.registry.alarming))
            for index, entry in enumerate(log.entries(start, stop), start)
            if entry != PRUNED
        )

    def find(self, name: str) -> Ref:
        """The stream of this name that has not ended.

        Raises:
            NotFound: no such stream.
        """
        row = self._named(name)
        if row is None:
            raise NotFound("stream.unknown", f"there is no stream {name!r:.80}")
        return Ref("stream", row.id)

    def start(self) -> None:
        """Carry every declared stream, in threads of its own, until `close`."""
        with self._lock:
            self._is_carrying = True
            living = select(STREAM).where(STREAM.c.status != "ended")
            for row in self._pipeline.stores.catalog.all(living):
                self._follow(row)

    def close(self) -> None:
        """End the threads; what was not sent is sent when they start again."""
        with self._lock:
            self._is_carrying = False
            followers, self._followers = list(self._followers.values()), {}
        for follower in followers:
            follower.stop()

    def _follow(self, row: Row[Any]) -> None:
        """Whoever calls holds the lock."""
        if row.destination is None:
            return
        ref = Ref("stream", row.id)
        self._followers[row.id] = follower = Follower(
            self._pipeline.stores.log,
            parse_destination(row.destination),
            self._source(),
            place=self._place(row),
            alarming=self._pipeline.registry.alarming,
            told=lambda is_through, sent: self._record(ref, is_through=is_through, sent=sent),
        )
        follower.start()

    def _record(self, ref: Ref, *, is_through: bool, sent: int) -> None:
        """Record that a stream stopped getting through, or does again; by the estate itself."""
        status = self._row(ref).status
        if status == "ended" or (status == "declared") == is_through:
            return
        estate = self._pipeline.circumstances.estate
        act_type: Act = ResumeStream() if is_through else InterruptStream()
        with self._pipeline.perform(
            Actor(Ref("service", estate.id)), act_type, on=ref, domain=estate.id
        ) as act:
            act.conclude(sent=sent)

    def _source(self) -> Source:
        circumstances = self._pipeline.circumstances
        return Source(
            estate=circumstances.estate.id,
            host=socket.gethostname(),
            version=version("freehold"),
            process=os.getpid(),
            is_trial=circumstances.is_trial,
        )

    def _place(self, row: Row[Any]) -> _PinnedPlace:
        return _PinnedPlace(self._pipeline.stores.keyring, row.id)

    def _stream(self, row: Row[Any]) -> Stream:
        sent = self._place(row).get()
        follower = self._followers.get(row.id)
        return Stream(
            ref=f"stream:{row.id}",
            name=row.name or "",
            kind=row.kind,
            destination=row.destination or "",
            status=row.status,
            since=row.since,
            sent=sent,
            waiting=0 if row.status == "ended" else self._pipeline.stores.log.size - sent,
            error=follower.error if follower else "",
        )

    def _named(self, name: str) -> Row[Any] | None:
        query = select(STREAM).where(STREAM.c.name == name, STREAM.c.status != "ended")
        return self._pipeline.stores.catalog.first(query)

    def _row(self, ref: Ref) -> Row[Any]:
        row = self._pipeline.stores.catalog.first(select(STREAM).where(STREAM.c.id == ref.id))
        if row is None:
            raise NotFound("stream.unknown", f"there is no {ref}")
        return row

    def _ask(self, actor: Actor, query: str) -> None:
        self._pipeline.ask(actor, query, on=self._pipeline.circumstances.estate)
