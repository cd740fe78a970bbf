"""Upkeep: custody goes over to another passphrase, orphans are collected, both as acts."""

from __future__ import annotations

import io
import json
import os
import time

import pytest

from freehold.estate import Estate
from freehold.kernel.keys import WrongCustody
from freehold.kernel.policy import Denied
from tests.estate.world import World, check_everything, custody

DAYS = 86_400


def test_a_rotation_needs_approval_and_then_only_the_new_passphrase_opens(deployed: World):
    estate, otto = deployed.estate, deployed.actor("otto")
    with pytest.raises(Denied) as denied:
        estate.upkeep.rotate_custody(otto, custody("a new passphrase"))
    assert denied.value.policies == ("charter.approvals.custody-rotate",)
    deployed.approve("olivia", "custody.rotate", estate.pipeline.circumstances.estate)
    estate.upkeep.rotate_custody(otto, custody("a new passphrase"))
    check_everything(estate)
    deployed.close()
    with pytest.raises(WrongCustody):
        Estate.open(deployed.home, custody(), executor=deployed.executor)
    with Estate.open(
        deployed.home, custody("a new passphrase"), executor=deployed.executor
    ) as reopened:
        check_everything(reopened)


def test_nothing_of_a_rotation_but_its_kind_is_recorded(world: World):
    world.approve("olivia", "custody.rotate", world.estate.pipeline.circumstances.estate)
    world.estate.upkeep.rotate_custody(world.actor("otto"), custody("secret-of-the-rotation"))
    entry = json.loads(list(world.estate.pipeline.stores.log.entries())[-1])
    assert (entry["act"], entry["facts"]["custody"]) == ("custody.rotate", "passphrase")
    world.estate.pipeline.stores.log.publish()
    for path in world.home.rglob("*"):
        assert not path.is_file() or b"secret-of-the-rotation" not in path.read_bytes()


def test_collecting_removes_what_no_act_names_and_keeps_all_the_rest(deployed: World):
    estate = deployed.estate
    dataset = estate.data.find("patients")
    orphan = estate.pipeline.stores.vault.seal(dataset.id, io.BytesIO(b"of a failed act"))
    blobs = [path for path in (deployed.home / "vault" / "blobs").rglob("*") if path.is_file()]
    long_ago = time.time() - 365 * DAYS
    for path in blobs:
        os.utime(path, (long_ago, long_ago))
    assert estate.upkeep.collect(deployed.actor("otto")).count == 0  # what it put itself is young
    estate = deployed.reopen()
    collected = estate.upkeep.collect(deployed.actor("otto"))
    assert (collected.count, collected.bytes) == (1, orphan.sealed_size)
    left = {path.name for path in (deployed.home / "vault" / "blobs").rglob("*") if path.is_file()}
    assert left == {path.name for path in blobs} - {orphan.name}
    deployed.reopen()
    answer = deployed.estate.serving.answer(
        deployed.actor("dana"), "triage", {"age": [40], "pressure": [150], "ward": ["north"]}
    )
    assert answer.labels == ("ill",)
    check_everything(deployed.estate)


def test_a_fresh_orphan_is_left_to_the_act_that_may_be_under_way(world: World):
    version = world.ingest()
    domain = world.estate.data.find(version.ref).id
    world.estate.pipeline.stores.vault.seal(domain, io.BytesIO(b"not recorded yet"))
    assert world.estate.upkeep.collect(world.actor("otto")).count == 0
