"""Every call that changes the disk fails once: told, refused after it, right when opened again.

The call is not carried out and says EIO or ENOSPC; it is the n-th of its kind in each thread. Then
the process closes and opens again, on a kernel that holds in memory what never reached the disk,
and goes on. After that the power may go at any moment: `disk.py` counts nothing that a failed sync
should have covered as durable, whatever was synced later.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.fire.nursery import Nursery, nursery
from tests.fire.promises import Promises, check_everything
from tests.fire.recorded import check_state
from tests.fire.replay import Replay
from tests.fire.states import crash_states, draw, lasting, tree
from tests.fire.trace import Call, read_calls

pytestmark = pytest.mark.needs_program("strace")

# What fails, how, and how often it happens in one life at most.
FAULTS = {
    "fdatasync": ("EIO", 150),
    "fsync": ("EIO", 90),
    "pwrite64": ("ENOSPC", 600),
    "write": ("ENOSPC", 120),
    "rename": ("EIO", 40),
    "link": ("ENOSPC", 6),
    "mkdir": ("ENOSPC", 8),
    "ftruncate": ("EIO", 24),
    "unlink": ("EIO", 50),
    "openat": ("EMFILE", 400),
}

_ONE = (1).to_bytes(8, "little")  # what is written to an eventfd


@pytest.fixture(scope="module")
def children() -> Iterator[Nursery]:
    with nursery() as children:
        yield children


@pytest.mark.parametrize("call", ["fdatasync", "fsync", "pwrite64"])
def test_a_call_that_fails_once_is_told_and_harms_nothing(
    children: Nursery, founded_deployed: Path, fast: Path, call: str
):
    error, most = FAULTS[call]
    place = Random(call).randrange(2, most // 3)
    assert meet(children, founded_deployed, fast, f"{call}:error={error}:when={place}", states=6)


@pytest.mark.slow
@pytest.mark.timeout(2 * 3_600)
@pytest.mark.parametrize("call", FAULTS)
def test_each_call_that_fails_once_is_told_and_harms_nothing(
    children: Nursery, founded_deployed: Path, fast: Path, call: str
):
    error, most = FAULTS[call]
    met = 0
    for place in range(1, most + 1):
        fault = f"{call}:error={error}:when={place}"
        if not meet(children, founded_deployed, fast, fault, states=3):
            break
        met += 1
    assert met > 3
    assert met < most, f"there are more calls of {call} than are tried"


def is_lost_wakeup(call: Call) -> bool:
    """Whether a library's thread could not wake another through an eventfd, which no disk makes
    happen: its process hangs and is killed, which must harm nothing either.
    """
    return call.name == "write" and call.has_failed and call.data(1) == _ONE


def meet(children: Nursery, template: Path, fast: Path, fault: str, *, states: int) -> bool:
    """Let a life meet a fault; tell whether it did, or there was no such call any more."""
    try:
        return _meet(children, template, fast, fault, states)
    except BaseException as error:
        error.add_note(f"after {fault}")
        raise


def _meet(children: Nursery, template: Path, fast: Path, fault: str, states: int) -> bool:
    folder = fast / "life"
    shutil.copytree(template, folder)
    replay = Replay(folder, "estate", "told")
    life = children.live_with(folder, folder / "trace", fault)
    calls = list(read_calls(folder / "trace"))
    assert life.status == 0 or any(map(is_lost_wakeup, calls)), f"{fault}: {life.errors}"
    is_met = "(INJECTED)" in (folder / "trace").read_text()
    recording = replay.record(calls)
    assert lasting(recording.picture(sys.maxsize, {})) == lasting(tree(folder, "estate"))
    told = "".join(text for _, text in recording.marks).splitlines()
    assert told, "the trace began too late"
    for failed in filter(lambda line: "failed" in line, map(json.loads, told)):
        assert failed["hint"], f"{fault}: {failed} says no next step"
    found = crash_states(recording, seed=1, moments=60, after=replay.failed_at)
    for state in draw(found, states, Random(fault)):
        check_state(recording, state, people=folder / "people", place=fast / "state")
    check_everything(folder, Promises.of(told))
    shutil.rmtree(folder)
    return is_met
