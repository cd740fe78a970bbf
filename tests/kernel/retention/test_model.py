"""Retention held against a naive model, over random lives with power cuts in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freehold.kernel import FreeholdError, Ref
from freehold.kernel.acts import Record
from freehold.kernel.ledger import PRUNED, Receipt
from freehold.kernel.retention import verify_pruned
from tests.kernel.retention.lab import (
    DAYS,
    KEEPER,
    HearWord,
    Lab,
    PaintTopic,
    PowerCut,
)

TOPICS = 3
OTHERS = ("estate.prune", "estate.hold", "estate.release")

steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(60, 200), st.integers(0, TOPICS - 1)),
        st.tuples(st.just("hear"), st.integers(1, 30), st.integers(0, TOPICS - 1)),
        st.tuples(st.just("paint"), st.just(1), st.integers(0, TOPICS - 1)),
        st.tuples(st.just("refuse"), st.just(1), st.integers(0, TOPICS - 1)),
        st.tuples(st.just("hold"), st.just(1), st.integers(0, TOPICS - 1)),
        st.tuples(st.just("release"), st.just(1), st.integers(0, TOPICS - 1)),
        st.tuples(st.just("wait"), st.integers(5, 60), st.just(0)),
        st.tuples(st.just("prune"), st.just(0), st.just(0)),
        st.tuples(st.just("cut"), st.integers(1, 40), st.integers(0, 1)),
        st.tuples(st.just("rebuild"), st.just(0), st.just(0)),
    ),
    min_size=4,
    max_size=14,
)


@dataclass
class Said:
    """One record as the model knows it."""

    entry: bytes
    act: str
    phase: str
    time: datetime
    topic: str
    has_body: bool = True
    is_there: bool = True


@dataclass
class Model:
    """What has to be there: written down one by one, looked through from the beginning."""

    said: list[Said] = field(default_factory=list)
    held: set[str] = field(default_factory=set)

    def prune(self, now: datetime) -> None:
        full = len(self.said) // 256 * 256
        for each in self.said[:full]:
            can_go = each.act in ("word.say", "word.hear") and each.phase == "done"
            if can_go and each.topic not in self.held:
                each.has_body &= now - each.time <= timedelta(days=DAYS["words"])
                each.is_there &= now - each.time <= timedelta(days=DAYS["logs"])

    def prunings(self, entries: list[bytes]) -> list[str]:
        """The acts of pruning among entries that the model has not seen."""
        records = map(Record.decode, entries[len(self.said) :])
        return [record.facts["kind"] for record in records if record.act == "estate.prune"]


class Life:
    """A lab and its model, side by side."""

    def __init__(self, folder: Path) -> None:
        self.lab = Lab(folder)
        self.model = Model()
        self.topics = [Lab.topic() for _ in range(TOPICS)]

    def step(self, what: str, count: int, which: int) -> None:
        lab, topic = self.lab, self.topics[which]
        match what:
            case "say":
                lab.say(count, topic)
            case "hear":
                lab.say(count, topic, act=HearWord())
            case "paint":
                lab.say(count, topic, act=PaintTopic(colour="blue"))
            case "refuse":
                lab.be_refused(topic)
            case "hold" | "release":
                self.change_hold(what, topic)
            case "wait":
                lab.clock.advance(days=count)
            case "prune":
                self.model.prune(lab.clock.now())
                lab.retention.prune(KEEPER)
            case "cut":
                self.cut(count, is_written=bool(which))
            case "rebuild":
                before = lab.dump()
                lab.pipeline.rebuild()
                assert lab.dump() == before
        self.learn()

    def change_hold(self, what: str, topic: Ref) -> None:
        is_held = str(topic) in self.model.held
        if what == "hold" and not is_held:
            self.lab.retention.hold(KEEPER, topic, reason="a lawsuit")
            self.model.held.add(str(topic))
        if what == "release" and is_held:
            self.lab.retention.release(KEEPER, topic, reason="settled")
            self.model.held.remove(str(topic))

    def cut(self, at: int, *, is_written: bool) -> None:
        """Prune until the power goes; what was recorded by then is carried out at the opening."""
        lab = self.lab
        lab.fuse.arm(at, is_written=is_written)
        try:
            lab.retention.prune(KEEPER)
        except (PowerCut, FreeholdError):
            assert lab.fuse.kept.exists()
        lab.restart()
        recorded = self.model.prunings(lab.entries())
        was = [each.is_there for each in self.model.said]
        had = [each.has_body for each in self.model.said]
        self.model.prune(lab.clock.now())
        for each, is_there, has_body in zip(self.model.said, was, had, strict=True):
            if "logs" not in recorded:
                each.is_there = is_there
            if not recorded:  # bodies go first
                each.has_body = has_body

    def learn(self) -> None:
        """Write down what came to the log since."""
        for entry in self.lab.entries()[len(self.model.said) :]:
            record = Record.decode(entry)
            self.model.said.append(
                Said(
                    entry,
                    record.act,
                    record.phase,
                    datetime.fromisoformat(record.time),
                    record.facts.get("thing", record.resource),
                )
            )

    def check(self) -> None:
        lab, log = self.lab, self.lab.pipeline.stores.log
        log.publish()
        reader = log.reader()
        assert reader.verify_all().size == log.size == len(self.model.said)
        verify_pruned(reader)
        for index, (entry, each) in enumerate(zip(lab.entries(), self.model.said, strict=True)):
            assert entry == (each.entry if each.is_there else PRUNED), index
            if entry:
                assert (lab.pipeline.body(Record.decode(entry)) is None) != each.has_body, index
        for index in range(0, log.size, 41):
            receipt = Receipt.parse(log.receipt(index).text())
            receipt.verify(self.model.said[index].entry, [log.key])
        before = lab.dump()
        lab.pipeline.rebuild()
        assert lab.dump() == before


def live(life: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as folder:
        alive = Life(Path(folder) / "lab")
        try:
            for each in life:
                alive.step(*each)
            alive.check()
        finally:
            alive.lab.close()


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_any_life_leaves_what_the_naive_model_says(life) -> None:
    live(life)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_very_many_lives_leave_what_the_naive_model_says(life) -> None:
    live(life)


def test_a_life_with_everything_leaves_what_the_naive_model_says() -> None:
    live(
        [
            ("paint", 1, 0),
            ("say", 200, 0),
            ("say", 60, 1),
            ("refuse", 1, 1),
            ("hold", 1, 1),
            ("wait", 40, 0),
            ("cut", 12, 1),
            ("prune", 0, 0),
            ("release", 1, 1),
            ("say", 200, 2),
            ("hear", 30, 0),
            ("say", 100, 0),
            ("cut", 3, 0),
            ("wait", 60, 0),
            ("prune", 0, 0),
            ("hold", 1, 2),
            ("wait", 60, 0),
            ("cut", 25, 0),
            ("rebuild", 0, 0),
            ("prune", 0, 0),
            ("wait", 60, 0),
            ("release", 1, 2),
            ("prune", 0, 0),
        ]
    )
