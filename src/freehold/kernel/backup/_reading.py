"""Reading bundles: what one says, whether it is what was signed, and the chain it belongs to.

    bundle = Bundle.read(folder)             # nothing is believed yet
    key = bundle.unlock(Unlock(custody=custody))
    bundle.check(vkey)                       # the log's key signed it

It changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from freehold.kernel import digest
from freehold.kernel.backup._bundle_key import Unlock, open_key, open_part
from freehold.kernel.backup._holdings import BUNDLE
from freehold.kernel.backup._limits import DEFAULT_BACKUP_LIMITS, BackupLimits
from freehold.kernel.backup._manifest import (
    BLOBS,
    File,
    Manifest,
    check_signature,
    read_files,
)
from freehold.kernel.backup._parts import PROGRESS, StreamReader
from freehold.kernel.backup._plan import Plan
from freehold.kernel.backup._tar import Incoming, members
from freehold.kernel.backup.errors import BackupError, ChangedBundle, storage_errors
from freehold.kernel.ledger import VerifierKey

MANIFEST, PARTS = "manifest", "parts"
MANIFEST_BYTES_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Bundle:
    """One finished bundle, as it lies in its folder."""

    folder: Path
    note: bytes
    manifest: Manifest
    files: tuple[File, ...]
    limits: BackupLimits

    @property
    def digest(self) -> str:
        """What names this bundle in others and in the ledger."""
        return digest(self.note)

    @classmethod
    def read(cls, folder: Path, limits: BackupLimits = DEFAULT_BACKUP_LIMITS) -> Bundle:
        """Read the manifest and the list of files; neither is believed before `check`.

        Raises:
            BackupError: `backup.missing`, `backup.unfinished`, `backup.storage`.
            ChangedBundle.
        """
        with storage_errors(folder):
            if not (folder / MANIFEST).is_file():
                raise _no_bundle(folder)
            note = _read(folder / MANIFEST, MANIFEST_BYTES_MAX)
            manifest = Manifest.read(note)
            if not (folder / PARTS).is_file():
                raise ChangedBundle("the list of parts", "it is missing")
            text = _read(folder / PARTS, limits.text_bytes_max)
        return cls(folder, note, manifest, read_files(text, manifest.parts), limits)

    def check(self, key: VerifierKey) -> None:
        """Check that the log's key signed the manifest, and that the key files are those of it.

        Raises:
            BackupError: `backup.signature`.
            ChangedBundle.
        """
        if self.manifest.origin != key.name:
            raise BackupError(
                "backup.estate",
                f"this is a bundle of {self.manifest.origin}, expected {key.name}",
                "give the folder of this estate's bundles",
            )
        check_signature(self.note, key)
        for file in self._of("key"):
            self._key_file(file)  # also those that nobody needs for opening it

    def unlock(self, by: Unlock) -> str:
        """Give the bundle's own identity.

        Raises:
            BackupError: `backup.key`.
            WrongCustody, ChangedBundle.
        """
        held = {file.name: self._key_file(file) for file in self._of("key")}
        return open_key(self.manifest.id, held["key.age"], held.get("key.json"), by)

    def members(
        self, stream: str, key: str, *, plan: Plan | None = None, start: int = 0
    ) -> Iterator[tuple[Incoming, StreamReader]]:
        """Yield the members of a stream from `start` on, each with the reader they come from.

        Raises:
            ChangedBundle: as soon as something is not what was signed.
        """
        opening = partial(_unseal, key, stream)
        reader = StreamReader(
            self.folder,
            self._of(stream),
            unseal=opening,
            limits=self.limits,
            part_bytes=plan.part_bytes if plan else None,
            start=start,
        )
        for member in members(reader):
            yield member, reader

    @property
    def blobs(self) -> tuple[File, ...]:
        """The sealed blobs in it."""
        return self._of(BLOBS)

    def plan(self, key: str) -> Plan:
        """Read bundle.json, the first member of all.

        Raises:
            ChangedBundle.
        """
        with storage_errors(self.folder):
            for member, _ in self.members("keys", key):
                if member.path != BUNDLE:
                    break
                return Plan.read(member.content(self.limits.member_bytes_max))
        raise ChangedBundle("the part keys.00001.age", "bundle.json is not its first member")

    def bases(self) -> list[Bundle]:
        """Find the bundles that this one follows, the full one first, beside it.

        Raises:
            BackupError: `backup.base`: one is missing.
        """
        beside = {bundle.digest: bundle for bundle in bundles_in(self.folder.parent, self.limits)}
        chain: list[Bundle] = []
        wanted = self.manifest.base
        while wanted is not None:
            found = beside.pop(wanted, None)  # taken away, so that no chain is a ring
            if found is None:
                raise BackupError(
                    "backup.base",
                    f"the bundle {wanted} that this one follows is not in {self.folder.parent}",
                    "put every bundle from the full one on into one folder",
                )
            chain.insert(0, found)
            wanted = found.manifest.base
        return chain

    def _of(self, stream: str) -> tuple[File, ...]:
        return tuple(file for file in self.files if file.of == stream)

    def _key_file(self, file: File) -> bytes:
        with storage_errors(self.folder / file.name):
            try:
                content = _read(self.folder / file.name, self.limits.seal_overhead_bytes_max)
            except FileNotFoundError:
                raise ChangedBundle(file.name, "it is missing") from None
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise ChangedBundle(file.name, "it has another digest")
        return content


def bundles_in(folder: Path, limits: BackupLimits = DEFAULT_BACKUP_LIMITS) -> list[Bundle]:
    """Read every finished bundle in a folder, oldest first; what is none is passed over.

    Raises:
        BackupError: `backup.storage`.
    """
    found = []
    with storage_errors(folder):
        paths = sorted(path for path in folder.iterdir() if (path / MANIFEST).is_file())
    for path in paths:
        try:
            found.append(Bundle.read(path, limits))
        except ChangedBundle:
            continue  # whoever needs it is told that it is missing
    return found


def _no_bundle(folder: Path) -> BackupError:
    if (folder / PROGRESS).exists():
        return BackupError(
            "backup.unfinished",
            f"the bundle in {folder} was never finished",
            "`freehold backup create` goes on with it",
        )
    return BackupError(
        "backup.missing", f"there is no bundle in {folder}", "name the folder of one bundle"
    )


def _read(path: Path, bytes_max: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise ChangedBundle(path.name, f"it has over {bytes_max} bytes")
    return content


def _unseal(key: str, stream: str, sealed: bytes) -> Iterator[bytes | memoryview]:
    return open_part(sealed, key, f"a part of {stream}")
