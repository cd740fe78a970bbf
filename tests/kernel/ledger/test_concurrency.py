"""Many appenders at once: groups, order, failures and interruptions."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

from freehold.kernel import Limits
from freehold.kernel.ledger import Checkpoint, LocalDisk, Log, LogConfig, LogReader, LogStoppedError


class CountingDisk(LocalDisk):
    """Counts the writes to the write-ahead file."""

    def __init__(self) -> None:
        self.appends = 0

    def append(self, file: int, data: bytes) -> None:
        self.appends += 1
        super().append(file, data)


def in_threads(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.parametrize("group_records_max", [3, 4096])
def test_concurrent_appenders_keep_every_acknowledged_record_in_order(
    folder: Path, config: LogConfig, group_records_max: int
) -> None:
    told: list[bytes] = []
    acknowledged: dict[int, bytes] = {}

    def on_commit(first: int, entries: Sequence[bytes]) -> None:
        assert first == len(told)
        told.extend(entries)

    def work(number: int) -> None:
        last = -1
        for turn in range(40):
            entry = b"%d of %d" % (turn, number)
            index = log.append(entry).index
            assert told[index] == entry, "the owner is told before the append returns"
            assert index > last
            last = index
            acknowledged[index] = entry
            if turn % 10 == 0:
                receipt = log.receipt(index)
                receipt.verify(entry, [config.key])

    disk = CountingDisk()
    limits = Limits(
        publish_delay_ms_max=4, publish_records_max=50, group_records_max=group_records_max
    )
    config = replace(config, on_commit=on_commit, disk=disk, limits=limits)
    with Log.create(folder, config) as log:
        in_threads(16, work)
        assert sorted(acknowledged) == list(range(640))
        assert list(log.entries()) == told == [acknowledged[index] for index in range(640)]
        assert disk.appends < 640, "appends that wait are written together"
    reader = LogReader(folder, config.origin, keys=[config.key])
    assert reader.verify_all().size == 640
    assert list(reader.entries()) == told


def test_readers_and_publications_do_not_disturb_each_other(
    folder: Path, config: LogConfig
) -> None:
    limits = Limits(publish_delay_ms_max=2, publish_records_max=7)
    with Log.create(folder, replace(config, limits=limits)) as log:

        def work(number: int) -> None:
            for _ in range(150):
                if number == 0:
                    log.append(b"entry %d" % log.size)
                else:
                    size = log.size
                    expected = [b"entry %d" % index for index in range(size)]
                    assert list(log.entries(0, size)) == expected
                    checkpoint = Checkpoint.open(log.reader().note, [config.key])
                    assert checkpoint.size <= log.size

        in_threads(3, work)


class BusyDisk(LocalDisk):
    """Lets somebody append at every step of a publication."""

    log: Log | None = None

    def create(self, path: Path, data: bytes) -> None:
        self._append()
        super().create(path, data)
        self._append()

    def remove(self, path: Path) -> None:
        self._append()
        super().remove(path)

    def _append(self) -> None:
        log = self.log
        if log is not None:

            def work(number: int) -> None:
                log.append(b"entry %d" % log.size)

            in_threads(1, work)


def test_what_is_appended_during_a_publication_survives_a_crash_after_it(
    folder: Path, config: LogConfig
) -> None:
    disk = BusyDisk()
    with Log.create(folder, replace(config, disk=disk)) as log:
        log.append(b"entry 0")
        disk.log = log
        log.publish()
        disk.log = None
        size = log.size
        assert size > 10
        shutil.copytree(folder, crashed := folder.with_name("crashed"))
    with Log.open(crashed, config) as log:
        assert list(log.entries()) == [b"entry %d" % index for index in range(size)]


def test_a_failed_sync_is_told_to_everyone_who_waited(folder: Path, config: LogConfig) -> None:
    everyone_waits = threading.Barrier(8, timeout=30)
    refused: list[str] = []

    class BadDisk(LocalDisk):
        def append(self, file: int, data: bytes) -> None:
            raise OSError("input/output error")

    def work(number: int) -> None:
        everyone_waits.wait()
        try:
            log.append(b"%d" % number)
        except LogStoppedError as error:
            refused.append(error.code)

    with Log.create(folder, replace(config, disk=BadDisk())) as log:
        in_threads(8, work)
        assert refused == ["ledger.sync_failed"] * 8
        assert log.size == 0


class Interrupted(BaseException):
    """What a signal raises in the main thread."""


def test_an_interrupted_appender_leaves_the_others_working(folder: Path, config: LogConfig) -> None:
    is_writing, may_write = threading.Event(), threading.Event()

    def before_sync() -> None:
        is_writing.set()
        assert may_write.wait(30)

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    with Log.create(folder, replace(config, before_sync=before_sync)) as log:
        leader = threading.Thread(target=log.append, args=(b"leads",))
        leader.start()
        assert is_writing.wait(30)
        previous = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(Interrupted):
                log.append(b"waits and is interrupted")
        finally:
            signal.signal(signal.SIGALRM, previous)
        may_write.set()
        leader.join(30)
        assert log.append(b"comes later").index == 1
        assert list(log.entries()) == [b"leads", b"comes later"]


def test_one_who_is_interrupted_while_being_written_leaves_nobody_asleep(
    folder: Path, config: LogConfig
) -> None:
    """The main thread alone can be interrupted while it waits; it stands in the middle here."""
    everyone_waits = threading.Event()
    groups: list[int] = []

    def before_sync() -> None:
        groups.append(len(groups))
        if len(groups) == 1:
            assert everyone_waits.wait(30)
            time.sleep(0.1)
        elif len(groups) == 2:
            signal.pthread_kill(main, signal.SIGALRM)
            time.sleep(0.1)

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    def append(number: int) -> None:
        acknowledged.append(log.append(b"%d" % number).index)

    def start(numbers: range) -> None:
        for number in numbers:
            threads.append(threading.Thread(target=append, args=(number,), daemon=True))
            threads[-1].start()

    def start_the_rest() -> None:
        time.sleep(0.1)
        start(range(9, 40))
        everyone_waits.set()

    acknowledged: list[int] = []
    threads: list[threading.Thread] = []
    main = threading.get_ident()
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        with Log.create(folder, replace(config, before_sync=before_sync)) as log:
            start(range(9))
            rest = threading.Thread(target=start_the_rest)
            rest.start()
            with pytest.raises(Interrupted):
                log.append(b"waits, is written, and is interrupted")
            rest.join(30)
            for thread in threads:
                thread.join(30)
                assert not thread.is_alive()
            assert len(set(acknowledged)) == 40
            assert log.size == 41
    finally:
        signal.signal(signal.SIGALRM, previous)
