"""The machine: clock, memory, limits, and how well it can isolate work on governed data."""

from __future__ import annotations

import os
import platform
import resource
import sqlite3
from pathlib import Path

from freehold.compute import Isolation, probe
from freehold.doctor._check import Check, doubtful, good, unknown
from freehold.kernel import SystemClock

_MEMORY_FREE_MIN = 536_870_912  # opening takes under 300 MB; training and answering take more
_OPEN_FILES_MIN = 4_096  # a busy server: connections, segments, SQLite's files


def programs() -> Check:
    """Tell what the estate runs on."""
    told = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return good("software", f"{told}, {platform.system()} {platform.release()}")


def clock() -> Check:
    """Tell whether the kernel counts the clock as synchronised."""
    clock = SystemClock().state()
    if clock.state == "synchronized":
        return good("clock", f"synchronised, wrong by at most {clock.error_ms} ms")
    if clock.state == "unknown":
        return unknown("clock", "this machine does not tell whether its clock is synchronised")
    return doubtful(
        "clock",
        "not synchronised: every record says so",
        "start chrony or systemd-timesyncd, with a time source of your own in an air gap",
    )


def isolation() -> Check:
    """Try how far work on governed data can be shut off here."""
    level = probe()
    if level is Isolation.bubblewrap:
        return good("isolation", f"{level.name}, the strongest: no network, no foreign files")
    return doubtful(
        "isolation",
        f"{level.name}; work on classes that demand more is refused",
        "install bubblewrap and allow unprivileged user namespaces",
    )


def memory() -> Check:
    """Tell how much memory is available."""
    available = _meminfo().get("MemAvailable")
    if available is None:
        return unknown("memory", "this machine does not tell")
    told = f"{available / 1e9:,.1f} GB available"
    if available < _MEMORY_FREE_MIN:
        return doubtful("memory", told, "end what is not needed, or give the machine more")
    return good("memory", told)


def swap() -> Check:
    """Tell whether plain data could be swapped to disk in the clear."""
    try:
        devices = [line.split()[0] for line in Path("/proc/swaps").read_text().splitlines()[1:]]
    except OSError:
        return unknown("swap", "this machine does not tell")
    plain = [each for each in devices if not _is_encrypted(each)]
    if plain:
        return doubtful(
            "swap",
            f"{', '.join(plain)} is not known to be encrypted; plain data may be written there",
            "encrypt it (crypttab with a random key), use zram, or turn it off",
        )
    return good("swap", "none" if not devices else "encrypted or in memory")


def core_dumps() -> Check:
    """Tell whether a crash would write memory, keys included, to disk."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard == 0:
        return good("core dumps", "off")
    return doubtful(
        "core dumps",
        "allowed: the memory of a process that crashes, keys included, may land on disk",
        "LimitCORE=0 in the service's unit (ours has it), or `ulimit -Hc 0`",
    )


def open_files() -> Check:
    """Tell how many files a server may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = f"{soft:,} at once"
    if soft < _OPEN_FILES_MIN:
        return doubtful("open files", told, f"raise the limit to {_OPEN_FILES_MIN:,} (LimitNOFILE)")
    return good("open files", told if soft == hard else f"{told}, {hard:,} at most")


def _meminfo() -> dict[str, int]:
    """/proc/meminfo in bytes; empty where there is none."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return {}
    split = (line.split() for line in lines)
    return {name.rstrip(":"): int(value) * 1024 for name, value, *_ in split}


def _is_encrypted(device: str) -> bool:
    """Tell whether a swap device is compressed memory or a mapping made by dm-crypt."""
    if Path(device).name.startswith("zram"):
        return True
    name = Path(os.path.realpath(device)).name
    try:
        kind = Path("/sys/block", name, "dm", "uuid").read_text()
    except OSError:
        return False
    return kind.startswith("CRYPT-")
