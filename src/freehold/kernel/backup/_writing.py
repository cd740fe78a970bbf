"""Writing one bundle while the estate goes on, and going on with one that was interrupted.

The manifest is written last: until then there is no bundle, whatever lies in its folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from freehold.kernel import digest, format_time, make_folder, new_id
from freehold.kernel.acts import Pipeline
from freehold.kernel.backup._blobs import back_up
from freehold.kernel.backup._bundle_key import (
    Unlock,
    locked_name,
    new_key,
    open_part,
    seal_key,
    seal_part,
    unseal,
)
from freehold.kernel.backup._holdings import Holdings, Scope, blob_facts, key_members, noting_erased
from freehold.kernel.backup._limits import BackupLimits
from freehold.kernel.backup._manifest import (
    BLOBS,
    File,
    Manifest,
    encode_files,
    is_of_bundle,
)
from freehold.kernel.backup._parts import Begun, OtherMembers, Progress, StreamReader, StreamWriter
from freehold.kernel.backup._plan import Plan
from freehold.kernel.backup._reading import MANIFEST, PARTS, Bundle
from freehold.kernel.backup._tar import members
from freehold.kernel.backup.errors import BackupError, ChangedBundle, storage_errors
from freehold.kernel.keys import Snapshot
from freehold.kernel.ledger import Checkpoint, Disk, LocalDisk, LogReader, LogRefusedError

LOG_SIGNER = "log"  # the signer in the keyring whose key is the log's


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a bundle is to be."""

    purpose: str = "backup"
    base: Bundle | None = None
    recipients: tuple[str, ...] = ()

    @property
    def follows(self) -> str | None:
        """The digest of the base."""
        return None if self.base is None else self.base.digest


@dataclass(frozen=True, slots=True)
class Written:
    """A finished bundle."""

    bundle: Bundle
    checkpoint: Checkpoint
    blobs: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _Cut:
    """What a bundle under way holds: its key, its plan, and the domains that were erased then."""

    key: str
    plan: Plan
    erased: Set[str]


@dataclass(frozen=True, slots=True)
class _Base:
    """What a delta follows."""

    since: int
    segments: dict[int, int]
    key: str | None


class BundleWriter:
    """Writes bundles of one open estate."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        limits: BackupLimits,
        disk: Disk | None = None,
        taking_out: Iterable[str] = (),
    ) -> None:
        """`taking_out` names the acts that take records out of the ledger."""
        self._stores = pipeline.stores
        self._facts = blob_facts(pipeline.registry)
        self._estate = pipeline.circumstances.estate.id  # whose key domain opens its bundles
        self._clock = pipeline.clock
        self._limits = limits
        self._disk = disk or LocalDisk()
        # As they stand in canonical records.
        self._gap_marks = tuple(f'"act":"{act}"'.encode() for act in taking_out)

    @property
    def unlock(self) -> Unlock:
        """What the estate itself opens its bundles with."""
        return Unlock((self._stores.keyring.domain(self._estate).identity,))

    def write(self, folder: Path, wanted: Wanted) -> Written:
        """Write a bundle into `folder`, or go on with the one that was begun there.

        Raises:
            BackupError: `backup.storage`, `backup.blob`, `backup.base`.
            VaultError, KeysError, LedgerError: a store cannot be read.
        """
        with storage_errors(folder):
            make_folder(folder)
            base = self._base(wanted.base)
            for _ in range(self._limits.tries_max):
                try:
                    return self._attempt(folder, wanted, base)
                except OtherMembers:  # what was begun cannot be gone on with
                    _empty(folder)
        raise _busy("something was taken out of the ledger", self._limits.tries_max)

    def _base(self, base: Bundle | None) -> _Base:
        if base is None:
            return _Base(0, {}, None)
        base.check(self._stores.log.key)
        key = base.unlock(self.unlock)
        plan = base.plan(key)
        return _Base(self._size(plan), dict(plan.segments), key)

    def _size(self, plan: Plan) -> int:
        return Checkpoint.open(plan.checkpoint, [self._stores.log.key]).size

    def _attempt(self, folder: Path, wanted: Wanted, base: _Base) -> Written:
        with Progress(folder, self._disk) as progress:
            cut = self._unfinished(folder, progress, wanted)
            if cut is None:
                _empty(folder)
                cut = self._begin(folder, progress, wanted=wanted, base=base)
            return self._finish(folder, progress, cut=cut, base=base)

    # -- what was begun ----------------------------------------------------------------------------

    def _unfinished(self, folder: Path, progress: Progress, wanted: Wanted) -> _Cut | None:
        """The cut of what was begun here, if it is what is wanted and can be gone on with."""
        begun = progress.begun
        keys = [File(each.name, each.sha256) for each in progress.done if _is(each.name, "keys")]
        if begun is None or not any(each.is_last for each in progress.done):
            return None
        if (begun.purpose, begun.base) != (wanted.purpose, wanted.follows):
            return None
        try:
            sealed = (folder / "key.age").read_bytes()
            key = unseal(sealed, self.unlock.identities, "key.age").decode().strip()
            opening = partial(open_part, key=key, what="a part of keys")
            reader = StreamReader(folder, keys, unseal=opening, limits=self._limits)
            first = next(members(reader))
            plan = Plan.read(first.content(self._limits.member_bytes_max))
        except (ChangedBundle, OSError, StopIteration, UnicodeDecodeError):
            return None  # damaged: begun anew
        erased: set[str] = set()
        with self._stores.keyring.snapshot() as held:
            is_same = held.generation == plan.generation
            for _ in noting_erased(held.rows, erased):
                pass
        is_same = is_same and plan.part_bytes == self._limits.part_bytes
        return _Cut(key, plan, erased) if is_same else None

    def _begin(self, folder: Path, progress: Progress, *, wanted: Wanted, base: _Base) -> _Cut:
        """Make the bundle's key, take the cut, and write the keyring as of just after it."""
        kind = "full" if wanted.base is None else "delta"
        begun = format_time(self._clock.now())
        bundle = Begun(new_id(), wanted.purpose, kind, wanted.follows, begun)
        key = new_key()
        keyring = self._stores.keyring
        own = keyring.domain(self._estate).recipient
        progress.begin(bundle)  # first, so that whatever lies here is known to be unfinished
        self._disk.replace(folder / "key.age", seal_key(key, (*wanted.recipients, own)))
        if not wanted.recipients:
            locked = keyring.lock_away(locked_name(bundle.id), key.encode())
            self._disk.replace(folder / "key.json", locked)
        for _ in range(self._limits.tries_max):
            with keyring.snapshot() as before:
                generation = before.generation
            checkpoint = self._stores.log.publish()
            segments = self._stores.vault.contents.segments()
            with keyring.snapshot() as held:
                if held.generation != generation:
                    continue  # a domain was erased: its record must be under the cut
                plan = Plan(
                    checkpoint=checkpoint,
                    since=base.since,
                    generation=generation,
                    segments=segments,
                    part_bytes=self._limits.part_bytes,
                    base_key=base.key,
                )
                with storage_errors(folder):  # here, or it would pass for the keyring's
                    erased = self._write_keys(folder, progress, key=key, plan=plan, held=held)
                return _Cut(key, plan, erased)
        raise _busy("key domains were erased", self._limits.tries_max)

    def _write_keys(
        self, folder: Path, progress: Progress, *, key: str, plan: Plan, held: Snapshot
    ) -> set[str]:
        """Write the stream of the keyring; gives the domains that are erased in it."""
        erased: set[str] = set()
        rows = noting_erased(held.rows, erased)
        with self._stream(folder, "keys", progress=progress, key=key) as writer:
            for member in key_members(plan, held.custody, rows, self._limits):
                writer.add(member)
            writer.close()
        return erased

    # -- the rest ----------------------------------------------------------------------------------

    def _finish(self, folder: Path, progress: Progress, *, cut: _Cut, base: _Base) -> Written:
        stores, plan, key = self._stores, cut.plan, cut.key
        contents = stores.vault.contents
        reader = self._reader(self._size(plan))
        scope = Scope(plan, base.segments, cut.erased, self._facts)
        holdings = Holdings(reader, stores.log.cosigned, contents, scope)
        with self._stream(folder, "records", progress=progress, key=key) as records:
            for member in holdings.records():
                records.add(member)
            records.close()
        self._refuse_gaps(reader.checkpoint.size)
        blobs = back_up(holdings.blobs(), folder, progress, disk=self._disk, limits=self._limits)
        bundle = self._sign(folder, progress)
        return Written(bundle, reader.checkpoint, blobs, sum(part.bytes for part in progress.done))

    def _reader(self, size: int) -> LogReader:
        """The log as of a cut.

        Raises:
            OtherMembers: its checkpoint is no longer kept, so that an old attempt cannot go on.
        """
        try:
            return self._stores.log.reader(size)
        except LogRefusedError as error:
            raise OtherMembers from error

    def _refuse_gaps(self, size: int) -> None:
        """Refuse what was read if records were taken out that the cut does not know of.

        The record of it comes before the removal, so that none after the cut means none at all.

        Raises:
            OtherMembers: some may be missing.
        """
        log = self._stores.log
        for entry in log.entries(size, log.size):
            if any(mark in entry for mark in self._gap_marks):
                raise OtherMembers

    def _sign(self, folder: Path, progress: Progress) -> Bundle:
        names = [name for name in ("key.age", "key.json") if (folder / name).exists()]
        files = [File(name, digest((folder / name).read_bytes())[7:]) for name in names]
        files += [File(part.name, part.sha256) for part in progress.done]
        text = encode_files(files)
        begun = progress.begun
        assert begun is not None  # noqa: S101  # or there would be nothing to finish
        manifest = Manifest(
            origin=self._stores.log.key.name,
            id=begun.id,
            purpose=begun.purpose,
            kind=begun.kind,
            base=begun.base,
            begun=begun.begun,
            parts=digest(text),
        )
        self._disk.replace(folder / PARTS, text)
        note = manifest.sign(self._stores.keyring.signer(LOG_SIGNER))
        self._disk.replace(folder / MANIFEST, note)  # commit point: now there is a bundle
        self._disk.sync_folder(folder.parent)
        progress.remove()
        return Bundle.read(folder, self._limits)

    def _stream(self, folder: Path, stream: str, *, progress: Progress, key: str) -> StreamWriter:
        sealing = partial(seal_part, key=key)
        return StreamWriter(
            folder,
            stream,
            progress=progress,
            disk=self._disk,
            limits=self._limits,
            seal=sealing,
        )


def _is(name: str, stream: str) -> bool:
    return File(name, "").of == stream


def _busy(what: str, tries: int) -> BackupError:
    return BackupError(
        "backup.busy",
        f"{what} in the middle of {tries} attempts",
        "try again when that is done",
    )


def remove(folder: Path) -> None:
    """Remove an unfinished bundle.

    Raises:
        BackupError: `backup.target`: there is something that no attempt leaves.
    """
    _empty(folder)
    folder.rmdir()


def _empty(folder: Path) -> None:
    """Remove what an attempt left that cannot be gone on with.

    Raises:
        BackupError: `backup.target`: there is something that no attempt leaves.
    """
    paths = list(folder.iterdir())
    for path in paths:
        is_file = path.name != BLOBS
        if not is_of_bundle(path.name.removesuffix(".tmp")) or path.is_file() != is_file:
            raise BackupError(
                "backup.target",
                f"{folder} holds {path.name}, which is no part of a bundle",
                "name another folder for the bundles",
            )
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
