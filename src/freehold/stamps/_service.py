"""The verbs about time stamps."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from freehold.kernel import Ref, check_name, digest, format_time
from freehold.kernel.acts import Actor, NotFound, Pipeline
from freehold.kernel.ledger import Checkpoint
from freehold.stamps._acts import AUTHORITY, STAMP, AcceptStamp, DeclareAuthority
from freehold.stamps._asking import ask, check_url
from freehold.stamps._protocol import read_root, verify_response, write_request
from freehold.stamps.errors import StampError

BY_FILE = "file"


@dataclass(frozen=True, slots=True)
class Authority:
    """A time-stamp authority that is trusted."""

    id: str
    name: str
    url: str
    certificate: str
    since: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """That the first `size` records existed at a time, by an authority's word."""

    size: int
    time: str
    authority: str
    act: str


class StampService:
    """Time stamps of checkpoints."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def declare(self, actor: Actor, name: str, root: str, *, url: str = "") -> Authority:
        """Trust an authority by its root certificate in PEM; with `url` it may be asked there.

        Raises:
            StampError: no certificate, no address, or the name is taken.
        """
        check_name(name)
        _, der = read_root(root)
        estate = self._pipeline.circumstances.estate
        declaring = DeclareAuthority(
            certificate=digest(der), destination=check_url(url).replace(":", ".") or BY_FILE
        )
        with (
            self._pipeline.hold(Ref("name", f"stamp.{name}")),
            self._pipeline.perform(actor, declaring, on=estate) as act,
        ):
            if self._named(name) is not None:
                raise StampError(
                    "stamp.authority", f"there is an authority {name!r}", "choose another"
                )
            act.describe(name=name, url=url, root=root)
            act.conclude()
        return _authority(self._authority(name))

    def list(self, actor: Actor) -> tuple[Stamp, ...]:
        """Every stamp that was accepted, the newest size first."""
        self._ask(actor, "stamp.list")
        names = {row.id: row.name for row in self._pipeline.stores.catalog.all(select(AUTHORITY))}
        rows = self._pipeline.stores.catalog.all(select(STAMP).order_by(STAMP.c.size.desc()))
        return tuple(
            Stamp(row.size, row.time, names.get(row.authority) or row.authority, row.id)
            for row in rows
        )

    def text(self, actor: Actor, size: int) -> str:
        """What is stamped: the text of the checkpoint of the first `size` records.

        Raises:
            ValueError: the log has no checkpoint so large.
        """
        self._ask(actor, "stamp.show")
        return self._text(size).decode()

    def request(self, actor: Actor) -> tuple[int, bytes]:
        """Write a request (.tsq) for the newest checkpoint, everything recorded so far included;
        gives its size and the request.
        """
        self._ask(actor, "stamp.show")
        self._pipeline.stores.log.publish()
        size = self._pipeline.stores.log.reader().checkpoint.size
        # No nonce: it guards who waits for an answer against an old one, and an old stamp of this
        # very checkpoint is as good as a new one.
        request, _ = write_request(self._text(size), has_nonce=False)
        return size, request

    def accept(self, actor: Actor, name: str, response: bytes, *, size: int) -> Stamp:
        """Verify and keep an authority's answer (.tsr) about the checkpoint of `size`.

        Raises:
            NotFound: no such authority.
            StampError: it does not hold.
        """
        return self._accept(actor, self._authority(name), response, size=size)

    def ask(self, actor: Actor, name: str) -> Stamp:
        """Have the newest checkpoint stamped at the authority's address.

        Raises:
            NotFound: no such authority.
            StampError: it has no address, does not answer, or its answer does not hold.
        """
        row = self._authority(name)
        if not row.url:
            raise StampError(
                "stamp.url",
                f"{name} has no address",
                "carry the request there: freehold stamp request, freehold stamp accept",
            )
        self._ask(actor, "stamp.show")
        self._pipeline.stores.log.publish()
        size = self._pipeline.stores.log.reader().checkpoint.size
        return self._accept(actor, row, None, size=size)

    def fetch(self, actor: Actor, act: str) -> bytes:
        """The answer (.tsr) that was accepted by an act.

        Raises:
            NotFound: no such stamp.
        """
        self._ask(actor, "stamp.show")
        row = self._pipeline.stores.catalog.first(select(STAMP).where(STAMP.c.id == act))
        if row is None or row.response is None:
            raise NotFound("stamp.unknown", f"no act {act!r:.80} accepted a stamp")
        return base64.b64decode(row.response)

    def _accept(self, actor: Actor, row: Row[Any], response: bytes | None, *, size: int) -> Stamp:
        """Accept what was brought, or within the act what the authority answers: nothing is sent
        that policy did not allow.
        """
        text = self._text(size)
        root, _ = read_root(row.root)
        accepting = AcceptStamp(authority=row.id, size=size)
        estate = self._pipeline.circumstances.estate
        with self._pipeline.perform(actor, accepting, on=estate) as act:
            nonce = None
            if response is None:
                request, nonce = write_request(text, has_nonce=True)
                response = ask(row.url, request)
            stamped = verify_response(response, text, root=root, nonce=nonce)
            act.describe(response=base64.b64encode(response).decode())
            act.conclude(stamped=format_time(stamped), response=digest(response))
        return Stamp(size, format_time(stamped), row.name, act.recorded.record.id)

    def _text(self, size: int) -> bytes:
        reader = self._pipeline.stores.log.reader()
        newest = reader.checkpoint
        if not 0 < size <= newest.size:
            raise NotFound(
                "stamp.size", f"there is no checkpoint of {size}; the log has {newest.size}"
            )
        return Checkpoint(newest.origin, size, reader.root(size)).text().encode()

    def _named(self, name: str) -> Row[Any] | None:
        query = select(AUTHORITY).where(AUTHORITY.c.name == name)
        return self._pipeline.stores.catalog.first(query)

    def _authority(self, name: str) -> Row[Any]:
        row = self._named(name)
        if row is None:
            raise NotFound("stamp.unknown", f"there is no authority {name!r:.80}")
        return row

    def _ask(self, actor: Actor, query: str) -> None:
        self._pipeline.ask(actor, query, on=self._pipeline.circumstances.estate)


def _authority(row: Row[Any]) -> Authority:
    return Authority(row.id, row.name, row.url, row.certificate, row.since)
