"""Every bound of the vault in one place, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass

from freehold.kernel import Limits


@dataclass(frozen=True, slots=True)
class VaultLimits(Limits):
    """The kernel's bounds, and those that keep the vault's memory and open files finite."""

    chunk_bytes: int = 1_048_576  # read at once from a stream; larger gains nothing
    bodies_waiting_bytes_max: int = 67_108_864  # kept in memory for the next sync, then written
    segments_open_max: int = 64  # files kept open for reading, of 1,024 that a process usually has
    orphan_grace_hours: int = 24  # an unreferenced blob may still be recorded by a running act


DEFAULT_VAULT_LIMITS = VaultLimits()
