"""Records: the encoding is fixed, old ones stay readable, commitments are the documented ones."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from freehold.estate import ROOMS
from freehold.kernel import ClockState, new_id
from freehold.kernel.acts import (
    Body,
    InvalidRecord,
    Output,
    Record,
    RecordedDecision,
    Registry,
    SealedBody,
    commit_body,
    commit_request,
    open_body,
)
from freehold.kernel.catalog import Catalog
from freehold.kernel.vault import BodyAt
from tests.golden.regenerate import GOLDEN, ROOT, current_records

FILES = sorted(GOLDEN.parent.glob("records-v*.jsonl"))
LINES = [line for file in FILES for line in file.read_bytes().splitlines()]


def test_the_golden_file_has_what_the_declarations_write_today():
    missing = [line for line in current_records() if line not in LINES]
    assert not missing, "run `python tests/golden/regenerate.py` and look at the difference"


def test_every_act_and_every_phase_has_a_golden_record():
    records = [json.loads(line) for line in LINES]
    assert {record["act"] for record in records} >= set(Registry(ROOMS).acts)
    assert {record["phase"] for record in records} == {"started", "done", "failed", "denied"}


@pytest.mark.parametrize("line", LINES, ids=lambda line: json.loads(line)["act"])
def test_a_golden_record_is_read_and_written_again_byte_for_byte(line: bytes):
    assert rfc8785.dumps(json.loads(line)) == line
    assert Record.decode(line).encode() == line


def test_every_golden_record_can_be_projected_although_its_body_is_erased(tmp_path: Path):
    """A projection that raises would keep an estate from ever being opened again."""
    registry = Registry(ROOMS)
    for line in LINES:
        record = Record.decode(line)
        if record.phase == "done" and record.act in registry.acts:
            catalog = Catalog(tmp_path / f"{record.id}.db", record.log, registry.tables)
            catalog.apply(registry.acts[record.act].project(record, None), 1)
            catalog.close()


def test_the_keys_of_a_record_are_those_of_the_documentation():
    text = (ROOT / "docs" / "formats" / "record.md").read_text()
    documented = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert set(Record.__struct_fields__) == documented
    for line in LINES:
        record = json.loads(line)
        assert set(record) == documented - ({"clock"} if record["v"] == 1 else set())


IDS = st.uuids().map(str)
REFS = st.builds(lambda id_, version: f"thing:{id_}{version}", IDS, st.sampled_from(("", "@3")))
DIGESTS = st.binary(min_size=32, max_size=32).map(lambda value: f"sha256:{value.hex()}")
RECORDS = st.builds(
    Record,
    id=IDS,
    time=st.just("2026-11-24T06:02:49.123456Z"),
    clock=st.builds(ClockState, st.none() | st.integers(0, 16_000), st.just("unsynchronized")),
    log=st.just("estate/x/main"),
    principal=REFS,
    on_behalf=st.none() | REFS,
    act=st.just("thing.make"),
    phase=st.sampled_from(("started", "done", "failed", "denied")),
    continues=st.none() | IDS,
    resource=REFS,
    inputs=st.lists(REFS, max_size=3).map(tuple),
    outputs=st.lists(
        st.builds(Output, ref=REFS, sealed=st.none() | DIGESTS, digest=st.none() | DIGESTS),
        max_size=3,
    ).map(tuple),
    purpose=st.none() | st.just("research"),
    decision=st.just(RecordedDecision(("a",), "set", "request", "allow")),
    facts=st.dictionaries(
        st.sampled_from(("a", "b")),
        st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans() | st.just(0.5),
    ),
    error=st.none() | st.just("thing.broken"),
    body=st.none() | st.just(SealedBody(BodyAt(1, 2, 3), "c", "d")),
)


@given(RECORDS)
def test_what_is_encoded_is_decoded_and_canonical(record: Record):
    entry = record.encode()
    assert Record.decode(entry) == record
    assert rfc8785.dumps(json.loads(entry)) == entry


NO_RECORDS: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"\xff\xfe", "record.malformed"),
    "empty": (b"", "record.malformed"),
    "a list": (b"[]", "record.malformed"),
    "a number": (b"7", "record.malformed"),
    "no version": (b"{}", "record.malformed"),
    "a missing key": (b'{"v":1,"inputs":[],"outputs":[]}', "record.malformed"),
    "a key too much": (LINES[0][:-1] + b',"x":1}', "record.malformed"),
    "an output with a key too much": (
        LINES[0].replace(b'"sealed":null', b'"sealed":null,"name":"x"'),
        "record.malformed",
    ),
    "a first version that tells of a clock": (
        LINES[-1].replace(b'"v":2', b'"v":1'),
        "record.malformed",
    ),
    "a second version that tells of none": (
        LINES[0].replace(b'"v":1', b'"v":2'),
        "record.malformed",
    ),
    "no version that there ever was": (LINES[0].replace(b'"v":1', b'"v":0'), "record.version"),
    "a later version": (LINES[-1].replace(b'"v":2', b'"v":3'), "record.version"),
}


@pytest.mark.parametrize(("entry", "code"), NO_RECORDS.values(), ids=NO_RECORDS.keys())
def test_an_entry_that_is_no_record_is_refused(entry: bytes, code: str):
    with pytest.raises(InvalidRecord) as error:
        Record.decode(entry)
    assert error.value.code == code


def test_a_later_version_is_refused_with_the_way_out():
    with pytest.raises(InvalidRecord, match="newer Freehold"):
        Record.decode(LINES[-1].replace(b'"v":2', b'"v":3'))


# ---- bodies ---------------------------------------------------------------------------------

DETAILS = {"name": "claims", "rows": [1, 2.5, None], "nested": {"ä": "ö\u2028"}}
REQUEST = {"principal": {"type": "User", "id": "u"}, "context": {"trial": True, "approvals": 0}}


def test_a_body_and_its_commitments_follow_the_documented_formulas():
    body = Body.make(DETAILS, REQUEST)
    salt, said = body.plaintext[:32], body.plaintext[32:]
    assert said == rfc8785.dumps({"details": DETAILS, "request": REQUEST})  # type: ignore[dict-item]
    committed = hashlib.sha256(b"freehold/body/v1" + b"\x00" + body.plaintext).hexdigest()
    assert body.commitment == commit_body(body.plaintext) == f"sha256:{committed}"
    canonical_request = rfc8785.dumps(REQUEST)  # type: ignore[arg-type]
    asked = hashlib.sha256(b"freehold/request/v1" + b"\x00" + salt + canonical_request).hexdigest()
    assert body.request == commit_request(salt, REQUEST) == f"sha256:{asked}"


def test_equal_bodies_have_different_salts_and_commitments():
    bodies = [Body.make(DETAILS, REQUEST) for _ in range(3)]
    assert len({body.plaintext[:32] for body in bodies}) == 3
    assert len({body.commitment for body in bodies} | {body.request for body in bodies}) == 6


def test_a_body_is_opened_only_if_it_is_the_one_that_was_committed_to():
    body = Body.make(DETAILS, REQUEST)
    assert open_body(body.plaintext, body.commitment) == {"details": DETAILS, "request": REQUEST}
    for position in (0, 31, 32, len(body.plaintext) - 1):
        changed = bytearray(body.plaintext)
        changed[position] ^= 1
        with pytest.raises(InvalidRecord) as error:
            open_body(bytes(changed), body.commitment)
        assert error.value.code == "record.body"


UNCANONICAL: dict[str, Any] = {
    "not a number": float("nan"),
    "an integer that JSON does not hold": 2**60,
    "bytes": b"x",
    "text without UTF-8": "\ud800",
}


@pytest.mark.parametrize("value", UNCANONICAL.values(), ids=UNCANONICAL.keys())
def test_what_has_no_canonical_form_makes_no_body(value: Any):
    with pytest.raises(ValueError, match="canonical"):
        Body.make({"value": value}, {})


def test_ids_are_new_each_time_and_in_order_of_creation():
    ids = [new_id() for _ in range(50)]
    assert len(set(ids)) == 50
    assert [id_[:13] for id_ in ids] == sorted(id_[:13] for id_ in ids)
