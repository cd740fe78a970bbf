"""An adversary who writes to the ledger's folder, and one who also holds the log's key."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

import msgspec
import pytest

from freehold.audit import Result
from freehold.kernel import FreeholdError, new_id
from freehold.kernel.acts import Record
from freehold.kernel.ledger import Ed25519Signer, VerifierKey
from tests.estate.world import copy_world
from tests.tamper.victim import Victim, codes


def newest_bundle(victim: Victim) -> str:
    """The entry bundle under the newest checkpoint."""
    size = int(victim.checkpoint.split(b"\n")[1])
    return f"ledger/main/tile/entries/000.p/{size}"


def framed(entries: list[bytes]) -> bytes:
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def with_entries(victim: Victim, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Rewrite the newest bundle, in which all records of this small log lie."""
    entries = change(victim.entries())
    victim.edit(newest_bundle(victim), lambda _: framed(entries))


def swapped(entries: list[bytes]) -> list[bytes]:
    return [*entries[:3], entries[4], entries[3], *entries[5:]]


def altered(entries: list[bytes]) -> list[bytes]:
    return [entries[0].replace(b'"trial":true', b'"trial":false'), *entries[1:]]


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a record is altered": altered,
    "a record is dropped": lambda entries: [*entries[:5], *entries[6:]],
    "two records are swapped": swapped,
    "a record is replayed in place of another": lambda e: [*e[:5], e[4], *e[6:]],
    "a record is replayed at the end": lambda entries: [*entries[:-1], entries[0]],
    "the end is cut off": lambda entries: entries[:-2],
    "nothing is left": lambda entries: [],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_without_the_logs_key_no_record_is_changed_unnoticed(victim: Victim, change):
    with_entries(victim, change)
    report = victim.look()
    assert "ledger.corrupt" in codes(report)
    assert report.result is Result.broken
    with pytest.raises(FreeholdError), victim.opened():
        pass


def test_an_untouched_estate_is_found_sound_from_outside_and_within(victim: Victim):
    report = victim.look()
    assert codes(report, notices=True) <= {"body.trailing"}
    assert report.result is Result.internal, "nothing from outside vouches for it"
    assert report.counts.records == report.counts.bodies == len(victim.records())
    within = victim.look_within()
    assert codes(within, notices=True) == set()
    assert within.counts.bodies > 0
    assert victim.look(victim.checkpoint, key=victim.thief().key).result is Result.holds


def test_a_checkpoint_signed_by_another_key_is_refused(victim: Victim):
    key = victim.thief().key
    other = VerifierKey(key.name, Ed25519Signer(bytes(32)).public_key)
    assert codes(victim.look(key=other)) >= {"ledger.unsigned"}


def test_a_kept_checkpoint_of_another_history_shows_that_there_were_two(victim: Victim):
    """A thief rewrites the history and leaves one checkpoint of the true one where it was."""
    older = victim.copy("older")
    entries = victim.entries()
    victim.thief().rewrite(victim, [*entries[:-1], altered_record(entries[-1])])
    kept = sorted((older.log / "checkpoints").iterdir())[-1]
    (victim.log / "checkpoints" / kept.name).write_bytes(kept.read_bytes())
    assert "ledger.fork" in codes(victim.look())


def altered_record(entry: bytes) -> bytes:
    """The same act by somebody else."""
    record = Record.decode(entry)
    return msgspec.structs.replace(record, principal=f"user:{new_id()}").encode()


# ---- rolled back


def test_an_older_ledger_beside_a_newer_catalog_and_keyring_is_seen(template, tmp_path):
    world = copy_world(template, tmp_path / "world")
    world.close()
    older = Victim(tmp_path / "world").copy("older")
    world.open()
    world.ingest("more", data_class="internal")
    world.close()
    victim = Victim(tmp_path / "world")
    victim.put_back(older, "ledger")
    report = victim.look()
    assert {"catalog.ahead", "pin.rewind"} <= codes(report)
    with pytest.raises(FreeholdError) as refused, victim.opened():
        pass
    assert refused.value.code == "ledger.rewind"


def test_a_whole_estate_rolled_back_is_seen_by_whoever_saw_the_newer_one(template, tmp_path):
    world = copy_world(template, tmp_path / "world")
    world.close()
    victim = Victim(tmp_path / "world")
    older = victim.copy("older")
    world.open()
    world.ingest("more", data_class="internal")
    world.close()
    seen = victim.checkpoint
    assert codes(older.look()) == set(), "nothing in the older copy tells that there is a newer"
    report = older.look(seen)
    assert codes(report) == {"pin.rewind"}
    (finding,) = [each for each in report.findings if each.code == "pin.rewind"]
    assert "old copy" in finding.means
    assert finding.next


# ---- with the log's key


def test_a_history_rewritten_with_the_stolen_key_is_caught_by_a_pin_and_by_nothing_else(
    victim: Victim,
):
    seen, key = victim.checkpoint, victim.thief().key
    entries = victim.entries()
    victim.thief().rewrite(victim, entries[:-1])
    report = victim.look()
    assert codes(report) == set()
    assert report.result is Result.internal, "it says no more than that"
    assert codes(victim.look(seen, key=key)) == {"pin.rewind"}
    victim.thief().rewrite(victim, [*entries[:-1], altered_record(entries[-1])])
    assert codes(victim.look(seen, key=key)) >= {"pin.fork"}


def test_whoever_holds_the_key_but_not_the_rules_is_found_by_what_they_wrote(victim: Victim):
    """Records of acts that no policy set in force decided, without a body or with another's."""
    thief, entries = victim.thief(), victim.entries()
    record = Record.decode(entries[-1])
    decision = msgspec.structs.replace(record.decision, policy_set="sha256:" + "0" * 64)
    made_up = msgspec.structs.replace(record, id=new_id(), decision=decision)
    thief.append(victim, made_up.encode())
    found = codes(victim.look())
    assert {"policy.unknown", "body.misplaced"} <= found


MADE_UP: dict[str, tuple[Callable[[Record], Record], str]] = {
    "a record is appended twice": (lambda r: r, "record.repeated"),
    "a fact is no code": (
        lambda r: msgspec.structs.replace(r, id=new_id(), facts={"purposes": ["Ward 9, bed 4"]}),
        "record.faulty",
    ),
    "a fact is not declared": (
        lambda r: msgspec.structs.replace(r, id=new_id(), facts={**r.facts, "name": "x"}),
        "record.faulty",
    ),
    "an act is unknown": (
        lambda r: msgspec.structs.replace(r, id=new_id(), act="estate.sell"),
        "record.faulty",
    ),
    "it was denied and done": (
        lambda r: msgspec.structs.replace(
            r, id=new_id(), decision=msgspec.structs.replace(r.decision, result="deny")
        ),
        "record.faulty",
    ),
    "it ends what never began": (
        lambda r: msgspec.structs.replace(r, id=new_id(), continues=new_id()),
        "record.faulty",
    ),
    "it is of another log": (
        lambda r: msgspec.structs.replace(r, id=new_id(), log=f"estate/{new_id()}/main"),
        "record.faulty",
    ),
}


@pytest.mark.parametrize(("change", "code"), MADE_UP.values(), ids=MADE_UP.keys())
def test_a_made_up_record_is_told_from_a_real_one(victim: Victim, change, code):
    last = victim.records()[-1]
    victim.thief().append(victim, change(last).encode())
    assert code in codes(victim.look())


def test_an_approval_that_was_used_is_not_used_again(victim: Victim):
    promoted = [
        record for record in victim.records() if record.facts.get("approvals") and not record.error
    ]
    again = msgspec.structs.replace(promoted[0], id=new_id())
    victim.thief().append(victim, again.encode())
    report = victim.look()
    (finding,) = [each for each in report.findings if each.code == "approval.use"]
    assert "already used" in finding.got


# ---- a split view


def test_two_auditors_who_were_shown_different_histories_find_out_by_comparing_pins(
    template, victim: Victim
):
    """The thief shows each of them a history that is consistent, grows, and lacks something."""
    one, other = victim.copy("one"), victim.copy("other")
    entries = victim.entries()
    thief = victim.thief()
    thief.append(one, altered_record(entries[-1]))
    last = msgspec.structs.replace(Record.decode(entries[-1]), id=new_id())
    thief.append(other, last.encode())
    for shown in (one, other):
        assert not codes(shown.look(victim.checkpoint)) & {"pin.fork", "pin.rewind"}
    assert "pin.fork" in codes(one.look(other.checkpoint))
    assert "pin.fork" in codes(other.look(one.checkpoint))


def test_a_pin_of_another_estate_is_told_from_a_fork(victim: Victim, founded_deployed, tmp_path):
    stranger = victim.thief()
    note = victim.checkpoint.replace(b"trial/", b"estate/")
    assert "pin.other_log" in codes(victim.look(note))
    unsigned = re.sub(rb"\n\d+\n", b"\n7\n", victim.checkpoint, count=1)
    assert "pin.other_key" in codes(victim.look(unsigned, key=stranger.key))


# ---- the write-ahead file


def test_a_write_ahead_file_that_contradicts_the_tree_is_seen(victim: Victim):
    """Records of the tree, acknowledged once more as other ones."""
    (path,) = (victim.log / "wal").glob("*.wal")
    size = int(path.stem)
    entry = b'{"not":"this"}'
    frame = len(entry).to_bytes(4) + zlib.crc32(entry).to_bytes(4) + entry
    path.rename(path.with_name(f"{size - 1:020}.wal"))
    (path.with_name(f"{size - 1:020}.wal")).write_bytes(b"freehold wal 1\n" + frame)
    assert "wal.contradicts" in codes(victim.look())


def test_a_lost_or_damaged_write_ahead_file_is_seen(victim: Victim):
    (path,) = (victim.log / "wal").glob("*.wal")
    path.write_bytes(b"not one")
    assert "wal.damaged" in codes(victim.look())
    path.unlink()
    assert "wal.damaged" in codes(victim.look())
