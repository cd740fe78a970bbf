"""Refusals of strangers are counted and recorded as totals, so that nobody fills the ledger."""

from __future__ import annotations

import threading

from freehold.kernel.acts import Record
from tests.estate.world import World


def totals(world: World) -> list[int]:
    pipeline = world.estate.pipeline
    found: list[Record] = [pipeline.record(index) for index in range(pipeline.stores.log.size)]
    return [each.facts["count"] for each in found if each.act == "access.refused"]


def test_many_refusals_are_few_records_and_none_is_lost(world):
    refusals = world.estate.refusals
    for _ in range(500):
        refusals.count()
    assert totals(world) == [1]  # the first at once, the rest once the interval is over
    world.reopen()
    assert totals(world) == [1, 499]


def test_refusals_at_the_same_time_are_one_record(world):
    refusals, start = world.estate.refusals, threading.Barrier(8)

    def strangers() -> None:
        start.wait()
        for _ in range(50):
            refusals.count()

    threads = [threading.Thread(target=strangers) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(totals(world)) == 1
    refusals.record()
    assert sum(totals(world)) == 400


def test_nothing_is_recorded_where_nobody_was_refused(world):
    world.estate.refusals.record()
    world.reopen()
    assert totals(world) == []
