"""What an estate holds as of one cut, as what goes into one bundle.

It reads the stores as they lie: it opens no blob and no body, and knows no key.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, BinaryIO

import msgspec

from freehold.kernel import canonical
from freehold.kernel.acts import SCHEMA_VERSION, Record, Registry, SealedBody
from freehold.kernel.backup._limits import BackupLimits
from freehold.kernel.backup._manifest import BLOBS
from freehold.kernel.backup._plan import Plan
from freehold.kernel.backup._tar import Member
from freehold.kernel.backup.errors import BackupError
from freehold.kernel.keys import Row
from freehold.kernel.ledger import CosignedFolder, LogReader
from freehold.kernel.vault import VaultContents

BUNDLE, CUSTODY = "bundle.json", "keys/custody.json"
ROWS, LOG = "keys/rows/", "ledger/main/"
SEGMENTS = "vault/segments/"
RECORDS_OF_BUNDLE = 256  # entries of one bundle of tlog-tiles
ENTRIES = ("tile/entries/", "kept/")  # the second is what retention left of some of the first


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A blob that a record names, its key domain, and the digest of its sealed bytes if known."""

    name: str
    domain: str
    sealed: str | None


class Held(msgspec.Struct, frozen=True, gc=False):
    """What a restoration looks at of every record: half of the work of reading all of it."""

    v: int
    id: str
    facts: dict[str, Any]
    body: SealedBody | None = None

    @classmethod
    def decode(cls, entry: bytes) -> Held:
        """Read an entry of a log whose leaves are verified.

        Raises:
            InvalidRecord: it is no record, or of a version that this software is too old for.
        """
        try:
            held = _decode(entry)
            if held.v <= SCHEMA_VERSION:
                return held
        except (msgspec.MsgspecError, UnicodeDecodeError):
            pass
        record = Record.decode(entry)  # tells what is wrong with it
        return cls(record.v, record.id, record.facts, record.body)


_decode = msgspec.json.Decoder(Held).decode


def blob_of(record: Record, facts: Set[str]) -> BlobRef | None:
    """The blob that a record brought, which lies under the key domain of its body."""
    if record.phase != "done" or record.body is None:
        return None
    name = next((record.facts[fact] for fact in facts if record.facts.get(fact)), None)
    if name is None:
        return None
    sealed = {output.sealed for output in record.outputs if output.sealed is not None}
    return BlobRef(name, record.body.domain, sealed.pop() if len(sealed) == 1 else None)


def blob_facts(registry: Registry) -> frozenset[str]:
    """The names of all facts that name a blob."""
    return frozenset(
        fact.name for facts in registry.facts.values() for fact in facts if fact.kind == "blob"
    )


@dataclass(frozen=True, slots=True)
class Scope:
    """What one bundle is about.

    Args:
        base_segments: how long the body segments were in the bundle that it follows.
        erased: the key domains that were so at the cut.
        facts: the names of the facts that name blobs.
    """

    plan: Plan
    base_segments: Mapping[int, int]
    erased: Set[str]
    facts: frozenset[str]


class Holdings:
    """The members of one bundle; `records` is gone through before `blobs`."""

    def __init__(
        self, reader: LogReader, cosigned: CosignedFolder, contents: VaultContents, scope: Scope
    ) -> None:
        self._reader = reader
        self._cosigned = cosigned
        self._contents = contents
        self._scope = scope
        self._plan = scope.plan
        self._needles = [f'"{fact}":"'.encode() for fact in scope.facts]
        self._blobs: dict[bytes, BlobRef] = {}  # by name, in the order of the ledger

    def records(self) -> Iterator[Member]:
        """The log's files, then the body segments."""
        since = self._plan.since
        for path, content in self._reader.files(since):
            if path.startswith(ENTRIES) and any(needle in content for needle in self._needles):
                self._note_blobs(path)
            yield _of_bytes(LOG + path, content)
        for size, note in self._reader.checkpoints():
            if size > since or not since:
                yield _of_bytes(f"{LOG}checkpoints/{size:020}", note.encode())
        for size in self._cosigned.sizes:  # one that the base ends at may be cosigned since
            if since <= size <= self._reader.checkpoint.size:
                note = self._cosigned.note(size) or ""
                yield _of_bytes(f"{LOG}cosigned/{size:020}", note.encode())
        yield _of_bytes(LOG + "checkpoint", self._plan.checkpoint.encode())
        for number, length in self._plan.segments.items():
            yield from self._segment(number, length)

    def blobs(self) -> Iterator[Member]:
        """The blobs that records since the base name and that a key opened at the cut.

        Raises:
            BackupError: `backup.blob`: one is missing.
        """
        for ref in self._blobs.values():
            if ref.domain in self._scope.erased:
                continue
            size = self._contents.blob_size(ref.name)
            if size is None:
                raise BackupError(
                    "backup.blob",
                    f"the vault holds no blob {ref.name}, which the ledger names",
                    "restore it from an older bundle; until then nothing complete can be backed up",
                )
            path = f"{BLOBS}/{ref.name[:2]}/{ref.name}"
            expected = ref.sealed and ref.sealed.removeprefix("sha256:")
            yield Member(path, size, partial(self._open_blob, ref.name), expected)

    def _note_blobs(self, path: str) -> None:
        """Remember the blobs that the records of one entry bundle name."""
        first = _bundle_index(path) * RECORDS_OF_BUNDLE
        stop = min(first + RECORDS_OF_BUNDLE, self._reader.checkpoint.size)
        for entry in self._reader.entries(max(first, self._plan.since), stop):
            if any(needle in entry for needle in self._needles):
                ref = blob_of(Record.decode(entry), self._scope.facts)
                if ref is not None:
                    self._blobs.setdefault(bytes.fromhex(ref.name), ref)

    def _segment(self, number: int, length: int) -> Iterator[Member]:
        offset = self._scope.base_segments.get(number, 0)
        if length > offset:
            path = f"{SEGMENTS}{number:08}.seg" + (f"@{offset}" if offset else "")
            yield Member(path, length - offset, partial(self._open_segment, number, offset))

    def _open_segment(self, number: int, offset: int, passed: int) -> BinaryIO:
        file = self._contents.segment(number)
        file.seek(offset + passed)
        return file

    def _open_blob(self, name: str, passed: int) -> BinaryIO:
        file = self._contents.blob(name)
        file.seek(passed)
        return file


def key_members(
    plan: Plan, custody: bytes, rows: Iterator[Row], limits: BackupLimits
) -> Iterator[Member]:
    """The members of the stream `keys`."""
    yield _of_bytes(BUNDLE, plan.encode())
    yield _of_bytes(CUSTODY, custody)
    number = 0
    while chunk := list(islice(rows, limits.rows_of_member)):
        content = b"".join(canonical(list(row)) + b"\n" for row in chunk)
        yield _of_bytes(f"{ROWS}{number:08}.jsonl", content)
        number += 1


def noting_erased(rows: Iterable[Row], erased: set[str]) -> Iterator[Row]:
    """Pass the rows of a keyring on, and note which domains are erased."""
    for row in rows:
        if row[0] == "domains" and row[3] is None:
            erased.add(str(row[2]))
        yield row


def _of_bytes(path: str, content: bytes) -> Member:
    return Member(path, len(content), lambda passed: io.BytesIO(content[passed:]))


def _bundle_index(path: str) -> int:
    """`tile/entries/x001/x234/067.p/17` is the bundle 1234067, and so is `kept/x001/x234/067`."""
    start = next(len(folder) for folder in ENTRIES if path.startswith(folder))
    groups = path[start:].partition(".p/")[0].split("/")
    return int("".join(group.removeprefix("x") for group in groups))
