"""Runs a workload under `strace` and lays down what a crash of it may leave."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.estate.world import ROOT
from tests.fire.disk import Recording
from tests.fire.promises import Promises, check_everything
from tests.fire.replay import Replay
from tests.fire.states import CrashState, lay_down
from tests.fire.trace import read_calls, traced
from tests.fire.workload import TOLD

TREE = "estate"
WORKLOAD_SECONDS_MAX = 100


def run_traced(
    folder: Path, *words: str, options: Sequence[str] = (), name: str = "trace"
) -> subprocess.CompletedProcess[str]:
    """Run the workload on `folder` and write its calls to `folder`/`name`.

    `options` are for strace, which can let calls fail.
    """
    command = [sys.executable, "-W", "error", "-m", "tests.fire.workload", str(folder), *words]
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    return subprocess.run(
        traced(folder / name, command, options),
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=WORKLOAD_SECONDS_MAX,
        check=False,
    )


def record(folder: Path, *words: str) -> Recording:
    """Run the workload to its end and give what it did to the estate in `folder`."""
    return go_on(Replay(folder, TREE, TOLD), folder, *words)


def go_on(replay: Replay, folder: Path, *words: str) -> Recording:
    """Run a workload to its end after what `replay` has seen already, and give all of it."""
    done = run_traced(folder, *words)
    assert done.returncode == 0, done.stderr
    return replay.record(read_calls(folder / "trace", replay.moment + 1))


def lay_state(recording: Recording, state: CrashState, *, people: Path, place: Path) -> None:
    """Lay a state down in `place`, which is emptied, beside the keys of its people."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / "people").symlink_to(people)
    lay_down(recording.picture(state.moment, state.exceptions), place)


def check_state(recording: Recording, state: CrashState, *, people: Path, place: Path) -> None:
    """Lay a state down and hold it to what was told by then."""
    lay_state(recording, state, people=people, place=place)
    try:
        check_everything(place, Promises.of("".join(recording.marked(state.moment)).splitlines()))
    except BaseException as error:
        error.add_note(f"in {state}, laid down in {place}")
        raise
