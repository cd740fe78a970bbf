"""Upgrading: rehearsed on a copy, carried out whole or not at all, undone without loss."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from freehold.estate import Estate
from freehold.kernel.keys import Keyring, KeysError, WrongCustody
from freehold.kernel.ledger import LogRefusedError
from freehold.kernel.policy import Denied
from freehold.kernel.upkeep import ASIDE, FORMAT, UNDOING, FormatError, format_of, pin_format
from freehold.parties import Unauthenticated
from freehold.upgrade import UpgradeError, by_signature, by_token, rehearse, undo, upgrade
from tests.estate.world import (
    ROOT,
    World,
    check_everything,
    copy_world,
    custody,
    make_world,
    table,
)
from tests.golden.estates import expected, outcome

RECORDS = expected(1)["records"]


def as_owner(world: World):
    return by_signature("olivia", world.key("olivia"))


def files_of(folder: Path, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Every file by its path, with a digest of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in without
    }


def newest(world: World):
    return world.estate.pipeline.record(world.estate.pipeline.stores.log.size - 1)


# ---- rehearsing


def test_a_rehearsal_compares_everything_and_leaves_the_estate_as_it_was(old):
    before = files_of(old.home)
    rehearsal = rehearse(old.home, custody(), as_owner(old))
    after = files_of(old.home)
    assert {name for name in before if before[name] != after.get(name)} <= {"ledger/main/lock"}
    assert after.keys() == before.keys()
    assert (rehearsal.former, rehearsal.format, rehearsal.records) == (1, FORMAT, RECORDS)
    assert rehearsal.is_same
    compared = {each.what: each.before for each in rehearsal.compared}
    assert compared["records"].startswith(f"{RECORDS}, ")
    assert compared["bodies that open"].startswith(f"{RECORDS - 1}, ")  # one is erased
    assert compared["table act"].startswith(f"{RECORDS}, ")
    assert {"lineage", "root of the log", "key of the log", "blobs"} <= compared.keys()
    assert format_of(old.home) == 1


def test_a_rehearsal_elsewhere_leaves_nothing_there(old, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert rehearse(old.home, custody(), as_owner(old), scratch=scratch).is_same
    assert not list(scratch.iterdir())


def test_what_comes_out_otherwise_stops_the_upgrade(old):
    with sqlite3.connect(old.home / "catalog.db") as db:
        db.execute("UPDATE dataset SET data_class = 'public' WHERE erased_by IS NULL")
    db.close()
    rehearsal = rehearse(old.home, custody(), as_owner(old))
    assert [each.what for each in rehearsal.compared if not each.is_same] == ["table dataset"]
    with pytest.raises(UpgradeError, match="table dataset") as refused:
        upgrade(old.home, custody(), as_owner(old))
    assert refused.value.code == "upgrade.differs"
    assert format_of(old.home) == 1
    assert not (old.home / ASIDE).exists()


def test_a_catalog_that_is_missing_stops_nothing(old):
    (old.home / "catalog.db").unlink()
    rehearsal = rehearse(old.home, custody(), as_owner(old))
    assert rehearsal.is_same
    assert not any(each.what.startswith("table") for each in rehearsal.compared)


# ---- upgrading


def test_an_upgraded_estate_has_all_that_it_had_and_goes_on_in_the_new_format(old):
    upgraded = upgrade(old.home, custody(), as_owner(old))
    assert format_of(old.home) == FORMAT
    world, estate = old, old.open()
    found = outcome(world, RECORDS)
    assert found | {"tables": {}} == expected(1) | {"tables": {}}
    record = newest(world)
    assert (record.id, record.act, record.v) == (upgraded.act, "estate.upgrade", 2)
    assert record.facts["comparison"] == upgraded.rehearsal.comparison
    assert record.facts["records"] == RECORDS
    assert record.decision.policy_set == record.facts["policies"]
    assert estate.pipeline.policies.digest == record.facts["policies"]
    signed = estate.pipeline.details(record)
    assert signed is not None
    assert upgraded.rehearsal.comparison in signed["statement"]
    world.ingest("others", table(10), data_class="internal")
    assert newest(world).v == 2
    assert estate.clock.status(world.actor("olivia")).host  # an act that it did not know
    check_everything(estate)


def test_own_policies_and_their_history_stay(upgraded):
    estate = upgraded.open()
    with pytest.raises(Denied, match="Nothing here is public"):
        upgraded.ingest("notices", table(10), data_class="public")
    first = estate.pipeline.record(10)
    explained = estate.policy.explain(upgraded.actor("ada"), first.id)
    assert explained.policies
    assert all(explained.reasons)


def test_nobody_upgrades_twice(upgraded):
    with pytest.raises(UpgradeError) as refused:
        upgrade(upgraded.home, custody(), as_owner(upgraded))
    assert refused.value.code == "upgrade.current"


def test_an_estate_that_is_open_is_not_upgraded(upgraded, tmp_path):
    upgraded.open()
    with pytest.raises(LogRefusedError, match="is being written"):
        rehearse(upgraded.home, custody(), as_owner(upgraded))


def test_only_who_may_upgrades(old):
    for acting, error in (
        (by_signature("ada", old.key("ada")), Denied),
        (by_signature("olivia", old.key("ada")), UpgradeError),
        (by_token("fh_none"), Unauthenticated),
    ):
        with pytest.raises(error):
            upgrade(old.home, custody(), acting)
    with pytest.raises(WrongCustody):
        upgrade(old.home, custody("another"), as_owner(old))
    assert format_of(old.home) == 1


def test_an_estate_in_which_nobody_can_act_is_not_upgraded(tmp_path):
    world = make_world(tmp_path / "world", is_ratified=False)
    world.close()
    with pytest.raises(UpgradeError) as refused:
        upgrade(world.home, custody(), as_owner(world))
    assert refused.value.code == "upgrade.unratified"


# ---- other versions


def test_an_estate_of_a_newer_format_is_refused_before_anything_is_touched(founded, tmp_path):
    world = copy_world(founded, tmp_path / "newer")
    pin_format(world.estate.pipeline.stores.keyring, FORMAT + 1)
    world.close()
    before = files_of(world.home)
    for refusing in (
        world.open,
        lambda: Estate.open_to_upgrade(world.home, custody()),
        lambda: rehearse(world.home, custody(), as_owner(world)),
        lambda: upgrade(world.home, custody(), as_owner(world)),
    ):
        with pytest.raises(FormatError, match="newer Freehold") as refused:
            refusing()
        assert refused.value.code == "estate.newer"
    assert files_of(world.home) == before


def test_a_keyring_of_a_newer_version_is_refused(founded, tmp_path):
    world = copy_world(founded, tmp_path / "newer")
    world.close()
    with sqlite3.connect(world.home / "keys" / "keyring.db") as db:
        db.execute("PRAGMA user_version = 2")
    db.close()
    before = files_of(world.home)
    with pytest.raises(KeysError, match="newer Freehold"):
        world.open()
    assert files_of(world.home) == before
    with pytest.raises(KeysError, match="newer Freehold"):
        Keyring.open(world.home / "keys", custody())


# ---- undoing


def test_an_undo_puts_back_what_was_there(old):
    before = files_of(old.home, without=("catalog.db",))
    upgrade(old.home, custody(), as_owner(old))
    undone = undo(old.home, custody())
    assert (undone.format, undone.records) == (1, RECORDS)
    after = files_of(old.home, without=("catalog.db",))
    grown = {name for name in after if after[name] != before.get(name)}
    assert grown <= {"ledger/main/lock"}
    assert after.keys() == before.keys()
    upgrade(old.home, custody(), as_owner(old))
    check_everything(old.open())


def test_looking_at_an_upgraded_estate_does_not_prevent_the_undo(upgraded):
    upgraded.open()
    assert upgraded.estate.charter.is_ratified()
    upgraded.close()
    assert undo(upgraded.home, custody()).format == 1


def test_an_act_after_the_upgrade_cannot_be_undone(upgraded):
    upgraded.open()
    upgraded.actor("stella")
    assert not (upgraded.home / ASIDE).exists()  # its keys open what may be erased next
    upgraded.close()
    with pytest.raises(UpgradeError) as refused:
        undo(upgraded.home, custody())
    assert refused.value.code == "upgrade.no_return"
    check_everything(upgraded.open())


def test_an_undo_that_would_lose_something_says_what(upgraded):
    kept = upgraded.folder / "kept"
    shutil.copytree(upgraded.home / ASIDE, kept)
    upgraded.open()
    upgraded.actor("stella")
    upgraded.close()
    shutil.copytree(kept, upgraded.home / ASIDE)  # as if the first act had not reached the folder
    with pytest.raises(UpgradeError, match=r"token\.login \(done\)") as refused:
        undo(upgraded.home, custody())
    assert refused.value.code == "upgrade.written"
    assert format_of(upgraded.home) == FORMAT


def test_an_undo_needs_the_custody(upgraded):
    with pytest.raises(WrongCustody):
        undo(upgraded.home, custody("another"))
    assert format_of(upgraded.home) == FORMAT


# ---- kills

DYING = """
import os, sys
from pathlib import Path
from freehold.upgrade import by_signature, undo, upgrade
from tests.estate.world import custody

CHANGES = {"os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "sqlite3.connect"}
home, person, key, doing, countdown = sys.argv[1:]
left = int(countdown)
def die(event, args):
    global left
    is_change = event in CHANGES or (
        event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
    )
    if is_change and home in str(args[:2]):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
sys.addaudithook(die)
if doing == "undo":
    undo(Path(home), custody())
else:
    upgrade(Path(home), custody(), by_signature(person, Path(key)))
"""


def run_and_die(world: World, doing: str, at: int) -> bool:
    """Upgrade or undo in another process, killed at its `at`-th change; whether it was."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    arguments = [str(world.home), "olivia", str(world.key("olivia")), doing, str(at)]
    done = subprocess.run(
        [sys.executable, "-c", DYING, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


def steps(quick: tuple[int, ...], slow: range):
    return [
        *quick,
        *(pytest.param(at, marks=pytest.mark.slow) for at in slow if at not in quick),
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("at", steps((560, 660), range(0, 690, 40)))
def test_a_kill_during_the_upgrade_leaves_the_one_or_the_other(old, at):
    run_and_die(old, "upgrade", at)
    if format_of(old.home) == FORMAT:
        old.open()
        old.close()
    else:
        assert rehearse(old.home, custody(), as_owner(old)).is_same
    with suppress(UpgradeError):  # it was complete
        upgrade(old.home, custody(), as_owner(old))
    assert format_of(old.home) == FORMAT
    assert undo(old.home, custody()).format == 1
    upgrade(old.home, custody(), as_owner(old))
    check_everything(old.open())
    assert outcome(old, RECORDS) | {"tables": {}} == expected(1) | {"tables": {}}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("at", steps((4, 12, 18), range(22)))
def test_a_kill_during_the_undo_is_finished_by_undoing_again(upgraded, at):
    run_and_die(upgraded, "undo", at)
    if (upgraded.home / UNDOING).exists():
        with pytest.raises(FormatError) as refused:
            upgraded.open()
        assert refused.value.code == "estate.undoing"
    if (upgraded.home / ASIDE).exists() or (upgraded.home / UNDOING).exists():
        assert undo(upgraded.home, custody()).format == 1
    assert format_of(upgraded.home) == 1
    upgrade(upgraded.home, custody(), as_owner(upgraded))
    check_everything(upgraded.open())
