"""Every durable step of the keyring, failed and not written, and failed but written."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from freehold.kernel.keys import (
    INSECURE_TEST_COST,
    DomainErased,
    DomainKeys,
    Keyring,
    KeysError,
    KeysLimits,
    PassphraseCustody,
    UnknownDomain,
    WrongCustody,
)
from tests.kernel.keys.disks import FaultyDisk, PowerCut

ERASING = ["replace", "commit", "replace", "commit"]  # the first commit is the commit point
WRITTEN = [
    pytest.param(False, id="failed and not written"),
    pytest.param(True, id="failed but written"),
]
POINTS = [pytest.param(at, id=f"step {at}, {name}") for at, name in enumerate(ERASING, start=1)]


class World:
    """A keyring on a faulty disk, with something in it of every kind."""

    def __init__(self, folder: Path, custody: PassphraseCustody) -> None:
        self.folder, self.custody = folder, custody
        self.disk = FaultyDisk(folder)
        self.keyring = Keyring.create(folder, custody, disk=self.disk)
        self.victim = self.keyring.new_domain()
        self.kept: dict[str, DomainKeys] = {}
        for _ in range(8):
            domain_id = self.keyring.new_domain()
            self.kept[domain_id] = self.keyring.domain(domain_id)
        self.public_key = self.keyring.new_signer("log").public_key
        self.keyring.pin("newest", b"checkpoint")

    def check_everything(self, keyring: Keyring, folder: Path, *, is_erased: bool) -> None:
        if is_erased:
            with pytest.raises(DomainErased):
                keyring.domain(self.victim)
        else:
            assert keyring.domain(self.victim).domain == self.victim
        assert {each: keyring.domain(each) for each in self.kept} == self.kept
        assert keyring.signer("log").public_key == self.public_key
        assert keyring.pinned("newest") == b"checkpoint"
        keyring.erase(self.victim)
        keyring.domain(keyring.new_domain())
        with pytest.raises(DomainErased):
            keyring.domain(self.victim)
        assert {each: keyring.domain(each) for each in self.kept} == self.kept
        assert len(json.loads((folder / "custody.json").read_text())["roots"]) == 1


@pytest.fixture
def world(folder: Path, custody: PassphraseCustody) -> World:
    return World(folder, custody)


def test_an_erasure_has_the_steps_that_are_tested_here(world: World) -> None:
    world.disk.arm(0, is_written=False)
    world.keyring.erase(world.victim)
    assert world.disk.operations == ERASING


@pytest.mark.parametrize("is_written", WRITTEN)
@pytest.mark.parametrize("at", POINTS)
def test_a_power_cut_while_erasing_leaves_all_or_nothing(
    world: World, at: int, is_written: bool
) -> None:
    world.disk.arm(at, is_written=is_written)
    with pytest.raises(PowerCut):
        world.keyring.erase(world.victim)
    crashed = world.disk.crashed
    with Keyring.open(crashed, world.custody) as keyring:
        assert len(json.loads((crashed / "custody.json").read_text())["roots"]) == 1
        world.check_everything(keyring, crashed, is_erased=at > 2 or (at == 2 and is_written))


@pytest.mark.parametrize("is_written", WRITTEN)
@pytest.mark.parametrize("at", POINTS)
def test_after_a_disk_error_the_keyring_gives_and_takes_nothing_until_it_is_opened_again(
    world: World, at: int, is_written: bool
) -> None:
    world.disk.arm(at, is_written=is_written, error=OSError(28, "No space left on device"))
    with pytest.raises(KeysError, match="No space left") as caught:
        world.keyring.erase(world.victim)
    assert caught.value.code == "keys.storage"
    keyring, done = world.keyring, len(world.disk.operations)
    for call in (
        keyring.refuse_after_failure,
        lambda: keyring.erase(world.victim),
        keyring.new_domain,
        lambda: keyring.domain(next(iter(world.kept))),  # it may be of a key that is no more
        lambda: keyring.rotate_custody(world.custody),
        lambda: keyring.new_signer("another"),
        lambda: keyring.signer("log"),
        lambda: keyring.pin("newest", b"later"),
        lambda: keyring.pinned("newest"),
    ):
        with pytest.raises(KeysError, match="No space left") as refused:
            call()
        assert refused.value.code == "keys.reopen"
    assert len(world.disk.operations) == done, "a failed write was tried again"
    keyring.close()
    with Keyring.open(world.folder, world.custody) as reopened:
        is_erased = at > 2 or (at == 2 and is_written)
        world.check_everything(reopened, world.folder, is_erased=is_erased)


def test_a_keyring_that_another_process_writes_to_has_not_failed(world: World) -> None:
    limits = KeysLimits(lock_wait_ms_max=10)
    with (
        Keyring.open(world.folder, world.custody, limits=limits) as waiting,
        closing(sqlite3.connect(world.folder / "keyring.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(KeysError, match="locked") as caught:
            waiting.new_domain()
        assert caught.value.code == "keys.storage"
        other.execute("ROLLBACK")
        assert waiting.domain(waiting.new_domain())


@pytest.mark.parametrize("is_written", WRITTEN)
@pytest.mark.parametrize("second", [1, 2])
@pytest.mark.parametrize("at", POINTS)
def test_a_second_power_cut_while_recovering_changes_nothing(
    world: World, at: int, second: int, is_written: bool
) -> None:
    world.disk.arm(at, is_written=is_written)
    with pytest.raises(PowerCut):
        world.keyring.erase(world.victim)
    disk = FaultyDisk(world.disk.crashed)
    disk.crashed = disk.folder.with_name("crashed-twice")
    disk.arm(second, is_written=not is_written)
    try:
        Keyring.open(disk.folder, world.custody, disk=disk).close()
    except PowerCut:
        folder = disk.crashed
    else:
        folder = disk.folder  # there was too little to recover for a second cut
    with Keyring.open(folder, world.custody) as keyring:
        world.check_everything(keyring, folder, is_erased=at > 2 or (at == 2 and is_written))


@pytest.mark.parametrize("is_written", WRITTEN)
@pytest.mark.parametrize("at", [1, 2])
def test_a_power_cut_while_rotating_leaves_one_custody_that_opens(
    world: World, at: int, is_written: bool
) -> None:
    new = PassphraseCustody("another", cost=INSECURE_TEST_COST)
    world.disk.arm(at, is_written=is_written)
    with pytest.raises(PowerCut):
        world.keyring.rotate_custody(new)
    assert world.disk.operations == ["replace", "commit"][:at]
    is_rotated = at > 1 or is_written
    right, wrong = (new, world.custody) if is_rotated else (world.custody, new)
    crashed = world.disk.crashed
    with pytest.raises(WrongCustody):
        Keyring.open(crashed, wrong)
    with Keyring.open(crashed, right) as keyring:
        world.check_everything(keyring, crashed, is_erased=False)


@pytest.mark.parametrize("is_written", WRITTEN)
def test_a_power_cut_while_making_a_domain_leaves_it_whole_or_unknown(
    world: World, is_written: bool
) -> None:
    domain_id = "01890000-0000-7000-8000-000000000001"
    world.disk.arm(1, is_written=is_written)
    with pytest.raises(PowerCut):
        world.keyring.new_domain(domain_id)
    with Keyring.open(world.disk.crashed, world.custody) as keyring:
        if is_written:
            assert keyring.domain(domain_id)
        else:
            with pytest.raises(UnknownDomain):
                keyring.domain(domain_id)
        world.check_everything(keyring, world.disk.crashed, is_erased=False)


@pytest.mark.parametrize("is_written", WRITTEN)
def test_a_power_cut_while_creating_leaves_nothing_under_the_name(
    folder: Path, custody: PassphraseCustody, is_written: bool
) -> None:
    disk = FaultyDisk(folder)
    disk.arm(1, is_written=is_written)
    with pytest.raises(PowerCut):
        Keyring.create(folder, custody, disk=disk)
    with pytest.raises(KeysError, match="freehold init"):
        Keyring.open(folder, custody)
    with Keyring.create(folder, custody) as keyring:
        assert keyring.domain(keyring.new_domain())


def test_the_write_ahead_file_has_a_durable_name_before_anything_is_committed(
    folder: Path, custody: PassphraseCustody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite takes no notice where it cannot make that name durable."""
    Keyring.create(folder, custody).close()
    names: list[set[str]] = []

    def fail(synced: Path) -> None:
        names.append({path.name for path in synced.iterdir()})
        raise OSError("the folder was not synced")

    with monkeypatch.context() as patched:
        patched.setattr("freehold.kernel.keys._keyring.sync_folder", fail)
        with pytest.raises(KeysError) as refused:
            Keyring.open(folder, custody)
    assert refused.value.code == "keys.storage"
    assert "keyring.db-wal" in names[0]
    Keyring.open(folder, custody).close()
