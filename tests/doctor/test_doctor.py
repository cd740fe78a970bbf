"""The doctor finds what is wrong with a folder or a machine, and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from freehold.doctor import Check, State, examine
from tests.estate.world import ROOT, World


def found(folder: Path) -> dict[str, Check]:
    return {check.name: check for check in examine(folder)}


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_healthy_estate_is_well_and_stays_as_it_is(world: World):
    world.ingest()
    world.close()
    world.home.parent.chmod(0o700)
    before = everything(world.home)
    checks = found(world.home)
    assert everything(world.home) == before
    assert not [check for check in checks.values() if check.state is State.bad]
    for name in ("permissions", "ledger", "catalog", "file system"):
        assert checks[name].state is State.good, checks[name]
    assert all(check.next for check in checks.values() if check.state is not State.good)


def test_without_an_estate_the_machine_is_looked_at(tmp_path: Path):
    checks = found(tmp_path / "none")
    assert {"clock", "isolation", "sync of the disk"} <= checks.keys()
    assert "ledger" not in checks


def test_who_holds_the_estate_is_told(world: World):
    assert f"held by process {os.getpid()}" in found(world.home)["ledger"].found
    world.close()
    assert "nobody holds it" in found(world.home)["ledger"].found


@pytest.mark.parametrize(
    ("path", "mode"), [("", 0o755), ("keys/custody.json", 0o640), ("keys/keyring.db", 0o604)]
)
def test_what_others_may_read_is_bad(world: World, path: str, mode: int):
    world.close()
    (world.home / path).chmod(mode)
    check = found(world.home)["permissions"]
    assert check.state is State.bad
    assert f"{mode:04o}" in check.found
    assert "chmod" in check.next


def test_a_parent_that_anybody_may_write_to_is_bad(world: World):
    world.close()
    world.home.parent.chmod(0o777)
    check = found(world.home)["permissions"]
    assert check.state is State.bad
    assert "anybody may write" in check.found


def test_keys_of_two_moments_are_bad(world: World):
    world.close()
    with sqlite3.connect(world.home / "keys" / "keyring.db") as db:
        db.execute("UPDATE root SET generation = generation + 1")
    db.close()
    check = found(world.home)["keys"]
    assert check.state is State.bad
    assert "one backup" in check.next


def test_a_ledger_without_its_checkpoint_is_bad(world: World):
    world.close()
    (world.home / "ledger" / "main" / "checkpoint").unlink()
    assert found(world.home)["ledger"].state is State.bad


def test_a_catalog_that_is_gone_or_no_database_is_only_doubtful(world: World):
    world.close()
    path = world.home / "catalog.db"
    path.write_bytes(b"no database " * 500)
    assert found(world.home)["catalog"].state is State.doubtful
    path.unlink()
    assert found(world.home)["catalog"].state is State.doubtful


def test_an_estate_in_memory_is_bad(tmp_path: Path):
    shm = Path("/dev/shm")  # a tmpfs on every Linux
    if not shm.is_dir():
        pytest.skip("not run: there is no /dev/shm")
    folder = shm / f"freehold-doctor-test-{os.getpid()}"
    folder.mkdir()
    try:
        check = found(folder)["file system"]
        assert check.state is State.bad
        assert "in memory" in check.found
        assert not list(folder.iterdir())
    finally:
        shutil.rmtree(folder)


def test_the_command_tells_it_to_programs_and_by_its_exit_status(world: World):
    world.close()
    world.home.parent.chmod(0o700)

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from freehold.cli import main; main()"]
        command += ["--estate", str(world.home), "doctor", *options]
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"), "HOME": "/nonexistent"}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    well = run("--json")
    assert well.returncode == 0, well.stderr
    told = {check["name"]: check for check in json.loads(well.stdout)}
    assert told["permissions"]["state"] == "good"
    world.home.chmod(0o755)
    ill = run()
    assert ill.returncode == 1
    assert "chmod go=" in ill.stdout
