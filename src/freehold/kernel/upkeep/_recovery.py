"""Recovery of the keyring as acts: set up, drilled, used, revoked.

    words = recovery.set_up(owner, split(5, 3), hand_out=write_files)
    recovery.drill(owner, RecoveryCustody(combine_shares(words[:3])), shares=3)
    with Estate.open(folder, RecoveryCustody(…)) as estate:            # the passphrase is lost
        estate.recovery.use(owner, RecoveryCustody(…), PassphraseCustody(new))

What recovers is never kept, written or told: only which recovery it is, and that it worked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Boolean, Column, Integer, MetaData, Row, String, Table, func, select

from freehold.kernel import Ref, digest, new_id, parse_time
from freehold.kernel.acts import (
    Act,
    Actor,
    Code,
    Concern,
    Digest,
    Id,
    NotFound,
    Pipeline,
    Record,
    found,
)
from freehold.kernel.catalog import Amend, Change, Put
from freehold.kernel.keys import (
    Custody,
    Recovery,
    RecoveryCustody,
    check_recipient,
    new_recovery_identity,
    recipient_of,
    split_identity,
)

DRILL_DAYS = 184  # twice a year: people leave and drawers are emptied within one
TABLES = MetaData()

RECOVERY = Table(
    "recovery",
    TABLES,
    Column("id", String(36), primary_key=True),
    Column("kind", String, nullable=False),  # shares | recipients
    Column("shares", Integer, nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("recipients", Integer, nullable=False),
    Column("since", String, nullable=False),
    Column("is_revoked", Boolean, nullable=False),
    Column("drilled", String),
    Column("used", String),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpRecovery(Act, name="recovery.set_up", on="Estate", alarming=True):
    """Make the keyring recoverable without its custody, by shares or by recipients held apart."""

    evidence: Digest
    recovery: Id
    way: Code
    shares: int
    threshold: int
    recipients: int

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        facts = record.facts
        yield Put(
            RECOVERY,
            {
                "id": facts["recovery"],
                "kind": facts["way"],
                "shares": facts["shares"],
                "threshold": facts["threshold"],
                "recipients": facts["recipients"],
                "since": record.time,
                "is_revoked": False,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRecovery(Act, name="recovery.drill", on="Estate"):
    """Prove, changing nothing, that what people hold gives the root key in force."""

    shares: int
    recovery: Id = found("")
    milliseconds: int = found(0)

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Amend(RECOVERY, {"id": record.facts["recovery"]}, {"drilled": record.time})


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRecovery(Act, name="recovery.use", on="Estate", alarming=True):
    """Put the keyring under a new custody by what people hold, the former being lost."""

    recovery: Id
    custody: Code

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Amend(RECOVERY, {"id": record.facts["recovery"]}, {"used": record.time})


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeRecovery(Act, name="recovery.revoke", on="Estate", alarming=True):
    """Let a recovery give the root key no more; all that it wraps is wrapped anew."""

    evidence: Digest
    recovery: Id

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        yield Amend(RECOVERY, {"id": record.facts["recovery"]}, {"is_revoked": True})


ACTS = (SetUpRecovery, DrillRecovery, UseRecovery, RevokeRecovery)


@dataclass(frozen=True, slots=True)
class RecoveryStatus:
    """One recovery: how it is held, when it was drilled, and whether the keyring still has it."""

    id: str
    kind: str
    shares: int
    threshold: int
    recipients: tuple[str, ...]
    since: str
    drilled: str | None
    used: str | None
    is_in_keyring: bool


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill has proved."""

    recovery: str
    shares: int
    milliseconds: int


class RecoveryService:
    """Recovery of the keyring."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def set_up_shares(
        self,
        actor: Actor,
        *,
        shares: int,
        threshold: int,
        hand_out: Callable[[str, Sequence[str]], None],
    ) -> str:
        """Split a new recovery key into word lists; returns the recovery's id.

        `hand_out` is given that id and the words of each share once, before anything is changed;
        what it raises leaves all as it was.

        Raises:
            ValueError: fewer than 2 or more than 16 shares, or a threshold that is not among them.
            Denied: not without another owner's approval, where the charter says so; recorded.
        """
        identity = new_recovery_identity()
        words = split_identity(identity, shares=shares, threshold=threshold)
        recovery = Recovery(new_id(), (recipient_of(identity),), shares, threshold)
        self._set_up(actor, recovery, lambda: hand_out(recovery.id, words))
        return recovery.id

    def set_up_recipients(self, actor: Actor, recipients: Sequence[str]) -> str:
        """Let any of these age public keys recover; returns the recovery's id.

        Raises:
            KeysError: one is no age X25519 public key, or there are too many.
            Denied: not without another owner's approval, where the charter says so; recorded.
        """
        checked = tuple(dict.fromkeys(map(check_recipient, recipients)))
        recovery = Recovery(new_id(), checked)
        self._set_up(actor, recovery, lambda: None)
        return recovery.id

    def _set_up(self, actor: Actor, recovery: Recovery, hand_out: Callable[[], None]) -> None:
        pipeline = self._pipeline
        setting_up = SetUpRecovery(
            evidence=self.evidence(),
            recovery=recovery.id,
            way=recovery.kind,
            shares=recovery.shares,
            threshold=recovery.threshold,
            recipients=len(recovery.recipients),
        )
        with pipeline.perform(actor, setting_up, on=pipeline.circumstances.estate) as act:
            hand_out()
            pipeline.stores.keyring.recoveries.add(recovery)
            act.conclude()

    def drill(self, actor: Actor, custody: RecoveryCustody, *, shares: int = 0) -> Drilled:
        """Prove that a recovery gives the root key in force; `shares` is how many it came of.

        Raises:
            WrongCustody: it opens nothing here; recorded as a drill that failed.
            KeysError: what it opens is not the root key in force; recorded likewise.
        """
        pipeline, started = self._pipeline, time.monotonic()
        drill = DrillRecovery(shares=shares)
        with pipeline.perform(actor, drill, on=pipeline.circumstances.estate) as act:
            recovery = pipeline.stores.keyring.recoveries.prove(custody)
            took = round((time.monotonic() - started) * 1000)
            act.conclude(recovery=recovery.id, milliseconds=took)
        return Drilled(recovery.id, shares, took)

    def use(self, actor: Actor, custody: RecoveryCustody, new: Custody) -> str:
        """Put the keyring, opened by a recovery, under a new custody; returns the recovery's id.

        Raises:
            Denied: policy refuses the actor; recorded, and the custody stays as it was.
            WrongCustody: the recovery opens nothing here.
        """
        pipeline = self._pipeline
        recovery = pipeline.stores.keyring.recoveries.prove(custody)
        using = UseRecovery(recovery=recovery.id, custody=new.kind)
        with pipeline.perform(actor, using, on=pipeline.circumstances.estate) as act:
            act.start()  # a crash between the new custody and the record leaves this trace
            pipeline.stores.keyring.rotate_custody(new)
            act.conclude()
        return recovery.id

    def revoke(self, actor: Actor, recovery: str) -> None:
        """Let a recovery give the root key no more, whatever copies of the keyring's files exist.

        Raises:
            NotFound: there is no such recovery.
            Denied: not without another owner's approval, where the charter says so; recorded.
        """
        pipeline = self._pipeline
        row = self._row(recovery)
        revocation = RevokeRecovery(evidence=self.evidence(), recovery=row.id)
        with pipeline.perform(actor, revocation, on=pipeline.circumstances.estate) as act:
            recoveries = pipeline.stores.keyring.recoveries
            if any(way.id == row.id for way in recoveries.list()):  # else a crash came between
                recoveries.remove(row.id)
            act.conclude()

    def show(self, actor: Actor) -> tuple[RecoveryStatus, ...]:
        """Every recovery that was not revoked, and whether the keyring has it."""
        self._pipeline.ask(actor, "recovery.show", on=self._pipeline.circumstances.estate)
        lying = {way.id: way for way in self._pipeline.stores.keyring.recoveries.list()}
        return tuple(_status(row, lying.get(row.id)) for row in self._rows())

    def evidence(self) -> str:
        """What approvers sign: this estate's keyring, with the recoveries that it has now."""
        ways = sorted(way.id for way in self._pipeline.stores.keyring.recoveries.list())
        estate = str(self._pipeline.circumstances.estate)
        return digest("\0".join(("freehold/recovery/v1", estate, *ways)).encode())

    def drilled(self) -> str | None:
        """When a recovery was drilled last."""
        row = self._pipeline.stores.catalog.first(
            select(func.max(RECOVERY.c.drilled).label("drilled"))
        )
        return row.drilled if row else None

    def concerns(self) -> tuple[Concern, ...]:
        """What stands between the estate and a lost passphrase."""
        rows, estate = self._rows(), str(self._pipeline.circumstances.estate)
        if not rows:
            step = "whoever loses the passphrase loses all: `freehold recovery set-up`"
            return (Concern("recovery.none", estate, "", step),)
        lying = {way.id for way in self._pipeline.stores.keyring.recoveries.list()}
        latest = max(row.since for row in rows)
        return tuple(filter(None, (self._concern(row, lying, latest) for row in rows)))

    def _concern(self, row: Row[Any], lying: set[str], latest: str) -> Concern | None:
        ref = str(Ref("recovery", row.id))
        since = row.drilled or row.since
        due = parse_time(since) + timedelta(days=DRILL_DAYS)
        if row.id not in lying:
            step = "custody.json lost it: find out who could write it, then set it up again"
            return Concern("recovery.missing", ref, row.since, step)
        if row.used is not None and row.used > latest:
            step = "what was brought together is known: set up another, then revoke this one"
            return Concern("recovery.used", ref, row.used, step)
        if row.drilled is None or due < self._pipeline.clock.now():
            return Concern("recovery.drill_due", ref, since, "`freehold recovery drill`")
        return None

    def _rows(self) -> Sequence[Row[Any]]:
        return self._pipeline.stores.catalog.all(
            select(RECOVERY)
            .where(RECOVERY.c.is_revoked.is_(False))
            .order_by(RECOVERY.c.since, RECOVERY.c.id)
        )

    def _row(self, recovery: str) -> Row[Any]:
        named = recovery.removeprefix("recovery:")
        found = [row for row in self._rows() if row.id == named]
        if not found:
            raise NotFound(
                "recovery.unknown",
                f"there is no recovery {recovery!r:.80}",
                "see `freehold recovery show`",
            )
        return found[0]


def _status(row: Row[Any], way: Recovery | None) -> RecoveryStatus:
    return RecoveryStatus(
        id=row.id,
        kind=row.kind,
        shares=row.shares,
        threshold=row.threshold,
        recipients=way.recipients if way else (),
        since=row.since,
        drilled=row.drilled,
        used=row.used,
        is_in_keyring=way is not None,
    )
