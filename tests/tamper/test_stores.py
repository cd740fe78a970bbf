"""An adversary who writes to vault, keyring or catalog: swaps, cuts, puts older copies in place,
or edits by hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from freehold.audit import Result
from freehold.kernel import FreeholdError
from freehold.kernel.acts import Record, SealedBody
from freehold.kernel.policy import Denied
from tests.estate.world import FakeExecutor, World, copy_world
from tests.tamper.victim import Victim, codes


def blobs(victim: Victim) -> dict[str, Record]:
    """The records that made a blob with a sealed digest, by its name."""
    return {
        record.facts["blob"]: record
        for record in victim.records()
        if record.facts.get("blob") and any(output.sealed for output in record.outputs)
    }


def blob_path(victim: Victim, name: str) -> Path:
    return victim.home / "vault" / "blobs" / name[:2] / name


def body(record: Record) -> SealedBody:
    """Where the body of a record lies; all of these have one."""
    assert record.body is not None
    return record.body


def bodies(victim: Victim) -> list[Record]:
    """Records with bodies of one length in one segment, which could be swapped."""
    found = [record for record in victim.records() if record.body is not None]
    by_length: dict[int, list[Record]] = {}
    for record in found:
        by_length.setdefault(body(record).at[2], []).append(record)
    return next(same[:2] for same in by_length.values() if len(same) > 1)


# ---- vault


def test_swapped_blobs_of_two_domains_are_both_named(victim: Victim):
    acts = {record.act: name for name, record in blobs(victim).items()}
    one, other = acts["dataset.ingest"], acts["model.train"]
    first, second = blob_path(victim, one), blob_path(victim, other)
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    report = victim.look()
    (finding,) = [each for each in report.findings if each.code == "blob.changed"]
    assert finding.count == 2
    assert set(finding.where) == {one, other}
    assert "blob.changed" in codes(victim.look_within())


def test_a_lost_blob_is_missed_unless_its_domain_is_erased(victim: Victim):
    erased = {"dataset:" + d for d in erased_domains(victim)}
    for name, record in blobs(victim).items():
        blob_path(victim, name).unlink()
        is_erased = record.resource in erased
        assert ("blob.missing" in codes(victim.look())) is not is_erased
        if not is_erased:
            break


def erased_domains(victim: Victim) -> set[str]:
    acts = (record for record in victim.records() if record.act == "dataset.erase")
    return {record.resource.partition(":")[2] for record in acts if record.phase == "done"}


def test_bodies_swapped_between_two_records_are_told_by_their_frames(victim: Victim):
    one, other = bodies(victim)
    (number, at, length), (_, at_other, _) = body(one).at, body(other).at

    def swap(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[at : at + length] = data[at_other : at_other + length]
        changed[at_other : at_other + length] = data[at : at + length]
        return bytes(changed)

    victim.edit(f"vault/segments/{number:08}.seg", swap)
    assert "body.misplaced" in codes(victim.look())
    assert "body.faulty" in codes(victim.look_within())


def test_a_body_relabelled_for_another_record_does_not_open(victim: Victim):
    """The frame's labels fit the record, and only opening it tells that it is another's."""
    one, other = bodies(victim)
    number, at, length = body(one).at
    _, at_other, _ = body(other).at

    def relabel(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[at + 36 : at + length] = data[at_other + 36 : at_other + length]
        return bytes(changed)

    victim.edit(f"vault/segments/{number:08}.seg", relabel)
    assert codes(victim.look()) == set(), "from outside it looks right"
    assert "body.faulty" in codes(victim.look_within())


@pytest.mark.parametrize("kept", [0, 10, 1_000])
def test_a_segment_cut_short_is_seen(victim: Victim, kept: int):
    victim.edit("vault/segments/00000001.seg", lambda data: data[:kept])
    assert "body.misplaced" in codes(victim.look())


# ---- keyring


def test_wrapped_keys_swapped_between_rows_are_refused(victim: Victim):
    wrapped = dict(victim.rows("keys/keyring.db", "SELECT id, wrapped FROM domains"))
    named = dict.fromkeys(body(record).domain for record in blobs(victim).values())
    one, other = [domain for domain in named if wrapped[domain] is not None][-2:]
    first, second = wrapped[one], wrapped[other]
    update = "UPDATE domains SET wrapped = ? WHERE id = ?"
    victim.sql("keys/keyring.db", (update, (second, one)), (update, (first, other)))
    assert codes(victim.look()) == set(), "from outside they are but bytes"
    with victim.opened() as estate:
        with pytest.raises(FreeholdError) as refused:
            estate.pipeline.stores.keyring.domain(one)
        assert refused.value.code == "keys.corrupt"
    assert "keyring.faulty" in codes(victim.look_within())


def test_a_custody_file_of_another_generation_is_seen_and_not_opened(template: Path, tmp_path):
    """An erasure changes the root key: the file of before fits no more."""
    victim, older = erased_between(template, tmp_path)
    victim.put_back(older, "keys/custody.json")
    assert "keyring.faulty" in codes(victim.look())
    with pytest.raises(FreeholdError) as refused, victim.opened():
        pass
    assert refused.value.code == "keys.out_of_step"


def test_an_older_keyring_whole_brings_nothing_back(template: Path, tmp_path):
    """Who has both files of before the erasure has the key; the estate destroys it again."""
    victim, older = erased_between(template, tmp_path)
    victim.put_back(older, "keys")
    assert "domain.not_erased" in codes(victim.look())
    victim.opened().close()
    assert "domain.not_erased" not in codes(victim.look())


def test_a_keyring_older_than_the_ledger_is_missed_domains(template: Path, tmp_path):
    world = copy_world(template, tmp_path / "world")
    world.close()
    victim = Victim(tmp_path / "world")
    older = victim.copy("older")
    world.open()
    world.ingest("more", data_class="internal")
    world.close()
    victim.put_back(older, "keys")
    assert "domain.missing" in codes(victim.look())
    assert "domain.missing" in codes(victim.look_within())


def test_a_key_destroyed_without_an_act_is_not_taken_for_an_erasure(victim: Victim):
    record = next(iter(blobs(victim).values()))
    domain = body(record).domain
    victim.sql("keys/keyring.db", ("UPDATE domains SET wrapped = NULL WHERE id = ?", (domain,)))
    assert "domain.destroyed" in codes(victim.look())


def erased_between(template: Path, tmp_path: Path) -> tuple[Victim, Victim]:
    """An estate, and a copy of it from before one more erasure."""
    world = copy_world(template, tmp_path / "world")
    world.close()
    victim = Victim(tmp_path / "world")
    older = victim.copy("older")
    world.open()
    world.erase("others")
    world.close()
    return victim, older


# ---- catalog


def test_an_older_catalog_catches_up_and_is_the_same(template: Path, tmp_path):
    victim, older = erased_between(template, tmp_path)
    victim.put_back(older, "catalog.db")
    assert codes(victim.look()) == set()
    assert codes(victim.look_within()) == set()


def granted(victim: Victim) -> None:
    """Make the developer an owner and reviewer."""
    victim.sql("catalog.db", ("UPDATE person SET roles = 'owner reviewer' WHERE code = 'dana'", ()))


def approved(victim: Victim) -> None:
    """Forge the approval of erasing a dataset, as the reviewer."""
    (reviewer,) = victim.rows("catalog.db", "SELECT id FROM person WHERE code = 'ravi'")
    dataset, evidence, policy_set = _erasure(victim)
    who: tuple[str, ...] = (
        "0192f6a0-0000-7000-8000-0000000000ff",
        f"user:{reviewer[0]}",
        "dataset.erase",
    )
    values = (*who, dataset, evidence, policy_set, "0" * 32, "2999-01-01T00:00:00.000000Z")
    victim.sql("catalog.db", ("INSERT INTO approval VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", values))


def _erasure(victim: Victim) -> tuple[str, str, str]:
    """What an approval of erasing `others` has to say."""
    with victim.opened() as estate:
        ref = estate.data.find("others").at(None)
        return str(ref), estate.data.evidence(ref), estate.pipeline.policies.digest


def unregistered(victim: Victim) -> None:
    """Let a dataset be public."""
    victim.sql("catalog.db", ("UPDATE dataset SET data_class = 'public'", ()))


def forgotten(victim: Victim) -> None:
    """Take an act out of the list of acts, and its links."""
    victim.sql("catalog.db", ("DELETE FROM act WHERE position = 7", ()))


EDITS: dict[str, tuple[Callable[[Victim], None], str]] = {
    "a role is granted": (granted, "person"),
    "an approval is forged": (approved, "approval"),
    "a class is lowered": (unregistered, "dataset"),
    "an act is left out": (forgotten, "act"),
}


@pytest.mark.parametrize(("edit", "table"), EDITS.values(), ids=EDITS.keys())
def test_a_catalog_edited_by_hand_is_found_from_within_and_made_anew(victim: Victim, edit, table):
    edit(victim)
    assert codes(victim.look()) == set(), "from outside it is a sound database"
    report = victim.look_within()
    (finding,) = [each for each in report.findings if each.code == "catalog.differs"]
    assert finding.where[0].startswith(f"{table}: ")
    assert "catalog rebuild" in finding.next
    assert report.result is Result.broken
    with victim.opened() as estate:
        estate.pipeline.rebuild()
    assert "catalog.differs" not in codes(victim.look_within())


def test_a_forged_approval_in_the_catalog_lets_nothing_through(victim: Victim):
    """The catalog tells where to look; what counts is in the ledger."""
    approved(victim)
    world = World(victim.folder, FakeExecutor(), None)
    world.open()
    with pytest.raises(Denied) as denied:
        world.estate.data.erase(world.actor("stella"), "others")
    assert "charter.approvals.dataset-erase" in denied.value.policies
    world.close()


def test_values_of_the_catalog_are_not_told_in_a_finding(victim: Victim):
    """Names can be erased; findings are kept."""
    victim.sql("catalog.db", ("UPDATE dataset SET name = 'Mrs-Jones'", ()))
    report = victim.look_within()
    assert "catalog.differs" in codes(report)
    assert "Mrs-Jones" not in json.dumps([str(each) for each in report.findings])
