"""Cosigned checkpoints beside the log: kept durably, shown by readers, held against at opening."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freehold.kernel.ledger import (
    Checkpoint,
    CorruptLogError,
    Cosigned,
    CosignedFolder,
    CosignerKey,
    Ed25519Signer,
    ForkError,
    LocalDisk,
    Log,
    LogConfig,
    LogRefusedError,
    RewindError,
    cosign,
)
from tests.kernel.ledger.test_crash import DyingDisk

WITNESS = Ed25519Signer(b"\x07" * 32)
KEY = CosignerKey("witness.example/one", WITNESS.public_key)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def cosigned(note: str, config: LogConfig) -> tuple[int, str]:
    checkpoint = Checkpoint.open(note, [config.key])
    return checkpoint.size, note + cosign(checkpoint, KEY.name, signer=WITNESS, moment=NOON)


def grown(log: Log, count: int) -> str:
    for _ in range(count):
        log.append(b"entry %d" % log.size)
    return log.publish()


def keep(log: Log, config: LogConfig) -> int:
    size, note = cosigned(log.reader().note, config)
    log.cosigned.keep(size, note)
    return size


def test_what_is_kept_is_found_again(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        assert log.cosigned.sizes == ()
        assert log.cosigned.covering(0) is None
        for count in (3, 4, 300):
            grown(log, count)
            keep(log, config)
        grown(log, 5)
    with Log.open(folder, config) as log:
        assert log.cosigned.sizes == (3, 7, 307)
        places = [log.cosigned.covering(index) for index in (0, 2, 3, 6, 7, 306, 307)]
        assert places == [3, 3, 7, 7, 307, 307, None]
        assert log.cosigned.note(4) is None


def test_readers_show_cosignatures(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        grown(log, 3)
        size = keep(log, config)
        grown(log, 300)
        reader = log.reader(size)
        receipt = reader.receipt(1)
        assert receipt.verify(b"entry 1", [config.key]).size == size
        assert Cosigned.open(receipt.checkpoint, [config.key], [KEY]).times == {KEY.name: NOON}
        noted = dict(log.reader().checkpoints())
        assert Cosigned.open(noted[size], [config.key], [KEY]).times
        assert not Cosigned.open(noted[303], [config.key], [KEY]).times
        with pytest.raises(LogRefusedError, match="no checkpoint"):
            log.reader(5)


def test_a_log_rolled_back_below_a_cosigned_checkpoint_is_refused(
    folder: Path, config: LogConfig
) -> None:
    with Log.create(folder, config) as log:
        grown(log, 3)
    shutil.copytree(folder, folder.with_name("copy"))
    with Log.open(folder, config) as log:
        grown(log, 4)
        keep(log, config)
    shutil.copytree(folder / "cosigned", folder.with_name("copy") / "cosigned")
    with pytest.raises(RewindError, match="head 3 is older than head 7"):
        Log.open(folder.with_name("copy"), config)
    with Log.open(folder, config):
        pass


def test_a_log_forked_below_a_cosigned_checkpoint_is_refused(
    folder: Path, config: LogConfig
) -> None:
    with Log.create(folder, config) as log:
        grown(log, 3)
    shutil.copytree(folder, folder.with_name("copy"))
    with Log.open(folder, config) as log:
        grown(log, 4)
        keep(log, config)
    with Log.open(folder.with_name("copy"), config) as log:
        log.append(b"another history")
        grown(log, 8)
    shutil.copytree(folder / "cosigned", folder.with_name("copy") / "cosigned")
    with pytest.raises(ForkError):
        Log.open(folder.with_name("copy"), config)


def test_a_changed_cosigned_checkpoint_is_noticed(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        grown(log, 3)
        keep(log, config)
    (path,) = (folder / "cosigned").iterdir()
    good = path.read_bytes()
    end = good.index(b"\n\xe2\x80\x94 witness")
    for place in (*range(0, end, 11), end):  # all but the witness's line, whose key is not here
        bad = bytearray(good)
        bad[place] ^= 1
        path.write_bytes(bad)
        with pytest.raises(CorruptLogError, match="cosigned"):
            Log.open(folder, config)
    path.write_bytes(good)
    Log.open(folder, config).close()


def test_another_tree_under_a_cosigned_name_is_noticed(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        grown(log, 3)
        other = Checkpoint(config.origin, 3, bytes(32)).sign(config.signer)
        log.cosigned.keep(3, other)
        with pytest.raises(CorruptLogError, match="another tree"):
            log.reader(3)
    with pytest.raises(ForkError):
        Log.open(folder, config)


@pytest.mark.parametrize("written", ["none", "half", "all"])
@pytest.mark.parametrize("last", range(1, 5))
def test_a_crash_while_keeping_leaves_the_former_or_the_new(
    folder: Path, config: LogConfig, last: int, written: str
) -> None:
    with Log.create(folder, config) as log:
        grown(log, 3)
        first, second = log.reader().note, cosigned(log.reader().note, config)[1]
    kept = CosignedFolder(folder / "cosigned", LocalDisk())
    kept.keep(3, first)
    dying = CosignedFolder(folder / "cosigned", DyingDisk(last, written))
    try:
        dying.keep(3, second)
    except OSError:
        assert kept.note(3) in (first, second)
    else:
        assert kept.note(3) == second
    with Log.open(folder, config) as log:
        assert log.cosigned.sizes == (3,)
        log.cosigned.keep(3, second)
        assert log.cosigned.note(3) == second
