"""Checking records: what was really recorded is right, and each change of it is told."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from freehold.estate import ROOMS
from freehold.kernel import new_id
from freehold.kernel.acts import Found, Record, RecordCheck, Registry, SealedBody
from tests.estate.fixtures import founded, founded_deployed
from tests.estate.world import World, copy_world
from tests.golden.regenerate import GOLDEN
from tests.kernel.acts.naive_check import is_right

__all__ = ["founded", "founded_deployed"]

REGISTRY = Registry(ROOMS)
GOLDEN_LINES = GOLDEN.read_bytes().splitlines()
GOLDEN_ORIGIN = json.loads(GOLDEN_LINES[0])["log"]


@pytest.fixture(scope="module")
def real(founded_deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An estate in which the whole line was gone, and something erased."""
    world = copy_world(founded_deployed, tmp_path_factory.mktemp("check") / "world")
    world.ingest("gone")
    world.erase("gone")
    world.estate.pipeline.stores.log.publish()
    yield world
    world.close()


def entries_of(world: World) -> list[bytes]:
    return list(world.estate.pipeline.stores.log.entries())


def checked(
    check: RecordCheck, entries: list[bytes], *, first: int = 1
) -> tuple[list[Record], Found]:
    found = Found()
    return [record for _, record in check.run(first, entries, found)], found


def test_every_record_of_an_estate_and_its_body_are_as_they_have_to_be(real: World):
    pipeline, entries = real.estate.pipeline, entries_of(real)
    with pipeline.stores.vault.scan() as bodies:
        check = RecordCheck(REGISTRY, pipeline.stores.log.key.name, bodies=bodies)
        sound, found = checked(check, entries, first=0)
    assert found.faults == []
    assert found.erased > 0
    assert found.bodies + found.erased == len(entries)
    assert [record.encode() for record in sound] == entries
    assert check.repeated() == []
    assert check.begun == {}


def test_every_golden_record_is_right(real: World):
    """Also those that were written before their act had all the facts that it has today."""
    check = RecordCheck(REGISTRY, GOLDEN_ORIGIN)
    lines = sorted(GOLDEN_LINES, key=lambda line: b'"phase":"started"' not in line)
    sound, found = checked(check, lines)
    assert (len(sound), found.faults) == (len(lines), [])


def test_what_is_repeated_pruned_or_begun_is_told():
    check = RecordCheck(REGISTRY, GOLDEN_ORIGIN)
    started = next(line for line in GOLDEN_LINES if b'"phase":"started"' in line)
    assert [index for index, _ in check.run(1, [started, b"", started], Found())] == [1, 3]
    assert check.repeated() == [json.loads(started)["id"]]
    assert list(check.begun.values()) == ["model.train"]


def test_a_log_begins_with_the_making_of_its_estate(real: World):
    check = RecordCheck(REGISTRY, real.estate.pipeline.stores.log.key.name)
    sound, found = checked(check, entries_of(real)[1:2], first=0)
    assert ([fault.code for fault in found.faults], sound) == (["record.first"], [])


# ---- held against the naive reference

ODD_VALUES: list[Any] = [
    None, True, 0, -1, 2**53, 1.5, "", "x", "Ward 9", [], {}, [1, 2, 3], {"a": 1},
    "sha256:" + "0" * 64, "sha256:" + "G" * 64, "sha256:" + "0" * 63,
    "user:0192f0c4-1111-7000-8000-000000000005", "user:0192F0C4-1111-7000-8000-000000000005",
    "model:0192f0c4-1111-7000-8000-000000000003@0", "model:name@1", "a:b:c", "dataset:",
    "2026-11-24T06:02:49.123456Z", "2026-13-24T06:02:49.123456Z", "2026-11-24T06:02:49Z",
    "2026-11-24T06:61:49.123456Z", "done", "denied", "failed", "allow", "deny", "dataset.list",
    "0192f0c4-1111-7000-8000-000000000001", "not.known", "policy.denied", "UPPER", "a" * 200, "é",
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from places(item, (*path, key))


@st.composite
def changed(draw: st.DrawFn, lines: list[bytes]) -> bytes:
    """A record with one value replaced, removed or added, or written in another way."""
    record = json.loads(draw(st.sampled_from(lines)))
    record["continues"] = None
    path = draw(st.sampled_from(list(places(record))[1:]))
    holder: Any = record
    for key in path[:-1]:
        holder = holder[key]
    match draw(st.sampled_from(("replace", "remove", "add", "respell", "keep"))):
        case "replace":
            holder[path[-1]] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
        case "remove":
            del holder[path[-1]]
        case "add" if isinstance(holder, dict):
            name = draw(st.sampled_from(("extra", "rows", "approvals", "under", "evidence")))
            holder[name] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
        case "respell":
            return json.dumps(record).encode()
    try:
        return rfc8785.dumps(record)
    except rfc8785.CanonicalizationError:
        return json.dumps(record).encode()


@given(changed(GOLDEN_LINES))
def test_it_refuses_what_the_naive_reference_refuses_and_nothing_else(entry: bytes):
    sound, found = checked(RecordCheck(REGISTRY, GOLDEN_ORIGIN), [entry])
    assert bool(sound) == (not found.faults) == is_right(entry, REGISTRY, GOLDEN_ORIGIN), found


@given(st.lists(changed(GOLDEN_LINES), min_size=2, max_size=6))
def test_what_it_remembers_of_one_record_never_excuses_another(entries: list[bytes]):
    _, found = checked(RecordCheck(REGISTRY, GOLDEN_ORIGIN), [*entries, *entries])
    wrong = {
        index
        for index, entry in enumerate(entries, 1)
        if not is_right(entry, REGISTRY, GOLDEN_ORIGIN)
    }
    told = {fault.index for fault in found.faults}
    assert told == wrong | {index + len(entries) for index in wrong}


@pytest.mark.parametrize("name", ["commitment", "request", "body", "salt", "act", "resource"])
def test_a_body_that_is_not_what_was_committed_to_is_told(real: World, name: str):
    """The naive reference says the same of each of them."""
    pipeline = real.estate.pipeline
    origin, zeros = pipeline.stores.log.key.name, "sha256:" + "0" * 64
    records = [record for record in map(Record.decode, entries_of(real)) if record.body]
    record = next(each for each in records if pipeline.plaintext(each) is not None)
    assert record.body is not None
    changes: dict[str, Any] = {
        "commitment": {"body": replace(record.body, commitment=zeros)},
        "request": {"decision": replace(record.decision, request=zeros)},
        "body": {"body": other_body(records, record)},
        "salt": {"id": new_id()},
        "act": {"act": "vault.collect", "facts": {"count": 1, "bytes": 1}},
        "resource": {"resource": f"estate:{new_id()}"},
    }
    made_up = replace(record, **changes[name])
    with pipeline.stores.vault.scan() as bodies:
        _, found = checked(RecordCheck(REGISTRY, origin, bodies=bodies), [made_up.encode()])
    assert len(found.faults) == 1
    if name not in ("body", "salt"):  # which do not even open
        plain = pipeline.plaintext(record)
        assert not is_right(made_up.encode(), REGISTRY, origin, plain)
        assert is_right(record.encode(), REGISTRY, origin, plain)


def test_what_an_erased_body_would_be_held_against_still_has_to_be_a_digest(real: World):
    pipeline = real.estate.pipeline
    origin, records = pipeline.stores.log.key.name, map(Record.decode, entries_of(real))
    record = next(each for each in records if each.body and pipeline.plaintext(each) is None)
    assert record.body is not None
    made_up = replace(record, body=replace(record.body, commitment="sha256:none"))
    with pipeline.stores.vault.scan() as bodies:
        check = RecordCheck(REGISTRY, origin, bodies=bodies)
        _, found = checked(check, [record.encode(), made_up.encode()])
    assert [fault.index for fault in found.faults] == [2]
    assert found.erased == 1


def other_body(records: list[Record], record: Record) -> SealedBody:
    """The place of the body of another record of the same domain, else of any."""
    others = [each.body for each in records if each is not record and each.body]
    assert record.body is not None
    same = [body for body in others if body.domain == record.body.domain]
    return (same or others)[0]
