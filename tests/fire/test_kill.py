"""SIGKILL at any moment, over and over on one growing estate: no acknowledged act is lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest

from tests.fire.nursery import Nursery, nursery
from tests.fire.promises import Promises, check_everything

# Ten kills for `make test`, a thousand for the long suite.
RUNS = [
    pytest.param(10, id="10"),
    pytest.param(1_000, id="1000", marks=[pytest.mark.slow, pytest.mark.timeout(3 * 3_600)]),
]
FRESH_AFTER = 40  # kills of one estate, so that opening and checking it stay quick


@pytest.mark.parametrize("runs", RUNS)
def test_a_kill_at_any_moment_loses_no_acknowledged_act(
    founded_deployed: Path, tmp_path: Path, runs: int
):
    random = Random(runs)
    killed = seed = 0
    with nursery() as children:
        while killed < runs:
            folder = tmp_path / str(seed)
            shutil.copytree(founded_deployed, folder)
            promises = Promises(is_created=True, is_ratified=True)
            for _ in range(min(FRESH_AFTER, runs - killed)):
                seed += 1
                killed += kill_one(children, folder, promises, seed=seed, random=random)
            shutil.rmtree(folder)


def kill_one(
    children: Nursery, folder: Path, promises: Promises, *, seed: int, random: Random
) -> bool:
    """Let one child live and die; check all promises, its own included. Tell if it was killed."""
    # A third dies while it opens or rebuilds, the others among the acts of its threads.
    lines, delay = (0, 0.15) if random.random() < 0.35 else (random.randrange(6, 60), 0.03)
    life = children.live(
        folder, promises.passphrases, seed=seed, kill_after=random.random() * delay, lines=lines
    )
    assert life.was_killed or life.status == 0, f"life {seed}: {life.errors}"
    for line in life.told:
        promises.take_line(line)
    opened_with = check_everything(folder, promises)
    promises.passphrases = [opened_with]
    return life.was_killed
