"""Build the command that puts a process behind a level of isolation. Starts nothing itself.

Both sandboxes see the same: read-only, Python's own folders, Freehold's package and the system's
libraries; a private `/proc`, `/dev` and a small `/tmp`. No home, no `/run`, no `/var`, no `/etc`
beyond the loader's cache, so there is no socket by path and no file of another place to be found.
Nothing is inherited but the descriptors that are handed over on purpose.

What `namespaces` cannot promise: it is a shell script around `unshare`, `mount` and `pivot_root`,
so mounts below a folder that is shown (a disk mounted under `/usr`) stay writable where their
permissions allow it, and new user namespaces inside are not forbidden.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from freehold.compute._job import Isolation
from freehold.compute.errors import IsolationError

_SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_SCRATCH_BYTES = 67_108_864  # /tmp, in memory, for libraries; data belongs in outputs
_SHARED_BYTES = 1_048_576  # /dev/shm; holds semaphores alone


def sandbox_command(level: Isolation, code: Iterable[Path] = ()) -> list[str]:
    """Build the words to put before a command; `code` are more folders it may read.

    Raises:
        IsolationError: a program that the level needs is not installed.
    """
    if level is Isolation.process:
        return []
    shown = _shown(code)
    if level is Isolation.bubblewrap:
        return _bubblewrap(shown)
    return _namespaces(shown)


def source_folder() -> Path:
    """Find the folder that holds the package `freehold`."""
    return Path(__file__).resolve().parents[2]


def _shown(code: Iterable[Path]) -> list[str]:
    """Collect the folders a process needs to see, without those inside another."""
    wanted = [
        Path(sys.prefix),
        Path(sys.base_prefix),
        source_folder() / "freehold",
        Path("/usr"),
        *code,
    ]
    wanted += [path.resolve() for path in wanted]
    wanted += [Path("/", name) for name in _SYSTEM_LINKS if not Path("/", name).is_symlink()]
    kept: list[Path] = []
    for path in sorted({path for path in wanted if path.exists()}, key=lambda path: path.parts):
        if path == Path("/"):
            raise IsolationError(
                "compute.isolation",
                "Python is installed in '/', so showing it would show every file of this machine",
                "run Freehold from a virtual environment",
            )
        if not kept or not path.is_relative_to(kept[-1]):
            kept.append(path)
    return [str(path) for path in kept]


def _links() -> list[tuple[str, str]]:
    """List the links of a merged /usr: (target, place)."""
    return [
        (os.readlink(f"/{name}"), f"/{name}")
        for name in _SYSTEM_LINKS
        if os.path.islink(f"/{name}")
    ]


def _bubblewrap(shown: list[str]) -> list[str]:
    words = [_program("bwrap"), "--unshare-all", "--unshare-user", "--disable-userns"]
    words += ["--die-with-parent", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    words += ["--size", str(_SCRATCH_BYTES), "--tmpfs", "/tmp"]  # noqa: S108  # inside
    for path in shown:  # after /tmp, for Python itself may be installed below it
        words += ["--ro-bind", path, path]
    for target, place in _links():
        words += ["--symlink", target, place]
    words += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    words += ["--proc", "/proc", "--dev", "/dev"]
    words += ["--size", str(_SHARED_BYTES), "--tmpfs", "/dev/shm"]  # noqa: S108  # inside
    words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--"]
    return words


def _namespaces(shown: list[str]) -> list[str]:
    script = _namespaces_script(shown)
    words = [_program("setpriv"), "--pdeathsig", "KILL", _program("unshare")]
    words += ["--user", "--map-root-user", "--net", "--mount", "--pid", "--ipc", "--uts", "--fork"]
    return [*words, "--kill-child=KILL", "--", _program("sh"), "-c", script, "sandbox"]


def _namespaces_script(shown: list[str]) -> str:
    """Write the script that builds a new root on a tmpfs, moves into it and gives up all rights."""
    lines = [
        "set -e",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        # /sys always exists and holds nothing that is shown, so the new root grows on top of it
        f"mount -t tmpfs -o mode=755,size={_SHARED_BYTES},nosuid,nodev tmpfs /sys",
        "cd /sys; mkdir proc dev tmp hidden",
        f"mount -t tmpfs -o mode=1777,size={_SCRATCH_BYTES},nosuid,nodev tmpfs tmp",
    ]
    for path in map(shlex.quote, shown):
        lines.append(f"mkdir -p .{path}; mount --rbind {path} .{path}")
        lines.append(f"mount -o remount,bind,ro,nosuid,nodev .{path}")
    lines += [f"ln -s {shlex.quote(target)} .{place}" for target, place in _links()]
    if os.path.exists("/etc/ld.so.cache"):
        cache = "etc/ld.so.cache"
        lines.append(f"mkdir etc; : > {cache}; mount --bind /{cache} {cache}")
        lines.append(f"mount -o remount,bind,ro,nosuid,nodev {cache}")
    lines += [f": > dev/{name}; mount --bind /dev/{name} dev/{name}" for name in _DEVICES]
    lines += [
        "ln -s /proc/self/fd dev/fd; mkdir dev/shm",
        f"mount -t tmpfs -o mode=1777,size={_SHARED_BYTES},nosuid,nodev tmpfs dev/shm",
        "mount -t proc -o nosuid,nodev,noexec proc proc",
        "pivot_root . hidden; cd /; umount -l hidden; rmdir hidden",
        "mount -o remount,bind,ro,nosuid,nodev /",
        "unset PWD OLDPWD",
        'exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"',
    ]
    return "\n".join(lines)


def _program(name: str) -> str:
    path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin")
    if path is None:
        raise IsolationError(
            "compute.isolation",
            f"the program {name!r} is not installed",
            "install bubblewrap (0.8 or newer), or accept a lower level of isolation",
        )
    return path
