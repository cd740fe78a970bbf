"""SIGKILL at any moment, over and over on one growing estate: no acknowledged act is lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest

from tests.fire.nursery import Death, nursery
from tests.fire.promises import Promises, check_everything

# Ten kills for `make test`, a thousand for the long suite.
RUNS = [
    pytest.param(10, id="10"),
    pytest.param(1_000, id="1000", marks=[pytest.mark.slow, pytest.mark.timeout(3 * 3_600)]),
]
FRESH_AFTER = 40  # kills of one estate, so that opening and checking it stay quick


def death(random: Random) -> Death:
    """When the next child dies: while it opens, rebuilds, closes, changes keys; or anywhere."""
    kind = random.choice(("open", "rebuild", "close", "rotate", "erase", "publish", "any", "any"))
    count = 1
    if kind == "any":
        word, count = '"do', random.randrange(6, 120)
    else:
        word = f'"doing": "{kind}"'
    seconds = 0.15 if kind in ("open", "rebuild") else 0.02
    return Death(kind, word.encode(), count, random.random() * seconds)


@pytest.mark.parametrize("runs", RUNS)
def test_a_kill_at_any_moment_loses_no_acknowledged_act(
    founded_deployed: Path, fast: Path, runs: int
):
    random = Random(runs)
    killed = seed = 0
    with nursery() as children:
        while killed < runs:
            folder = fast / str(seed)
            shutil.copytree(founded_deployed, folder)
            promises = Promises(is_created=True, is_ratified=True)
            for _ in range(min(FRESH_AFTER, runs - killed)):
                seed += 1
                life = children.live(folder, promises.passphrases, seed=seed, death=death(random))
                assert life.was_killed or life.status == 0, f"life {seed}: {life.errors}"
                killed += life.was_killed
                for line in life.told:
                    promises.take_line(line)
                promises.passphrases = [check_everything(folder, promises)]
            shutil.rmtree(folder)
