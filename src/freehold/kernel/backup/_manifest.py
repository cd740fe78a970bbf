"""The manifest of a bundle: what was signed (docs/formats/backup.md). Pure, but for its keys."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from freehold.kernel import digest, is_id
from freehold.kernel.backup.errors import BackupError, ChangedBundle
from freehold.kernel.ledger import NoteError, Signer, VerifierKey, open_note, sign_note

_HEAD = "freehold/backup/v1"
_ORIGIN = re.compile(r"(?:estate|trial)/[0-9a-f-]{36}/[a-z]+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_BLOB = r"blobs/(?P<first>[0-9a-f]{2})/(?P=first)[0-9a-f]{62}"
_PART = r"(?:keys|records)\.[0-9]{5,9}\.age"
_LINE = re.compile(rf"(?P<sha256>[0-9a-f]{{64}})  (?P<name>{_BLOB}|{_PART}|key\.age|key\.json)")
_NAME = re.compile(_PART)
_KINDS = frozenset(("backup full", "backup delta", "move full", "move delta"))
STREAMS = ("keys", "records")
BLOBS = "blobs"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself, and the digest of the list of its files."""

    origin: str
    id: str
    purpose: str
    kind: str
    base: str | None
    begun: str
    parts: str

    def sign(self, signer: Signer) -> bytes:
        """The manifest as a note signed by the log's key."""
        lines = (
            *(_HEAD, self.origin, self.id, f"{self.purpose} {self.kind}"),
            *(self.base or "-", self.begun, self.parts, ""),
        )
        return sign_note("\n".join(lines), self.origin, signer=signer).encode()

    @classmethod
    def read(cls, note: bytes) -> Manifest:
        """Read a manifest whose signature is still to be checked.

        Raises:
            ChangedBundle: any other shape.
        """
        try:
            text = note.decode().rpartition("\n\n")[0]
        except UnicodeDecodeError:
            raise ChangedBundle("the manifest", "it is not UTF-8") from None
        match text.split("\n"):
            case [head, origin, id_, what, base, begun, parts] if (
                head == _HEAD
                and _ORIGIN.fullmatch(origin)
                and is_id(id_)
                and what in _KINDS
                and (base == "-" or _DIGEST.fullmatch(base))
                and (base == "-") == what.endswith("full")
                and _DIGEST.fullmatch(parts)
            ):
                purpose, kind = what.split()
                named = None if base == "-" else base
                return cls(origin, id_, purpose, kind, named, begun, parts)
            case _:
                raise ChangedBundle("the manifest", "it is none of version 1")


def check_signature(note: bytes, key: VerifierKey) -> None:
    """Check that the log's key signed a manifest, and that no bit of it could be another.

    Raises:
        BackupError: `backup.signature`: another key signed it.
        ChangedBundle.
    """
    try:
        open_note(note, [key], signed_by=key.name)
    except NoteError as error:
        if error.code != "ledger.signature":
            raise ChangedBundle("the manifest", error.message) from error
        raise BackupError(
            "backup.signature",
            f"the manifest is not signed by the log {key.name}: {error.message}",
            "it was changed, or it is a bundle of another estate",
        ) from error
    # A note may carry other signatures, and base64 has unused bits: neither is signed.
    _, _, encoded = note.decode().rpartition("\n\n")[2][:-1].rpartition(" ")
    try:
        is_one_spelling = base64.b64encode(base64.b64decode(encoded)).decode() == encoded
    except (binascii.Error, ValueError):
        is_one_spelling = False
    if note.count(b"\n") != 9 or not is_one_spelling:
        raise ChangedBundle("the manifest", "it has more than its one signature")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a bundle: its name and the SHA-256 of its bytes in hexadecimal."""

    name: str
    sha256: str

    @property
    def of(self) -> str:
        """`keys` or `records` for a part, `blobs` for a blob, `key` for what holds the key."""
        return BLOBS if self.name.startswith(BLOBS) else self.name.partition(".")[0]


def is_of_bundle(name: str) -> bool:
    """Tell whether a file of this name can lie in a bundle, finished or not."""
    is_part = _NAME.fullmatch(name) is not None
    return is_part or name in ("manifest", "parts", "progress", "key.age", "key.json", BLOBS)


def part_name(stream: str, number: int) -> str:
    """`records.00001.age`."""
    return f"{stream}.{number:05}.age"


def encode_files(files: list[File]) -> bytes:
    """Write the file `parts`, which `sha256sum -c` reads."""
    return "".join(f"{file.sha256}  {file.name}\n" for file in files).encode()


def read_files(text: bytes, expected: str) -> tuple[File, ...]:
    """Read the file `parts`, which must have the digest that was signed.

    Raises:
        ChangedBundle: it has another, or names other files than a bundle has.
    """
    if digest(text) != expected:
        raise ChangedBundle("the list of parts", "it has another digest")
    files = []
    for line in text.decode("ascii", "replace").splitlines():
        matched = _LINE.fullmatch(line)
        if matched is None:
            raise ChangedBundle("the list of parts", f"{line!r:.100} is no part")
        files.append(File(matched["name"], matched["sha256"]))
    keys = [file.name for file in files if file.of == "key"]
    names = keys if keys in (["key.age"], ["key.age", "key.json"]) else ["key.age"]
    for stream in STREAMS:
        count = sum(file.of == stream for file in files)
        names += [part_name(stream, number) for number in range(1, max(count, 1) + 1)]
    blobs = [file.name for file in files if file.of == BLOBS]
    if [file.name for file in files] != names + blobs or len(set(blobs)) != len(blobs):
        raise ChangedBundle("the list of parts", "a part is missing, or stands there twice")
    return tuple(files)
