"""What a server does once a day."""

from __future__ import annotations

import logging
import threading

import pytest

from freehold.api import every_day, keep_retention
from freehold.kernel import FreeholdError
from tests.estate.world import World, make_world


def test_it_is_done_at_once_and_again_until_the_block_ends() -> None:
    done = threading.Semaphore(0)
    with every_day(done.release, seconds=0.01):
        for _ in range(3):
            assert done.acquire(timeout=10)
    assert not any(thread.name == "daily" for thread in threading.enumerate())


def test_an_error_is_told_and_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    tried = threading.Semaphore(0)

    def fail() -> None:
        tried.release()
        raise FreeholdError("a.code", "a reason")

    with caplog.at_level(logging.ERROR), every_day(fail, seconds=0.01):
        for _ in range(2):
            assert tried.acquire(timeout=10)
    assert "a.code: a reason" in caplog.text


def test_an_estate_without_a_charter_in_force_is_left_alone(tmp_path) -> None:
    world = make_world(tmp_path / "world", is_ratified=False)
    size = world.estate.pipeline.stores.log.size
    keep_retention(world.estate)
    assert world.estate.pipeline.stores.log.size == size
    world.close()


def test_an_estate_asks_its_own_policies(world: World) -> None:
    size = world.estate.pipeline.stores.log.size
    keep_retention(world.estate)
    assert world.estate.pipeline.stores.log.size == size  # permitted, and nothing is due
