"""What retention took is explained by its acts; what anybody else took is not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from freehold.audit import audit_estate
from freehold.kernel.acts import Record
from freehold.kernel.ledger import bundle_path
from tests.estate.world import World, copy_world
from tests.line.founding import StoppedClock
from tests.tamper.victim import Victim, codes

COLUMNS: dict[str, list[Any]] = {"age": [40], "pressure": [150], "ward": ["north"]}


@pytest.fixture(scope="module")
def pruned_template(founded_deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Victim:
    """An estate with a full bundle of answers, of which retention took the bodies."""
    clock = StoppedClock()
    folder = tmp_path_factory.mktemp("pruned") / "world"
    world = copy_world(founded_deployed, folder, clock=clock)
    dana = world.actor("dana")
    for _ in range(280):
        world.estate.serving.answer(dana, "triage", COLUMNS)
    clock.advance(days=200)
    assert [each.kind for each in world.estate.retention.prune(world.actor("olivia"))]
    check_within(world)
    world.close()
    return Victim(world.folder)


@pytest.fixture
def pruned(pruned_template: Victim, tmp_path: Path) -> Victim:
    """A copy of it."""
    shutil.copytree(pruned_template.folder, tmp_path / "world")
    return Victim(tmp_path / "world")


def check_within(world: World) -> None:
    report = audit_estate(world.estate, world.actor("ada"))
    assert codes(report) == set(), report.findings


def test_bodies_that_retention_took_are_no_finding(pruned: Victim):
    later = StoppedClock()
    later.advance(days=200)
    report = pruned.look(clock=later)
    assert codes(report) == set(), report.findings
    assert report.counts.bodies < report.counts.records


def test_an_estate_that_goes_by_a_time_still_to_come_is_told(pruned: Victim):
    assert codes(pruned.look()) == {"clock.ahead"}


def test_a_body_that_somebody_else_emptied_is_one(pruned: Victim):
    record = next(r for r in pruned.records() if r.body and r.act == "model.train")
    empty(pruned, record)
    (finding,) = [each for each in pruned.look().findings if each.code == "body.misplaced"]
    assert "no act of pruning" in finding.got


def empty(victim: Victim, record: Record) -> None:
    assert record.body is not None
    number, offset, length = record.body.at

    def zero(data: bytes) -> bytes:
        return data[:offset] + bytes(length) + data[offset + length :]

    victim.edit(f"vault/segments/{number:08}.seg", zero)


def test_entries_that_no_act_took_out_are_missed(pruned: Victim):
    """As pruning does it, but for the act: what is kept of a bundle stands in its place."""
    whole = pruned.log / bundle_path(0)
    entries = pruned.entries()[:256]
    entries[100] = b""
    kept = pruned.log / bundle_path(0).replace("tile/entries", "kept")
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(b"".join(len(entry).to_bytes(2) + entry for entry in entries))
    whole.unlink()
    report = pruned.look()
    assert "ledger.unexplained" in codes(report)
