"""Backup as its users meet it: made, checked, restored, moved; erasures and losses told."""

from __future__ import annotations

import io
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from freehold.data import Format, Provenance
from freehold.estate import Estate
from freehold.kernel import FreeholdError, MalformedError
from freehold.kernel.acts import Actor, Record
from freehold.kernel.backup import BackupError, Bundle, ChangedBundle
from freehold.kernel.keys import DomainErased, WrongCustody
from freehold.kernel.policy import Denied
from freehold.kernel.retention import verify_pruned
from freehold.transfer import With, check, restore
from tests.estate.world import (
    PURPOSE,
    World,
    check_everything,
    copy_world,
    custody,
    dump,
    make_world,
    table,
)

ASKED: dict[str, list[Any]] = {"age": [50], "pressure": [150], "ward": ["north"]}


def create(world: World, place: Path, kind: str = "auto") -> Path:
    return Path(world.estate.backup.create(world.actor("otto"), place, kind=kind).bundle)


def newest(world: World) -> Record:
    pipeline = world.estate.pipeline
    return pipeline.record(pipeline.stores.log.size - 1)


def opened(world: World, folder: Path, passphrase: str = "") -> Estate:
    held = custody(passphrase) if passphrase else custody()
    return Estate.open(folder, held, clock=world.clock, executor=world.executor)


def acts(estate: Estate) -> list[str]:
    pipeline = estate.pipeline
    return [pipeline.record(index).act for index in range(pipeline.stores.log.size)]


# ---- made and checked


def test_a_backup_is_an_act_and_the_next_one_follows_it(deployed, tmp_path):
    place = tmp_path / "backups"
    for kind in ("full", "delta", "delta"):
        bundle = create(deployed, place)
        record = newest(deployed)
        assert (record.act, record.phase) == ("backup.create", "done")
        assert record.facts["bundle"] == Bundle.read(bundle).digest
        assert record.facts["made"] == kind
        assert bundle.name.endswith(kind)
    assert create(deployed, place, "full").name.endswith("full")
    listed = deployed.estate.backup.list(deployed.actor("otto"))
    assert [each.kind for each in listed] == ["full", "delta", "delta", "full"]
    check_everything(deployed.estate)


def test_a_check_finds_a_bundle_to_be_the_estate_and_records_it(deployed, tmp_path):
    otto = deployed.actor("otto")
    deployed.estate.serving.answer(deployed.actor("dana"), "triage", ASKED)
    create(deployed, tmp_path / "backups")
    deployed.ingest("more", table(5, marker="m"))
    deployed.estate.serving.answer(deployed.actor("dana"), "triage", ASKED)
    create(deployed, tmp_path / "backups")
    deployed.estate.serving.answer(deployed.actor("dana"), "triage", ASKED)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    found = check(deployed.estate, otto, tmp_path / "backups", scratch=scratch)
    assert found.answers == 2
    assert found.blobs == 5
    assert found.bodies == found.records
    assert newest(deployed).facts["result"] == "same"
    assert list(scratch.iterdir()) == []
    assert deployed.estate.backup.list(otto)[-1].result == "same"


def test_a_check_after_an_erasure_and_a_rotation_of_keys_still_holds(deployed, tmp_path):
    deployed.ingest("other", table(9, marker="o"))
    create(deployed, tmp_path / "backups")
    deployed.erase("other")
    check(deployed.estate, deployed.actor("otto"), tmp_path / "backups")
    deployed.reopen()
    check(deployed.estate, deployed.actor("otto"), tmp_path / "backups")


def test_a_check_of_a_changed_bundle_fails_on_record(deployed, tmp_path):
    bundle = create(deployed, tmp_path / "backups")
    part = next(bundle.glob("blobs/*/*"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    with pytest.raises(ChangedBundle):
        check(deployed.estate, deployed.actor("otto"), tmp_path / "backups")
    record = newest(deployed)
    assert (record.act, record.phase, record.error) == ("backup.check", "failed", "backup.changed")


def test_a_check_tells_in_words_what_differs(deployed, tmp_path):
    """The ledger's owner went back to an older copy of the estate and acted otherwise."""
    deployed.close()
    shutil.copytree(deployed.home, tmp_path / "older")
    deployed.open()
    deployed.ingest("one", table(5, marker="m"))
    bundle = create(deployed, tmp_path / "backups")
    deployed.close()
    shutil.rmtree(deployed.home)
    shutil.copytree(tmp_path / "older", deployed.home)
    deployed.open()
    otto = deployed.actor("otto")
    for words in ("fewer than", "other roots"):
        with pytest.raises(BackupError, match=words) as refused:
            check(deployed.estate, otto, bundle)
        assert refused.value.code == "backup.differs"
        record = newest(deployed)
        assert (record.facts["result"], record.facts["differences"]) == ("differs", 1)
        assert words in deployed.estate.pipeline.details(record)["findings"][0]
        for number in range(9):
            deployed.ingest(f"other-{number}", table(5, marker=f"o{number}"))
        deployed.estate.pipeline.stores.log.publish()


def test_nobody_without_the_right_makes_or_checks_backups(deployed, tmp_path):
    for person in ("stella", "ada", "ravi", "dana"):
        with pytest.raises(Denied):
            deployed.estate.backup.create(deployed.actor(person), tmp_path / "b")
        with pytest.raises(Denied):
            check(deployed.estate, deployed.actor(person), tmp_path / "b")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("place", "code"), [("relative", "backup.place"), ("{home}/b", "backup.target")]
)
def test_a_backup_goes_to_a_whole_path_outside_the_estate(world, tmp_path, place, code):
    where = Path(place.format(home=world.home))
    with pytest.raises(FreeholdError) as refused:
        world.estate.backup.create(world.actor("otto"), where)
    assert refused.value.code == code


def test_bundles_of_two_estates_do_not_share_a_place(world, tmp_path):
    create(world, tmp_path / "backups")
    other = make_world(tmp_path / "other")
    with pytest.raises(BackupError) as refused:
        create(other, tmp_path / "backups")
    assert refused.value.code == "backup.estate"
    other.close()


def test_a_recipient_that_is_none_is_refused_by_its_text(world, tmp_path):
    with pytest.raises(MalformedError, match="is no age recipient"):
        world.estate.backup.create(world.actor("otto"), tmp_path / "b", recipients=("age1x",))


# ---- restored


def test_a_restored_estate_says_so_in_its_ledger_once(deployed, tmp_path):
    bundle = create(deployed, tmp_path / "backups")
    restored = restore(bundle, tmp_path / "again", custody())
    assert restored.records == deployed.estate.backup.list(deployed.actor("otto"))[-1].records
    for _ in range(2):
        with opened(deployed, tmp_path / "again") as estate:
            assert acts(estate).count("estate.restore") == 1
            assert not (tmp_path / "again/restored.json").exists()
            assert str(estate.pipeline.stores.log.key) == restored.vkey
            check_everything(estate)


def test_an_estate_is_not_restored_over_another(world, tmp_path):
    bundle = create(world, tmp_path / "backups")
    with pytest.raises(FreeholdError) as refused:
        restore(bundle, world.home, custody())
    assert refused.value.code == "estate.exists"


def test_what_is_refused_leaves_nothing_behind(world, tmp_path):
    world.ingest()
    bundle = create(world, tmp_path / "backups")
    before = set(tmp_path.iterdir())
    with pytest.raises(WrongCustody):
        restore(bundle, tmp_path / "again", custody("wrong"))
    part = next(bundle.glob("blobs/*/*"))
    part.write_bytes(part.read_bytes()[:-1] + b"\1")
    with pytest.raises(ChangedBundle):
        restore(bundle, tmp_path / "again", custody())
    assert set(tmp_path.iterdir()) == before


def test_an_old_backup_brings_nothing_erased_back_when_the_list_of_erasures_is_given(
    world, tmp_path
):
    kept, gone = world.ingest("kept"), world.ingest("gone", table(9, marker="g"))
    bundle = create(world, tmp_path / "backups")
    act = world.erase("gone")
    world.ingest("young", table(4, marker="y"))
    world.erase("young")  # erased, and not known to the bundle
    erasures = world.estate.backup.erasures(world.actor("otto"))
    assert act in erasures
    restored = restore(bundle, tmp_path / "again", custody(), With(erasures=erasures))
    assert restored.erasures == 2
    domain = gone.ref.partition(":")[2].partition("@")[0]
    for _ in range(2):
        with opened(world, tmp_path / "again") as estate:
            with pytest.raises(DomainErased):
                estate.pipeline.stores.keyring.domain(domain)
            assert acts(estate).count("erasure.apply") == 1
            applied = [r for r in _records(estate) if r.act == "erasure.apply"]
            assert applied[0].facts == {"act": act}
            listed = {each.ref: each for each in estate.data.list(world.actor("stella"))}
            assert listed[f"dataset:{domain}"].name is None
            assert listed[f"dataset:{domain}"].erased_by == applied[0].id
            assert listed[kept.ref.partition("@")[0]].name == "kept"
            check_everything(estate)


def _records(estate: Estate) -> list[Record]:
    pipeline = estate.pipeline
    return [pipeline.record(index) for index in range(pipeline.stores.log.size)]


def test_a_forged_list_of_erasures_is_refused(world, tmp_path):
    world.ingest()
    bundle = create(world, tmp_path / "backups")
    world.erase()
    erasures = world.estate.backup.erasures(world.actor("otto"))
    forged = erasures.replace(erasures.split("\n")[4][:8], "00000000")
    with pytest.raises(BackupError) as refused:
        restore(bundle, tmp_path / "again", custody(), With(erasures=forged))
    assert refused.value.code == "backup.signature"
    assert not (tmp_path / "again").exists()


def test_records_that_were_seen_and_are_lost_are_told_and_their_loss_is_recorded(world, tmp_path):
    bundle = create(world, tmp_path / "backups")
    for number in range(5):
        world.ingest(f"d{number}", table(3, marker=f"m{number}"))
    pin = world.estate.history.checkpoint(world.actor("ada"))
    for accepted in (0, 3):
        with pytest.raises(BackupError, match="are lost") as refused:
            restore(bundle, tmp_path / "r", custody(), With(pin=pin, accepted_loss=accepted))
        assert refused.value.code == "backup.loss"
    lost = int(refused.value.hint.partition("--accept-loss ")[2].partition(":")[0])
    restored = restore(bundle, tmp_path / "r", custody(), With(pin=pin, accepted_loss=lost))
    assert restored.lost == lost > 5
    with opened(world, tmp_path / "r") as estate:
        (said,) = [each for each in _records(estate) if each.act == "estate.restore"]
        assert said.facts["lost"] == lost


def test_what_was_refused_for_its_loss_is_not_done_again(world, tmp_path):
    world.ingest()
    bundle = create(world, tmp_path / "backups")
    world.ingest("more", table(3, marker="m"))
    pin = world.estate.history.checkpoint(world.actor("ada"))
    with pytest.raises(BackupError, match="are lost") as refused:
        restore(bundle, tmp_path / "r", custody(), With(pin=pin))
    lost = int(refused.value.hint.partition("--accept-loss ")[2].partition(":")[0])
    checkpoint = tmp_path / "r.restoring" / "ledger/main/checkpoint"
    written = checkpoint.stat().st_ino
    restore(bundle, tmp_path / "r", custody(), With(pin=pin, accepted_loss=lost))
    assert (tmp_path / "r" / "ledger/main/checkpoint").stat().st_ino == written
    assert not (tmp_path / "r.restoring").exists()
    assert not (tmp_path / "r" / "restoring.json").exists()


def test_a_check_after_a_change_of_custody_says_what_to_do(deployed, tmp_path):
    create(deployed, tmp_path / "backups")
    deployed.estate.pipeline.stores.keyring.rotate_custody(custody("the next"))
    with pytest.raises(BackupError, match="before the custody of the keys was changed"):
        check(deployed.estate, deployed.actor("otto"), tmp_path / "backups")
    create(deployed, tmp_path / "backups")
    check(deployed.estate, deployed.actor("otto"), tmp_path / "backups")


def test_a_pin_that_the_bundle_contains_loses_nothing(world, tmp_path):
    pin = world.estate.history.checkpoint(world.actor("ada"))
    world.ingest()
    bundle = create(world, tmp_path / "backups")
    assert restore(bundle, tmp_path / "r", custody(), With(pin=pin)).lost == 0


def test_a_known_key_refuses_a_bundle_of_another_log(world, tmp_path):
    other = make_world(tmp_path / "other")
    bundle = create(other, tmp_path / "backups")
    with pytest.raises(BackupError) as refused:
        restore(bundle, tmp_path / "r", custody(), With(key=world.estate.pipeline.stores.log.key))
    assert refused.value.code == "backup.estate"
    other.close()


def test_a_restored_estate_can_get_another_passphrase(world, tmp_path):
    bundle = create(world, tmp_path / "backups")
    restore(bundle, tmp_path / "again", custody(), With(custody=custody("fresh")))
    with pytest.raises(WrongCustody):
        opened(world, tmp_path / "again")
    opened(world, tmp_path / "again", "fresh").close()


# ---- moved


def test_a_moved_estate_goes_on_at_one_place_only(deployed, tmp_path):
    olivia, _, _ = (deployed.actor(person) for person in ("olivia", "stella", "dana"))
    made = deployed.estate.backup.move(olivia, tmp_path / "moving")
    size = deployed.estate.pipeline.stores.log.size
    assert made.records == size
    for _ in range(2):
        with pytest.raises(FreeholdError) as refused:
            deployed.ingest("more", table(5, marker="m"))
        assert refused.value.code == "estate.moved"
        with pytest.raises(FreeholdError, match="was moved"):
            deployed.estate.data.list(deployed.actor("dana"))  # a refusal could not be recorded
        assert deployed.estate.data.list(deployed.actor("stella"))
        deployed.reopen()
    assert deployed.estate.pipeline.stores.log.size == size
    shutil.rmtree(made.bundle)
    again = deployed.estate.backup.move(olivia, tmp_path / "moving")
    restore(Path(again.bundle), tmp_path / "elsewhere", custody())
    with opened(deployed, tmp_path / "elsewhere") as estate:
        estate.data.ingest(
            deployed.actor("stella"),
            "more",
            io.BytesIO(table(5, marker="m")),
            format=Format.CSV,
            about=Provenance("health", (PURPOSE,)),
        )
        check_everything(estate)
        before = dump(estate)
    with opened(deployed, tmp_path / "elsewhere") as estate:
        assert dump(estate) == before
        assert acts(estate)[size - 1 : size + 1] == ["estate.move", "estate.restore"]


def test_only_an_owner_moves_an_estate(deployed, tmp_path):
    with pytest.raises(Denied):
        deployed.estate.backup.move(deployed.actor("otto"), tmp_path / "moving")


# ---- what was pruned


class Later:
    """The machine's clock, some days ahead."""

    days = 0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.days)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["full", "delta"])
def test_what_was_pruned_stays_so_in_what_is_restored(founded_deployed, tmp_path, kind):
    clock = Later()
    world = copy_world(founded_deployed, tmp_path / "world", clock=clock)
    place = tmp_path / "backups"
    for _ in range(260):
        world.estate.serving.answer(world.actor("dana"), "triage", ASKED)
    before = create(world, place)
    for clock.days in (185, 3_700):
        operator = Actor(world.estate.people.find("otto"))
        assert world.estate.retention.prune(operator)
        assert check(world.estate, operator, before).records  # pruned since, which is no difference
        bundle = world.estate.backup.create(operator, place, kind=kind).bundle
        assert check(world.estate, operator, place).bodies
        shutil.rmtree(tmp_path / "again", ignore_errors=True)
        restore(Path(bundle), tmp_path / "again", custody())
        with opened(world, tmp_path / "again") as estate:
            reader = estate.pipeline.stores.log.reader()
            verify_pruned(reader)
            assert list(reader.pruned()) == list(world.estate.pipeline.stores.log.reader().pruned())
            check_everything(estate)
    world.close()
