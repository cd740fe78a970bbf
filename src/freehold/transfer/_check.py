"""Checking a bundle: restored into a scratch place, compared with the estate, and removed.

The comparison is as of the bundle's checkpoint, so that writers may go on meanwhile.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from sqlalchemy import select

from freehold.estate import HEAD, Estate
from freehold.kernel import FreeholdError
from freehold.kernel.acts import Actor, Pipeline, Record, Stores, open_body, retract
from freehold.kernel.backup import (
    DEFAULT_BACKUP_LIMITS,
    LOG_SIGNER,
    BackupError,
    BackupLimits,
    Bundle,
    CheckBackup,
    Restored,
    Restoring,
    blob_facts,
    bundles_in,
)
from freehold.kernel.catalog import ACT, Catalog
from freehold.kernel.keys import Keyring, UnknownDomain, WrongCustody
from freehold.kernel.ledger import PRUNED, Log, LogConfig
from freehold.kernel.retention import Retention, look_again
from freehold.kernel.vault import Vault
from freehold.parties import standing_of

FINDINGS_MAX = 20  # more of them tell nothing more


@dataclass(frozen=True, slots=True)
class BackupCheck:
    """A bundle that was restored and found to be the same as the estate was at its checkpoint."""

    bundle: str
    digest: str
    records: int
    blobs: int
    bodies: int
    answers: int
    act: str


def check(
    estate: Estate,
    actor: Actor,
    place: Path,
    *,
    scratch: Path | None = None,
    limits: BackupLimits = DEFAULT_BACKUP_LIMITS,
) -> BackupCheck:
    """Restore a bundle, or the newest one in a folder of them, aside, and compare it.

    Compared are the root of the ledger, every blob's digest, the place of every body, the catalog
    row by row (lineage is in it), opened bodies, and answers of deployments asked again.

    Raises:
        BackupError: `backup.differs`: with all that was found, in words; recorded.
        FreeholdError: it cannot be restored at all; recorded as failed.
    """
    pipeline = estate.pipeline
    with pipeline.perform(actor, CheckBackup(), on=pipeline.circumstances.estate) as act:
        bundle = _bundle(place)
        bundle.check(pipeline.stores.log.key)
        folder = Path(tempfile.mkdtemp(prefix="freehold-check-", dir=scratch))
        try:
            comparison = _Comparison(estate, bundle, folder / "estate", limits)
            comparison.run()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        found = comparison.findings
        act.describe(findings=found[:FINDINGS_MAX])
        act.conclude(
            bundle=bundle.digest,
            result="differs" if found else "same",
            size=comparison.size,
            blobs=comparison.blobs,
            bodies=comparison.bodies,
            answers=comparison.answers,
            differences=len(found),
        )
    if found:
        raise BackupError(
            "backup.differs",
            f"{bundle.folder} does not give the estate back: {'; '.join(found[:FINDINGS_MAX])}",
            "keep it, make a full bundle and check that one",
        )
    return BackupCheck(
        bundle=str(bundle.folder),
        digest=bundle.digest,
        records=comparison.size,
        blobs=comparison.blobs,
        bodies=comparison.bodies,
        answers=comparison.answers,
        act=act.recorded.record.id,
    )


class _Comparison:
    """One bundle beside the estate it came from; `findings` says in words what differs."""

    def __init__(self, estate: Estate, bundle: Bundle, folder: Path, limits: BackupLimits) -> None:
        self._estate = estate
        self._bundle = bundle
        self._folder = folder
        self._limits = limits
        self._custody = estate.pipeline.stores.keyring.custody
        self.findings: list[str] = []
        self.size = self.blobs = self.bodies = self.answers = 0

    def run(self) -> None:
        """Restore and compare everything."""
        estate, pipeline = self._estate, self._estate.pipeline
        restoring = Restoring(
            self._bundle,
            self._folder,
            key=pipeline.stores.log.key,
            facts=blob_facts(pipeline.registry),
        )
        try:
            restored = restoring.run(estate.backup.writer.unlock, self._custody)
        except WrongCustody as error:
            raise BackupError(
                "backup.custody",
                f"{self._bundle.folder} is from before the custody of the keys was changed",
                "make a new bundle and check that; keep the former passphrase for this one",
            ) from error
        self.size, self.blobs = restored.checkpoint.size, restored.blobs
        if not self._is_same_ledger(restored):
            return  # two histories: nothing else can be compared
        with ExitStack() as opened:
            copy = self._open(restored, opened)
            copy.stores.keyring.pin(HEAD, restored.note.encode())  # a later one may be pinned
            self._apply_erasures(copy.stores.keyring)
            copy.catch_up()
            look_again(copy.stores.keyring)
            Retention(copy, dict).finish()
            self._apply_prunings(copy)
            self._compare_catalogs(copy, opened)
            self._open_bodies(copy)
        self._ask_again()

    def _is_same_ledger(self, restored: Restored) -> bool:
        checkpoint, own = restored.checkpoint, self._estate.pipeline.stores.log.reader()
        if own.checkpoint.size < checkpoint.size:
            self.findings.append(
                f"the estate's ledger has {own.checkpoint.size} records, fewer than "
                f"{checkpoint.size} in the bundle"
            )
        elif own.root(checkpoint.size) != checkpoint.root:
            self.findings.append(f"the ledgers have other roots at size {checkpoint.size}")
        return not self.findings

    def _open(self, restored: Restored, opened: ExitStack) -> Pipeline:
        """The restored stores, with an empty catalog, as a pipeline that projects."""
        keyring = opened.enter_context(Keyring.open(self._folder / "keys", self._custody))
        vault = opened.enter_context(Vault.open(self._folder / "vault", keyring))
        config = LogConfig(origin=restored.checkpoint.origin, signer=keyring.signer(LOG_SIGNER))
        log = opened.enter_context(Log.open(self._folder / "ledger" / "main", config))
        return self._projecting(Stores(log, vault, keyring, self._catalog("catalog.db", opened)))

    def _catalog(self, name: str, opened: ExitStack) -> Catalog:
        pipeline = self._estate.pipeline
        origin, tables = pipeline.stores.log.key.name, pipeline.registry.tables
        catalog = Catalog(self._folder / name, origin, tables)
        opened.callback(catalog.close)
        return catalog

    def _projecting(self, stores: Stores) -> Pipeline:
        own = self._estate.pipeline
        return Pipeline(
            own.registry,
            stores,
            clock=own.clock,
            circumstances=own.circumstances,
            principals=standing_of,
        )

    def _apply_erasures(self, keyring: Keyring) -> None:
        """Erase in the copy what the estate has erased since, as a restoration would."""
        for domain, _ in self._estate.data.erasures():
            with suppress(UnknownDomain):  # younger than the bundle
                keyring.erase(domain)

    def _apply_prunings(self, copy: Pipeline) -> None:
        """Take back from the copy's catalog what was pruned since the cut."""
        registry = copy.registry
        for start, stop in self._estate.pipeline.stores.log.reader().pruned():
            if start >= self.size:
                return
            entries = copy.stores.log.entries(start, min(stop, self.size))
            kept = ((at, Record.decode(e)) for at, e in enumerate(entries, start) if e != PRUNED)
            changes = (retract(at, record, registry.acts[record.act]) for at, record in kept)
            copy.stores.catalog.apply(chain.from_iterable(changes), None)

    def _compare_catalogs(self, copy: Pipeline, opened: ExitStack) -> None:
        """Project the estate's own ledger up to the cut as well, and compare row by row."""
        own = self._estate.pipeline.stores
        catalog = self._catalog("own.db", opened)
        self._projecting(Stores(own.log, own.vault, own.keyring, catalog)).catch_up(self.size)
        differing: dict[str, int] = {}
        for ours, theirs in zip_longest(catalog.dump(), copy.stores.catalog.dump()):
            if ours != theirs:
                table = (ours or theirs)[0]
                differing[table] = differing.get(table, 0) + 1
        self.findings += [f"{count} rows of {table} differ" for table, count in differing.items()]

    def _open_bodies(self, copy: Pipeline) -> None:
        """Open bodies of the copy, all of them or as many as are sampled, evenly spread."""
        step = max(1, -(-self.size // self._limits.sampled_bodies))
        for index in range(0, self.size, step):
            entry = next(copy.stores.log.entries(index, index + 1))
            record = None if entry == PRUNED else Record.decode(entry)
            if record is None or record.body is None:
                continue
            try:
                plaintext = copy.plaintext(record)
                if plaintext is not None:
                    open_body(plaintext, record.body.commitment)
                    self.bodies += 1
            except FreeholdError as error:
                self.findings.append(f"the body of act {record.id}: {error.message}")

    def _ask_again(self) -> None:
        """Ask deployments of the copy what was once asked, and compare the answers."""
        query = select(ACT.c.id).where(ACT.c.act == "decision.answer", ACT.c.phase == "done")
        newest = query.order_by(ACT.c.position.desc()).limit(self._limits.replayed)
        with Estate.open(self._folder, self._custody, executor=self._estate.executor) as copy:
            for row in copy.pipeline.stores.catalog.all(newest):
                is_same = copy.serving.replay(row.id)
                if is_same is None:
                    continue  # erased, or its model answers no more
                self.answers += 1
                if not is_same:
                    self.findings.append(f"the deployment answers decision {row.id} otherwise now")


def _bundle(place: Path) -> Bundle:
    """The bundle in a folder, or the newest of the bundles in it."""
    try:
        return Bundle.read(place)
    except BackupError as error:
        if error.code != "backup.missing":
            raise
        bundles = bundles_in(place) if place.is_dir() else []
        if not bundles:
            raise
    return max(bundles, key=lambda bundle: bundle.manifest.begun)
