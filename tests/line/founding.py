"""Estates under other rules than the demonstration's, and clocks that tests move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from freehold.charter import DEMO_PEOPLE, demo_charter
from freehold.compute import Executor
from freehold.estate import Estate
from freehold.kernel.signatures import new_key_file
from tests.estate.world import FakeExecutor, World, custody


class StoppedClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time

    def advance(self, **time: float) -> None:
        self.time += timedelta(**time)


def found(
    folder: Path,
    rules: Callable[[str], str] = lambda text: text,
    *,
    is_trial: bool = True,
    executor: Executor | None = None,
    comment: str = "",
) -> World:
    """Found an estate, not yet ratified, under what `rules` make of the demonstration's charter.

    `comment` is written into the people's public keys as they stand in the charter.
    """
    world = World(folder, executor or FakeExecutor(), None)
    (folder / "people").mkdir(mode=0o700, parents=True)
    keys = {
        person: f"{new_key_file(world.key(person), person)} {comment}".strip()
        for person in DEMO_PEOPLE
    }
    charter = rules(demo_charter(keys, accuracy=0.5)).encode()
    world.estate = Estate.create(
        world.home, charter, custody(), is_trial=is_trial, executor=world.executor
    )
    return world
