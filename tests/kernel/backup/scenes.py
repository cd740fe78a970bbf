"""Bundles of a test's world, restored copies of it, and disks that fail."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

from freehold.estate import Estate
from freehold.kernel.acts import Pipeline, Record
from freehold.kernel.backup import (
    BackupLimits,
    Bundle,
    BundleWriter,
    Restored,
    Restoring,
    Unlock,
    Wanted,
    Written,
    blob_facts,
)
from freehold.kernel.ledger import PRUNED, Disk, LocalDisk
from tests.estate.world import World, custody, dump

SMALL = BackupLimits(part_bytes=8_192, unsynced_bytes=8_192, rows_of_member=3, chunk_bytes=1_000)


def writer(world: World, disk: Disk | None = None, limits: BackupLimits = SMALL) -> BundleWriter:
    """What writes bundles of a world, in parts so small that there are many."""
    return BundleWriter(world.estate.pipeline, limits=limits, disk=disk)


def with_log(world: World, log: Any) -> Pipeline:
    """A world's pipeline over another log."""
    pipeline = copy(world.estate.pipeline)
    pipeline.stores = replace(pipeline.stores, log=log)
    return pipeline


def write(world: World, folder: Path, base: Bundle | None = None) -> Written:
    """Write a bundle of a world."""
    return writer(world).write(folder, Wanted(base=base))


def restoring(bundle: Path, folder: Path, world: World, disk: Disk | None = None) -> Restoring:
    """A restoration of a world's bundle."""
    pipeline = world.estate.pipeline
    return Restoring(
        Bundle.read(bundle, SMALL),
        folder,
        key=None,
        facts=blob_facts(pipeline.registry),
        disk=disk,
    )


def restore(bundle: Path, folder: Path, world: World, unlock: Unlock | None = None) -> Restored:
    """Restore a world's bundle by its passphrase."""
    unlock = unlock or Unlock(custody=custody())
    return restoring(bundle, folder, world).run(unlock, custody())


def check_same(world: World, folder: Path) -> None:
    """Hold what was restored to being the world as it is, which nobody changed since."""
    world.estate.pipeline.stores.log.publish()
    expected = dump(world.estate)
    copied = folder.with_name(folder.name + "-opened")
    shutil.copytree(folder, copied)
    with Estate.open(copied, custody(), executor=world.executor) as estate:
        log, own = estate.pipeline.stores.log, world.estate.pipeline.stores.log
        assert (log.size, log.reader().note) == (own.size, own.reader().note)
        assert dump(estate) == expected
        vault = estate.pipeline.stores.vault
        for name in blobs_of(world):
            assert vault.sealed_digest(name) == world.estate.pipeline.stores.vault.sealed_digest(
                name
            )
    shutil.rmtree(copied)


def blobs_of(world: World) -> set[str]:
    """The names of the blobs that a world's records name and some key opens."""
    pipeline = world.estate.pipeline
    erased = {domain for domain, _ in world.estate.data.erasures()}
    names = set()
    for entry in pipeline.stores.log.entries():
        if entry == PRUNED:
            continue
        record = Record.decode(entry)
        if record.facts.get("blob") and record.body and record.body.domain not in erased:
            names.add(record.facts["blob"])
    return names


class Interrupted(OSError):
    """The disk failed here."""


class FaultyDisk:
    """A local disk whose operation number `at`, counted from 1, fails: before it is done or after.

    `at` 0 fails never; `count` tells how many operations there were.
    """

    def __init__(self, at: int = 0, *, is_written: bool = False) -> None:
        self.count = 0
        self._disk = LocalDisk()
        self._at = at
        self._is_written = is_written

    def append(self, file: int, data: bytes) -> None:
        self._do(lambda: self._disk.append(file, data))

    def create(self, path: Path, data: bytes) -> None:
        self._do(lambda: self._disk.create(path, data))

    def replace(self, path: Path, data: bytes) -> None:
        self._do(lambda: self._disk.replace(path, data))

    def sync_folder(self, folder: Path) -> None:
        self._do(lambda: self._disk.sync_folder(folder))

    def remove(self, path: Path) -> None:
        self._do(lambda: self._disk.remove(path))

    def _do(self, work: Callable[[], None]) -> None:
        self.count += 1
        is_here = self.count == self._at
        if not is_here or self._is_written:
            work()
        if is_here:
            raise Interrupted("the disk failed")
