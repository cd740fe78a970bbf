"""The auditor's own memory: the last checkpoint that was trusted, in a file of the auditor's.

It makes the auditor's machine a pin: whatever is put in the estate's place between two audits, an
older copy or another history, does not contain what was seen before.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from freehold.audit.errors import AuditError
from freehold.kernel import FreeholdError, canonical, parse_json

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered: the log's vkey and since when, the newest trusted checkpoint and when it
    was seen.
    """

    vkey: str
    since: str
    checkpoint: str
    seen: str


def read_memory(path: Path) -> Memory | None:
    """Read what was remembered; None where nothing was yet.

    Raises:
        AuditError: `audit.memory`: it cannot be read; forgetting must be somebody's decision.
    """
    try:
        found: Any = parse_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, FreeholdError) as error:
        raise _unreadable(path, str(error)) from error
    match found:
        case {
            "v": 1,
            "vkey": str(vkey),
            "since": str(since),
            "checkpoint": str(note),
            "seen": str(seen),
        }:
            return Memory(vkey, since, note, seen)
        case _:
            raise _unreadable(path, "it is of another format")


def write_memory(path: Path, memory: Memory) -> None:
    """Remember; the old or the new is there, whole, whatever happens meanwhile.

    Raises:
        AuditError: `audit.memory`.
    """
    content = {"v": _VERSION, **asdict(memory)}
    staged = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(canonical(content) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
    except OSError as error:
        raise AuditError(
            "audit.memory",
            f"what was seen cannot be remembered in {path}: {error.strerror}",
            "name a file in a folder that you can write to, apart from the estate's",
        ) from error


def _unreadable(path: Path, reason: str) -> AuditError:
    return AuditError(
        "audit.memory",
        f"the auditor's memory {path} cannot be read: {reason}",
        "restore it; or, if you decide to trust what there is today, remove it",
    )
