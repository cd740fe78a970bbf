"""What an estate asks of its catalog does not read every act there ever was."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from freehold.kernel import Ref
from freehold.kernel.acts import Actor
from freehold.verbs import VERBS
from tests.estate.world import World, copy_world

GROWING = re.compile(r"SCAN (act|link|decision)\b")
NEWEST = re.compile(r"FROM act ORDER BY act\.position DESC\s+LIMIT")  # read from the end, a few
COLUMNS: dict[str, list[Any]] = {"age": [50], "pressure": [150], "ward": ["north"]}


class Later:
    """The machine's clock, moved by some days."""

    days = 0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.days)


@contextmanager
def statements() -> Iterator[dict[str, Any]]:
    """Every statement that is run within, with parameters of one of its runs."""
    run: dict[str, Any] = {}

    def note(_c: Any, _cursor: Any, text: str, parameters: Any, _context: Any, many: bool) -> None:
        if text.startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            run[text] = parameters[0] if many else parameters

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield run
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def plan(catalog: Path, text: str, parameters: Any) -> list[str]:
    with sqlite3.connect(f"file:{catalog}?mode=ro", uri=True) as db:
        rows = db.execute(f"EXPLAIN QUERY PLAN {text}", parameters).fetchall()
    db.close()
    return [row[3] for row in rows]


@pytest.fixture
def clock() -> Later:
    return Later()


@pytest.fixture
def world(founded: Path, tmp_path: Path, clock: Later) -> Iterator[World]:
    world = copy_world(founded, tmp_path / "world", clock=clock)
    yield world
    world.close()


def use_everything(world: World, clock: Later) -> None:
    """A life of an estate, from the first dataset to its erasure and beyond."""
    world.ingest()
    world.deploy()
    estate, dana = world.estate, world.actor("dana")
    answer = estate.serving.answer(dana, "triage", COLUMNS)
    for _ in range(256):  # as many as fill a bundle, of which alone something is pruned
        estate.serving.answer(dana, "triage", COLUMNS)
    estate.retention.hold(world.actor("ravi"), Ref("decision", answer.id), reason="a complaint")
    asked: dict[str, dict[str, Any]] = {
        "ledger.acts": {},
        "ledger.lineage": {"thing": f"decision:{answer.id}"},
        "ledger.show": {"act": answer.id},
        "ledger.receipt": {"act": answer.id},
        "serving.decision": {"decision": answer.id},
        "policy.explain": {"act": answer.id},
        "estate.holds": {},
    }
    for path, arguments in asked.items():
        VERBS[path].function(estate, world.actor("ravi"), **arguments)
    for path, verb in VERBS.items():
        if path.endswith((".list", ".status")) and verb.needs_actor:
            verb.function(estate, world.actor("olivia"))
    for thing in ("model:triage", "model:triage@1", "deployment:triage", "user:dana"):
        VERBS["ledger.acts"].function(estate, world.actor("ravi"), resource=thing)
    estate.history.export(world.actor("ada"), io.BytesIO())
    estate.upkeep.collect(world.actor("otto"))
    world.erase()
    world.reopen()
    operator = Actor(world.estate.people.find("otto"))
    for clock.days in (200, 4_000):
        assert world.estate.retention.prune(operator)
    world.estate.retention.release(
        Actor(world.estate.people.find("ravi")), Ref("decision", answer.id), reason="settled"
    )
    assert world.estate.retention.prune(operator)
    world.reopen()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_reads_every_act(world: World, clock: Later) -> None:
    with statements() as run:
        use_everything(world, clock)
    assert len(run) > 80
    catalog = world.home / "catalog.db"
    plans = {text: str(plan(catalog, text, run[text])) for text in run if not NEWEST.search(text)}
    assert not {text: found for text, found in plans.items() if GROWING.search(found)}


def test_a_query_that_does_would_be_noticed(world: World) -> None:
    text = "SELECT position FROM act WHERE policies = ? ORDER BY position"
    assert GROWING.search(str(plan(world.home / "catalog.db", text, ("x",))))
