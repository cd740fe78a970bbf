"""The log in its normal life: append, publish, prove, close, open."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freehold.kernel import LimitError, Limits
from freehold.kernel.ledger import (
    EMPTY_ROOT,
    Appended,
    Checkpoint,
    CorruptLogError,
    Ed25519Signer,
    ForkError,
    LocalDisk,
    Log,
    LogConfig,
    LogReader,
    LogRefusedError,
    LogStoppedError,
    Promise,
    Receipt,
    RewindError,
    leaf_hash,
    verify_consistency,
)
from tests.kernel.ledger import naive

MOMENT = datetime(2026, 11, 24, 6, 2, 49, tzinfo=UTC)


class StoppedClock:
    """Tells one moment for ever."""

    def now(self) -> datetime:
        return MOMENT


def fill(log: Log, count: int) -> list[bytes]:
    entries = [b"entry %d" % (log.size + place) for place in range(count)]
    for entry in entries:
        log.append(entry)
    return entries


def read(log: Log, config: LogConfig) -> Checkpoint:
    return Checkpoint.open(log.reader().note, [config.key])


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 20 s"
        time.sleep(0.005)


def test_a_new_log_has_signed_its_empty_tree(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        assert log.size == 0
        assert read(log, config) == Checkpoint(config.origin, 0, EMPTY_ROOT)
        assert log.reader().consistency(0) == []
    assert (folder / "checkpoint").read_text() == log.reader().note
    assert LogReader(folder, config.origin, keys=[config.key]).verify_all().size == 0


def test_an_appended_record_is_there_at_once_and_after_reopening(
    folder: Path, config: LogConfig
) -> None:
    with Log.create(folder, config) as log:
        assert log.append(b"first") == Appended(0, leaf_hash(b"first"))
        assert log.append(b"second") == Appended(1, leaf_hash(b"second"))
        assert log.size == 2
        assert read(log, config).size == 0
        assert list(log.entries()) == [b"first", b"second"]
    with Log.open(folder, config) as log:
        assert read(log, config).size == log.size == 2
        assert log.entry(1) == b"second"


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 513])
def test_every_record_has_a_receipt_under_the_root_of_the_definition(
    folder: Path, config: LogConfig, size: int
) -> None:
    with Log.create(folder, config) as log:
        entries = fill(log, size)
        log.publish()
        assert read(log, config).root == naive.root(entries)
        for index in {0, size // 2, size - 1}:
            receipt = log.receipt(index)
            assert list(receipt.path) == naive.inclusion(index, entries)
            assert Receipt.parse(receipt.text()).verify(entries[index], [config.key]).size == size


def test_a_receipt_of_a_pending_record_publishes_first(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        fill(log, 3)
        assert log.receipt(2).verify(b"entry 2", [config.key]).size == 3


def test_reading_spans_published_and_pending_records(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        entries = fill(log, 300)
        log.publish()
        entries += fill(log, 5)
        for start, stop in [(0, 305), (0, 0), (255, 257), (299, 301), (300, 305), (305, 305)]:
            assert list(log.entries(start, stop)) == entries[start:stop]
        assert log.entry(256) == b"entry 256"
        for start, stop in [(0, 306), (-1, 3), (4, 3)]:
            with pytest.raises(ValueError, match="305 records"):
                log.entries(start, stop)


def test_any_two_checkpoints_are_consistent(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        seen = []
        for count in (1, 3, 251, 1, 1, 260):
            fill(log, count)
            log.publish()
            seen.append(read(log, config))
        newest = seen[-1]
        for old in seen:
            verify_consistency(
                old.size,
                newest.size,
                proof=log.reader().consistency(old.size),
                old_root=old.root,
                new_root=newest.root,
            )
        with pytest.raises(ValueError, match="size 517"):
            log.reader().consistency(518)
    for old in seen:  # also those whose partial tiles were dropped meanwhile
        reader = LogReader(folder, config.origin, keys=[config.key], size=old.size)
        assert reader.verify_all() == old


def test_partial_tiles_are_dropped_once_the_full_one_is_published(
    folder: Path, config: LogConfig
) -> None:
    with Log.create(folder, config) as log:
        fill(log, 255)
        log.publish()
        assert (folder / "tile/0/000.p/255").stat().st_size == 255 * 32
        fill(log, 2)
        log.publish()
        found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert {name for name in found if name.startswith("tile")} == {
            "tile/0/000",
            "tile/0/001.p/1",
            "tile/1/000.p/1",
            "tile/entries/000",
            "tile/entries/001.p/1",
        }
        assert {name for name in found if name.startswith("checkpoint")} == {
            "checkpoint",
            *(f"checkpoints/{size:020}" for size in (0, 255, 257)),
        }
        assert {name for name in found if name.startswith("wal")} == {f"wal/{257:020}.wal"}


def test_publishing_nothing_signs_nothing(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        fill(log, 1)
        assert log.publish() == log.publish() == log.reader().note


def test_a_promise_names_the_record_and_a_deadline(folder: Path, config: LogConfig) -> None:
    config = replace(config, clock=StoppedClock())
    with Log.create(folder, config) as log:
        appended = log.append(b"a record")
        pending = Promise.open(log.promise(appended), [config.key])
        pending.verify(b"a record")
        delay = timedelta(milliseconds=config.limits.publish_delay_ms_max)
        assert pending == Promise(config.origin, 0, leaf_hash(b"a record"), MOMENT + delay)
        log.publish()
        assert Promise.open(log.promise(appended), [config.key]) == pending


def test_the_log_promises_nothing_that_it_does_not_hold(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        fill(log, 1)
        for other in (Appended(1, leaf_hash(b"entry 0")), Appended(0, leaf_hash(b"another"))):
            with pytest.raises(ValueError, match="another one"):
                log.promise(other)
        with pytest.raises(ValueError, match="1 records"):
            log.receipt(1)


def test_a_record_beyond_the_bounds_is_refused(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        assert log.append(b"x" * 65_535).index == 0
        with pytest.raises(LimitError, match="65535"):
            log.append(b"x" * 65_536)
        with pytest.raises(ValueError, match="at least one byte"):
            log.append(b"")
        assert log.size == 1


def test_a_waiting_record_is_published_in_time(folder: Path, config: LogConfig) -> None:
    config = replace(config, limits=Limits(publish_delay_ms_max=20))
    with Log.create(folder, config) as log:
        for size in (1, 2):
            fill(log, 1)
            eventually(lambda size=size: read(log, config).size == size)  # type: ignore[misc]


def test_many_waiting_records_are_published_without_delay(folder: Path, config: LogConfig) -> None:
    config = replace(config, limits=replace(config.limits, publish_records_max=3))
    with Log.create(folder, config) as log:
        fill(log, 2)
        time.sleep(0.02)
        assert read(log, config).size == 0
        fill(log, 1)
        eventually(lambda: read(log, config).size == 3)


class SlowDisk(LocalDisk):
    """Takes a while for every file but the write-ahead one, and counts how long."""

    busy_s = 0.0

    def create(self, path: Path, data: bytes) -> None:
        started = time.monotonic()
        time.sleep(0.01)
        super().create(path, data)
        self.busy_s += time.monotonic() - started


def test_publishing_takes_half_of_the_time_at_most(folder: Path, config: LogConfig) -> None:
    disk = SlowDisk()
    limits = Limits(publish_delay_ms_max=2_000, publish_records_max=1)
    with Log.create(folder, replace(config, disk=disk, limits=limits)) as log:
        disk.busy_s, started, last = 0.0, time.monotonic(), 0
        while time.monotonic() < started + 1:
            last = log.append(b"%d" % log.size).index
        assert disk.busy_s < 0.6 * (time.monotonic() - started)
        eventually(lambda: read(log, config).size > last)
        assert disk.busy_s > 0.1


def test_what_waits_at_opening_is_published_in_time(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        fill(log, 2)
        shutil.copytree(folder, crashed := folder.with_name("crashed"))
    config = replace(config, limits=Limits(publish_delay_ms_max=20))
    with Log.open(crashed, config) as log:
        eventually(lambda: read(log, config).size == 2)


def test_the_owner_is_told_of_each_group_once_and_in_order(folder: Path, config: LogConfig) -> None:
    told: list[tuple[int, list[bytes]]] = []
    steps: list[str] = []

    def on_commit(first: int, entries: Sequence[bytes]) -> None:
        steps.append("commit")
        told.append((first, list(entries)))

    config = replace(config, before_sync=lambda: steps.append("bodies"), on_commit=on_commit)
    with Log.create(folder, config) as log:
        fill(log, 2)
        shutil.copytree(folder, crashed := folder.with_name("crashed"))
    assert told == [(0, [b"entry 0"]), (1, [b"entry 1"])]
    assert steps == ["bodies", "commit"] * 2
    with Log.open(crashed, config) as log:  # the owner catches up through `entries`
        assert list(log.entries()) == [b"entry 0", b"entry 1"]
    assert len(told) == 2


def test_an_error_of_the_owner_stops_appends_but_loses_nothing(
    folder: Path, config: LogConfig
) -> None:
    def on_commit(first: int, entries: Sequence[bytes]) -> None:
        if first == 1:
            raise RuntimeError("the catalog is full")

    with Log.create(folder, replace(config, on_commit=on_commit)) as log:
        fill(log, 1)
        with pytest.raises(RuntimeError, match="catalog is full"):
            log.append(b"entry 1")
        with pytest.raises(LogStoppedError, match="catalog is full") as refusal:
            log.append(b"entry 2")
        assert refusal.value.code == "ledger.commit_failed"
        assert log.size == 2
    with Log.open(folder, config) as log:
        assert read(log, config).size == 2
        assert list(log.entries()) == [b"entry 0", b"entry 1"]


def test_bodies_that_cannot_be_synced_stop_the_log(folder: Path, config: LogConfig) -> None:
    def before_sync() -> None:
        raise OSError("no space left")

    with Log.create(folder, replace(config, before_sync=before_sync)) as log:
        for _ in range(2):
            with pytest.raises(LogStoppedError, match="no space left") as refusal:
                log.append(b"entry 0")
            assert refusal.value.code == "ledger.sync_failed"
        assert log.size == 0


def test_a_closed_log_takes_nothing(folder: Path, config: LogConfig) -> None:
    log = Log.create(folder, config)
    fill(log, 1)
    log.close()
    log.close()
    for refused in (lambda: log.append(b"x"), log.publish):
        with pytest.raises(LogStoppedError) as refusal:
            refused()
        assert refusal.value.code == "ledger.closed"
    assert log.receipt(0).verify(b"entry 0", [config.key]).size == 1


def test_a_second_writer_is_refused_and_told_who_writes(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config), pytest.raises(LogRefusedError, match=str(os.getpid())) as no:
        Log.open(folder, config)
    assert no.value.code == "ledger.locked"
    Log.open(folder, config).close()


def test_a_log_is_neither_created_twice_nor_opened_where_there_is_none(
    folder: Path, config: LogConfig
) -> None:
    with pytest.raises(LogRefusedError) as refusal:
        Log.open(folder, config)
    assert refusal.value.code == "ledger.missing"
    assert not folder.exists()
    Log.create(folder, config).close()
    with pytest.raises(LogRefusedError) as refusal:
        Log.create(folder, config)
    assert refusal.value.code == "ledger.exists"


@pytest.mark.parametrize("published", [False, True])
def test_a_log_that_lost_its_checkpoint_is_not_overwritten(
    folder: Path, config: LogConfig, published: bool
) -> None:
    with Log.create(folder, config) as log:
        fill(log, 1)
        if published:
            log.publish()
        shutil.copytree(folder, damaged := folder.with_name("damaged"))
    (damaged / "checkpoint").unlink()
    with pytest.raises(LogRefusedError) as refusal:
        Log.create(damaged, config)
    assert refusal.value.code == "ledger.exists"


def test_another_key_or_origin_is_refused(folder: Path, config: LogConfig) -> None:
    Log.create(folder, config).close()
    for other in (
        replace(config, signer=Ed25519Signer(b"\x09" * 32)),
        replace(config, origin="estate/another/main"),
    ):
        with pytest.raises(LogRefusedError) as refusal:
            Log.open(folder, other)
        assert refusal.value.code == "ledger.key"
    Log.open(folder, config).close()
    with pytest.raises(ValueError, match="name"):
        replace(config, origin="a log")


def test_a_log_older_than_a_trusted_checkpoint_is_a_rewind(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        fill(log, 3)
        log.publish()
        shutil.copytree(folder, backup := folder.with_name("backup"))
        fill(log, 1)
        log.publish()
        trusted = read(log, config)
    with pytest.raises(RewindError, match="head 3 is older than head 4") as refusal:
        Log.open(backup, config, trusted=trusted)
    assert refusal.value.code == "ledger.rewind"
    Log.open(folder, config, trusted=trusted).close()


@pytest.mark.parametrize("longer_by", [0, 5])
def test_a_log_with_another_history_is_a_fork(
    folder: Path, config: LogConfig, longer_by: int
) -> None:
    with Log.create(folder, config) as log:
        fill(log, 300)
        log.publish()
        shutil.copytree(folder, copy := folder.with_name("copy"))
        log.append(b"what really happened")
        log.publish()
        trusted = read(log, config)
    with Log.open(copy, config) as log:
        log.append(b"what somebody would have liked")
        fill(log, longer_by)
    with pytest.raises(ForkError) as refusal:
        Log.open(copy, config, trusted=trusted)
    assert refusal.value.code == "ledger.fork"
    with pytest.raises(ValueError, match="trusted checkpoint is of"):
        Log.open(folder, config, trusted=replace(trusted, origin="estate/another/main"))


def test_a_trusted_empty_log_is_part_of_every_log(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        trusted = read(log, config)
        fill(log, 1)
    Log.open(folder, config, trusted=trusted).close()


def test_tiles_without_the_signed_root_are_refused(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        fill(log, 2)
    tile = folder / "tile/0/000.p/2"
    tile.write_bytes(bytes(64))
    with pytest.raises(CorruptLogError, match="root that was signed"):
        Log.open(folder, config)
    tile.unlink()
    with pytest.raises(CorruptLogError, match="missing"):
        Log.open(folder, config)


def test_a_changed_published_record_is_never_read(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        fill(log, 257)
    bundle = folder / "tile/entries/000"
    bundle.write_bytes(bundle.read_bytes().replace(b"entry 7", b"entry 8", 1))
    with Log.open(folder, config) as log, pytest.raises(CorruptLogError, match="not the one"):
        log.entry(7)


def test_of_each_hour_that_is_over_the_last_checkpoint_is_kept(
    folder: Path, config: LogConfig
) -> None:
    history = folder / "checkpoints"
    with Log.create(folder, config) as log:
        for hours_ago in (5, 5, 5, 3, 3, 0, 0):
            log.append(b"entry")
            log.publish()
            size = f"{log.size:020}"
            written = time.time() - hours_ago * 3_600
            os.utime(history / size, (written, written))
        sizes = [size for size, _ in log.reader().checkpoints()]
        assert sizes == [0, 3, 5, 6, 7]
        assert log.reader().verify_all().size == 7
    for kept in sizes:
        assert LogReader(folder, config.origin, keys=[config.key], size=kept).note
