"""Retention in a whole estate: what expired is gone, and a stranger finds the rest proved."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from freehold.kernel import Ref
from freehold.kernel.acts import Actor, NotFound, Record
from freehold.kernel.ledger import PRUNED
from freehold.kernel.retention import pruned_digest, verify_pruned
from tests.estate.world import World, check_everything, copy_world, verify_bundle

COLUMNS: dict[str, list[Any]] = {"age": [50], "pressure": [150], "ward": ["north"]}


class Shifted:
    """The machine's clock, some days ahead."""

    def __init__(self) -> None:
        self.days = 0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.days)


@pytest.fixture(scope="module")
def answered(founded_deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment that has given 260 answers, closed."""
    folder = tmp_path_factory.mktemp("answered") / "world"
    world = copy_world(founded_deployed, folder)
    dana, ravi = world.actor("dana"), world.actor("ravi")
    for number in range(260):
        subject = "" if number % 50 else f"patient-{number}"
        answer = world.estate.serving.answer(dana, "triage", COLUMNS, subject=subject)
        if number == 20:
            world.estate.serving.decision(ravi, answer.id)
    world.close()
    return folder


@pytest.fixture
def clock() -> Shifted:
    return Shifted()


@pytest.fixture
def world(answered: Path, tmp_path: Path, clock: Shifted) -> Iterator[World]:
    world = copy_world(answered, tmp_path / "world", clock=clock)
    yield world
    world.close()


def export(world: World) -> bytes:
    file = io.BytesIO()
    world.estate.history.export(Actor(world.estate.people.find("ada")), file, is_full=True)
    return file.getvalue()


def verified(world: World, bundle: bytes, *, holds: bool = True) -> str:
    actor = Actor(world.estate.people.find("ada"))
    return verify_bundle(
        bundle,
        vkey=str(world.estate.pipeline.stores.log.key),
        signers=world.estate.people.allowed_signers(actor),
        holds=holds,
    )


Change = Callable[[str, bytes], bytes]


def changed(bundle: bytes, *, drop: str = "", change: Change = lambda _, data: data) -> bytes:
    """The bundle with some files left out or changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            if name != drop:
                new.writestr(name, change(name, old.read(name)))
    return file.getvalue()


def decisions(world: World) -> list[Record]:
    log = world.estate.pipeline.stores.log
    records = [Record.decode(entry) for entry in log.entries() if entry != PRUNED]
    return [each for each in records if each.act == "decision.answer" and each.phase == "done"]


def test_answers_lose_their_words_first_and_are_gone_when_the_logs_are_past_their_time(
    world: World, clock: Shifted
) -> None:
    operator, reviewer = (Actor(world.estate.people.find(each)) for each in ("otto", "ravi"))
    first = decisions(world)[0]
    estate = world.estate
    assert estate.retention.prune(operator) == ()
    clock.days = 185
    (words,) = estate.retention.prune(operator)
    assert words.kind == "decisions"
    assert estate.serving.decision(reviewer, first.id)["details"] is None
    check_everything(estate)
    world.reopen()
    clock.days = 3_700
    estate = world.estate
    (gone,) = estate.retention.prune(operator)
    assert (gone.kind, gone.count) == ("logs", words.count)
    with pytest.raises(NotFound):
        estate.serving.decision(reviewer, first.id)
    check_everything(estate)
    log = estate.pipeline.stores.log
    index = next(start for start, _ in log.reader().pruned())
    log.receipt(index).verify(first.encode(), [log.key])
    assert estate.history.receipt(reviewer, str(index))
    verify_pruned(log.reader())
    world.reopen()
    check_everything(world.estate)


def test_a_stranger_is_told_what_was_pruned_and_refuses_any_other_gap(
    world: World, clock: Shifted
) -> None:
    operator = Actor(world.estate.people.find("otto"))
    whole = export(world)
    clock.days = 3_700
    pruned = world.estate.retention.prune(operator)
    bundle = export(world)
    said = verified(world, bundle)
    assert f"{pruned[-1].count} entries pruned, as act {pruned[-1].act} says: holds" in said
    log = world.estate.pipeline.stores.log
    kept = [name for name in zipfile.ZipFile(io.BytesIO(bundle)).namelist() if "/kept/" in name]
    assert kept
    emptier = changed(
        bundle, change=lambda name, data: without_one(data) if name == kept[0] else data
    )
    assert "other entries are missing" in verified(world, emptier, holds=False)
    with zipfile.ZipFile(io.BytesIO(bundle)) as file:
        some = file.read(kept[0])
    before = changed(
        whole, drop=kept[0].replace("/kept/", "/tile/entries/"), change=lambda _, data: data
    )
    with zipfile.ZipFile(io.BytesIO(before)) as old:
        files = {name: old.read(name) for name in old.namelist()} | {kept[0]: some}
    assert "as act none says: DOES NOT HOLD" in verified(world, zipped(files), holds=False)
    assert "DOES NOT HOLD" in verified(world, changed(bundle, drop=kept[0]), holds=False)
    assert log.reader().verify_all()


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name, data in files.items():
            new.writestr(name, data)
    return out.getvalue()


def without_one(bundle: bytes) -> bytes:
    """A kept bundle with its last entry that is there taken out as well."""
    entries, at = [], 0
    while at < len(bundle):
        length = int.from_bytes(bundle[at : at + 2])
        entries.append(bundle[at + 2 : at + 2 + length])
        at += 2 + length
    last = max(n for n, entry in enumerate(entries) if entry)
    entries[last] = b""
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def test_a_held_answer_stays_with_its_words(world: World, clock: Shifted) -> None:
    operator, reviewer = (Actor(world.estate.people.find(each)) for each in ("otto", "ravi"))
    estate, held = world.estate, decisions(world)[3]
    estate.retention.hold(reviewer, Ref("decision", held.id), reason="a complaint")
    clock.days = 3_700
    estate.retention.prune(operator)
    assert estate.serving.decision(reviewer, held.id)["details"]["columns"] == COLUMNS
    assert held in decisions(world)
    check_everything(estate)


def test_no_record_of_people_rules_data_or_models_is_ever_pruned(
    world: World, clock: Shifted
) -> None:
    before = list(world.estate.pipeline.stores.log.entries())
    clock.days = 36_500
    world.estate.retention.prune(Actor(world.estate.people.find("otto")))
    after = list(world.estate.pipeline.stores.log.entries())[: len(before)]
    gone = {json.loads(was)["act"] for was, now in zip(before, after, strict=True) if was != now}
    assert gone == {"decision.answer", "decision.read"}


def test_the_estate_prunes_of_its_own_accord(world: World, clock: Shifted) -> None:
    clock.days = 185
    estate = world.estate
    itself = Actor(Ref("service", estate.pipeline.circumstances.estate.id))
    (pruned,) = estate.retention.prune(itself)
    record = estate.pipeline.record(estate.pipeline.position(pruned.act or ""))
    assert record.decision.policies == ("builtin.estate",)


def test_the_digest_of_empty_places_is_as_the_format_says() -> None:
    text = "freehold/pruned/v1\n3 5\n256 512\n"
    ranges = [(256, 300), (3, 4), (300, 512), (4, 5)]
    assert pruned_digest(ranges) == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert re.fullmatch("sha256:[0-9a-f]{64}", pruned_digest([]))
