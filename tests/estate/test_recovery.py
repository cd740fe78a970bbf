"""Crashes, rewinds and second writers: opening finishes what was begun, or says what is wrong."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from freehold.charter import DEMO_PEOPLE, demo_charter
from freehold.compute import LocalExecutor
from freehold.estate import Estate, EstateError
from freehold.kernel import FreeholdError, Ref, new_id
from freehold.kernel.acts import Record
from freehold.kernel.catalog import CatalogError
from freehold.kernel.keys import BadPin, WrongCustody
from freehold.kernel.ledger import LogRefusedError, LogStoppedError
from freehold.kernel.signatures import new_key_file
from freehold.training import Task
from tests.estate.world import (
    PURPOSE,
    ROOT,
    FakeExecutor,
    World,
    check_everything,
    copy_world,
    custody,
    dump,
    make_world,
)

CRASHED = 9


def records(world: World) -> list[Record]:
    log = world.estate.pipeline.stores.log
    return [Record.decode(entry) for entry in log.entries()]


def in_another_process(
    home: Path, script: str, *, before: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a script on the estate in a process of its own; `estate` is open in it.

    What is to come `before` runs first of all, and may change the disk under the estate.
    """
    opening = f"""{before}
import os, sys
from dataclasses import replace
from pathlib import Path
from tests.estate.world import FakeExecutor, custody
from freehold.estate import Estate
from freehold.kernel.acts import Actor
home = Path({str(home)!r})
estate = Estate.open(home, custody(), executor=FakeExecutor())
{script}
"""
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", opening],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# ---- between ledger and catalog -------------------------------------------------------------


def test_a_catalog_that_missed_acts_catches_up_to_the_identical_one(world: World):
    """A crash after the append and before the projection, for many acts at once."""
    world.ingest()
    world.close()
    shutil.copy(world.home / "catalog.db", world.folder / "older.db")
    world.open()
    world.ingest("more", data_class="internal")
    world.estate.data.clear(world.actor("stella"), "patients", purposes=["research"])
    world.erase("patients")
    expected = dump(world.estate)
    world.close()
    for path in world.home.glob("catalog.db*"):
        path.unlink()
    shutil.copy(world.folder / "older.db", world.home / "catalog.db")
    world.open()
    assert dump(world.estate) == expected
    check_everything(world.estate)


def test_a_catalog_that_is_gone_is_built_again_from_the_ledger(deployed: World):
    expected = dump(deployed.estate)
    deployed.close()
    for path in deployed.home.glob("catalog.db*"):
        path.unlink()
    deployed.open()
    assert dump(deployed.estate) == expected
    check_everything(deployed.estate)


def test_a_catalog_that_is_no_database_is_refused_with_the_way_out(world: World):
    world.close()
    for path in world.home.glob("catalog.db*"):
        path.unlink()
    (world.home / "catalog.db").write_bytes(b"no database at all, " * 300)
    with pytest.raises(CatalogError) as error:
        world.open()
    assert "may be deleted" in error.value.hint
    (world.home / "catalog.db").unlink()
    world.open()
    check_everything(world.estate)


def test_rebuilding_in_an_open_estate_changes_nothing(deployed: World):
    before = dump(deployed.estate)
    assert deployed.estate.pipeline.rebuild() == deployed.estate.pipeline.stores.log.size
    assert dump(deployed.estate) == before
    check_everything(deployed.estate)


@pytest.mark.parametrize("pin", ["clock", "format", "pruned"])
def test_a_pin_that_somebody_changed_is_told(world: World, pin: str):
    world.close()
    with sqlite3.connect(world.home / "keys" / "keyring.db") as db:
        db.execute("INSERT OR REPLACE INTO pins VALUES (?, ?)", (pin, b"no such value"))
    db.close()
    with pytest.raises(BadPin, match=f"'{pin}'"):
        world.open()


# ---- before the append ----------------------------------------------------------------------

DIE_BEFORE_THE_APPEND = f"""
class DyingLog:
    def __init__(self, log):
        self._log = log
        self.key, self.size = log.key, log.size

    def append(self, entry):
        estate.pipeline.stores.vault.sync()  # as the group commit does first
        os._exit({CRASHED})

pipeline = estate.pipeline
stella = Actor(estate.people.find("stella"))
pipeline.stores = replace(pipeline.stores, log=DyingLog(pipeline.stores.log))
estate.data.clear(stella, "patients", purposes=["research"])
"""


def test_a_crash_between_body_and_record_leaves_an_unreferenced_frame_and_nothing_else(
    world: World,
):
    world.ingest()
    expected, size = dump(world.estate), world.estate.pipeline.stores.log.size
    world.close()
    segment = world.home / "vault" / "segments" / "00000001.seg"
    before = segment.read_bytes()
    crashed = in_another_process(world.home, DIE_BEFORE_THE_APPEND)
    assert crashed.returncode == CRASHED, crashed.stderr
    assert len(segment.read_bytes()) > len(before), "the body was written"
    world.open()
    assert world.estate.pipeline.stores.log.size == size
    assert dump(world.estate) == expected
    world.estate.data.clear(world.actor("stella"), "patients", purposes=["research"])
    assert segment.read_bytes().startswith(before)
    check_everything(world.estate)


DIE_AFTER_THE_APPEND = f"""
pipeline = estate.pipeline
stella = Actor(estate.people.find("stella"))
pipeline.stores.log._config.on_commit.target = lambda first, entries: os._exit({CRASHED})
estate.data.clear(stella, "patients", purposes=["research"])
"""


def test_an_act_whose_process_died_right_after_the_append_is_done(world: World):
    world.ingest()
    world.close()
    crashed = in_another_process(world.home, DIE_AFTER_THE_APPEND)
    assert crashed.returncode == CRASHED, crashed.stderr
    world.open()
    (dataset,) = world.estate.data.list(world.actor("stella"))
    assert dataset.purposes == ("research",)
    cleared = [r for r in records(world) if r.act == "dataset.clear"]
    assert [record.phase for record in cleared] == ["done"]
    check_everything(world.estate)


def test_long_work_that_died_leaves_its_beginning_in_the_ledger(world: World):
    world.ingest()
    world.close()
    script = f"""
from freehold.training import Task
die = lambda child: os._exit({CRASHED})
estate.training._executor = FakeExecutor(entries={{"freehold.training._job:main": die}})
clara = Actor(estate.people.find("clara"))
task = Task(recipe="tabular", label="outcome")
estate.training.train(clara, "patients", task, purpose="diagnosis-support")
"""
    crashed = in_another_process(world.home, script)
    assert crashed.returncode == CRASHED, crashed.stderr
    world.open()
    trained = [record for record in records(world) if record.act == "model.train"]
    assert [record.phase for record in trained] == ["started"]
    assert world.estate.training.list(world.actor("clara")) == ()
    check_everything(world.estate)


# ---- while following ------------------------------------------------------------------------


def test_an_estate_whose_catalog_cannot_follow_refuses_further_acts_until_it_is_opened_again(
    world: World,
):
    world.ingest()
    stella = world.actor("stella")
    with sqlite3.connect(world.home / "catalog.db") as other:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON act BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    other.close()
    with pytest.raises(FreeholdError) as first:
        world.estate.data.clear(stella, "patients", purposes=["research"])
    assert isinstance(first.value, CatalogError)
    assert "open the estate again" in first.value.hint
    for _ in range(2):
        with pytest.raises(LogStoppedError) as refused:
            world.ingest("more")
        assert refused.value.code == "ledger.commit_failed"
    world.close()
    with sqlite3.connect(world.home / "catalog.db") as other:
        other.execute("DROP TRIGGER full")
    other.close()
    world.open()
    (dataset,) = world.estate.data.list(stella)
    assert dataset.purposes == ("research",), "what became durable is done"
    check_everything(world.estate)


OBSERVED_DISK = """
import os
synced, failing = [], set()

def fdatasync(descriptor, real=os.fdatasync):
    kind = os.readlink(f"/proc/self/fd/{descriptor}").rpartition(".")[2]
    synced.append(kind)
    if kind in failing:
        raise OSError(5, "the disk does not answer")
    real(descriptor)

os.fdatasync = fdatasync
"""


def test_bodies_are_durable_before_the_record_that_commits_to_them(world: World):
    world.ingest()
    world.close()
    script = """
stella = Actor(estate.people.find("stella"))
synced.clear()
estate.data.clear(stella, "patients", purposes=["research"])
assert synced[:2] == ["seg", "wal"], synced
estate.close()
"""
    done = in_another_process(world.home, script, before=OBSERVED_DISK)
    assert done.returncode == 0, done.stderr
    world.open()
    check_everything(world.estate)


def test_an_estate_whose_disk_does_not_keep_bodies_records_and_acknowledges_nothing(world: World):
    world.ingest()
    size, expected = world.estate.pipeline.stores.log.size, dump(world.estate)
    world.close()
    script = """
from freehold.kernel import FreeholdError
stella = Actor(estate.people.find("stella"))
failing.add("seg")
for _ in range(2):
    try:
        estate.data.clear(stella, "patients", purposes=["research"])
    except FreeholdError as error:
        print(error.code)
"""
    done = in_another_process(world.home, script, before=OBSERVED_DISK)
    assert done.stdout.split() == ["ledger.sync_failed", "vault.reopen"], done.stderr
    world.open()
    assert (world.estate.pipeline.stores.log.size, dump(world.estate)) == (size, expected)
    check_everything(world.estate)


# ---- rewinds --------------------------------------------------------------------------------


def test_a_ledger_older_than_the_catalog_is_refused_at_opening(world: World):
    """The keys were restored too, so that no pinned checkpoint tells; the catalog does."""
    world.close()
    for part in ("ledger", "keys"):
        shutil.copytree(world.home / part, world.folder / f"older-{part}")
    world.open()
    world.ingest()
    world.close()
    for part in ("ledger", "keys"):
        shutil.rmtree(world.home / part)
        shutil.copytree(world.folder / f"older-{part}", world.home / part)
    with pytest.raises(FreeholdError) as error:
        world.open()
    assert error.value.code == "ledger.rewind"
    assert "older copy" in error.value.hint
    with pytest.raises(FreeholdError) as again:
        world.open()
    assert again.value.code == "ledger.rewind", "the first refusal let go of the folder"


def test_a_ledger_older_than_what_its_keyring_trusts_is_refused_without_a_catalog(world: World):
    world.close()
    shutil.copytree(world.home / "ledger", world.folder / "older")
    world.open()
    world.ingest()
    world.close()
    shutil.rmtree(world.home / "ledger")
    shutil.copytree(world.folder / "older", world.home / "ledger")
    for path in world.home.glob("catalog.db*"):
        path.unlink()
    with pytest.raises(FreeholdError) as error:
        world.open()
    assert error.value.code == "ledger.rewind"


# ---- opening --------------------------------------------------------------------------------


def test_a_second_process_is_refused_and_told_why(world: World):
    refused = in_another_process(world.home, "")
    assert refused.returncode != 0
    last = refused.stderr.strip().splitlines()[-1]
    assert "LogRefusedError" in last
    assert f"process {os.getpid()}" in last
    assert "one writer at a time" in last
    check_everything(world.estate)


def test_a_second_opening_in_the_same_process_is_refused_and_harms_nothing(world: World):
    with pytest.raises(LogRefusedError) as error:
        Estate.open(world.home, custody(), executor=world.executor)
    assert error.value.code == "ledger.locked"
    world.ingest()
    check_everything(world.estate)


def test_opening_creates_nothing(tmp_path: Path):
    with pytest.raises(EstateError) as error:
        Estate.open(tmp_path / "none", custody(), executor=FakeExecutor())
    assert error.value.code == "estate.missing"
    assert not (tmp_path / "none").exists()


def test_creating_does_not_touch_a_folder_that_holds_something(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
):
    (tmp_path / "mine").write_text("mine")
    folder = tmp_path_factory.mktemp("people")
    keys = {person: new_key_file(folder / person, person) for person in DEMO_PEOPLE}
    with pytest.raises(EstateError) as error:
        Estate.create(
            tmp_path,
            demo_charter(keys).encode(),
            custody(),
            is_trial=True,
            executor=FakeExecutor(),
        )
    assert error.value.code == "estate.exists"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_charter_that_is_refused_leaves_no_folder(tmp_path: Path):
    with pytest.raises(FreeholdError):
        Estate.create(tmp_path / "home", b"[organisation]\n", custody(), executor=FakeExecutor())
    assert not (tmp_path / "home").exists()


def test_another_passphrase_is_refused_and_changes_nothing(world: World):
    world.close()
    with pytest.raises(WrongCustody):
        Estate.open(world.home, custody("another"), executor=world.executor)
    world.open()
    check_everything(world.estate)


def test_nobody_else_on_the_machine_can_look_into_an_estate(tmp_path: Path):
    world = make_world(tmp_path, is_ratified=False)
    assert world.home.stat().st_mode & 0o777 == 0o700
    world.close()


def test_an_estate_is_the_same_after_reopening(deployed: World):
    before, size = dump(deployed.estate), deployed.estate.pipeline.stores.log.size
    policies = deployed.estate.pipeline.policies.digest
    site = dict(deployed.estate.pipeline.circumstances.site)
    deployed.reopen()
    assert (dump(deployed.estate), deployed.estate.pipeline.stores.log.size) == (before, size)
    assert deployed.estate.pipeline.policies.digest == policies
    assert deployed.estate.pipeline.circumstances.site == site


def test_an_unratified_estate_permits_nothing_but_ratification(tmp_path: Path):
    world = make_world(tmp_path, is_ratified=False)
    status = world.estate.charter.status()
    assert (status.is_ratified, status.missing) == (False, 2)
    with pytest.raises(FreeholdError):
        world.actor("stella")
    with pytest.raises(FreeholdError):
        world.ingest()
    world.ratify("olivia")
    world.reopen()
    assert world.estate.charter.status().missing == 1
    world.ratify("oscar")
    world.ingest()
    check_everything(world.estate)
    world.close()


def test_an_estate_counts_unknown_callers_from_its_first_moment_on(tmp_path: Path):
    """Before ratification, in the process that founded it, and after."""
    world = make_world(tmp_path, is_ratified=False)
    world.estate.refusals.count()
    world.estate.refusals.record()
    world.ratify()
    world.estate.refusals.count()
    world.estate.refusals.count()
    world.estate.refusals.record()
    totals = [record for record in records(world) if record.act == "access.refused"]
    assert [(record.phase, record.facts["count"]) for record in totals] == [
        ("done", 1),
        ("done", 2),
    ]
    check_everything(world.estate)
    world.close()


def test_the_line_holds_with_a_real_sandbox(founded: Path, tmp_path: Path):
    world = copy_world(founded, tmp_path / "world", executor=LocalExecutor())
    world.ingest()
    run = world.train()
    assert run.rows > 0
    assert run.isolation == int(world.executor.isolation)
    check_everything(world.estate)
    world.close()


# ---- what policies see ----------------------------------------------------------------------


def test_a_role_that_was_changed_counts_at_the_next_decision(world: World):
    owner, clara = world.actor("olivia"), world.actor("clara")
    world.ingest()
    world.train()
    world.estate.people.assign(owner, "clara", roles=["auditor"], clearances=["internal"])
    with pytest.raises(FreeholdError) as error:
        world.train()
    assert error.value.code == "policy.denied"
    world.estate.people.assign(owner, "clara", roles=["scientist"], clearances=["health"])
    assert world.train().trainer == str(clara.principal)
    world.estate.people.revoke(owner, "clara")
    with pytest.raises(FreeholdError) as error:
        world.train()
    assert error.value.code == "policy.denied"


def test_a_purpose_that_was_withdrawn_counts_at_the_next_decision(world: World):
    world.ingest()
    world.estate.data.clear(world.actor("stella"), "patients", purposes=["research"])
    with pytest.raises(FreeholdError) as error:
        world.train()
    assert error.value.code == "policy.denied"
    denied = next(r for r in reversed(records(world)) if r.phase == "denied")
    assert denied.decision.policies == ("charter.purpose",)


def test_a_denial_is_explained_in_words_that_help(world: World):
    world.ingest()
    simon = world.actor("simon")
    with pytest.raises(FreeholdError) as error:
        world.estate.training.train(
            simon, "patients", Task(recipe="tabular", label="outcome"), purpose=PURPOSE
        )
    assert "charter.clearance: You are not cleared" in error.value.message
    assert "Ask an owner" in error.value.message
    assert "recorded as act" in error.value.hint


def test_status_says_where_the_estate_stands(world: World):
    status = world.estate.status(world.actor("ada"))
    assert (status.organisation, status.is_trial, status.is_ratified) == (
        "Example Clinic",
        True,
        True,
    )
    assert status.records == world.estate.pipeline.stores.log.size
    assert status.isolation == "process"
    assert status.vkey == str(world.estate.pipeline.stores.log.key)


def test_names_are_resolved_to_ids_and_back(deployed: World):
    estate = deployed.estate
    for name in ("dataset:patients@1", "model:triage@1", "deployment:triage", "user:ada"):
        ref = estate.resolve(name)
        assert ref.is_opaque
    assert estate.name_of(str(estate.resolve("dataset:patients@1"))) == "dataset:patients@1"
    assert estate.name_of(str(estate.resolve("user:ada"))) == "user:ada"
    unknown = str(Ref("dataset", new_id()))
    assert estate.name_of(unknown) == unknown


def test_the_identity_of_an_estate_does_not_change(world: World):
    before = world.estate.pipeline.circumstances.estate
    world.reopen()
    assert world.estate.pipeline.circumstances.estate == before
    first = json.loads(world.estate.pipeline.stores.log.entry(0))
    assert (first["act"], first["resource"]) == ("estate.create", str(before))
