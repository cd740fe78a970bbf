"""What was seen of a log elsewhere: pinned checkpoints, what a witness cosigned, promises.

A pin is a checkpoint as its log signed it, with any other signatures: the file that the verifier
takes as `--pin`, what a witness publishes, what an auditor's memory holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from freehold.audit._findings import Findings
from freehold.audit._witness import Silent, newest_cosigned
from freehold.audit.errors import AuditError
from freehold.kernel import DEFAULT_LIMITS
from freehold.kernel.ledger import (
    Checkpoint,
    CorruptLogError,
    Cosigned,
    CosignerKey,
    LogReader,
    NoteError,
    Promise,
    VerifierKey,
    leaf_hash,
)

_Key = TypeVar("_Key", VerifierKey, CosignerKey)


@dataclass(frozen=True, slots=True)
class Pin:
    """A note of a checkpoint that was seen earlier or elsewhere, and where it comes from.

    One of `witnesses`, where any are given, must have cosigned it.
    """

    note: bytes
    source: str
    witnesses: tuple[CosignerKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Trust:
    """What the auditor brings from outside the estate."""

    key: VerifierKey | None = None
    pins: tuple[Pin, ...] = ()
    promises: tuple[tuple[str, bytes], ...] = ()  # where from, and the signed note
    witnesses: tuple[CosignerKey, ...] = ()
    urls: tuple[str, ...] = ()  # where these witnesses are asked


def read_key(text: str) -> VerifierKey:
    """Read a log's vkey, or the file that holds it.

    Raises:
        AuditError: `audit.pin`.
    """
    return _key(VerifierKey, text)


def read_witness(text: str) -> CosignerKey:
    """Read a witness's vkey, or the file that holds it.

    Raises:
        AuditError: `audit.pin`.
    """
    return _key(CosignerKey, text)


def read_note(path: Path) -> bytes:
    """Read a file with a signed note.

    Raises:
        AuditError: `audit.pin`.
    """
    try:
        with path.open("rb") as file:
            note = file.read(DEFAULT_LIMITS.note_bytes_max + 1)
    except OSError as error:
        raise AuditError("audit.pin", f"{path} cannot be read: {error.strerror}") from error
    if len(note) > DEFAULT_LIMITS.note_bytes_max:
        raise AuditError("audit.pin", f"{path} is longer than a signed note can be")
    return note


def _key(kind: type[_Key], text: str) -> _Key:
    try:
        path = Path(text)
        if "+" not in text or path.is_file():
            text = path.read_text("ascii").strip()
        return kind.parse(text)
    except (OSError, UnicodeDecodeError, NoteError) as error:
        raise AuditError(
            "audit.pin",
            f"{text!r:.100} is no vkey and no file that holds one: {error}",
            "a vkey is name+keyid+base64, as `freehold init` and `freehold estate status` show it",
        ) from error


def ask_witnesses(trust: Trust, origin: str, findings: Findings) -> list[Pin]:
    """What the witnesses saw last. To be asked before the log is looked at, which only grows."""
    pins = []
    for url in trust.urls:
        try:
            pins.append(Pin(newest_cosigned(url, origin), f"the witness at {url}", trust.witnesses))
        except Silent as silent:
            findings.add("witness.silent", url, got=str(silent))
    return pins


def check_pins(
    pins: Iterable[Pin], reader: LogReader, key: VerifierKey, findings: Findings
) -> list[str]:
    """Hold the log against what was seen of it; name the pins that vouch for it."""
    vouching = []
    for pin in pins:
        try:
            seen, told = _open(pin, key)
        except NoteError as error:
            _tell_unsigned(pin, reader, error, findings)
            continue
        if _contains(reader, seen, pin.source, findings):
            vouching.append(f"{pin.source}: {told}")
    return vouching


def check_promises(
    promises: Sequence[tuple[str, bytes]],
    reader: LogReader,
    key: VerifierKey,
    *,
    now: datetime,
    findings: Findings,
) -> list[str]:
    """Hold the log to what it promised; tell which promises are not due yet."""
    waiting = []
    for source, note in promises:
        try:
            promise = Promise.open(note, [key])
        except NoteError as error:
            findings.add("pin.other_key", source, got=error.message, group=source)
            continue
        if promise.index >= reader.checkpoint.size:
            if promise.deadline < now:
                got = f"{reader.checkpoint.size} records, and its deadline has passed"
                findings.add("promise.broken", source, got=got)
            else:
                waiting.append(f"{source}: not due before {promise.deadline:%Y-%m-%d %H:%M:%S} UTC")
            continue
        try:
            (entry,) = reader.entries(promise.index, promise.index + 1)
        except CorruptLogError:
            continue  # a finding of its own, of the bundle
        if entry and leaf_hash(entry) != promise.leaf:
            findings.add("promise.broken", source, got=f"another record at {promise.index}")
    return waiting


def _open(pin: Pin, key: VerifierKey) -> tuple[Checkpoint, str]:
    """The checkpoint of a pin, verified, and what it says in a few words."""
    seen = Cosigned.open(pin.note, [key], pin.witnesses)
    told = f"{seen.checkpoint.size:,} records"
    if not pin.witnesses:
        return seen.checkpoint, told
    if not seen.times:
        names = ", ".join(sorted({witness.name for witness in pin.witnesses}))
        raise NoteError("ledger.signature", f"it is not cosigned by {names}")
    times = (f"{name} at {moment:%Y-%m-%d %H:%M:%S} UTC" for name, moment in seen.times.items())
    return seen.checkpoint, f"{told}, cosigned by {', '.join(times)}"


def _tell_unsigned(pin: Pin, reader: LogReader, error: NoteError, findings: Findings) -> None:
    origin = pin.note.decode(errors="replace").partition("\n")[0]
    if error.code == "ledger.signature" and origin != reader.checkpoint.origin:
        findings.add(
            "pin.other_log",
            pin.source,
            expected=f"a checkpoint of {reader.checkpoint.origin}",
            got=f"one of {origin!r:.120}",
            group=pin.source,
        )
    else:
        findings.add("pin.other_key", pin.source, got=error.message, group=pin.source)


def _contains(reader: LogReader, seen: Checkpoint, source: str, findings: Findings) -> bool:
    newest = reader.checkpoint
    if seen.size > newest.size:
        findings.add(
            "pin.rewind",
            source,
            expected=f"at least {seen.size:,} records, as {source} saw",
            got=f"{newest.size:,}",
            group=source,
        )
        return False
    try:
        root = reader.root(seen.size)
    except CorruptLogError as error:
        findings.add("ledger.corrupt", source, got=error.message)
        return False
    if root != seen.root:
        findings.add(
            "pin.fork",
            source,
            expected=f"the tree of {seen.size:,} records that {source} saw",
            got="another tree of that size",
            group=source,
        )
        return False
    return True
