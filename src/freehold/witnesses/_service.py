"""The verbs about witnesses: declare, withdraw, list, ask, and request and accept by file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Row, select

from freehold.kernel import MalformedError, Ref, check_name, digest, format_time, new_id
from freehold.kernel.acts import Actor, Conflict, NotFound, Output, Pipeline
from freehold.kernel.ledger import (
    Checkpoint,
    Cosigned,
    CosignerKey,
    ForkError,
    LogReader,
    NoteError,
)
from freehold.witnesses._acts import (
    WITNESS,
    AcceptCosignature,
    DeclareWitness,
    MissWitness,
    WithdrawWitness,
)
from freehold.witnesses._address import check_url
from freehold.witnesses._exchange import Send, exchange, request_since, send_over_http
from freehold.witnesses._limits import DEFAULT_ASKING_LIMITS, AskingLimits
from freehold.witnesses.errors import WitnessTrouble


@dataclass(frozen=True, slots=True)
class DeclaredWitness:
    """A witness as the estate knows it; `size` and `time` are of what it cosigned last."""

    ref: str
    name: str | None
    vkey: str | None
    url: str | None
    is_active: bool
    size: int | None
    time: str | None
    trouble: str


class WitnessesService:
    """The estate's witnesses."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        limits: AskingLimits = DEFAULT_ASKING_LIMITS,
        carrier: Callable[[str, AskingLimits], Send] = send_over_http,
    ) -> None:
        """`carrier` tells how to speak to the address of a witness."""
        self._pipeline = pipeline
        self._limits = limits
        self._carrier = carrier
        self._keeping = Lock()  # two witnesses may add their line to one checkpoint at once

    def declare(self, actor: Actor, name: str, vkey: str, *, url: str = "") -> DeclaredWitness:
        """Declare a witness; without `url` it is asked by file.

        Raises:
            NoteError: no key of a cosigner.
            WitnessTrouble: an address that nothing may be sent to.
            Conflict: there is one of this name or key.
        """
        check_name(name)
        key = CosignerKey.parse(vkey.strip())
        place, host = check_url(url) if url else ("", "")
        with self._pipeline.hold(Ref("witness", "names")):
            self._refuse_known(name, key)
            ref = Ref("witness", new_id())
            declared = DeclareWitness(key=digest(str(key).encode()), destination=host)
            with self._pipeline.perform(actor, declared, on=ref) as act:
                act.describe(name=name, vkey=str(key), url=place)
                act.conclude(outputs=[Output(ref=str(ref))])
        return _declared(self._row(WITNESS.c.id == ref.id))

    def withdraw(self, actor: Actor, name: str) -> DeclaredWitness:
        """Ask a witness no more."""
        ref = self.find(name)
        with self._pipeline.perform(actor, WithdrawWitness(), on=ref) as act:
            act.conclude()
        return _declared(self._row(WITNESS.c.id == ref.id))

    def list(self, actor: Actor) -> tuple[DeclaredWitness, ...]:
        """Every witness, what it cosigned last, and what keeps it from doing so."""
        self._pipeline.ask(actor, "witness.list", on=self._pipeline.circumstances.estate)
        return self.known()

    def known(self) -> tuple[DeclaredWitness, ...]:
        """The same, for who has asked already."""
        rows = self._pipeline.stores.catalog.all(select(WITNESS).order_by(WITNESS.c.id))
        return tuple(map(_declared, rows))

    def ask(self, actor: Actor, name: str) -> DeclaredWitness:
        """Show a witness the newest checkpoint, over the network, and keep its cosignature.

        Raises:
            WitnessTrouble: it could not be asked or did not cosign; recorded once, until that
                changes.
        """
        ref, row = self._asked(actor, name)
        if not row.url:
            raise WitnessTrouble(
                "witness.by_file",
                f"{name} has no address",
                f"freehold witness request {name} > REQUEST, and take that file there",
            )
        try:
            send = self._carrier(row.url, self._limits)
            checkpoint, lines = exchange(self._newest, row.size or 0, send)
            cosigned = self._cosigned(checkpoint, lines, CosignerKey.parse(row.vkey))
        except (WitnessTrouble, NoteError) as error:
            self._miss(actor, ref, row, error.code)
            raise
        self._keep(actor, ref, row, cosigned)
        return _declared(self._row(WITNESS.c.id == ref.id))

    def request(self, actor: Actor, name: str, *, since: int = 0) -> str:
        """Write a request for a witness that is asked by file.

        `since` is the size that it has, where that is another than what was accepted from it here.

        Raises:
            MalformedError: `since` is more than there is.
        """
        _, row = self._asked(actor, name)
        reader = self._newest()
        try:
            return request_since(reader, since or row.size or 0).text()
        except ValueError as error:
            raise MalformedError(
                "witness.since", str(error), "--since is a smaller size"
            ) from error

    def accept(self, actor: Actor, name: str, answer: str) -> DeclaredWitness:
        """Keep the answer to a request: the cosigned checkpoint.

        Raises:
            NoteError: not a checkpoint of this log, cosigned by this witness.
            ForkError: of another history than this log's.
        """
        ref, row = self._asked(actor, name)
        log = self._pipeline.stores.log
        checkpoint = Checkpoint.open(answer, [log.key])
        lines = answer.removeprefix(checkpoint.text() + "\n")
        cosigned = self._cosigned(checkpoint, lines, CosignerKey.parse(row.vkey))
        self._keep(actor, ref, row, cosigned)
        return _declared(self._row(WITNESS.c.id == ref.id))

    def find(self, name: str) -> Ref:
        """Resolve the name or id of a witness.

        Raises:
            NotFound: no such witness.
        """
        code = name.removeprefix("witness:")
        for which in ((WITNESS.c.name == code) & WITNESS.c.is_active, WITNESS.c.id == code):
            row = self._pipeline.stores.catalog.first(select(WITNESS).where(which))
            if row is not None:
                return Ref("witness", row.id)
        raise NotFound(
            "witness.unknown", f"there is no witness {name!r:.80}", "freehold witness list"
        )

    def _asked(self, actor: Actor, name: str) -> tuple[Ref, Row[Any]]:
        """Decide that a witness may be shown a checkpoint."""
        ref = self.find(name)
        self._pipeline.ask(actor, "witness.ask", on=ref)
        row = self._row(WITNESS.c.id == ref.id)
        if not row.is_active or row.vkey is None:
            raise Conflict("witness.status", f"the witness {name} is withdrawn or erased")
        return ref, row

    def _newest(self) -> LogReader:
        log = self._pipeline.stores.log
        log.publish()
        return log.reader()

    def _cosigned(self, checkpoint: Checkpoint, lines: str, key: CosignerKey) -> Cosigned:
        """Verify what was answered about a checkpoint that is this log's own."""
        log = self._pipeline.stores.log
        reader = log.reader(checkpoint.size)
        if reader.checkpoint != checkpoint:
            raise ForkError(
                "ledger.fork",
                f"the witness has cosigned another tree of {checkpoint.size} records",
                "this log was forked: keep both histories and investigate",
            )
        return Cosigned.open(reader.note, [log.key], []).accept(lines, log.key, key)

    def _keep(self, actor: Actor, ref: Ref, row: Row[Any], cosigned: Cosigned) -> None:
        log, key = self._pipeline.stores.log, CosignerKey.parse(row.vkey)
        size, time = cosigned.checkpoint.size, cosigned.times[key.name]
        accepted = AcceptCosignature(size=size, time=format_time(time))
        with self._pipeline.perform(actor, accepted, on=ref) as act, self._keeping:
            # what others have added since
            former = Cosigned.open(log.reader(size).note, [log.key], [])
            lines = cosigned.note.removeprefix(cosigned.checkpoint.text() + "\n")
            log.cosigned.keep(size, former.accept(lines, log.key, key).note)
            act.conclude()

    def _miss(self, actor: Actor, ref: Ref, row: Row[Any], code: str) -> None:
        if row.trouble != code:
            with self._pipeline.perform(actor, MissWitness(trouble=code), on=ref) as act:
                act.conclude()

    def _refuse_known(self, name: str, key: CosignerKey) -> None:
        for known in self.known():
            if not known.is_active or known.vkey is None:
                continue
            if known.name == name:
                raise Conflict("witness.exists", f"there is a witness {name} already")
            if CosignerKey.parse(known.vkey).public_key == key.public_key:
                raise Conflict(
                    "witness.exists", f"the witness {known.name} has this key: it would count twice"
                )

    def _row(self, which: Any) -> Row[Any]:
        row = self._pipeline.stores.catalog.first(select(WITNESS).where(which))
        if row is None:
            raise NotFound("witness.unknown", "there is no such witness")
        return row


def _declared(row: Row[Any]) -> DeclaredWitness:
    return DeclaredWitness(
        ref=f"witness:{row.id}",
        name=row.name,
        vkey=row.vkey,
        url=row.url,
        is_active=bool(row.is_active),
        size=row.size,
        time=row.time,
        trouble=row.trouble,
    )
