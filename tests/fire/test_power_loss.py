"""Power loss at any moment of an estate's life: no acknowledged act is lost, nothing is damaged.

One process goes through its whole life under `strace`. Whatever the disk may hold at any moment of
it (`disk.py`), laid down and opened, keeps every promise that was told by then (`promises.py`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest

from tests.fire.disk import Recording
from tests.fire.promises import Promises
from tests.fire.recorded import check_state, go_on, lay_state, record, run_traced
from tests.fire.replay import Replay
from tests.fire.states import crash_states, draw, lasting, tree
from tests.fire.trace import read_calls
from tests.fire.workload import TOLD

pytestmark = pytest.mark.needs_program("strace")

# (moments, states): a sample for `make test`, and the long suite
SIZES = [
    pytest.param(45, 40, id="a sample"),
    pytest.param(
        700, 4_000, id="thousands", marks=[pytest.mark.slow, pytest.mark.timeout(4 * 3_600)]
    ),
]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Recording]:
    """The whole life of an estate, recorded."""
    folder = tmp_path_factory.mktemp("life")
    return folder, record(folder, "life")


def test_the_recording_ends_with_what_really_lies_on_the_disk(life: tuple[Path, Recording]):
    folder, recording = life
    assert lasting(recording.picture(sys.maxsize, {})) == lasting(tree(folder, "estate"))
    assert len(recording.operations) > 1_000
    assert len(recording.marked(sys.maxsize)) > 30


@pytest.mark.parametrize(("moments", "count"), SIZES)
def test_whatever_power_loss_leaves_keeps_every_promise(
    life: tuple[Path, Recording], fast: Path, moments: int, count: int
):
    folder, recording = life
    states = crash_states(recording, seed=moments, moments=moments)
    for state in draw(states, count, Random(count)):
        check_state(recording, state, people=folder / "people", place=fast / "state")


# Calls of pwrite64 after which the process is killed: while data comes in, answers, keys change.
KILLED = [700, 860, 1000]
AGAIN = [
    pytest.param(12, 8, id="a sample"),
    pytest.param(300, 400, id="hundreds", marks=[pytest.mark.slow, pytest.mark.timeout(3_600)]),
]


@pytest.mark.parametrize(("moments", "count"), AGAIN)
@pytest.mark.parametrize("kill_at", KILLED)
def test_power_loss_after_a_kill_and_a_restart_keeps_every_promise(
    tmp_path: Path, fast: Path, kill_at: int, moments: int, count: int
):
    """That another process reads what a killed one wrote does not make it durable."""
    replay = Replay(tmp_path, "estate", TOLD)
    kill = ("-e", f"inject=pwrite64:signal=KILL:when={kill_at}")
    assert run_traced(tmp_path, "life", options=kill).returncode != 0
    for call in read_calls(tmp_path / "trace"):
        replay.follow(call)
    replay.forget_process()
    promises, after = Promises.of(text for _, text in replay.marks), replay.moment
    recording = go_on(replay, tmp_path, "open", *promises.passphrases)
    assert lasting(recording.picture(sys.maxsize, {})) == lasting(tree(tmp_path, "estate"))
    states = crash_states(recording, seed=1, moments=moments, after=after)
    for state in draw(states, count, Random(1)):
        check_state(recording, state, people=tmp_path / "people", place=fast / "state")


@pytest.mark.parametrize(("moments", "count"), AGAIN)
def test_a_second_power_loss_while_recovering_keeps_every_promise(
    life: tuple[Path, Recording], tmp_path: Path, fast: Path, moments: int, count: int
):
    """What a first crash left is opened by another process, and crashes at any moment of that."""
    folder, recording = life
    created = min(began for began, text in recording.marks if '"done": "ratify"' in text)
    states = crash_states(recording, seed=3, moments=50, after=created)
    random = Random(moments)
    for number, first in enumerate(draw(states, max(1, count // 80), random)):
        place = tmp_path / str(number)
        lay_state(recording, first, people=folder / "people", place=place)
        told = "".join(recording.marked(first.moment))
        replay = Replay(place, "estate", TOLD)
        replay.marks.append((-1, told))
        passphrases = Promises.of(told.splitlines()).passphrases
        again = go_on(replay, place, "open", *passphrases)
        for state in draw(crash_states(again, seed=1, moments=moments), count, random):
            check_state(again, state, people=folder / "people", place=fast / "state")
