"""Full and read-only disks, too few files, no memory: clear words, no damage, and on it goes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import not_run
from tests.estate.world import ROOT, copy_world
from tests.fire.desk import WANTING, Desk, write_secrets
from tests.fire.scarce import NOT_HERE, serving

_ISOLATED = ("unshare", "--mount", "--map-root-user")
slow = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def home(founded: Path, tmp_path: Path) -> Path:
    """A closed estate and its people, with the steward's token beside in `secrets`."""
    world = copy_world(founded, tmp_path / "home")
    token = world.estate.people.token(world.actor("olivia"), "stella").token
    world.close()
    write_secrets(tmp_path, token)
    return tmp_path / "home"


@pytest.mark.needs_program("unshare", "mount")
@pytest.mark.parametrize(
    "scenario",
    ["read_only", *(pytest.param(each, marks=slow) for each in ("full", "server", "broken"))],
)
def test_a_disk_that_does_not_take_writes_is_told_and_harms_nothing(
    home: Path, tmp_path: Path, scenario: str
):
    isolated = ("unshare", "--mount") if scenario == "broken" else _ISOLATED
    if subprocess.run([*isolated, "mount", "-t", "tmpfs", "x", "/mnt"], check=False).returncode:
        not_run("nothing can be mounted here")
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    done = subprocess.run(
        [*isolated, sys.executable, "-m", "tests.fire.scarce", scenario, str(home), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    if done.returncode == NOT_HERE:
        not_run("no ext4 can be mounted here")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split(), "nothing was ever wanting"


@pytest.mark.parametrize(
    ("what", "values"),
    [
        pytest.param("files", (14,), id="14 files"),
        pytest.param("memory", (8_192,), id="8 MiB of memory"),
        pytest.param("files", (8, 10, 12, 14, 16, 18, 20, 24), marks=slow, id="few files"),
        pytest.param(
            "memory", (1_024, 8_192, 16_384, 30_000, 80_000), marks=slow, id="little memory"
        ),
        pytest.param("filesize", (0, 1, 500, 4_096, 20_000, 70_000), marks=slow, id="short files"),
    ],
)
def test_a_process_that_gets_too_little_says_so_and_harms_nothing(
    home: Path, tmp_path: Path, what: str, values: tuple[int, ...]
):
    desk = Desk(home, tmp_path)
    for value in values:
        desk.ingest(f"{what}-{value}", limits=(what, str(value)))
        desk.check()
    assert set(desk.codes) - {"aborted"}, "nothing was ever told to be wanting"
    assert desk.ingest("goes-on")
    desk.check()


def test_a_server_that_can_write_no_more_ends_with_words(home: Path, tmp_path: Path):
    """A service manager starts it again, and opening recovers; half dead it would only refuse."""
    desk = Desk(home, tmp_path)
    with serving(desk) as process:
        assert desk.ingest("before")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (16_000, resource.RLIM_INFINITY))
        assert not desk.ingest("refused")
        assert process.wait(60) == 1
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said, said
    assert any(code in said for code in WANTING), said
    with serving(desk) as process:
        assert desk.ingest("after")
        process.terminate()
        assert process.wait(60) == 0
    desk.check()
