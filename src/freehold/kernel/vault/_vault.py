"""The vault of an estate: blobs, body segments and a staging area (docs/formats/vault.md).

Threads may share one vault. Nothing plain ever lies on disk. Every read checks that what comes out
is what went in, and raises otherwise; a domain that was erased is refused before its first byte.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from freehold.kernel import (
    Clock,
    HostClock,
    LimitError,
    SyncError,
    SystemClock,
    make_folder,
    new_id,
    sync_folder,
    watched,
    write_all,
)
from freehold.kernel.keys import Keyring
from freehold.kernel.vault._blobs import BlobStore, FolderStore, StoredBlob
from freehold.kernel.vault._bodies import BodyAt, Segments
from freehold.kernel.vault._contents import VaultContents
from freehold.kernel.vault._disk import Sync, open_private, sync_data, sync_file
from freehold.kernel.vault._frames import open_frame, seal_frame
from freehold.kernel.vault._limits import DEFAULT_VAULT_LIMITS, VaultLimits
from freehold.kernel.vault._scan import BodyScan
from freehold.kernel.vault._sealing import seal_stream, unsealed
from freehold.kernel.vault.errors import VaultError, storage_errors

_BLOBS, _SEGMENTS, _STAGING = "blobs", "segments", "staging"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed blob: its domain and name, sizes in bytes, plain and sealed digest (`sha256:…`)."""

    domain: str
    name: str
    size: int
    sealed_size: int
    digest: str
    sealed_digest: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed: how many blobs, and how many sealed bytes."""

    count: int
    bytes: int


class Vault:
    """Seals and opens blobs and bodies; `create` and `open` make one."""

    def __init__(
        self,
        folder: Path,
        keyring: Keyring,
        *,
        store: BlobStore,
        limits: VaultLimits,
        clock: HostClock,
        sync: Sync,
    ) -> None:
        self._folder = folder
        self._keyring = keyring
        self._store = store
        self._segments = Segments(folder / _SEGMENTS, limits=limits, sync=sync)
        self._limits = limits
        self._clock = clock
        self._sync = sync
        # Held while a blob is put and while one is collected, so that a blob which becomes wanted
        # again is not removed in the same moment.
        self._blobs_lock = threading.Lock()
        # When this process put what it put within the grace, by time that passed; the lock's too.
        # The store's own word is as right as the host's clock, which may go forward by days.
        self._put_at: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"Vault({str(self._folder)!r})"

    def __enter__(self) -> Vault:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @classmethod
    def create(cls, folder: Path, keyring: Keyring) -> Vault:
        """Create a vault in `folder`, which must not exist or be empty, and open it.

        Raises:
            VaultError: `vault.exists`, `vault.storage`.
        """
        with storage_errors(f"the vault in {folder}"):
            if folder.exists() and any(folder.iterdir()):
                raise VaultError("vault.exists", f"{folder} exists", "open it, or choose another")
            # Built aside and renamed: a crash leaves no half vault under its name.
            built = folder.with_name(folder.name + ".new")
            shutil.rmtree(built, ignore_errors=True)
            make_folder(built)
            FolderStore.create(built / _BLOBS)
            for name in (_SEGMENTS, _STAGING):
                (built / name).mkdir(mode=0o700)
            sync_folder(built)
            os.rename(built, folder)
            sync_folder(folder.parent)
        return cls.open(folder, keyring)

    @classmethod
    def open(
        cls,
        folder: Path,
        keyring: Keyring,
        *,
        store: BlobStore | None = None,
        limits: VaultLimits = DEFAULT_VAULT_LIMITS,
        clock: Clock | None = None,
        sync: Sync = sync_data,
    ) -> Vault:
        """Open the vault in `folder`; what a crash left in staging is removed.

        Args:
            store: where blobs lie, if not in the folder.
            sync: makes a written file durable (fdatasync).

        Raises:
            VaultError: `vault.missing`, `vault.storage`.
        """
        for name in (_BLOBS, _SEGMENTS, _STAGING):
            if not (folder / name).is_dir():
                raise VaultError(
                    "vault.missing",
                    f"{folder} holds no vault: the folder {name} is missing",
                    "`freehold init` creates one; a lost one comes back from a backup only",
                )
        with storage_errors(f"the vault in {folder}"):
            _empty(folder / _STAGING)
        return cls(
            folder,
            keyring,
            store=store or FolderStore(folder / _BLOBS),
            limits=limits,
            clock=watched(clock or SystemClock()),
            sync=sync,
        )

    @property
    def contents(self) -> VaultContents:
        """What lies here, sealed, for copying; whoever asks closes it."""
        return VaultContents(self._store, self._folder / _SEGMENTS)

    def close(self) -> None:
        """Close the files. Bodies that were not synced may be lost. Closing twice is harmless."""
        self._segments.close()

    def seal(self, domain_id: str, stream: BinaryIO) -> Sealed:
        """Seal what `stream` holds, to its end, in constant memory; durable before this returns.

        The same content in one domain is one blob: one that exists is kept, and its sealed digest
        given.

        Raises:
            DomainErased, UnknownDomain: the domain has no key.
            VaultError: `vault.storage`, `vault.reopen`.
            what `stream` raises.
        """
        self.refuse_after_failure()
        keys = self._keyring.domain(domain_id)
        with self._staging() as staged:
            summary = seal_stream(stream, staged.write, keys=keys, limits=self._limits)
            with self._unless_failing("the staging area"):
                sync_file(self._sync, staged.file.fileno())
            with self._blobs_lock, self._unless_failing(f"the blob {summary.name}"):
                self._note_put(summary.name)
                is_new = self._store.put(summary.name, staged.path)
        sealed_size, sealed_sha256 = summary.sealed_size, summary.sealed_sha256
        if not is_new:
            sealed_size, sealed_sha256 = self._hash_sealed(summary.name)
        return Sealed(
            domain=domain_id,
            name=summary.name,
            size=summary.size,
            sealed_size=sealed_size,
            digest="sha256:" + summary.sha256,
            sealed_digest="sha256:" + sealed_sha256,
        )

    @contextmanager
    def unseal(self, domain_id: str, name: str) -> Iterator[BinaryIO]:
        """Give the content of a blob as a stream, in constant memory.

        Who reads it must read to its end before trusting it: only the end proves the whole. Reading
        raises VaultError (`vault.corrupt`, `vault.storage`) where something does not fit.

        Raises:
            DomainErased, UnknownDomain, MissingBlob: before any byte.
        """
        keys = self._keyring.domain(domain_id)
        with storage_errors(f"the blob {name}"):
            sealed = self._store.get(name)
        with sealed, unsealed(sealed, name=name, keys=keys, limits=self._limits) as stream:
            yield stream

    def read(self, domain_id: str, name: str, limit: int) -> bytes:
        """Give the whole content of a small blob, checked.

        Raises:
            LimitError: `vault.too_large`: it has over `limit` bytes.
            DomainErased, UnknownDomain, MissingBlob.
            VaultError: `vault.corrupt`, `vault.storage`.
        """
        with self.unseal(domain_id, name) as stream:
            content = stream.read(limit + 1)
        if len(content) > limit:
            raise LimitError(
                "vault.too_large",
                f"the blob {name} has over {limit} bytes",
                "read it as a stream",
            )
        return content

    def exists(self, name: str) -> bool:
        """Tell whether there is a blob of this name.

        Raises:
            VaultError: `vault.storage`.
        """
        with storage_errors(f"the blob {name}"):
            return self._store.find(name) is not None

    def sealed_digest(self, name: str) -> str:
        """Hash a blob as it lies there, for comparing with the ledger.

        Raises:
            MissingBlob: there is none of this name.
            VaultError: `vault.storage`.
        """
        return "sha256:" + self._hash_sealed(name)[1]

    def delete_blobs(self, names: Iterable[str]) -> Collected:
        """Remove these blobs, as after an erasure; those that are not there do not count.

        Raises:
            VaultError: `vault.storage`.
        """
        removed = [self._delete(name) for name in names]
        return _total(removed)

    def collect(self, referenced: Collection[str], *, grace: timedelta | None = None) -> Collected:
        """Remove blobs that are not `referenced` and older than `grace`, by the store's word and by
        what this process itself knows.

        The grace lets acts that have sealed a blob record it. It must be longer than any act,
        counted from before `referenced` was gathered; by default it is that of the limits.

        Raises:
            VaultError: `vault.storage`.
        """
        if grace is None:
            grace = timedelta(hours=self._limits.orphan_grace_hours)
        with storage_errors("the list of blobs"):
            orphans = [
                blob.name
                for blob in self._store.list()
                if blob.name not in referenced and not self._is_young(blob, grace)
            ]
        return _total([self._delete(name, grace) for name in orphans])

    def put_body(self, domain_id: str, record_id: str, plaintext: bytes) -> BodyAt:
        """Append the body of a record; readable at once, durable after `sync`.

        Raises:
            LimitError: `vault.body_too_large`.
            DomainErased, UnknownDomain: the domain has no key.
            VaultError: `vault.storage`, `vault.reopen`.
        """
        if len(plaintext) > self._limits.body_bytes_max:
            raise LimitError(
                "vault.body_too_large",
                f"a body of {len(plaintext)} bytes, at most {self._limits.body_bytes_max} are kept",
                "seal the large part as a blob and refer to it",
            )
        keys = self._keyring.domain(domain_id)
        frame = seal_frame(plaintext, record_id=record_id, keys=keys)
        return self._segments.append(frame)

    def sync(self) -> None:
        """Make durable all bodies that were put before this call.

        Raises:
            VaultError: `vault.reopen`: a sync failed; nothing is written until it is opened again.
        """
        self._segments.sync()

    def get_body(self, domain_id: str, record_id: str, at: Sequence[int]) -> bytes:
        """Give the body of a record back, checked; `at` is `[segment, offset, length]`.

        Raises:
            DomainErased, UnknownDomain: the domain has no key.
            MissingBody: nothing is left of it.
            VaultError: `vault.corrupt`: it is not this record's, or changed; `vault.storage`.
        """
        keys = self._keyring.domain(domain_id)
        frame = self._segments.read(BodyAt(*at))
        return open_frame(frame, record_id=record_id, keys=keys)

    def empty_bodies(self, places: Iterable[Sequence[int]]) -> None:
        """Empty the frames of bodies whose retention is over; durable on return.

        Not an erasure: what was copied before, such as a backup, still opens with the domain's key.

        Raises:
            VaultError: `vault.storage`: some may be left; emptying again ends it.
        """
        self._segments.empty(BodyAt(*at) for at in places)

    def scan(self) -> BodyScan:
        """Read many bodies in the order of their places, as an audit does; synced ones only."""
        return BodyScan(self._folder / _SEGMENTS, self._keyring.domain, limits=self._limits)

    def refuse_after_failure(self) -> None:
        """Raise `vault.reopen` if a sync has failed."""
        self._segments.refuse_after_failure()

    @contextmanager
    def _unless_failing(self, what: str) -> Iterator[None]:
        """Tell errors of the store; stop for good where a sync failed.

        A second sync of the same folder or file could succeed and mean nothing.
        """
        with storage_errors(what):
            try:
                yield
            except SyncError:
                self._segments.has_failed = True
                raise

    @contextmanager
    def _staging(self) -> Iterator[_Staged]:
        """Give an empty file in staging, locked against being emptied and removed at the end."""
        staged = self._folder / _STAGING / new_id()
        with storage_errors("the staging area"):
            file = FileIO(staged, "x", opener=open_private)
        try:
            with file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield _Staged(staged, file)
        finally:
            with suppress(OSError):  # opening removes what is left
                staged.unlink(missing_ok=True)

    def _hash_sealed(self, name: str) -> tuple[int, str]:
        """Size and SHA-256 of a blob as it lies there."""
        with storage_errors(f"the blob {name}"), self._store.get(name) as sealed:
            size, sha256 = 0, hashlib.sha256()
            while chunk := sealed.read(self._limits.chunk_bytes):
                size += len(chunk)
                sha256.update(chunk)
        return size, sha256.hexdigest()

    def _note_put(self, name: str) -> None:
        """Remember when a blob was put, and forget what is old by now; under the lock of blobs."""
        now = self._clock.elapsed()
        self._put_at.pop(name, None)  # the order is that of time
        self._put_at[name] = now
        grace_s = timedelta(hours=self._limits.orphan_grace_hours).total_seconds()
        while self._put_at[oldest := next(iter(self._put_at))] < now - grace_s:
            del self._put_at[oldest]

    def _is_young(self, blob: StoredBlob, grace: timedelta) -> bool:
        """Whether an act under way may still record a blob."""
        put_at = self._put_at.get(blob.name)
        if put_at is not None and self._clock.elapsed() - put_at < grace.total_seconds():
            return True
        return blob.modified > self._clock.now() - grace

    def _delete(self, name: str, grace: timedelta | None = None) -> int | None:
        """Remove a blob that is there and, if `grace` is given, still not young; give its size."""
        self.refuse_after_failure()
        with self._blobs_lock, self._unless_failing(f"the blob {name}"):
            blob = self._store.find(name)
            if blob is None or (grace is not None and self._is_young(blob, grace)):
                return None
            self._store.delete(name)
        return blob.size


@dataclass(frozen=True, slots=True)
class _Staged:
    """A file of sealed bytes that is not a blob yet."""

    path: Path
    file: FileIO

    def write(self, data: bytes | memoryview) -> None:
        with storage_errors("the staging area"):
            write_all(self.file.fileno(), data)


def _empty(staging: Path) -> None:
    """Remove what nobody is sealing: the sealer holds a lock on its file."""
    for path in staging.iterdir():
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            path.unlink(missing_ok=True)


def _total(sizes: Iterable[int | None]) -> Collected:
    removed = [size for size in sizes if size is not None]
    return Collected(len(removed), sum(removed))
