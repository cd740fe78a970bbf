"""Restoring a chain of bundles into a folder, and holding what came out to what was signed.

Everything is built in a folder aside. Nothing in it counts before `run` has returned; whoever
called it then finishes, and puts the folder in its place.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple, cast

from freehold.kernel import canonical, make_folder, parse_json, write_all
from freehold.kernel.acts import Record, SealedBody
from freehold.kernel.backup._blobs import Copying, bring_back
from freehold.kernel.backup._bundle_key import Unlock
from freehold.kernel.backup._files import sync_files
from freehold.kernel.backup._holdings import BUNDLE, CUSTODY, LOG, ROWS, SEGMENTS, Held, blob_of
from freehold.kernel.backup._limits import BackupLimits
from freehold.kernel.backup._manifest import BLOBS
from freehold.kernel.backup._parts import Done
from freehold.kernel.backup._plan import Plan
from freehold.kernel.backup._reading import Bundle
from freehold.kernel.backup._tar import BLOCK, Incoming
from freehold.kernel.backup._writing import LOG_SIGNER
from freehold.kernel.backup.errors import BackupError, ChangedBundle, storage_errors
from freehold.kernel.keys import Custody, DomainErased, Keyring, KeyringWriter
from freehold.kernel.ledger import (
    PRUNED,
    Checkpoint,
    Disk,
    LocalDisk,
    LogReader,
    VerifierKey,
    VerifyingApart,
    settle_restored,
)
from freehold.kernel.vault import (
    BodyScan,
    FolderStore,
    MissingBody,
    Vault,
    VaultContents,
    VaultError,
)

_PROGRESS = "restoring.json"
_LOG_PATH = re.compile(
    r"(?!lock$|wal(?:/|$))[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"
)
_SEGMENT = re.compile(rf"({SEGMENTS}[0-9]{{8}}\.seg)(?:@([1-9][0-9]*))?")


class Link(NamedTuple):
    """One bundle of a chain, with its plan and its key."""

    bundle: Bundle
    plan: Plan
    key: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What came out of a chain of bundles, checked."""

    newest: Bundle
    checkpoint: Checkpoint
    note: str
    key: VerifierKey
    blobs: int
    bundles: int


class Restoring:
    """One restoration into `folder`; gone on with if it was interrupted there.

    Args:
        key: the log's public key, where it is known from outside.
        facts: names of the facts that name blobs.
    """

    def __init__(
        self,
        newest: Bundle,
        folder: Path,
        *,
        key: VerifierKey | None,
        facts: frozenset[str],
        disk: Disk | None = None,
    ) -> None:
        self._newest = newest
        self._folder = folder
        self._key = key
        self._facts = facts
        self._disk = disk or LocalDisk()
        self._limits: BackupLimits = newest.limits
        self._unsynced: list[Path] = []
        self._changed: set[Path] = set()  # folders whose names are not durable yet
        self._beside: ThreadPoolExecutor  # where what came out is made durable
        self._syncing: Future[None] | None = None
        self._digests: dict[bytes, bytes] = {}  # of the blobs that came out in this run, by name

    def run(self, unlock: Unlock, custody: Custody) -> Restored:
        """Restore, and check everything.

        Raises:
            BackupError: it cannot be opened, is not complete, or is not what was signed.
            WrongCustody: the keyring in it is held by another custody.
            FreeholdError: what came out contradicts itself.
        """
        newest = self._newest
        if self._key is not None:  # before a byte is written
            newest.check(self._key)
        bundle_key = newest.unlock(unlock)
        plan = newest.plan(bundle_key)
        with storage_errors(self._folder):
            if self._newest.digest not in self._done():  # nothing, or of other bundles
                shutil.rmtree(self._folder, ignore_errors=True)
                make_folder(self._folder)
                self._disk.replace(self._folder / _PROGRESS, canonical({self._newest.digest: 0}))
            self._keyring(bundle_key)
            with Keyring.open(self._folder / "keys", custody) as keyring:
                key = VerifierKey(newest.manifest.origin, keyring.signer(LOG_SIGNER).public_key)
                chain = self._chain(plan, bundle_key, key)
                if not (self._folder / "vault").exists():
                    Vault.create(self._folder / "vault", keyring).close()
                checkpoint = Checkpoint.open(plan.checkpoint, [key])
                is_large = checkpoint.size >= self._limits.apart_entries
                with (
                    ThreadPoolExecutor(1, "syncing") as beside,
                    VerifyingApart(self._folder / LOG, key, is_worthwhile=is_large) as apart,
                ):
                    self._beside = beside
                    self._extract(chain)
                    self._settle(chain, checkpoint)
                    with apart.beside(checkpoint):
                        blobs = self._check(checkpoint, keyring, key, plan)
                    self._wait()
                return Restored(newest, checkpoint, plan.checkpoint, key, blobs, len(chain))

    def finish(self) -> None:
        """Forget how far it came: what lies there is an estate."""
        with storage_errors(self._folder):
            self._disk.remove(self._folder / _PROGRESS)

    def _keyring(self, bundle_key: str) -> None:
        """Make the keyring anew: its rows are few, and it is not known how far they came."""
        keys = self._folder / "keys"
        shutil.rmtree(keys, ignore_errors=True)
        writer, custody = KeyringWriter(keys), b""
        try:
            for member, _ in self._newest.members("keys", bundle_key):
                content = member.content(self._limits.member_bytes_max)
                if member.path == CUSTODY:
                    custody = content
                elif member.path.startswith(ROWS):
                    writer.add(parse_json(line) for line in content.splitlines())
                elif member.path != BUNDLE:
                    raise ChangedBundle("a part of keys", f"it holds {member.path!r:.80}")
            writer.finish(custody, None)
        finally:
            writer.close()

    def _chain(self, plan: Plan, bundle_key: str, key: VerifierKey) -> list[Link]:
        """Every bundle from the full one to the newest, signed by one key, each with its own."""
        newest = self._newest
        newest.check(key)
        chain = [Link(newest, plan, bundle_key)]
        for base in reversed(newest.bases()):
            base.check(key)
            after = chain[0].plan
            if after.base_key is None:
                raise ChangedBundle("bundle.json", "it does not open the bundle that it follows")
            base_plan = base.plan(after.base_key)
            for _ in base.members("keys", after.base_key):
                pass  # of no use here, but a changed bit in it is told
            if Checkpoint.open(base_plan.checkpoint, [key]).size != after.since:
                raise ChangedBundle("bundle.json", "it begins where its base does not end")
            chain.insert(0, Link(base, base_plan, after.base_key))
        if chain[0].plan.since:
            raise ChangedBundle("bundle.json", "the chain does not begin with a full bundle")
        return chain

    # -- extraction --------------------------------------------------------------------------------

    def _extract(self, chain: list[Link]) -> None:
        done = self._done()
        for link in chain:
            # Blobs first: what is synced of the records is synced beside their checks.
            self._blobs(link.bundle, done.get(_place(link.bundle, BLOBS), 0))
            start = done.get(_place(link.bundle, "records"), 0)
            if start >= 0:
                self._records(link, start)

    def _records(self, link: Link, start: int) -> None:
        bundle, written = link.bundle, 0
        for member, reader in bundle.members("records", link.key, plan=link.plan, start=start):
            if written >= self._limits.unsynced_bytes:  # all before this member
                self._remember(_place(bundle, "records"), reader.position - BLOCK)
                written = 0
            self._member(member)
            written += member.size
        self._remember(_place(bundle, "records"), -1)

    def _blobs(self, bundle: Bundle, start: int) -> None:
        counted = start

        def count(batch: list[Done]) -> None:
            nonlocal counted
            counted += len(batch)
            self._remember(_place(bundle, BLOBS), counted)

        copying = Copying(self._folder, disk=self._disk, limits=self._limits, count=count)
        for file in bundle.blobs[start:]:
            sha256 = bring_back(file, bundle.folder, copying)
            self._digests[bytes.fromhex(file.name[-64:])] = bytes.fromhex(sha256)
        copying.flush()

    def _done(self) -> dict[str, int]:
        """How far each stream had come: the place of its next member, or -1 where it ended."""
        path = self._folder / _PROGRESS
        done: dict[str, int] = json.loads(path.read_bytes()) if path.exists() else {}
        return done

    def _remember(self, place: str, position: int) -> None:
        """Say how far it has come, as soon as that is durable; the work goes on meanwhile."""
        self._wait()
        came = self._unsynced, self._changed
        self._syncing = self._beside.submit(self._sync, *came, {place: position})
        self._unsynced, self._changed = [], set()

    def _sync(self, files: list[Path], folders: set[Path], came: dict[str, int]) -> None:
        sync_files(files)
        for folder in sorted(folders):
            self._disk.sync_folder(folder)
        self._disk.replace(self._folder / _PROGRESS, canonical(self._done() | came))

    def _wait(self) -> None:
        if self._syncing is not None:
            self._syncing.result()

    def _member(self, member: Incoming) -> None:
        path = member.path
        if path.startswith(LOG) and _LOG_PATH.fullmatch(path.removeprefix(LOG)):
            self._receive(member, path)
        elif found := _SEGMENT.fullmatch(path):
            self._receive(member, found[1], offset=int(found[2] or 0))
        else:
            raise ChangedBundle("a part of records", f"it holds {path!r:.80}")

    def _receive(self, member: Incoming, path: str, *, offset: int = 0) -> None:
        """Write a member to its place; durable soon after the next `_remember`."""
        target = self._folder / path
        if target.parent not in self._changed:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._changed |= {each for each in target.parents if each.is_relative_to(self._folder)}
        file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(file).st_size < offset:
                raise ChangedBundle(path, "what was to be there before is missing")
            os.ftruncate(file, offset)  # what an interrupted run wrote after it
            os.lseek(file, offset, os.SEEK_SET)
            for chunk in member.chunks(self._limits.chunk_bytes):
                write_all(file, chunk)
            self._unsynced.append(target)
        finally:
            os.close(file)

    # -- what has to hold --------------------------------------------------------------------------

    def _settle(self, chain: list[Link], checkpoint: Checkpoint) -> None:
        before = [link.plan.since for link in chain if link.plan.since]
        settle_restored(self._folder / LOG, checkpoint, before=before, disk=self._disk)
        self._keep_segments(chain[-1].plan.segments)

    def _keep_segments(self, segments: Mapping[int, int]) -> None:
        """Hold the segments to their lengths; remove those that are no longer in force."""
        folder = self._folder / SEGMENTS
        found = {int(path.stem): path for path in folder.glob("*.seg")}
        for number, length in segments.items():
            path = found.pop(number, None)
            if path is None or path.stat().st_size != length:
                raise ChangedBundle(f"the body segment {number}", f"it has not {length} bytes")
        for path in found.values():
            self._disk.remove(path)

    def _check(self, checkpoint: Checkpoint, keyring: Keyring, key: VerifierKey, plan: Plan) -> int:
        reader = LogReader(self._folder / LOG, checkpoint.origin, keys=[key])
        if reader.checkpoint != checkpoint:
            raise ChangedBundle("the restored log", "its checkpoint is another")
        segments = self._folder / SEGMENTS
        contents = VaultContents(FolderStore(self._folder / "vault" / BLOBS), segments)
        with BodyScan(segments) as bodies:
            return self._check_records(reader, contents, bodies, keyring=keyring, plan=plan)

    def _check_records(
        self,
        reader: LogReader,
        contents: VaultContents,
        bodies: BodyScan,
        *,
        keyring: Keyring,
        plan: Plan,
    ) -> int:
        """Hold each record to its body's place and its blob; returns how many blobs there are."""
        seen: set[bytes] = set()
        for entry in reader.unverified_entries():
            if entry == PRUNED:
                continue
            held = Held.decode(entry)
            if held.body is not None:
                _check_body(held.id, held.body, bodies, plan)
            if self._facts.isdisjoint(held.facts):
                continue
            ref = blob_of(Record.decode(entry), self._facts)
            if ref is None:
                continue
            name = bytes.fromhex(ref.name)
            if _is_erased(keyring, ref.domain):
                (self._folder / "vault" / BLOBS / ref.name[:2] / ref.name).unlink(missing_ok=True)
            elif (sha256 := self._sha256(contents, ref.name)) is None:
                raise _wrong_blob(ref.name, "is missing")
            elif ref.sealed not in (None, f"sha256:{sha256}"):
                raise _wrong_blob(ref.name, "is another")
            else:
                seen.add(name)
        return len(seen)

    def _sha256(self, contents: VaultContents, name: str) -> str | None:
        """The digest of a restored blob; those of an earlier run are read again."""
        known = self._digests.get(bytes.fromhex(name))
        if known is None:
            try:
                with contents.blob(name) as file:
                    known = hashlib.file_digest(cast(BufferedReader, file), "sha256").digest()
            except VaultError:
                return None
            self._digests[bytes.fromhex(name)] = known
        return known.hex()


def _check_body(record_id: str, body: SealedBody, bodies: BodyScan, plan: Plan) -> None:
    """Check that a record's body lies where it says, within what was signed, or was emptied."""
    number, offset, length = body.at
    signed = plan.segments.get(number)
    if signed is None:  # emptied as a whole
        return
    if offset + length > signed:
        raise ChangedBundle(f"the body segment {number}", f"it ends before act {record_id}")
    try:
        bodies.look(body.domain, record_id, body.at)
    except MissingBody:  # emptied
        return


def _is_erased(keyring: Keyring, domain: str) -> bool:
    try:
        keyring.domain(domain)
    except DomainErased:
        return True
    return False


def _wrong_blob(name: str, what: str) -> BackupError:
    return BackupError(
        "backup.blob",
        f"the blob {name}, which the ledger names, {what} in this chain of bundles",
        "take another copy of the bundles, or an older one",
    )


def _place(bundle: Bundle, what: str) -> str:
    """The key of what is remembered of one bundle."""
    return f"{bundle.digest} {what}"
