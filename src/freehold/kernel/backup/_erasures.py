"""The signed list of what was erased, to be kept apart from the backups. Pure, but for its keys."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from freehold.kernel import DEFAULT_LIMITS, canonical, is_id, parse_json
from freehold.kernel.backup._limits import DEFAULT_BACKUP_LIMITS, BackupLimits
from freehold.kernel.backup.errors import BackupError, ChangedBundle
from freehold.kernel.ledger import (
    Checkpoint,
    Disk,
    NoteError,
    Signer,
    VerifierKey,
    open_note,
    sign_note,
)

_HEAD = "freehold/erasures/v1"
ARRIVAL = "restored.json"


@dataclass(frozen=True, slots=True)
class Erasure:
    """A key domain that was erased, and the record that says so."""

    domain: str
    act: str


def sign_erasures(erasures: Iterable[Erasure], checkpoint: Checkpoint, signer: Signer) -> str:
    """Write the list, as of a checkpoint."""
    root = base64.b64encode(checkpoint.root).decode()
    lines = [_HEAD, checkpoint.origin, str(checkpoint.size), root]
    lines += [f"{each.domain} {each.act}" for each in erasures]
    return sign_note("\n".join((*lines, "")), checkpoint.origin, signer=signer)


def open_erasures(
    note: str, key: VerifierKey, limits: BackupLimits = DEFAULT_BACKUP_LIMITS
) -> tuple[Erasure, ...]:
    """Verify and read a list.

    Raises:
        BackupError: `backup.signature`: the log's key did not sign it.
        ChangedBundle: it is no list of erasures.
    """
    larger = type(DEFAULT_LIMITS)(note_bytes_max=limits.erasures_bytes_max)
    try:
        text = open_note(note, [key], signed_by=key.name, limits=larger)
    except NoteError as error:
        raise BackupError(
            "backup.signature",
            f"the list of erasures is not signed by the log {key.name}: {error.message}",
            "give the file that `freehold backup erasures` wrote for this estate",
        ) from error
    head, origin, _size, _root, *lines = [*text.splitlines(), "", "", "", ""][: text.count("\n")]
    pairs = [line.split(" ") for line in lines]
    if (head, origin) != (_HEAD, key.name) or any(
        len(pair) != 2 or not all(map(is_id, pair)) for pair in pairs
    ):
        raise ChangedBundle("the list of erasures", "it is none of version 1")
    return tuple(Erasure(domain, act) for domain, act in pairs)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the first opening of a restored estate has to record."""

    id: str
    bundle: str
    purpose: str
    size: int
    lost: int
    erasures: str = ""  # the signed list, or empty

    def write(self, folder: Path, disk: Disk) -> None:
        """Leave it in the estate's folder."""
        fields = (self.id, self.bundle, self.purpose, self.size, self.lost, self.erasures)
        names = ("id", "bundle", "purpose", "size", "lost", "erasures")
        disk.replace(folder / ARRIVAL, canonical(dict(zip(names, fields, strict=True))))

    @classmethod
    def read(cls, folder: Path) -> Arrival | None:
        """What lies in the folder, if anything does."""
        path = folder / ARRIVAL
        return cls(**parse_json(path.read_bytes())) if path.exists() else None

    @staticmethod
    def remove(folder: Path) -> None:
        """Everything is recorded."""
        (folder / ARRIVAL).unlink()
