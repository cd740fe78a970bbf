"""The log: appends durable records, publishes signed checkpoints, gives promises and receipts.

One writer at a time, held by an OS lock. It decides nothing about what a record says.

Rules: a record is acknowledged once it is synced; a failed write or sync is never tried again;
after any failure the log takes nothing more until it is opened again.

    with Log.open(folder, LogConfig(origin="estate/…/main", signer=signer)) as log:
        appended = log.append(record)           # durable
        promise = log.promise(appended)         # at once
        receipt = log.receipt(appended.index)   # as soon as it is published
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from pathlib import Path
from threading import Lock
from types import TracebackType

from freehold.kernel import DEFAULT_LIMITS, Clock, LimitError, Limits, SystemClock
from freehold.kernel.ledger._commit import GroupCommit
from freehold.kernel.ledger._cosigned_folder import CosignedFolder
from freehold.kernel.ledger._files import Disk, LocalDisk, WriterLock, storage_errors
from freehold.kernel.ledger._folder import Head, LogFolder
from freehold.kernel.ledger._journal import Journal, Record
from freehold.kernel.ledger._note import Signer, VerifierKey, check_key_name
from freehold.kernel.ledger._pruning import prune
from freehold.kernel.ledger._publication import grow
from freehold.kernel.ledger._publisher import Publisher
from freehold.kernel.ledger._reader import LogReader
from freehold.kernel.ledger._statements import Checkpoint, Promise, Receipt
from freehold.kernel.ledger._tiles import PRUNED, PublishedTree
from freehold.kernel.ledger._tree import (
    EMPTY_ROOT,
    TILE_WIDTH,
    Hash,
    verify_consistency,
)
from freehold.kernel.ledger.errors import (
    ForkError,
    LedgerError,
    LogRefusedError,
    LogStoppedError,
    ProofError,
    PrunedError,
    RewindError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """What a log is given by its owner.

    Args:
        origin: name of the log and of its key: `estate/<uuid>/main`.
        before_sync: makes durable what the records refer to (bodies), before each group is written.
        on_commit: told the first index and the entries of each durable group, in order, before any
            of its appends returns. Neither of the two may append to the same log.
        disk: writes the files.
    """

    origin: str
    signer: Signer
    clock: Clock = field(default_factory=SystemClock)
    limits: Limits = DEFAULT_LIMITS
    before_sync: Callable[[], None] | None = None
    on_commit: Callable[[int, Sequence[bytes]], None] | None = None
    disk: Disk = field(default_factory=LocalDisk)

    def __post_init__(self) -> None:
        check_key_name(self.origin)

    @property
    def key(self) -> VerifierKey:
        """The log's public key."""
        return VerifierKey(self.origin, self.signer.public_key)


@dataclass(frozen=True, slots=True)
class Appended:
    """A durable record: its place in the log and its leaf hash."""

    index: int
    leaf: Hash


class Log:
    """An open log, with its lock. Made by `create` and `open`; thread-safe."""

    def __init__(
        self,
        config: LogConfig,
        folder: LogFolder,
        *,
        lock: WriterLock,
        head: Head,
        journal: Journal,
    ) -> None:
        """Take over an opened folder; callers use `Log.create` or `Log.open`."""
        self._config = config
        self._key = config.key
        self._folder = folder
        self._lock = lock
        self._journal = journal
        self._head = head  # replaced as one value, by whoever holds `_publishing`
        self._publishing = Lock()  # held by one publication from its snapshot to its last sync
        # Code and message of why nothing more is taken; set, never cleared.
        self._append_stop: tuple[str, str] | None = None
        self._publish_stop: tuple[str, str] | None = None
        self._group = GroupCommit(self._write_group, config.limits.group_records_max)
        # Half the time for waiting leaves the other half for the work.
        self._publisher = Publisher(
            self.publish,
            delay_s=config.limits.publish_delay_ms_max / 2000,
            records_max=config.limits.publish_records_max,
        )
        self._publisher.start(has_records=journal.count() > 0)

    @classmethod
    def create(cls, folder: Path, config: LogConfig) -> Log:
        """Make a new log and sign its checkpoint of size 0.

        Raises:
            LogRefusedError: there is a log, or what is left of one.
        """
        parts = LogFolder(folder, config.disk)
        parts.make()
        lock = WriterLock(folder)
        try:
            if parts.has_log() or parts.has_remains():
                raise LogRefusedError(
                    "ledger.exists", f"there is a log in {folder} already", "open it instead"
                )
            Journal(parts.journal, config.disk, first=0, records=[]).close()
            checkpoint = Checkpoint(config.origin, 0, EMPTY_ROOT)
            parts.put_checkpoint(checkpoint, checkpoint.sign(config.signer))  # now it exists
            return cls._resume(parts, config, lock=lock, trusted=None)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, folder: Path, config: LogConfig, *, trusted: Checkpoint | None = None) -> Log:
        """Open a log for writing; what a crash left behind is put in order.

        Args:
            trusted: a checkpoint that was seen before and must be part of this log.

        Raises:
            LogRefusedError: no log, another writer, or another key.
            CorruptLogError: the folder contradicts itself.
            RewindError: the log is shorter than `trusted`.
            ForkError: the log does not contain `trusted`.
        """
        parts = LogFolder(folder, config.disk)
        if not parts.has_log():
            raise LogRefusedError(
                "ledger.missing", f"there is no log in {folder}", "create it first"
            )
        lock = WriterLock(folder)
        try:
            with storage_errors(folder):
                return cls._resume(parts, config, lock=lock, trusted=trusted)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _resume(
        cls, folder: LogFolder, config: LogConfig, *, lock: WriterLock, trusted: Checkpoint | None
    ) -> Log:
        head = folder.read_head([config.key], limits=config.limits)
        if trusted is not None:
            _refuse_other_history(folder, head, trusted=trusted)
        if folder.cosigned.sizes:  # somebody outside has seen it, so it must be part of this log
            newest = folder.cosigned.sizes[-1]
            seen = folder.read_cosigned(newest, [config.key], limits=config.limits)
            _refuse_other_history(folder, head, trusted=seen)
        folder.keep_head(head)  # or the records that recovery drops could be lost with its name
        journal = Journal.recover(
            folder.journal,
            config.disk,
            size=head.checkpoint.size,
            entry_bytes_max=config.limits.record_bytes_max,
        )
        return cls(config, folder, lock=lock, head=head, journal=journal)

    @property
    def key(self) -> VerifierKey:
        """The log's public key; `str` of it is the vkey to be pinned."""
        return self._key

    @property
    def size(self) -> int:
        """Number of durable records, published or not."""
        return self._journal.size

    def append(self, entry: bytes) -> Appended:
        """Write one record; durable on return.

        Raises:
            LimitError: more bytes than an entry may have; nothing was written.
            LogStoppedError: not acknowledged, and nothing more is taken until the log is reopened.
            Exception: what `on_commit` raised; the record is durable all the same.
        """
        if not entry:
            raise ValueError("a record has at least one byte")
        if len(entry) > (bytes_max := self._config.limits.record_bytes_max):
            raise LimitError(
                "ledger.record_too_large",
                f"a record has at most {bytes_max} bytes, got {len(entry)}",
                "put what is long into a body and record its commitment",
            )
        record = Record.of(entry)
        return Appended(self._group.submit(record), record.leaf)

    def promise(self, appended: Appended) -> str:
        """Sign the word that a record will be under a checkpoint within the limit of delay.

        Raises:
            ValueError: the log has no such record.
        """
        if not 0 <= appended.index < self.size or self._leaf(appended.index) != appended.leaf:
            raise ValueError(f"record {appended.index} of this log is another one or not durable")
        delay = timedelta(milliseconds=self._config.limits.publish_delay_ms_max)
        deadline = self._config.clock.now() + delay
        promise = Promise(self._config.origin, appended.index, appended.leaf, deadline)
        return promise.sign(self._config.signer)

    def receipt(self, index: int) -> Receipt:
        """Prove that the record at `index` is in the log; publishes first where that is needed.

        Raises:
            ValueError: the log has no such record.
            LogStoppedError: it is not published, and the log was stopped.
        """
        self._refuse_outside(index, index + 1)
        if index >= self._head.checkpoint.size:
            self.publish()
        head = self._head
        path = PublishedTree(self._folder.store, head.edge.tree).inclusion(index)
        return Receipt(index, tuple(path), head.note)

    def entry(self, index: int) -> bytes:
        """Read one durable record.

        Raises:
            ValueError: the log has no such record.
            PrunedError: retention took it out.
            CorruptLogError: it was changed on disk.
        """
        entry = next(self.entries(index, index + 1))
        if entry == PRUNED:
            raise PrunedError(index)
        return entry

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Read the durable records [start, stop), published and pending alike, each checked;
        `PRUNED` stands for those that retention took out.

        Raises:
            ValueError: the log does not reach that far.
            CorruptLogError: a record was changed on disk.
        """
        end = self.size if stop is None else stop
        self._refuse_outside(start, end)
        first, records = self._journal.pending()  # all before `first` is under the head read next
        tree = PublishedTree(self._folder.store, self._head.edge.tree)
        published = tree.entries(start, min(end, first)) if start < first else iter(())
        pending = records[max(start - first, 0) : max(end - first, 0)]
        return chain(published, (record.entry for record in pending))

    def publish(self) -> str:
        """Put all durable records under a signed checkpoint, and return it.

        Raises:
            LogStoppedError: it failed, now or before; the records stay durable.
        """
        with self._publishing:
            if self._publish_stop is not None:
                raise _stopped(self._publish_stop)
            first, records = self._journal.pending()
            if not records:
                return self._head.note
            try:
                self._publish(first, records)
            except BaseException as error:
                reason = ("ledger.publish_failed", f"publishing from {first} failed: {error}")
                self._append_stop = self._append_stop or reason
                self._publish_stop = reason
                raise _stopped(reason) from error
            return self._head.note

    def _publish(self, first: int, records: Sequence[Record]) -> None:
        entries, leaves, _ = zip(*records, strict=True)
        growth = grow(self._head.edge, entries, leaves)
        checkpoint = Checkpoint(self._config.origin, first + len(records), growth.edge.tree.root())
        self._folder.store.write(growth.objects)
        note = checkpoint.sign(self._config.signer)
        self._folder.put_checkpoint(checkpoint, note, after=first)
        self._head = Head(checkpoint, note, growth.edge)
        self._journal.restart(checkpoint.size)
        self._folder.store.drop_partials(growth.filled)

    def refuse_if_stopped(self) -> None:
        """Raise `LogStoppedError` if this log takes no more records or publishes no more."""
        reason = self._append_stop or self._publish_stop
        if reason is not None:
            raise _stopped(reason)

    def prune(self, positions: Sequence[int]) -> None:
        """Take the records at `positions`, ascending, out of the log; the tree stays as it is.

        Only full bundles under the newest checkpoint are pruned. One thread at a time.

        Raises:
            ValueError: a position beyond these.
            CorruptLogError: a bundle was changed on disk.
            LedgerError: `ledger.prune_failed`: some may be out; pruning again ends it.
        """
        head = self._head
        end = head.checkpoint.size // TILE_WIDTH * TILE_WIDTH
        if positions and not 0 <= positions[0] <= positions[-1] < end:
            raise ValueError(f"only records below {end} can be pruned")
        tree = PublishedTree(self._folder.store, head.edge.tree)
        try:
            prune(self._folder.path, self._config.disk, tree, positions)
        except OSError as error:
            raise LedgerError(
                "ledger.prune_failed",
                f"pruning {len(positions)} records failed: {error}",
                "check the disk's space and health; opening the estate again ends it",
            ) from error

    @property
    def cosigned(self) -> CosignedFolder:
        """The checkpoints that witnesses have cosigned."""
        return self._folder.cosigned

    def reader(self, size: int | None = None) -> LogReader:
        """The newest published checkpoint, or an earlier one, as it stands: to be read while this
        log grows on.

        Raises:
            LogRefusedError: there is no checkpoint of `size`.
        """
        return LogReader(self._folder.path, self.key.name, keys=[self.key], size=size)

    def close(self) -> None:
        """Publish what waits, and give the lock back; closing twice is harmless.

        Raises:
            LogStoppedError: the last publication failed; the records stay durable.
        """
        closed = ("ledger.closed", "the log is closed")
        self._publisher.stop()
        self._append_stop = self._append_stop or closed
        try:
            if self._publish_stop is None:
                self.publish()
        finally:
            self._publish_stop = self._publish_stop or closed
            self._journal.close()
            self._lock.release()

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _write_group(self, records: list[Record]) -> int:
        """Make one group durable and tell the owner; one thread at a time, in index order."""
        if self._append_stop is not None:
            raise _stopped(self._append_stop)
        try:
            if self._config.before_sync is not None:
                self._config.before_sync()
            first = self._journal.append(records)
        except BaseException as error:
            # Whether the bytes are on disk is unknown; only reopening finds out.
            reason = ("ledger.sync_failed", f"writing {len(records)} records failed: {error}")
            self._append_stop = self._publish_stop = reason
            raise _stopped(reason) from error
        self._publisher.notify(self._journal.count())
        if self._config.on_commit is not None:
            try:
                self._config.on_commit(first, [record.entry for record in records])
            except BaseException as error:
                self._append_stop = (
                    "ledger.commit_failed",
                    f"records from {first} are durable, but following them failed: {error}",
                )
                raise
        return first

    def _leaf(self, index: int) -> Hash:
        record = self._journal.record(index)
        if record is not None:
            return record.leaf
        return PublishedTree(self._folder.store, self._head.edge.tree).leaf(index)

    def _refuse_outside(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self.size:
            raise ValueError(f"the log has {self.size} records, not [{start}, {stop})")


def _stopped(reason: tuple[str, str]) -> LogStoppedError:
    code, message = reason
    return LogStoppedError(code, message, "open the log again; it recovers what is durable")


def _refuse_other_history(folder: LogFolder, head: Head, *, trusted: Checkpoint) -> None:
    """Hold the log against a checkpoint that was seen before."""
    newest = head.checkpoint
    if trusted.origin != newest.origin:
        raise ValueError(f"the trusted checkpoint is of {trusted.origin}, not {newest.origin}")
    if trusted.size > newest.size:
        raise RewindError(
            "ledger.rewind",
            f"head {newest.size} is older than head {trusted.size}, already trusted",
            "restore a newer backup",
        )
    if trusted.size == 0:
        return  # the empty tree is part of every log
    try:
        verify_consistency(
            trusted.size,
            newest.size,
            proof=PublishedTree(folder.store, head.edge.tree).consistency(trusted.size),
            old_root=trusted.root,
            new_root=newest.root,
        )
    except ProofError as error:
        raise ForkError(
            "ledger.fork",
            f"the log does not contain the checkpoint of size {trusted.size}, already trusted",
            "somebody wrote another history; keep both and investigate",
        ) from error
