"""An audit in rounds: everything once, then what is new and a part of the old; and a memory that
makes the auditor's machine a pin.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from freehold.audit import (
    MEANINGS,
    PARTS,
    AuditError,
    FolderAudit,
    Memory,
    Pin,
    Result,
    Severity,
    Trust,
    read_memory,
    write_memory,
)
from freehold.kernel.acts import Record
from freehold.kernel.ledger import (
    Checkpoint,
    CosignerKey,
    Ed25519Signer,
    Promise,
    cosign,
    leaf_hash,
)
from tests.estate.world import World, make_world
from tests.tamper.victim import REGISTRY, Victim, codes


def audit_of(world: World, memory: Memory | None = None) -> FolderAudit:
    return FolderAudit(world.home, REGISTRY, memory=memory)


def test_it_works_beside_the_process_that_writes(world: World):
    """The estate stays open and goes on; nothing is held up, nothing is changed, nothing found."""
    audit = audit_of(world)
    for number in range(5):
        world.ingest(f"set-{number}", data_class="internal")
        before = shutil.disk_usage(world.home).used
        report = audit.round()
        assert codes(report) == set(), report.findings
        assert before
    world.erase("set-0")
    assert codes(audit.round()) == set()


def test_a_checkpoint_that_the_writer_drafts_or_thins_meanwhile_is_no_finding(world: World):
    checkpoints = world.home / "ledger" / "main" / "checkpoints"
    (checkpoints / f"{2:020}.tmp").write_text("a draft")
    paths = (checkpoints / f"{size:020}" for size in count(2))
    free = next(path for path in paths if not path.exists())  # the log publishes when it wants to
    free.symlink_to("thinned")  # listed, and gone when read
    assert codes(audit_of(world).round()) == set()


def test_later_rounds_look_at_what_is_new(world: World):
    world.ingest()
    world.estate.pipeline.stores.log.publish()
    audit = audit_of(world)
    first = audit.round()
    world.ingest("more", data_class="internal")
    world.estate.pipeline.stores.log.publish()
    second = audit.round()
    assert second.size > first.size
    assert second.counts.records == second.size
    assert 0 < second.counts.checkpoints < first.counts.checkpoints


def test_what_is_damaged_between_rounds_is_found_within_as_many_as_there_are_parts(victim: Victim):
    audit = FolderAudit(victim.home, REGISTRY)
    assert codes(audit.round()) == set()
    name = next(path for path in (victim.home / "vault" / "blobs").glob("*/*"))
    name.write_bytes(name.read_bytes()[:-1] + b"\0")
    found = [codes(audit.round()) for _ in range(PARTS)]
    assert {"blob.changed"} in found


def test_a_rollback_between_two_rounds_is_caught(world: World, tmp_path: Path):
    world.close()
    older = Victim(world.folder).copy("older")
    world.open()
    world.ingest("more", data_class="internal")
    world.close()
    audit = audit_of(world)
    assert codes(audit.round()) == set()
    victim = Victim(world.folder)
    shutil.rmtree(victim.home)
    shutil.copytree(older.home, victim.home)
    report = audit.round()
    assert codes(report) == {"pin.rewind"}, "the rest of it is sound"
    assert "this auditor" in report.findings[0].where[0]
    assert audit.memory is not None
    assert "\n" in audit.memory.checkpoint
    remembered = Checkpoint.parse(audit.memory.checkpoint.partition("\n\n")[0] + "\n")
    assert remembered.size > report.size, "what was seen before stays remembered"


def test_a_history_rewritten_between_two_audits_is_caught_by_the_memory(victim: Victim, tmp_path):
    first = FolderAudit(victim.home, REGISTRY)
    first.round()
    assert first.memory is not None
    write_memory(tmp_path / "memory.json", first.memory)
    entries = victim.entries()
    victim.thief().rewrite(
        victim, [*entries[:-1], entries[-1].replace(b'"research"', b'"resealed"')]
    )
    again = FolderAudit(victim.home, REGISTRY, memory=read_memory(tmp_path / "memory.json"))
    report = again.round()
    assert "pin.fork" in codes(report)
    assert report.result is Result.broken
    assert again.memory == first.memory


def test_another_estate_in_the_place_of_a_known_one_is_caught(victim: Victim, tmp_path: Path):
    audit = FolderAudit(victim.home, REGISTRY)
    audit.round()
    make_world(tmp_path / "other").close()
    shutil.rmtree(victim.home)
    shutil.copytree(tmp_path / "other" / "estate", victim.home)
    assert "ledger.unsigned" in codes(
        FolderAudit(victim.home, REGISTRY, memory=audit.memory).round()
    )


def test_a_memory_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path):
    path = tmp_path / "memory.json"
    assert read_memory(path) is None
    for content in (b"", b"{}", b'{"v":1}', b"\xff"):
        path.write_bytes(content)
        with pytest.raises(AuditError) as error:
            read_memory(path)
        assert error.value.code == "audit.memory"


def test_without_an_estate_it_says_so(tmp_path: Path):
    with pytest.raises(AuditError) as error:
        FolderAudit(tmp_path, REGISTRY)
    assert error.value.code == "audit.missing"


# ---- promises


def promised(victim: Victim, index: int, entry: bytes, deadline: datetime) -> bytes:
    thief = victim.thief()
    promise = Promise(thief.key.name, index, leaf_hash(entry), deadline)
    return promise.sign(thief.config.signer).encode()


def look_with(victim: Victim, note: bytes):
    trust = Trust(promises=(("a promise", note),))
    return FolderAudit(victim.home, REGISTRY, trust=trust).round()


def test_a_promise_that_was_not_kept_is_told(victim: Victim):
    past, future = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    entries = victim.entries()
    assert codes(look_with(victim, promised(victim, 3, entries[3], past))) == set()
    assert codes(look_with(victim, promised(victim, 3, entries[4], past))) == {"promise.broken"}
    beyond = len(entries)
    assert codes(look_with(victim, promised(victim, beyond, b"x", past))) == {"promise.broken"}
    report = look_with(victim, promised(victim, beyond, b"x", future))
    assert codes(report) == set()
    assert "not due" in report.notes[0]


# ---- witnesses


WITNESS = Ed25519Signer(bytes(range(32)))
WITNESS_KEY = CosignerKey("witness.example/one", WITNESS.public_key)


def cosigned(note: bytes, key) -> bytes:
    checkpoint = Checkpoint.open(note, [key])
    line = cosign(checkpoint, WITNESS_KEY.name, signer=WITNESS, moment=datetime.now(UTC))
    return note + line.encode()


def seen_by_witness(victim: Victim, note: bytes):
    pin = Pin(note, "the witness", (WITNESS_KEY,))
    return FolderAudit(victim.home, REGISTRY, trust=Trust(pins=(pin,))).round()


def test_what_a_witness_cosigned_must_be_in_the_log(victim: Victim):
    key = victim.thief().key
    note = cosigned(victim.checkpoint, key)
    report = seen_by_witness(victim, note)
    assert codes(report) == set()
    assert report.result is Result.holds
    assert "cosigned by witness.example/one" in report.trust[0]
    assert "pin.other_key" in codes(seen_by_witness(victim, victim.checkpoint)), "no cosignature"
    entries = victim.entries()
    victim.thief().rewrite(victim, entries[:-1])
    assert codes(seen_by_witness(victim, note)) == {"pin.rewind"}
    forged = entries[-1].replace(b'"research"', b'"resealed"')
    victim.thief().rewrite(victim, [*entries[:-1], forged])
    assert "pin.fork" in codes(seen_by_witness(victim, note))


# ---- words


def test_many_broken_records_are_one_finding(victim: Victim):
    record = Record.decode(victim.entries()[-1])
    victim.thief().append(victim, *[record.encode().replace(b'"v":', b'"u":1,"v":')] * 400)
    report = victim.look()
    (finding,) = [each for each in report.findings if each.code == "record.faulty"]
    assert finding.count == 400
    assert len(finding.where) == 5


def test_every_meaning_says_what_follows_and_what_to_do():
    for code, meaning in MEANINGS.items():
        assert meaning.expected, code
        assert meaning.means, code
        assert meaning.next, code
        assert meaning.severity in Severity


def test_what_is_printed_of_a_tampered_file_moves_no_cursor(victim: Victim):
    key = victim.thief().key
    victim.edit("ledger/main/checkpoint", lambda data: b"\x1b[2J" + data)
    for finding in victim.look(key=key).findings:
        assert (finding.got + finding.expected + "".join(finding.where)).isprintable()
