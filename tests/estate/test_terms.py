"""Terms of a source in an estate: policies decide by them, and a day ends them without anybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from freehold.data import DataError
from freehold.kernel.acts import NotFound
from freehold.kernel.policy import Denied
from tests.estate.world import PURPOSE, World, check_everything, copy_world, dump, ledger_bytes
from tests.line.founding import StoppedClock

WORDS = "Registry of Nowhere, paragraph 14"


def terms(**changes: str) -> str:
    values = {
        "supplier": f'"{WORDS}"',
        "contract": '"2026-114"',
        "licence": '"contract"',
        "purposes": f'["{PURPOSE}"]',
        "supplier_uses": "[]",
        "onward": "[]",
        "legal_basis": '"public-task"',
    }
    return "\n".join(f"{key} = {value}" for key, value in (values | changes).items())


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def timed(founded: Path, tmp_path: Path, clock: StoppedClock) -> Iterator[World]:
    world = copy_world(founded, tmp_path / "timed", clock=clock)
    world.ingest()
    yield world
    world.close()


def test_terms_end_by_the_clock_and_new_ones_begin(timed, clock):
    data, stella = timed.estate.data, timed.actor("stella")
    today = clock.now().date()
    stated = data.set_terms(stella, "patients", terms(expires=str(today)))
    assert (stated.state, stated.supplier) == ("in-force", WORDS)
    timed.train()
    until_midnight = timedelta(days=1) - timedelta(
        hours=clock.now().hour, minutes=clock.now().minute, seconds=clock.now().second
    )
    clock.advance(seconds=until_midnight.total_seconds() - 1)
    timed.train()
    clock.advance(seconds=1)
    with pytest.raises(Denied) as denied:
        timed.train()
    assert "charter.terms.days" in denied.value.policies
    assert data.terms(stella, "patients").state == "expired"
    assert [gap.gap for gap in data.gaps(stella)] == ["expired"]

    tomorrow = clock.now().date() + timedelta(days=1)
    data.set_terms(stella, "patients", terms(starts=str(tomorrow)))
    with pytest.raises(Denied):
        timed.train()
    clock.advance(hours=24)
    timed.train()
    assert data.gaps(stella) == ()


def test_a_day_counts_after_a_restart_too(timed, clock):
    timed.estate.data.set_terms(
        timed.actor("stella"), "patients", terms(expires=str(clock.now().date()))
    )
    clock.advance(hours=24)
    timed.reopen()
    with pytest.raises(Denied):
        timed.train()


def test_a_purpose_that_the_terms_do_not_allow_is_refused(timed):
    stella = timed.actor("stella")
    timed.estate.data.set_terms(stella, "patients", terms(purposes='["research"]'))
    with pytest.raises(Denied) as denied:
        timed.train()
    assert denied.value.policies == ("charter.terms.purpose",)
    (gap,) = timed.estate.data.gaps(stella)
    assert (gap.gap, gap.name) == ("purposes", "patients")
    assert PURPOSE in gap.meaning


def test_words_of_terms_are_erasable_and_facts_are_not_lost(world):
    data, stella = world.estate.data, world.actor("stella")
    world.ingest()
    with pytest.raises(NotFound, match="no terms"):
        data.terms(stella, "patients")
    assert [gap.gap for gap in data.gaps(stella)] == ["no-terms"]
    data.set_terms(stella, "patients", terms(supplier_uses='["sell"]'))
    assert WORDS.encode() not in ledger_bytes(world)
    before = dump(world.estate)
    world.estate.pipeline.rebuild()
    assert dump(world.estate) == before
    ref = data.find("patients").at(None)
    world.erase()
    stated = data.terms(stella, str(ref))
    assert (stated.supplier, stated.contract, stated.licence) == (None, None, "contract")
    assert data.gaps(stella) == ()
    check_everything(world.estate)


def test_what_cannot_be_read_leaves_nothing(world):
    world.ingest()
    size = world.estate.pipeline.stores.log.size
    for text in ("", terms(purposes='["profit"]'), terms(onward='["somewhere"]')):
        with pytest.raises(DataError):
            world.estate.data.set_terms(world.actor("stella"), "patients", text)
    assert world.estate.pipeline.stores.log.size == size


def test_whoever_sees_the_datasets_sees_their_gaps(world):
    world.ingest()
    for person in ("olivia", "ada"):
        assert [gap.gap for gap in world.estate.data.gaps(world.actor(person))] == ["no-terms"]


def test_only_who_may_states_terms(world):
    world.ingest()
    with pytest.raises(Denied):
        world.estate.data.set_terms(world.actor("clara"), "patients", terms())
