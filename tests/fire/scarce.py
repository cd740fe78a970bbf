"""A disk that is full or read-only: the part of a test that runs in its own mount namespace.

    unshare --mount --map-root-user python -m tests.fire.scarce <scenario> <template> <folder>

`template` holds a closed estate with its people, and `secrets`. The disk is a small tmpfs mounted on
`folder`/disk, which nobody else sees. A failed assertion is the test's failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.fire.desk import Desk

KIB = 1024


class Disk:
    """A small file system of its own."""

    def __init__(self, place: Path, *, kib: int) -> None:
        self.place = place
        place.mkdir()
        self._mount("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs")
        self._ballast = place / "ballast"

    def fill(self, *, but_kib: int = 0) -> None:
        """Leave so much free."""
        free = os.statvfs(self.place)
        size = free.f_bavail * free.f_frsize - but_kib * KIB
        with self._ballast.open("ab") as file:
            file.write(bytes(max(0, size)))

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def set_writable(self, is_writable: bool) -> None:
        self._mount("-o", "remount,rw" if is_writable else "remount,ro")

    def _mount(self, *options: str) -> None:
        subprocess.run(["mount", *options, str(self.place)], check=True)


def full(template: Path, folder: Path) -> Desk:
    """At every amount of free space a command works, or says what is wanting and harms nothing."""
    disk, desk = _settle(template, folder)
    for free in (0, 4, 8, 16, 24, 32, 48, 64, 96, 160, 256):
        disk.fill(but_kib=free)
        desk.ingest(f"at-{free}")
        disk.free()
        if free in (0, 24, 64):
            desk.check()
    return desk


def read_only(template: Path, folder: Path) -> Desk:
    """A disk that turned read-only is told as such."""
    disk, desk = _settle(template, folder)
    disk.set_writable(False)
    assert not desk.ingest("refused")
    disk.set_writable(True)
    return desk


def server(template: Path, folder: Path) -> Desk:
    """A server whose disk runs full ends with words; started again on a free disk it goes on."""
    disk, desk = _settle(template, folder)
    for free in (0, 40):
        with _serving(desk) as process:
            assert desk.ingest(f"before-{free}")
            disk.fill(but_kib=free)
            for number in range(30):
                if not desk.ingest(f"until-{free}-{number}", rows=400):
                    break
            else:
                raise AssertionError("the disk is full and everything is ingested")
            status = process.wait(60)
        said = (desk.secrets / "log").read_text()
        assert status == 1, (status, said)
        assert "Traceback" not in said, said
        assert "No space left" in said or "full" in said, said
        disk.free()
        desk.check()
    with _serving(desk) as process:
        assert desk.ingest("after")
        process.terminate()
        assert process.wait(60) == 0
    return desk


def server_read_only(template: Path, folder: Path) -> Desk:
    """The same for a disk that turns read-only under a server."""
    disk, desk = _settle(template, folder)
    with _serving(desk) as process:
        assert desk.ingest("before")
        # what is open for writing would hold a clean remount up; an error does not ask
        disk.set_writable(False) if _may_remount(disk) else disk.fill()
        assert not desk.ingest("refused")
        assert process.wait(60) == 1
    disk.set_writable(True)
    disk.free()
    return desk


def _may_remount(disk: Disk) -> bool:
    try:
        disk.set_writable(False)
    except subprocess.CalledProcessError:
        return False
    return True


class _serving:
    """`freehold up` for as long as the block takes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __enter__(self) -> subprocess.Popen[bytes]:
        log = (self._desk.secrets / "log").open("wb")
        command = [sys.executable, "-c", "from freehold.cli import main; main()", "up"]
        self._process = subprocess.Popen(
            command, env=self._desk.environment(), stdout=log, stderr=log
        )
        log.close()
        socket = self._desk.folder / "estate" / "socket"
        end = time.monotonic() + 60
        while not socket.exists():
            said = (self._desk.secrets / "log").read_text()
            assert self._process.poll() is None, said
            assert time.monotonic() < end, f"no server: {said}"
            time.sleep(0.05)
        return self._process

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)


def _settle(template: Path, folder: Path) -> tuple[Disk, Desk]:
    disk = Disk(folder / "disk", kib=6 * KIB)
    home = disk.place / "home"
    shutil.copytree(template, home)
    return disk, Desk(home, folder)


SCENARIOS: dict[str, Callable[[Path, Path], Desk]] = {
    "full": full,
    "read_only": read_only,
    "server": server,
    "server_read_only": server_read_only,
}


def main() -> None:
    """Run a scenario; then all is well again, and the estate must be."""
    scenario, template, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    desk = SCENARIOS[scenario](template, folder)
    assert desk.ingest("goes-on")
    desk.check()
    print(*desk.codes, sep="\n")


if __name__ == "__main__":
    main()
