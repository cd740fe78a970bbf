"""Every bound of bundles in one place, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackupLimits:
    """Bounds that keep memory, files and chains finite."""

    part_bytes: int = 33_554_432  # of tar in one part: what an interruption costs, and the memory
    part_bytes_max: int = 268_435_456  # what a reader accepts
    unsynced_bytes: int = 268_435_456  # restored at once: what an interruption costs there
    apart_entries: int = 30_000  # of a log that is verified beside: a process starts as fast
    batch_files: int = 256  # blobs that are counted at once, if they are small
    seal_overhead_bytes_max: int = 1_048_576  # age adds under 0.03 % and a header
    chunk_bytes: int = 1_048_576  # read at once from a file; larger gains nothing
    rows_of_member: int = 10_000  # of the keyring; about 2 MB
    member_bytes_max: int = 67_108_864  # of one that is read whole: bundle.json and rows
    text_bytes_max: int = 268_435_456  # of `parts`: three million of them
    chain_max: int = 1_000  # bundles from a full one to the newest
    deltas_max: int = 30  # after so many the next bundle is full: a chain is as weak as any of it
    erasures_bytes_max: int = 268_435_456  # a list of three million
    tries_max: int = 10  # cuts, if a domain is erased in the middle of each
    sampled_bodies: int = 10_000  # opened by a check; all of them where there are fewer
    replayed: int = 3  # answers of deployments that a check asks for again


DEFAULT_BACKUP_LIMITS = BackupLimits()
