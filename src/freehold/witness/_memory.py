"""What a witness remembers, in one file for each log: the log's key, then the checkpoint that was
cosigned last.

A file that is lost is a log that is not known: it is refused, and never taken for a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from freehold.kernel.ledger import (
    Cosigned,
    CosignerKey,
    Disk,
    NoteError,
    VerifierKey,
)
from freehold.witness.errors import WitnessError


@dataclass(frozen=True, slots=True)
class Remembered:
    """A log: its key, and the note that was cosigned last, if there is one."""

    key: VerifierKey
    note: str | None


def log_name(origin: str) -> str:
    """How a log's file and address are called (C2SP tlog-witness, monitor retrieval)."""
    return sha256(origin.encode()).hexdigest()


class FolderMemory:
    """A `WitnessMemory` in a folder. Everything is read and verified once, at the opening."""

    def __init__(self, folder: Path, disk: Disk, own: CosignerKey) -> None:
        """Read what is kept.

        Raises:
            WitnessError: a file was changed.
        """
        self._folder = folder
        self._disk = disk
        self._is_stopped = False  # set by a write that failed, never cleared
        files = sorted(path for path in folder.iterdir() if path.suffix != ".tmp")
        self._logs = {path.name: _read(path, own) for path in files}

    @property
    def logs(self) -> tuple[Remembered, ...]:
        """All logs that are known."""
        return tuple(self._logs.values())

    def key(self, origin: str) -> VerifierKey | None:
        """The key of a log, or None for one that is not known."""
        known = self._logs.get(log_name(origin))
        return known.key if known else None

    def newest(self, origin: str) -> str | None:
        """The note of a log that was kept last."""
        return self.published(log_name(origin))

    def published(self, name: str) -> str | None:
        """The same, by the name of the log's file.

        Raises:
            WitnessError: it could not keep a checkpoint, so what it holds is in doubt.
        """
        self._refuse_stopped()
        known = self._logs.get(name)
        return known.note if known else None

    def add(self, key: VerifierKey) -> None:
        """Know another log.

        Raises:
            WitnessError: it is known already, by this key or by another.
        """
        if self.key(key.name) is not None:
            raise WitnessError(
                "witness.exists",
                f"the log {key.name} is known already",
                "its key cannot be replaced here: a log with another key is another log",
            )
        self._write(Remembered(key, None))

    def keep(self, origin: str, note: str) -> None:
        """Put a note in place of the former; durable on return.

        Raises:
            WitnessError: it could not be written; from here on nothing is answered.
        """
        self._write(Remembered(self._logs[log_name(origin)].key, note))

    def _write(self, known: Remembered) -> None:
        self._refuse_stopped()
        name = log_name(known.key.name)
        try:
            self._disk.replace(self._folder / name, f"{known.key}\n{known.note or ''}".encode())
        except OSError as error:
            # The disk may have the old file or the new one; only opening it again tells which.
            self._is_stopped = True
            raise WitnessError(
                "witness.stopped",
                f"a checkpoint could not be kept: {error}",
                "see to the disk, then start the witness again",
            ) from error
        self._logs[name] = known

    def _refuse_stopped(self) -> None:
        if self._is_stopped:
            raise WitnessError(
                "witness.stopped",
                "this witness could not keep a checkpoint and answers nothing more",
                "see to the disk, then start the witness again",
            )


def _read(path: Path, own: CosignerKey) -> Remembered:
    """Read one file; what it holds must be cosigned by this witness."""
    try:
        line, _, note = path.read_bytes().decode().partition("\n")
        key = VerifierKey.parse(line)
        times = Cosigned.open(note, [key], [own]).times if note else {own.name: None}
    except (NoteError, UnicodeDecodeError) as error:
        raise _corrupt(path, str(error)) from error
    if path.name != log_name(key.name) or own.name not in times:
        raise _corrupt(path, "it is of another log or another witness")
    return Remembered(key, note or None)


def _corrupt(path: Path, why: str) -> WitnessError:
    return WitnessError(
        "witness.corrupt",
        f"{path} is not what this witness wrote: {why}",
        "an older copy would let it cosign a fork: give the log to a new witness instead",
    )
