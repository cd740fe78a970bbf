"""Acts on one thing wait for each other, and others do not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from freehold.kernel import FreeholdError, Ref, new_id
from freehold.kernel.policy import Denied
from tests.kernel.acts.lab import (
    MAKER,
    Lab,
    MakeThing,
    PaintThing,
    TouchThing,
    thing,
)

SOON = 5.0  # seconds; what waits longer waits for ever


@contextmanager
def running(work: Callable[[], None]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield thread
    thread.join(SOON)
    assert not thread.is_alive(), "it waits for ever"


def entering(lab: Lab, act_type: Any, on: Ref, entered: threading.Event) -> Callable[[], None]:
    def work() -> None:
        with lab.pipeline.perform(MAKER, act_type, on=on) as act:
            entered.set()
            act.conclude()

    return work


def test_exclusive_acts_on_one_thing_wait_for_each_other_and_no_others_do(lab: Lab):
    on = thing()
    lab.make(on)
    same, other, touch = threading.Event(), threading.Event(), threading.Event()
    with lab.pipeline.perform(MAKER, PaintThing(colour="black"), on=on) as act:
        waiting = threading.Thread(
            target=entering(lab, PaintThing(colour="white"), on.at(2), same), daemon=True
        )
        waiting.start()
        with running(entering(lab, MakeThing(colour="blue"), thing(), other)):
            assert other.wait(SOON)
        with running(entering(lab, TouchThing(), on, touch)):
            assert touch.wait(SOON)
        assert not same.wait(0.2)
        act.conclude()
    waiting.join(SOON)
    assert same.is_set()
    assert lab.colour(on) == "white"
    assert [r.act for r in lab.records()[-2:]] == ["thing.paint", "thing.paint"]


def test_who_waited_is_decided_by_what_is_true_then(lab: Lab):
    """Painted green while another waits to paint: the policy that keeps green sees it."""
    on, denied = thing(), threading.Event()
    lab.make(on)

    def paint() -> None:
        try:
            with lab.pipeline.perform(MAKER, PaintThing(colour="white"), on=on) as act:
                act.conclude()
        except Denied:
            denied.set()

    with lab.pipeline.perform(MAKER, PaintThing(colour="green"), on=on) as act:
        waiting = threading.Thread(target=paint, daemon=True)
        waiting.start()
        act.conclude()
    waiting.join(SOON)
    assert denied.is_set()
    assert lab.colour(on) == "green"
    assert lab.last().decision.policies == ("green.stays",)


def test_many_acts_at_once_are_all_recorded_and_projected(lab: Lab):
    things = [thing() for _ in range(24)]
    threads = [threading.Thread(target=lab.make, args=(on,)) for on in things]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert {record.resource for record in lab.records()} == set(map(str, things))
    assert [lab.colour(on) for on in things] == ["blue"] * 24
    before = lab.dump()
    assert lab.pipeline.rebuild() == 24
    assert lab.dump() == before


def test_acts_at_once_in_a_domain_that_does_not_exist_yet_all_succeed(lab: Lab):
    """As the first answers of a month, whose domain each of them finds missing."""
    on, domain, failed = thing(), new_id(), []
    lab.make(on)
    gate = threading.Barrier(12)

    def touch() -> None:
        try:
            with lab.pipeline.perform(MAKER, TouchThing(), on=on, domain=domain) as act:
                gate.wait(SOON)
                act.conclude()
        except FreeholdError as error:
            failed.append(error.code)

    threads = [threading.Thread(target=touch) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert failed == []
    assert {record.body.domain for record in lab.records()[1:] if record.body} == {domain}
