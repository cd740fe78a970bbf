"""Crashes: each durable write fails, written or not; then everything is checked."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from freehold.kernel.ledger import (
    Checkpoint,
    CorruptLogError,
    CosignedFolder,
    LedgerError,
    LocalDisk,
    Log,
    LogConfig,
    LogReader,
    LogRefusedError,
    LogStoppedError,
    verify_consistency,
)

HEADER_BYTES = 15
FRAME_BYTES = 8


class DyingDisk(LocalDisk):
    """Fails at the operation of a given number, and at all that come after it.

    Args:
        last: number of the operation at which the power goes.
        written: how much of that operation still reaches the disk: `none`, `half` or `all`.
    """

    def __init__(self, last: int, written: str = "none") -> None:
        self.done = 0
        self._last = last
        self._written = written

    def append(self, file: int, data: bytes) -> None:
        if self._dies():
            super().append(file, self._part(data))
            raise OSError("the power is gone")
        super().append(file, data)

    def create(self, path: Path, data: bytes) -> None:
        if self._dies():
            if self._written != "none":
                super().create(path, self._part(data))
            raise OSError("the power is gone")
        super().create(path, data)

    def replace(self, path: Path, data: bytes) -> None:
        if self._dies():
            if self._written == "all":
                LocalDisk().replace(path, data)
            raise OSError("the power is gone")
        super().replace(path, data)

    def sync_folder(self, folder: Path) -> None:
        if self._dies():
            raise OSError("the power is gone")
        super().sync_folder(folder)

    def remove(self, path: Path) -> None:
        if self._dies():
            if self._written == "all":
                super().remove(path)
            raise OSError("the power is gone")
        super().remove(path)

    def _dies(self) -> bool:
        self.done += 1
        if self.done > self._last:
            raise OSError("the power is gone")
        return self.done == self._last

    def _part(self, data: bytes) -> bytes:
        return data[: {"none": 0, "half": len(data) // 2, "all": len(data)}[self._written]]


class Life:
    """One life of a log, up to a crash: what was tried, acknowledged and shown."""

    def __init__(self, entries: list[bytes]) -> None:
        self.tried = list(entries)
        self.acknowledged = list(entries)
        self.shown: list[str] = []

    def live(self, log: Log) -> None:
        """Append and publish across the border of a tile; any step may be the last."""
        with log:
            for count in (1, 2, 1):
                for _ in range(count):
                    self.append(log)
                self.shown.append(log.publish())
            self.append(log)

    def append(self, log: Log) -> None:
        entry = b"entry %d" % len(self.tried)
        self.tried.append(entry)
        log.append(entry)
        self.acknowledged.append(entry)


def check_everything(folder: Path, config: LogConfig, life: Life) -> None:
    """Open what a crash left, and hold it against all that was acknowledged and shown."""
    shown = [Checkpoint.open(note, [config.key]) for note in life.shown]
    newest = Checkpoint.open((folder / "checkpoint").read_bytes(), [config.key])
    assert (folder / "checkpoints" / f"{newest.size:020}").exists(), "the history has a gap"
    with Log.open(folder, config, trusted=shown[-1] if shown else None) as log:
        entries = list(log.entries())
        assert entries[: len(life.acknowledged)] == life.acknowledged
        assert entries == life.tried[: len(entries)]
        appended = log.append(b"after the crash")
        assert appended.index == len(entries)
        newest = Checkpoint.open(log.publish(), [config.key])
        for index, entry in enumerate([*entries, b"after the crash"]):
            if index > 250:
                assert log.receipt(index).verify(entry, [config.key]) == newest
        for old in filter(lambda checkpoint: checkpoint.size > 0, shown):
            verify_consistency(
                old.size,
                newest.size,
                proof=log.reader().consistency(old.size),
                old_root=old.root,
                new_root=newest.root,
            )
    for path in (folder / "checkpoints").glob("*[0-9]"):
        reader = LogReader(folder, config.origin, keys=[config.key], size=int(path.name))
        assert reader.verify_all().size == int(path.name)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for a log that is about to fill its first tile; made by the first who needs it."""
    return tmp_path_factory.mktemp("grown") / "main"


def start(grown: Path, folder: Path, config: LogConfig) -> Life:
    """Put a copy of the log of 253 records into `folder`."""
    entries = [b"entry %d" % index for index in range(253)]
    if not grown.exists():
        with Log.create(grown, config) as log:
            for entry in entries:
                log.append(entry)
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(grown, folder)
    return Life(entries)


@pytest.mark.parametrize("written", ["none", "half", "all"])
def test_no_crash_loses_or_invents_a_record(
    grown: Path, folder: Path, config: LogConfig, written: str
) -> None:
    last = 0
    while True:
        last += 1
        life = start(grown, folder, config)
        disk = DyingDisk(last, written)
        try:
            life.live(Log.open(folder, replace(config, disk=disk)))
        except (LogStoppedError, LogRefusedError, OSError):
            check_everything(folder, config, life)
        else:
            break
    assert disk.done > 50, "the life of this log has fewer durable writes than it should"
    check_everything(folder, config, life)


@pytest.mark.parametrize("written", ["none", "all"])
def test_a_crash_while_creating_leaves_a_log_or_none(
    folder: Path, config: LogConfig, written: str
) -> None:
    last = 0
    while True:
        last += 1
        shutil.rmtree(folder.parent, ignore_errors=True)
        disk = DyingDisk(last, written)
        try:
            Log.create(folder, replace(config, disk=disk)).close()
        except OSError:
            if not (folder / "checkpoint").exists():
                Log.create(folder, config).close()
            check_everything(folder, config, Life([]))
        else:
            break
    assert disk.done > 8


def test_a_failed_sync_is_never_tried_again(folder: Path, config: LogConfig) -> None:
    class OneBadSync(LocalDisk):
        def __init__(self) -> None:
            self.appends = 0

        def append(self, file: int, data: bytes) -> None:
            self.appends += 1
            if self.appends == 2:
                raise OSError("input/output error")
            super().append(file, data)

    disk = OneBadSync()
    with Log.create(folder, replace(config, disk=disk)) as log:
        log.append(b"good")
        for refused in (lambda: log.append(b"bad"), lambda: log.append(b"later"), log.publish):
            with pytest.raises(LogStoppedError, match="input/output error") as refusal:
                refused()
            assert refusal.value.code == "ledger.sync_failed"
        assert disk.appends == 2
        assert log.size == 1
    with Log.open(folder, config) as log:
        assert list(log.entries()) == [b"good"]


def test_a_failed_publication_stops_appends(folder: Path, config: LogConfig) -> None:
    class FullDisk(LocalDisk):
        def create(self, path: Path, data: bytes) -> None:
            if "tile" in path.parts:
                raise OSError("no space left")
            super().create(path, data)

    log = Log.create(folder, replace(config, disk=FullDisk()))
    log.append(b"durable")
    for refused in (log.publish, lambda: log.append(b"later")):
        with pytest.raises(LogStoppedError, match="no space left") as refusal:
            refused()
        assert refusal.value.code == "ledger.publish_failed"
    log.close()
    with Log.open(folder, config) as log:
        assert list(log.entries()) == [b"durable"]


class NotingDisk(LocalDisk):
    """Notes which folders were synced, and which files were put in place or removed."""

    def __init__(self) -> None:
        self.synced: list[Path] = []
        self.changed: list[str] = []

    def replace(self, path: Path, data: bytes) -> None:
        super().replace(path, data)
        self.changed.append(path.suffix or path.name)

    def remove(self, path: Path) -> None:
        super().remove(path)
        self.changed.append(f"no {path.suffix}")

    def sync_folder(self, folder: Path) -> None:
        super().sync_folder(folder)
        self.synced.append(folder)


def test_folders_that_a_killed_process_made_get_durable_names(
    folder: Path, config: LogConfig
) -> None:
    """That a folder is there says nothing of its name, which nobody may have synced."""
    Log.create(folder, config).close()
    for killed in ("tile/0/000.p", "tile/entries/000.p"):
        (folder / killed).mkdir(parents=True)
    disk = NotingDisk()
    with Log.open(folder, replace(config, disk=disk)) as log:
        log.append(b"one")
        disk.synced.clear()
        log.publish()
        made = ("tile/0/000.p", "tile/0", "tile/entries/000.p", "tile/entries", "tile", ".")
        assert {folder / each for each in made} <= set(disk.synced)
        log.append(b"two")
        disk.synced.clear()
        log.publish()
        assert folder / "tile" not in disk.synced, "what is durable once stays so"


def test_what_pruning_keeps_gets_durable_names_in_folders_that_a_killed_process_made(
    folder: Path, config: LogConfig
) -> None:
    disk = NotingDisk()
    with Log.create(folder, replace(config, disk=disk)) as log:
        for number in range(256):
            log.append(b"entry %d" % number)
        log.publish()
        (folder / "kept").mkdir()
        disk.synced.clear()
        log.prune([3])
        assert {folder, folder / "kept"} <= set(disk.synced)


def test_a_cosigned_checkpoint_gets_a_durable_name_in_a_folder_that_a_killed_process_made(
    folder: Path,
) -> None:
    (folder / "cosigned").mkdir(parents=True)
    disk = NotingDisk()
    CosignedFolder(folder / "cosigned", disk).keep(1, "a note")
    assert {folder, folder / "cosigned"} <= set(disk.synced)


def test_a_checkpoint_without_a_durable_name_gets_one_before_its_records_are_dropped(
    folder: Path, config: LogConfig
) -> None:
    """A publication that stopped after putting the checkpoint in place, and before syncing that."""

    class DyingAtTheName(LocalDisk):
        def sync_folder(self, synced: Path) -> None:
            if synced == folder and (folder / "checkpoint").read_text().split("\n")[1] != "0":
                raise OSError("the name of the checkpoint was never made durable")
            super().sync_folder(synced)

    Log.create(folder, config).close()
    log = Log.open(folder, replace(config, disk=DyingAtTheName()))
    log.append(b"one")
    with pytest.raises(LogStoppedError):
        log.publish()
    log.close()
    disk = NotingDisk()
    with Log.open(folder, replace(config, disk=disk)) as log:
        assert log.size == 1
        assert disk.changed == ["checkpoint", ".wal", "no .wal"]


@pytest.fixture
def pending(folder: Path, config: LogConfig) -> Path:
    """The write-ahead file of a log that crashed with three records pending."""
    with Log.create(folder.with_name("before"), config) as log:
        for entry in (b"one", b"two", b"three"):
            log.append(entry)
        shutil.copytree(folder.with_name("before"), folder)
    return folder / "wal" / f"{0:020}.wal"


def test_a_tail_torn_at_any_byte_is_cut_off(folder: Path, config: LogConfig, pending: Path) -> None:
    whole = pending.read_bytes()
    records = [b"one", b"two", b"three"]
    ends = [HEADER_BYTES]
    for record in records:
        ends.append(ends[-1] + FRAME_BYTES + len(record))
    for cut in range(HEADER_BYTES, len(whole) + 1):
        for tail in (b"", bytes(50)):  # torn, or followed by pages that were never written
            shutil.rmtree(copy := folder.with_name("copy"), ignore_errors=True)
            shutil.copytree(folder, copy)
            (copy / "wal" / pending.name).write_bytes(whole[:cut] + tail)
            expected = records[: sum(end <= cut for end in ends[1:])]
            with Log.open(copy, config) as log:
                assert list(log.entries()) == expected, cut
                assert log.append(b"next").index == len(expected)
            with Log.open(copy, config) as log:
                assert list(log.entries()) == [*expected, b"next"]


def test_damage_before_the_last_record_is_refused_at_any_byte(
    folder: Path, config: LogConfig, pending: Path
) -> None:
    whole = pending.read_bytes()
    for place in range(HEADER_BYTES + 2 * FRAME_BYTES + len(b"onetwo")):
        damaged = bytearray(whole)
        damaged[place] ^= 0x81
        pending.write_bytes(damaged)
        with pytest.raises(CorruptLogError):
            Log.open(folder, config)
        assert pending.read_bytes() == damaged, "an error must change nothing"


def test_a_write_ahead_file_from_before_a_publication_does_no_harm(
    folder: Path, config: LogConfig, pending: Path
) -> None:
    old = pending.read_bytes()
    with Log.open(folder, config) as log:
        log.publish()
        log.append(b"four")
        shutil.copytree(folder, crashed := folder.with_name("crashed"))
    (crashed / "wal" / pending.name).write_bytes(old)
    with Log.open(crashed, config) as log:
        assert list(log.entries()) == [b"one", b"two", b"three", b"four"]
        assert [path.name for path in (crashed / "wal").iterdir()] == [f"{3:020}.wal"]


def test_write_ahead_files_that_contradict_each_other_are_refused(
    folder: Path, config: LogConfig, pending: Path
) -> None:
    whole = pending.read_bytes()
    other = folder / "wal" / f"{1:020}.wal"
    frames_of_two = whole[HEADER_BYTES + FRAME_BYTES + 3 :]
    other.write_bytes(whole[:HEADER_BYTES] + frames_of_two)
    Log.open(folder, config).close()
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("before"), folder)
    with Log.open(folder, config) as log:
        log.append(b"four")
        shutil.copytree(folder, crashed := folder.with_name("crashed"))
    wal = crashed / "wal" / f"{3:020}.wal"
    frame_of_one = whole[HEADER_BYTES : HEADER_BYTES + FRAME_BYTES + 3]
    (crashed / "wal" / f"{2:020}.wal").write_bytes(whole[:HEADER_BYTES] + frame_of_one * 3)
    assert wal.exists()
    with pytest.raises(CorruptLogError, match="differ from 3"):
        Log.open(crashed, config)


def test_a_lost_write_ahead_file_is_refused(folder: Path, config: LogConfig, pending: Path) -> None:
    later = folder / "wal" / f"{1:020}.wal"
    pending.rename(later)
    with pytest.raises(CorruptLogError, match="records 1 to 4"):
        Log.open(folder, config)
    later.unlink()
    with pytest.raises(LedgerError) as refusal:
        Log.open(folder, config)
    assert refusal.value.code == "ledger.corrupt"
