"""Backups and restorations that are killed, run out of disk, or take more than memory."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from freehold.kernel.backup import Bundle
from tests.estate.world import ROOT, World, table
from tests.kernel.backup.scenes import check_same, restore

CHILD = """
import json, resource, sys
from pathlib import Path
from freehold.estate import ROOMS, Estate
from freehold.kernel.acts import Registry
from freehold.kernel.backup import Bundle, BundleWriter, Restoring, Unlock, Wanted, blob_facts
from tests.estate.world import custody
from tests.kernel.backup.scenes import SMALL

what, home, bundle, base, target, file_bytes_max, limits = json.loads(sys.argv[1])
if limits == "small":
    limits = SMALL
else:
    from freehold.kernel.backup import DEFAULT_BACKUP_LIMITS as limits
if what == "write":
    with Estate.open(Path(home), custody()) as estate:
        if file_bytes_max:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))
        writer = BundleWriter(estate.pipeline, limits=limits)
        print("begun", flush=True)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        writer.write(Path(bundle), Wanted(base=Bundle.read(Path(base)) if base else None))
else:
    restoring = Restoring(
        Bundle.read(Path(bundle), limits), Path(target), key=None,
        facts=blob_facts(Registry(ROOMS)),
    )
    print("begun", flush=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if file_bytes_max:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))
    restoring.run(Unlock(custody=custody()), custody())
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([before, after]))
"""


def start(
    what: str,
    world: World,
    bundle: Path,
    *,
    base: Path | str = "",
    target: Path | str = "",
    file_bytes_max: int = 0,
    limits: str = "small",
) -> subprocess.Popen[str]:
    """Start a process that writes or restores a bundle; it says when it begins."""
    told = [what, str(world.home), str(bundle), str(base), str(target), file_bytes_max, limits]
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, json.dumps(told)],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n", process.communicate()[1]
    return process


def kill(process: subprocess.Popen[str], after_seconds: float) -> bool:
    """Kill a process after a while; tell whether it was still at work."""
    time.sleep(after_seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    "times", [1, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])]
)
def test_killed_at_any_moment_it_goes_on(world, tmp_path, times):
    chosen = random.Random(times)
    for number in range(12):
        world.ingest(f"d{number}", table(300, marker=f"m{number}"))
    world.close()
    place = tmp_path / "b"
    steps: list[tuple[Path | str, Path]] = [("", place / "1"), (place / "1", place / "2")]
    for base, bundle in steps[: min(times, 2)]:
        killed = 0
        for _ in range(times):
            killed += kill(start("write", world, bundle, base=base), chosen.uniform(0, 0.25))
            if (bundle / "manifest").exists():
                shutil.rmtree(bundle)  # it was faster
        ended = start("write", world, bundle, base=base).communicate()
        assert (bundle / "manifest").exists(), ended[1]
        assert killed or times < 5
        assert not list(bundle.glob("*.tmp"))
        world.open()
        world.ingest(f"after {bundle.name}".replace(" ", "-"), table(9, marker=bundle.name))
        world.close()
    for _ in range(times):
        kill(start("restore", world, bundle, target=tmp_path / "r"), chosen.uniform(0, 0.25))
    ended = start("restore", world, bundle, target=tmp_path / "r").communicate()
    assert json.loads(ended[0]), ended[1]
    world.open()
    newest = Bundle.read(bundle)
    again = restore(newest.folder, tmp_path / "whole", world)
    kept = {
        path.relative_to(tmp_path / "whole"): path.read_bytes()
        for path in (tmp_path / "whole").rglob("*")
        if path.is_file()
        and path.name not in ("keyring.db", "keyring.db-wal", "keyring.db-shm", "restoring.json")
    }
    for path, content in kept.items():
        assert (tmp_path / "r" / path).read_bytes() == content, path
    assert again.bundles == min(times, 2)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_full_disk_is_told_and_cured(world, tmp_path):
    world.ingest("large", table(2_000, marker="q" * 20))
    world.close()
    bundle, target = tmp_path / "b" / "1", tmp_path / "r"
    for what, place in (("write", bundle), ("restore", target)):
        full = start(what, world, bundle, target=target, file_bytes_max=20_000)
        _, errors = full.communicate()
        assert full.returncode == 1
        assert "backup.storage" in errors or "cannot be read or written" in errors, errors
        assert place.exists()
        cured = start(what, world, bundle, target=target)
        assert cured.communicate()[0], what
        assert cured.returncode == 0
    world.open()
    check_same(world, target)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_does_not_grow_with_the_estate(world, tmp_path):
    peaks = {}
    for megabytes in (40, 400):
        _bring_in(world, megabytes)
        world.close()
        bundle, target = tmp_path / "b" / str(megabytes), tmp_path / f"r{megabytes}"
        for what in ("write", "restore"):
            done, errors = start(what, world, bundle, target=target, limits="default").communicate()
            assert done, errors
            before, after = json.loads(done)
            peaks[what, megabytes] = (after - before) / 1024
        world.open()
    assert peaks["write", 400] < max(peaks["write", 40], 100) * 1.5, peaks
    assert peaks["restore", 400] < max(peaks["restore", 40], 100) * 1.5, peaks
    assert max(peaks.values()) < 200, peaks


def _bring_in(world: World, megabytes: int) -> None:
    """Bring in data of random values, which no reader shortens."""
    rows = megabytes * 1_000_000 // 65
    noise = random.Random(megabytes).randbytes(rows * 30).hex()
    lines = (f"{noise[n * 60 : n * 60 + 60]},{n % 9}" for n in range(rows))
    content = b"value,outcome\n" + "\n".join(lines).encode() + b"\n"
    world.ingest(f"noise-{megabytes}", content)
