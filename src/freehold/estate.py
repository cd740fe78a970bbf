"""The estate: the composition root. Configuration in, wired services out; the only place that knows
everyone.

    Estate.create(folder, charter, custody, is_trial=False)
    with Estate.open(folder, custody) as estate:
        actor = estate.people.authenticate(token)
        estate.data.list(actor)

One process holds an estate at a time (the lock of its log); others go through the server that holds
it. Opening never creates: what is missing is an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import select

from freehold import charter as charter_room
from freehold import data as data_room
from freehold import evaluation as evaluation_room
from freehold import interop as interop_room
from freehold import models as models_room
from freehold import parties as parties_room
from freehold import serving as serving_room
from freehold import stamps as stamps_room
from freehold import training as training_room
from freehold import witnesses as witnesses_room
from freehold.charter import Charter, CharterService, PolicyService, Site
from freehold.compute import Executor, LocalExecutor
from freehold.data import DataService
from freehold.evaluation import EvaluationService
from freehold.interop import StreamService
from freehold.kernel import (
    Clock,
    EstateClock,
    FreeholdError,
    Ref,
    SystemClock,
    canonical,
    digest,
    make_folder,
    new_id,
)
from freehold.kernel import backup as backup_part
from freehold.kernel import history as history_part
from freehold.kernel import retention as retention_part
from freehold.kernel import upkeep as upkeep_part
from freehold.kernel.acts import Actor, Circumstances, Concern, Pipeline, Registry, Stores
from freehold.kernel.backup import LOG_SIGNER, Arrival, BackupService, Erasure, moved, open_erasures
from freehold.kernel.catalog import Catalog
from freehold.kernel.history import History
from freehold.kernel.keys import BadPin, Custody, Keyring
from freehold.kernel.ledger import Checkpoint, Log, LogConfig
from freehold.kernel.policy import Denied
from freehold.kernel.retention import PruneEstate, Retention
from freehold.kernel.upkeep import (
    ASIDE,
    FORMAT,
    IDENTITY,
    RecoveryService,
    Upkeep,
    check_format,
    drop_aside,
    pin_format,
)
from freehold.kernel.vault import Vault
from freehold.models import ModelService
from freehold.parties import (
    ClockService,
    EmergencyService,
    PeopleService,
    Refusals,
    ReviewService,
    enrolled_key,
    standing_of,
)
from freehold.serving import ServingService
from freehold.stamps import StampService
from freehold.training import TrainingService
from freehold.witnesses import Asker, WitnessesService

ROOMS = (
    charter_room.DECLARATIONS,
    parties_room.DECLARATIONS,
    data_room.DECLARATIONS,
    training_room.DECLARATIONS,
    evaluation_room.DECLARATIONS,
    models_room.DECLARATIONS,
    serving_room.DECLARATIONS,
    interop_room.DECLARATIONS,
    witnesses_room.DECLARATIONS,
    stamps_room.DECLARATIONS,
    history_part.DECLARATIONS,
    upkeep_part.DECLARATIONS,
    retention_part.DECLARATIONS,
    backup_part.DECLARATIONS,
)
"""What every room declares; the whole vocabulary of acts."""

HEAD = "head"  # the pin with the newest checkpoint that was trusted
_CLOCK = "clock"  # the pin with the time that the estate went by when it was closed


class EstateError(FreeholdError):
    """The estate cannot be created or opened."""


@dataclass(frozen=True, slots=True)
class EstateStatus:
    """The estate at a glance."""

    id: str
    organisation: str
    is_trial: bool
    is_ratified: bool
    vkey: str
    records: int
    policy_set: str
    isolation: str
    recovery_drilled: str | None
    access_reviewed: str | None
    concerns: tuple[Concern, ...]


class Estate:
    """An open estate with its services. Made by `create` and `open`; a context manager."""

    def __init__(self, pipeline: Pipeline, executor: Executor, folder: Path) -> None:
        self.pipeline = pipeline
        self.charter = CharterService(pipeline, enrolled_key)
        self.policy = PolicyService(pipeline, self.charter)
        self.data = DataService(pipeline, self.charter)
        self.training = TrainingService(pipeline, self.data, executor)
        self.evaluation = EvaluationService(
            pipeline, self.charter, data=self.data, training=self.training, executor=executor
        )
        self.models = ModelService(pipeline, self.training, self.evaluation)
        self.serving = ServingService(pipeline, self.models, executor)
        self.emergency = EmergencyService(pipeline, self.charter)
        self.recovery = RecoveryService(pipeline)
        self.clock = ClockService(pipeline)
        self.people = PeopleService(pipeline, self.charter, self._evidence())
        self.reviews = ReviewService(pipeline, self.charter, self.people.revoke)
        self.refusals = Refusals(pipeline)
        self.history = History(pipeline)
        self.stamps = StampService(pipeline)
        self.streams = StreamService(pipeline)
        self.witnesses = WitnessesService(pipeline)
        self.asker = Asker(pipeline, self.witnesses)  # started by whoever serves
        self.upkeep = Upkeep(pipeline, self._referenced, self._custody_evidence)
        self.retention = Retention(pipeline, lambda: self.charter.in_force().retention)
        self.backup = BackupService(pipeline, folder, self._erased, taking_out=(PruneEstate.name,))
        self.executor = executor
        pipeline.enforce(self.charter.policies_in_force(), self.people)

    # -- life --------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        folder: Path,
        charter: bytes,
        custody: Custody,
        *,
        is_trial: bool = False,
        executor: Executor | None = None,
    ) -> Estate:
        """Make an estate in an empty or missing folder, with its charter proposed, and open it.

        Raises:
            EstateError: the folder holds something.
            CharterError: the charter does not parse or is not complete.
        """
        parsed = Charter.parse(charter)  # before anything is made
        charter_room.check_complete(parsed, trial=is_trial)
        if folder.exists() and any(folder.iterdir()):
            raise EstateError(
                "estate.exists", f"{folder} is not empty", "choose a folder that does not exist yet"
            )
        make_folder(folder)
        folder.chmod(0o700)
        estate_id = new_id()
        with Keyring.create(folder / "keys", custody) as keyring:
            keyring.new_domain(estate_id)
            signer = keyring.new_signer(LOG_SIGNER)
            Vault.create(folder / "vault", keyring).close()
            config = LogConfig(origin=_origin(estate_id, is_trial=is_trial), signer=signer)
            Log.create(folder / "ledger" / "main", config).close()
            pin_format(keyring, FORMAT)
            keyring.pin(IDENTITY, canonical({"id": estate_id, "trial": is_trial}))
            vkey = str(config.key)
        estate = cls._open(folder, custody, SystemClock(), executor or LocalExecutor())
        try:
            estate.charter.create_estate(charter, is_trial=is_trial, vkey=vkey)
        except BaseException:
            estate.close()
            raise
        return estate

    @classmethod
    def open(
        cls,
        folder: Path,
        custody: Custody,
        *,
        clock: Clock | None = None,
        executor: Executor | None = None,
    ) -> Estate:
        """Open the estate in a folder, and finish what a crash interrupted.

        Raises:
            EstateError: there is none.
            FormatError: another version of Freehold wrote it; nothing was touched.
            KeysError: the custody is not the one of its keys.
            LedgerError: another process holds it, or its ledger was rewound, forked or damaged.
        """
        check_format(folder)
        if not (folder / "keys").is_dir():
            raise EstateError(
                "estate.missing", f"there is no estate in {folder}", "`freehold init` creates one"
            )
        estate = cls._open(folder, custody, clock or SystemClock(), executor or LocalExecutor())
        if estate.pipeline.stores.log.size == 0:
            estate.close()
            raise _unfinished(folder)
        return estate

    @classmethod
    def open_to_upgrade(cls, folder: Path, custody: Custody) -> Estate:
        """Open an estate of an earlier format, or of this one, to upgrade it and nothing else: what
        a crash interrupted waits for the next opening, and the former state is kept.

        Raises:
            FormatError: a later version of Freehold wrote it.
            KeysError, LedgerError: as for `open`.
        """
        check_format(folder, is_upgrading=True)
        return cls._open(folder, custody, SystemClock(), LocalExecutor(), is_upgrading=True)

    @classmethod
    def _open(
        cls,
        folder: Path,
        custody: Custody,
        host: Clock,
        executor: Executor,
        *,
        is_upgrading: bool = False,
    ) -> Estate:
        registry, clock = Registry(ROOMS), EstateClock(host)
        with ExitStack() as opened:  # closed again if anything after it fails
            keyring = Keyring.open(folder / "keys", custody)
            opened.callback(keyring.close)
            identity = _identity(keyring, folder)
            vault = Vault.open(folder / "vault", keyring)
            opened.callback(vault.close)
            relay = _Relay()
            config = LogConfig(
                origin=_origin(identity["id"], is_trial=identity["trial"]),
                signer=keyring.signer(LOG_SIGNER),
                clock=clock,
                before_sync=vault.sync,
                on_commit=relay,
            )
            log = Log.open(folder / "ledger" / "main", config, trusted=_trusted(keyring, config))
            opened.callback(log.close)
            catalog = Catalog(folder / "catalog.db", config.origin, registry.tables)
            opened.callback(catalog.close)
            pipeline = Pipeline(
                registry,
                Stores(log, vault, keyring, catalog),
                clock=clock,
                circumstances=Circumstances(
                    Ref("estate", identity["id"]), identity["trial"], _NO_SITE
                ),
                principals=standing_of,
            )
            relay.target = pipeline.follow
            pipeline.catch_up()
            _resume(clock, keyring)
            estate = cls(pipeline, executor, folder)
            if is_upgrading:
                estate._settle_in()
            else:
                if (folder / ASIDE).exists():
                    relay.before_first = partial(drop_aside, folder)
                estate._arrive(folder)
                if estate.backup.is_moved():
                    pipeline.end(moved())
                else:
                    with suppress(Denied):  # recorded; whom the charter's own rules keep out
                        estate.adopt_charter()
                estate.data.finish_erasures()
                estate.retention.finish()
            opened.pop_all()
        return estate

    def adopt_charter(self) -> None:
        """Take the site from the charter in force, and enrol whom it names and nobody enrolled yet.

        Called after a ratification, and at opening: a crash between a ratification and its
        enrolments would leave an estate that nobody can enter.
        """
        self._settle_in()
        if self.charter.is_ratified():
            self.people.enrol_charter(Actor(self.charter.last_ratifier()))

    def _settle_in(self) -> None:
        if self.charter.is_ratified():
            site = _site(self.charter.in_force().site)
            self.pipeline.circumstances = replace(self.pipeline.circumstances, site=site)

    def _arrive(self, folder: Path) -> None:
        """Record what a restoration left to be recorded; after a crash, what is missing of it."""
        arrival = Arrival.read(folder)
        if arrival is None:
            return
        key = self.pipeline.stores.log.key
        erasures = open_erasures(arrival.erasures, key) if arrival.erasures else ()
        with suppress(Denied):  # recorded; a charter from before there were restorations
            self.backup.record_arrival(arrival, len(erasures))
            self.data.apply_erasures((each.domain, each.act) for each in erasures)
        arrival.remove(folder)

    def close(self) -> None:
        """End workers, publish what waits, remember the newest checkpoint, and let go of the
        folder.
        """
        stores = self.pipeline.stores
        with ExitStack() as closing:  # in the opposite order, each whatever the others raise
            closing.callback(stores.keyring.close)
            closing.callback(stores.vault.close)
            closing.callback(stores.catalog.close)
            closing.callback(stores.log.close)
            closing.callback(self._remember)
            closing.callback(self.streams.close)
            closing.callback(self._record_refusals)
            closing.callback(self.serving.close)
            self.asker.stop()

    def _record_refusals(self) -> None:
        """Record who was refused since; nothing is in an estate that goes on elsewhere."""
        if not self.backup.is_moved():
            self.refusals.record()

    def refuse_if_stopped(self) -> None:
        """Raise why the estate takes no more acts until it is opened again, if a part has stopped.

        Raises:
            LogStoppedError, VaultError, KeysError: a write of that part failed.
        """
        stores = self.pipeline.stores
        # The vault first: when bodies fail, so does the log, but it says less clearly why.
        stores.vault.refuse_after_failure()
        stores.keyring.refuse_after_failure()
        stores.log.refuse_if_stopped()

    def _remember(self) -> None:
        """Pin the newest checkpoint, so that an older or another log is refused at the opening, and
        the time, so that a clock set back while the estate is closed revives nothing.
        """
        stores = self.pipeline.stores
        stores.keyring.pin(_CLOCK, self.pipeline.clock.remember().encode())
        stores.keyring.pin(HEAD, stores.log.publish().encode())

    def __enter__(self) -> Estate:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # -- the estate as a whole ---------------------------------------------------------------------

    def status(self, actor: Actor) -> EstateStatus:
        """The estate at a glance."""
        pipeline = self.pipeline
        pipeline.ask(actor, "estate.status", on=pipeline.circumstances.estate)
        return EstateStatus(
            id=pipeline.circumstances.estate.id,
            organisation=self.charter.organisation(),
            is_trial=pipeline.circumstances.is_trial,
            is_ratified=self.charter.is_ratified(),
            vkey=str(pipeline.stores.log.key),
            records=pipeline.stores.log.size,
            policy_set=pipeline.policies.digest,
            isolation=self.executor.isolation.name,
            recovery_drilled=self.recovery.drilled(),
            access_reviewed=self.reviews.last_closed(),
            concerns=self._concerns(),
        )

    def _concerns(self) -> tuple[Concern, ...]:
        """What waits for people; nothing before there are any."""
        if not self.charter.is_ratified():
            return ()
        parts = (self.emergency, self.recovery, self.reviews)
        return tuple(concern for part in parts for concern in part.concerns())

    def resolve(self, thing: str) -> Ref:
        """Resolve a reference by name, of any kind, to ids; `estate` is this one.

        Raises:
            NotFound: no such thing.
            MalformedError: no reference.
        """
        if thing == "estate":
            return self.pipeline.circumstances.estate
        ref = Ref.parse(thing)
        match ref.kind:
            case "dataset":
                return self.data.find(thing)
            case "model":
                return Ref.parse(self.models.find(thing).ref)
            case "deployment":
                return self.serving.find(ref.id)
            case "user" | "service":
                return self.people.find(thing)
            case _:
                return ref

    def name_of(self, ref: str) -> str:
        """A reference as people write it, `user:alice`; by its id where the name is unknown or
        erased.
        """
        thing = Ref.parse(ref)
        if thing.id == self.pipeline.circumstances.estate.id:
            return "estate"
        declared = self.pipeline.registry.kinds.get(thing.kind)
        if declared is None or declared.names is None:
            return ref
        column = declared.names
        query = select(column.label("name")).where(column.table.c.id == thing.id)
        row = self.pipeline.stores.catalog.first(query)
        return str(Ref(thing.kind, row.name, thing.version)) if row and row.name else ref

    def _evidence(self) -> Mapping[str, Any]:
        return {
            "model.promote": self.models.evidence,
            "policy.activate": self.policy.evidence,
            "dataset.erase": self.data.evidence,
            "custody.rotate": lambda _ref: self._custody_evidence(),
            "recovery.set_up": lambda _ref: self.recovery.evidence(),
            "recovery.revoke": lambda _ref: self.recovery.evidence(),
            "access.break_glass": self.emergency.evidence,
            "estate.accept_clock": lambda _ref: self.clock.evidence(),
        }

    def _custody_evidence(self) -> str:
        """What approvers of a rotation sign: that it is this estate's keyring."""
        return digest(f"freehold/custody/v1\0{self.pipeline.circumstances.estate}".encode())

    def _erased(self) -> tuple[Erasure, ...]:
        """Every erasure that the ledger records."""
        return tuple(Erasure(domain, act) for domain, act in self.data.erasures())

    def _referenced(self) -> Set[str]:
        """Names of all blobs that the catalog knows."""
        catalog, names = self.pipeline.stores.catalog, set()
        for metadata in self.pipeline.registry.tables:
            for table in metadata.sorted_tables:
                if "blob" in table.c:
                    names |= {row.blob for row in catalog.all(select(table.c.blob))}
        return names


class _Relay:
    """Passes the log's commits on to the pipeline, which can be made only once the log is open."""

    def __init__(self) -> None:
        self.target: Any = None
        self.before_first: Callable[[], None] | None = None

    def __call__(self, first: int, entries: Sequence[bytes]) -> None:
        if self.before_first is not None:
            self.before_first()
            self.before_first = None
        self.target(first, entries)


_NO_SITE = {"jurisdiction": "", "operator": "", "tenancy": "", "connectivity": ""}


def _site(site: Site) -> dict[str, str]:
    return {
        "jurisdiction": site.jurisdiction,
        "operator": site.operator,
        "tenancy": site.tenancy,
        "connectivity": site.connectivity,
    }


def _origin(estate_id: str, *, is_trial: bool) -> str:
    """Name the main log.

    That of a trial says so, and with it every checkpoint, receipt and promise for ever.
    """
    return f"{'trial' if is_trial else 'estate'}/{estate_id}/main"


def _identity(keyring: Keyring, folder: Path) -> dict[str, Any]:
    pinned = keyring.pinned(IDENTITY)
    if pinned is None:
        raise _unfinished(folder)
    identity: dict[str, Any] = json.loads(pinned)
    return identity


def _unfinished(folder: Path) -> EstateError:
    return EstateError(
        "estate.incomplete",
        f"making the estate in {folder} was interrupted; nothing is in it yet",
        "delete the folder and run `freehold init` again",
    )


def _resume(clock: EstateClock, keyring: Keyring) -> None:
    """Go on with the time that the estate went by when it was closed."""
    remembered = keyring.pinned(_CLOCK)
    try:
        if remembered is not None:
            clock.resume(remembered.decode())
    except ValueError:
        raise BadPin(_CLOCK) from None


def _trusted(keyring: Keyring, config: LogConfig) -> Checkpoint | None:
    pinned = keyring.pinned(HEAD)
    return Checkpoint.open(pinned, [config.key]) if pinned else None
