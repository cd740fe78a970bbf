"""The verbs of bundles that the estate itself performs: create, list, hand out erasures, move."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from freehold.kernel import MalformedError, Ref
from freehold.kernel.acts import Actor, Conflict, Pipeline
from freehold.kernel.backup._acts import (
    BUNDLE,
    BUNDLE_CHECK,
    PLACE,
    RESTORATION,
    CreateBackup,
    MoveEstate,
    RestoreEstate,
)
from freehold.kernel.backup._bundle_key import check_recipients
from freehold.kernel.backup._erasures import Arrival, Erasure, sign_erasures
from freehold.kernel.backup._limits import DEFAULT_BACKUP_LIMITS, BackupLimits
from freehold.kernel.backup._place import KINDS, Place
from freehold.kernel.backup._writing import LOG_SIGNER, BundleWriter, Wanted, Written
from freehold.kernel.backup.errors import BackupError, storage_errors
from freehold.kernel.ledger import Checkpoint


@dataclass(frozen=True, slots=True)
class BackupMade:
    """A bundle that was just finished; `act` is empty where nothing can be recorded any more."""

    bundle: str
    kind: str
    digest: str
    records: int
    blobs: int
    bytes: int
    act: str


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """A bundle that was once made here, and how its newest check ended."""

    time: str
    kind: str
    records: int
    blobs: int
    bytes: int
    checked: str
    result: str
    digest: str
    base: str


class BackupService:
    """Bundles of the open estate.

    Args:
        home: the estate's own folder, in which no bundle may lie.
        erased: tells every erasure that the ledger records.
        taking_out: names of the acts that take records out of the ledger.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        home: Path,
        erased: Callable[[], Iterable[Erasure]],
        *,
        taking_out: tuple[str, ...] = (),
        limits: BackupLimits = DEFAULT_BACKUP_LIMITS,
    ) -> None:
        self._pipeline = pipeline
        self._home = home.resolve()
        self._erased = erased
        self._limits = limits
        self._taking_out = taking_out

    @property
    def writer(self) -> BundleWriter:
        """What writes bundles of this estate, and opens its own."""
        return BundleWriter(self._pipeline, limits=self._limits, taking_out=self._taking_out)

    def create(
        self, actor: Actor, place: Path, *, kind: str = "auto", recipients: tuple[str, ...] = ()
    ) -> BackupMade:
        """Write a bundle into a folder of its own in `place`, or go on with an unfinished one.

        A bundle of kind `auto` is a delta on the newest one there, and full where there is none or
        the chain has become long.

        Raises:
            MalformedError: no kind of bundle, no recipient, or no absolute place.
            BackupError: it cannot be written there; what is finished of it is kept.
        """
        if kind not in KINDS:
            raise MalformedError("backup.kind", f"kind is auto, full or delta, got {kind!r:.40}")
        check_recipients(recipients)
        self._check_place(place)
        pipeline = self._pipeline
        asked = CreateBackup(kind=kind, recipients=len(recipients))
        with (
            pipeline.hold(Ref("backup", "writing")),
            pipeline.perform(actor, asked, on=pipeline.circumstances.estate) as act,
        ):
            act.start()
            written = self._write(place, kind, purpose="backup", recipients=recipients)
            manifest = written.bundle.manifest
            act.conclude(
                made=manifest.kind,
                bundle=written.bundle.digest,
                base=manifest.base,
                root="sha256:" + written.checkpoint.root.hex(),
                size=written.checkpoint.size,
                blobs=written.blobs,
                bytes=written.bytes,
            )
        return _made(written, act.recorded.record.id)

    def move(self, actor: Actor, place: Path, *, recipients: tuple[str, ...] = ()) -> BackupMade:
        """Record that the estate goes on elsewhere, let nothing follow, and write all of it.

        Called again, it writes or goes on with the bundle alone.

        Raises:
            MalformedError, BackupError: as `create` does.
        """
        check_recipients(recipients)
        self._check_place(place)
        pipeline = self._pipeline
        estate = pipeline.circumstances.estate
        with pipeline.hold(Ref("backup", "writing")):
            if self.is_moved():
                pipeline.ask(actor, "estate.moved", on=estate)
            else:
                with pipeline.perform(actor, MoveEstate(), on=estate) as act:
                    act.conclude()
                pipeline.end(moved())
            written = self._write(place, "full", purpose="move", recipients=recipients)
        return _made(written, "")

    def is_moved(self) -> bool:
        """Whether the estate goes on elsewhere."""
        row = self._pipeline.stores.catalog.first(select(PLACE))
        return row is not None and row.is_moved

    def list(self, actor: Actor) -> tuple[BackupSummary, ...]:
        """Every bundle that was made, oldest first, with its newest check."""
        pipeline = self._pipeline
        pipeline.ask(actor, "backup.list", on=pipeline.circumstances.estate)
        catalog = pipeline.stores.catalog
        newest_last = select(BUNDLE_CHECK).order_by(BUNDLE_CHECK.c.time)
        checks = {row.digest: row for row in catalog.all(newest_last)}
        return tuple(
            BackupSummary(
                time=row.time,
                kind=row.kind,
                records=row.size,
                blobs=row.blobs,
                bytes=row.bytes,
                checked=checks[row.digest].time if row.digest in checks else "",
                result=checks[row.digest].result if row.digest in checks else "",
                digest=row.digest,
                base=row.base or "",
            )
            for row in catalog.all(select(BUNDLE).order_by(BUNDLE.c.time))
        )

    def erasures(self, actor: Actor) -> str:
        """The signed list of every erasure, to be kept apart from the backups."""
        pipeline = self._pipeline
        pipeline.ask(actor, "backup.erasures", on=pipeline.circumstances.estate)
        stores = pipeline.stores
        erased = tuple(self._erased())  # before the checkpoint, so that all lie under it
        checkpoint = Checkpoint.open(stores.log.publish(), [stores.log.key])
        return sign_erasures(erased, checkpoint, stores.keyring.signer(LOG_SIGNER))

    def record_arrival(self, arrival: Arrival, erasures: int) -> None:
        """Record by the estate itself that it was restored; once, whatever crashes come between."""
        pipeline = self._pipeline
        known = select(RESTORATION.c.id).where(RESTORATION.c.id == arrival.id)
        if pipeline.stores.catalog.first(known) is not None:
            return
        estate = pipeline.circumstances.estate
        restored = RestoreEstate(
            restoration=arrival.id,
            bundle=arrival.bundle,
            made_for=arrival.purpose,
            size=arrival.size,
            lost=arrival.lost,
            erasures=erasures,
        )
        with pipeline.perform(Actor(Ref("service", estate.id)), restored, on=estate) as act:
            act.conclude()

    # -- within ------------------------------------------------------------------------------------

    def _check_place(self, place: Path) -> None:
        if not place.is_absolute():
            raise MalformedError(
                "backup.place",
                f"{place} is relative, and a server has another working folder than you",
                "give the whole path, from / on",
            )
        if place.resolve().is_relative_to(self._home):
            raise BackupError(
                "backup.target",
                f"{place} lies within the estate itself",
                "put backups on another disk",
            )

    def _write(
        self, folder: Path, kind: str, *, purpose: str, recipients: tuple[str, ...]
    ) -> Written:
        place = Place(folder, self._pipeline.stores.log.key, self._limits)
        with storage_errors(folder):
            target, base = place.next(kind, purpose, self._pipeline.clock.now())
        return self.writer.write(target, Wanted(purpose, base, recipients))


def moved() -> Conflict:
    """What every act meets in an estate that goes on elsewhere."""
    return Conflict(
        "estate.moved",
        "this estate was moved: it goes on at another place, and nothing is recorded here any more",
        "use it there; what is here can still be read, backed up by `backup move`, and verified",
    )


def _made(written: Written, act: str) -> BackupMade:
    return BackupMade(
        bundle=str(written.bundle.folder),
        kind=written.bundle.manifest.kind,
        digest=written.bundle.digest,
        records=written.checkpoint.size,
        blobs=written.blobs,
        bytes=written.bytes,
        act=act,
    )
