"""Vault, keyring and catalog as they lie in the estate's folder, held against what records say.

Without any key: what is sealed is hashed, never opened. Read beside a process that may be writing.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from freehold.audit._chronicle import RecordedBlob
from freehold.audit._findings import Findings
from freehold.kernel import FreeholdError, canonical
from freehold.kernel.keys import KeyringFiles
from freehold.kernel.vault import SEGMENT_HEADER

CHUNK_BYTES = 1_048_576
_BLOB = re.compile(r"[0-9a-f]{64}")
_MOMENT = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
# What is pinned, and its shape. Whether it is true, other checks and the opening tell.
_PINS = (
    re.compile(rb"(?:estate|head)=.*", re.DOTALL),
    re.compile(rb"clock=[0-9]+ (" + _MOMENT + rb")"),
    re.compile(rb"format=[0-9]+"),
    re.compile(rb"pruned=-?[0-9]+"),
    re.compile(rb"stream:[0-9a-f-]{36}=[0-9]+"),
)
_PROBLEMS_MAX = 20  # lines of SQLite's own check


@dataclass(frozen=True, slots=True)
class Extent:
    """How far the frames of records reach in a segment, and how many bytes they are."""

    end: int
    bytes: int


def check_segments(folder: Path, extents: Mapping[int, Extent], findings: Findings) -> None:
    """Look at the segments themselves; the frames in them are looked at one by one elsewhere."""
    for path in sorted((folder / "vault" / "segments").glob("*.seg")):
        with path.open("rb") as file:
            header = file.read(len(SEGMENT_HEADER))
            size = file.seek(0, 2)
        if header != SEGMENT_HEADER:
            findings.add("segment.header", path.name)
        extent = extents.get(int(path.stem))
        used = (extent.bytes if extent else 0) + len(SEGMENT_HEADER)
        if size > used:
            findings.add("body.trailing", path.name, got=f"{size - used:,} bytes more")


def check_blobs(
    folder: Path, recorded: Mapping[str, RecordedBlob], erased: set[str], findings: Findings
) -> int:
    """Hash these blobs and hold them against the ledger; give how many there are."""
    count = 0
    for name, blob in recorded.items():
        path = folder / "vault" / "blobs" / name[:2] / name
        try:
            found = hash_file(path)
        except FileNotFoundError:
            if blob.domain not in erased:
                findings.add("blob.missing", name)
            continue
        except OSError as error:
            findings.add("blob.missing", name, got=str(error))
            continue
        count += 1
        if blob.sealed and found not in blob.sealed:
            findings.add("blob.changed", name, expected=min(blob.sealed), got=found)
    return count


def check_extra_blobs(
    folder: Path, recorded: Mapping[str, RecordedBlob], findings: Findings
) -> None:
    """Look for blobs that no act names."""
    for path in (folder / "vault" / "blobs").glob("*/*"):
        if path.name not in recorded:
            is_blob = _BLOB.fullmatch(path.name) and path.parent.name == path.name[:2]
            got = "" if is_blob else "a name that no blob has"
            findings.add("blob.unreferenced", path.name, got=got)


def hash_file(path: Path) -> str:
    """SHA-256 of a file, as the ledger writes it."""
    sha256 = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            sha256.update(chunk)
    return "sha256:" + sha256.hexdigest()


@dataclass(frozen=True, slots=True)
class Outside:
    """What keyring and catalog say without any key, read before the ledger: what they have seen,
    the ledger must hold.
    """

    tombstones: frozenset[str]  # domains that are erased
    head: bytes | None  # the checkpoint that the estate pinned when it was last closed
    position: int  # records that the catalog follows


def look_outside(
    folder: Path, origin: str, *, now: str, is_whole: bool, findings: Findings
) -> Outside:
    """Look at the two databases of the estate of this log; `is_whole` looks at every page."""
    tombstones: frozenset[str] = frozenset()
    head = None
    try:
        with closing(KeyringFiles(folder / "keys")) as files:
            _check_keyring(files, origin, is_whole=is_whole, findings=findings)
            tombstones, head = frozenset(files.erased()), files.pinned("head")
            clock = (files.pinned("clock") or b"").decode(errors="replace").partition(" ")[2]
            if clock > now:
                findings.add("clock.ahead", "pin clock", expected=f"at most {now}", got=clock)
    except FreeholdError as error:
        findings.add("keyring.faulty", "keys", got=error.message)
    return Outside(tombstones, head, _check_catalog(folder, is_whole=is_whole, findings=findings))


def _check_keyring(files: KeyringFiles, origin: str, *, is_whole: bool, findings: Findings) -> None:
    pins = files.pins()
    for name, value in pins.items():
        if not any(shape.fullmatch(name.encode() + b"=" + value) for shape in _PINS):
            findings.add("keyring.faulty", f"pin {name}", got=value.decode(errors="replace"))
    identity = pins.get("estate", b"")
    kind, _, rest = origin.partition("/")
    if identity != canonical({"id": rest.partition("/")[0], "trial": kind == "trial"}):
        findings.add(
            "keyring.faulty",
            "keyring.db",
            expected=f"the identity of the estate of {origin}",
            got=identity.decode(errors="replace"),
        )
    if files.generation not in files.roots:
        findings.add(
            "keyring.faulty",
            "custody.json",
            expected=f"a root key of generation {files.generation}, as keyring.db has it",
            got=f"generation {', '.join(map(str, files.roots))}",
        )
    for problem in files.problems() if is_whole else ():
        findings.add("keyring.faulty", "keyring.db", got=problem)


def check_domains(folder: Path, domains: set[str], erased: set[str], findings: Findings) -> int:
    """Hold the keyring's rows against the domains that records name; give how many there are."""
    try:
        with closing(KeyringFiles(folder / "keys")) as files:
            for domain in sorted(domains):
                is_erased = files.is_erased(domain)
                if is_erased is None:
                    findings.add("domain.missing", domain)
                elif domain in erased and not is_erased:
                    findings.add("domain.not_erased", domain)
    except FreeholdError as error:
        findings.add("keyring.faulty", "keys", got=error.message)
    return len(domains)


def _check_catalog(folder: Path, *, is_whole: bool, findings: Findings) -> int:
    """Check the structure of the catalog's database; give its position."""
    path = folder / "catalog.db"
    if not path.exists():
        return 0  # it is built from the ledger at the next opening
    # SQLite makes files beside one that nobody has open, unless told that nobody writes.
    options = "mode=ro" if path.with_name("catalog.db-wal").exists() else "immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?{options}", uri=True)) as db:
            (size,) = db.execute("SELECT max(size) FROM position").fetchone()
            problems: Iterable[tuple[str]] = ()
            if is_whole:
                problems = db.execute(f"PRAGMA integrity_check({_PROBLEMS_MAX})").fetchall()
        for (problem,) in problems:
            if problem != "ok":
                findings.add("catalog.damaged", "catalog.db", got=str(problem))
        return int(size or 0)
    except (sqlite3.Error, TypeError, ValueError) as error:
        findings.add("catalog.damaged", "catalog.db", got=str(error))
        return 0
