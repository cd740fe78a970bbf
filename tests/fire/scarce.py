"""A disk that is full or read-only: the part of a test that runs in its own mount namespace.

    unshare --mount --map-root-user python -m tests.fire.scarce <scenario> <template> <folder>

`template` holds a closed estate with its people, and `secrets`. The disk is small and mounted on
`folder`/disk, which nobody else sees. A failed assertion is the test's failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.fire.desk import Desk

KIB = 1024
NOT_HERE = 77  # exit status: this scenario cannot be played on this machine

_Disk = TypeVar("_Disk", bound="Disk")


class Disk:
    """A small file system of its own, in memory."""

    def __init__(self, place: Path, *, kib: int) -> None:
        self.place = place
        place.mkdir()
        self._begin(kib)
        self._ballast = place / "ballast"

    def _begin(self, kib: int) -> None:
        self._mount("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs")

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


class Ext4(Disk):
    """A real one, in a file; takes root itself, and ends with NOT_HERE where that is not enough."""

    def _begin(self, kib: int) -> None:
        self._image = self.place.with_name("image")
        with self._image.open("wb") as file:
            file.truncate(4 * kib * KIB)
        subprocess.run(["mkfs.ext4", "-q", str(self._image)], check=True)
        try:
            self._mount("-o", "loop,errors=remount-ro", str(self._image))
            self._trigger = self._find_trigger()
        except (subprocess.CalledProcessError, StopIteration):
            sys.exit(NOT_HERE)

    def give_up(self) -> None:
        """Let the file system meet an error: it ends its journal and turns read-only."""
        self._trigger.write_text("1")

    def mount_again(self) -> None:
        """As after a restart: what was not on the disk is gone."""
        subprocess.run(["umount", str(self.place)], check=True)
        self._mount("-o", "loop,errors=remount-ro", str(self._image))
        self._trigger = self._find_trigger()

    def _find_trigger(self) -> Path:
        lines = Path("/proc/mounts").read_text().splitlines()
        device = next(line.split()[0] for line in lines if line.split()[1] == str(self.place))
        return Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error"


def full(template: Path, folder: Path) -> Desk:
    """At every amount of free space a command works, or says what is wanting and harms nothing."""
    disk, desk = _settle(template, folder, Disk)
    for free in (0, 4, 8, 16, 24, 32, 48, 64, 96, 160, 256):
        disk.fill(but_kib=free)
        desk.ingest(f"at-{free}")
        disk.free()
        if free in (0, 24, 64):
            desk.check()
    return desk


def read_only(template: Path, folder: Path) -> Desk:
    """A disk that turned read-only is told as such."""
    disk, desk = _settle(template, folder, Disk)
    disk.set_writable(False)
    assert not desk.ingest("refused")
    disk.set_writable(True)
    return desk


def server(template: Path, folder: Path) -> Desk:
    """A server whose disk runs full ends with words; started again on a free disk it goes on."""
    disk, desk = _settle(template, folder, Disk)
    for free in (0, 40):
        with serving(desk) as process:
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
    with serving(desk) as process:
        assert desk.ingest("after")
        process.terminate()
        assert process.wait(60) == 0
    return desk


def broken(template: Path, folder: Path) -> Desk:
    """A file system that gives up under a server, as ext4 does when its disk fails it.

    It turns read-only at once and drops what was not synced. Mounted again it goes on.
    """
    disk, desk = _settle(template, folder, Ext4)
    for number in range(2):
        with serving(desk) as process:
            assert desk.ingest(f"before-{number}")
            disk.give_up()
            assert not desk.ingest(f"refused-{number}")
            assert process.wait(60) == 1
        said = (desk.secrets / "log").read_text()
        assert "Traceback" not in said, said
        assert not desk.ingest(f"still-refused-{number}")
        disk.mount_again()
        desk.check()
    return desk


@contextmanager
def serving(desk: Desk) -> Iterator[subprocess.Popen[bytes]]:
    """`freehold up` for as long as the block takes; what it says lies in `secrets`/log."""
    log = desk.secrets / "log"
    command = [sys.executable, "-c", "from freehold.cli import main; main()", "up"]
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=desk.environment(), stdout=file, stderr=file)
    try:
        end = time.monotonic() + 60
        while b"serving" not in log.read_bytes() or not (desk.folder / "estate/socket").exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, f"no server: {log.read_text()}"
            time.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(30)


def _settle(template: Path, folder: Path, kind: type[_Disk]) -> tuple[_Disk, Desk]:
    disk = kind(folder / "disk", kib=6 * KIB)
    home = disk.place / "home"
    shutil.copytree(template, home)
    subprocess.run(["sync", "--file-system", str(home)], check=True)
    return disk, Desk(home, folder)


SCENARIOS: dict[str, Callable[[Path, Path], Desk]] = {
    "full": full,
    "read_only": read_only,
    "server": server,
    "broken": broken,
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
