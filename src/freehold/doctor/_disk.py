"""The disk under an estate: its file system, its room, and whether a sync means something."""

from __future__ import annotations

import errno
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from freehold.doctor._check import Check, bad, doubtful, good, unknown

_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_ON_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "glusterfs", "ceph"})
_UNSAFE_OPTIONS = frozenset({"nobarrier", "barrier=0", "data=writeback", "nolog"})
_FREE_BYTES_MIN = 1_073_741_824  # a backup's parts, a rebuilt catalog, some days of decisions
_FREE_SHARE_MIN = 0.05
_INODES_FREE_MIN = 100_000  # each blob and each tile is a file
_SYNCS = 30
_PROBE = b"\0" * 1_000  # about one record
_SYNC_US_MIN = 20.0  # a sync that a device answers; the fastest write caches take about 25 µs
_SYNC_US_SLOW = 20_000.0  # slower than a single rotating disk


@dataclass(frozen=True, slots=True)
class _Mount:
    point: Path
    kind: str
    options: frozenset[str]


def file_system(folder: Path) -> Check:
    """Tell the kind of file system, and whether it keeps what it was told to sync."""
    name = "file system"
    mount = _mount_of(folder)
    if mount is None:
        return unknown(name, "this machine does not list its mounts")
    told = f"{mount.kind} at {mount.point}"
    if mount.kind in _IN_MEMORY:
        return bad(name, f"{told}: in memory, gone at the next boot", "move the estate to a disk")
    if unsafe := mount.options & _UNSAFE_OPTIONS:
        return bad(
            name,
            f"{told} with {', '.join(sorted(unsafe))}: a power cut may lose what was synced",
            "mount it without these options",
        )
    if "ro" in mount.options:
        return bad(name, f"{told}, read-only", "mount it for writing; check the kernel's log first")
    if mount.kind in _ON_NETWORK:
        return doubtful(
            name,
            f"{told}: over a network, where locks and syncs depend on the server",
            "keep the estate on a local disk, and its backups elsewhere",
        )
    return good(name, told)


def space(folder: Path) -> Check:
    """Tell how much room is left, in bytes and in files."""
    status = os.statvfs(folder)
    free, whole = status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize
    told = f"{free / 1e9:,.1f} of {whole / 1e9:,.1f} GB free"
    if status.f_files and status.f_favail < _INODES_FREE_MIN:
        return doubtful(
            "space",
            f"{told}, but room for {status.f_favail:,} more files only",
            "a full disk stops the estate; nothing acknowledged is lost, but make room in time",
        )
    if free < _FREE_BYTES_MIN or free < whole * _FREE_SHARE_MIN:
        return doubtful(
            "space",
            told,
            "a full disk stops the estate; nothing acknowledged is lost, but make room in time",
        )
    return good("space", told)


def sync_behaviour(folder: Path) -> Check:
    """Append and sync as the ledger does, and judge by the time whether it reached a device.

    It cannot prove it: a disk with a volatile cache that ignores flushes looks like a fast one.
    Only cutting the power shows the difference.
    """
    name = "sync of the disk"
    probe = folder / f".freehold-doctor-{os.getpid()}"
    try:
        file = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC)
    except OSError as error:
        return bad(name, f"nothing can be written here: {error.strerror}", _cure(error))
    try:
        times = sorted(_synced_appends(file))
    except OSError as error:
        return bad(name, f"a sync failed: {error.strerror}", _cure(error))
    finally:
        os.close(file)
        probe.unlink(missing_ok=True)
    median, worst = statistics.median(times), times[-1]
    told = f"{_duration(median)} each, {_duration(worst)} at worst, of {_SYNCS}"
    if median < _SYNC_US_MIN:
        return bad(
            name,
            f"{told}: faster than a device can answer, so it probably reaches none",
            "check for libeatmydata, a disk cache in unsafe mode, or a file system in memory",
        )
    if median > _SYNC_US_SLOW:
        return doubtful(
            name, told, "each act waits for three syncs; a faster disk makes everything faster"
        )
    return good(name, told)


def _synced_appends(file: int) -> Iterator[float]:
    """Time of each append with its sync, in microseconds."""
    for _ in range(_SYNCS):
        started = time.perf_counter()
        os.write(file, _PROBE)
        os.fdatasync(file)
        yield (time.perf_counter() - started) * 1e6


def _duration(microseconds: float) -> str:
    return f"{microseconds / 1000:,.1f} ms" if microseconds >= 1000 else f"{microseconds:,.0f} µs"


def _cure(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk or its quota is full: make room"
        case errno.EROFS:
            return "it is mounted read-only: check the kernel's log, then mount it for writing"
        case errno.EACCES | errno.EPERM:
            return "run this as the user who owns the estate"
        case _:
            return "check the disk's health in the kernel's log before anything else"


def _mount_of(folder: Path) -> _Mount | None:
    """The mount that holds `folder` (proc(5), /proc/self/mounts)."""
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return None
    place, found = folder.resolve(), None
    for line in lines:
        _, point, kind, options, *_ = line.split(" ")
        mount = _Mount(Path(_unescaped(point)), kind, frozenset(options.split(",")))
        if place.is_relative_to(mount.point) and (
            found is None or len(mount.point.parts) >= len(found.point.parts)
        ):
            found = mount  # a later mount on the same point hides the earlier one
    return found


def _unescaped(text: str) -> str:
    """Undo the octal escapes of a mount point: a space is `\\040`."""
    return text.encode().decode("unicode_escape") if "\\" in text else text
