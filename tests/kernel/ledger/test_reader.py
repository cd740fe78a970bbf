"""Reading without the lock, trusting nothing but the keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.kernel.ledger import (
    CorruptLogError,
    Ed25519Signer,
    Log,
    LogConfig,
    LogReader,
    LogRefusedError,
    VerifierKey,
    leaf_hash,
    settle_restored,
    verify_consistency,
)
from tests.kernel.ledger import naive

ENTRIES = [b"entry %d" % index for index in range(520)]


@pytest.fixture
def published(folder: Path, config: LogConfig) -> Path:
    with Log.create(folder, config) as log:
        for count, entry in enumerate(ENTRIES):
            log.append(entry)
            if count == 299:
                log.publish()
    return folder


def read(folder: Path, config: LogConfig, size: int | None = None) -> LogReader:
    return LogReader(folder, config.origin, keys=[config.key], size=size)


def test_a_log_is_read_while_it_is_written(folder: Path, config: LogConfig) -> None:
    with Log.create(folder, config) as log:
        log.append(b"published")
        log.publish()
        log.append(b"pending")
        reader = read(folder, config)
        assert list(reader.entries()) == [b"published"]
        log.publish()
        assert reader.verify_all().size == 1
        assert list(read(folder, config).entries()) == [b"published", b"pending"]


def test_old_checkpoints_are_listed_while_a_new_one_is_put_among_them(
    published: Path, config: LogConfig
) -> None:
    (published / "checkpoints" / f"{521:020}.tmp").write_text("a draft")
    (published / "checkpoints" / f"{400:020}").symlink_to("thinned")  # listed, and gone when read
    assert [size for size, _ in read(published, config).checkpoints()] == [0, 300, 520]


def test_everything_under_a_checkpoint_is_read_and_proved(
    published: Path, config: LogConfig
) -> None:
    reader = read(published, config)
    old = read(published, config, size=300)
    assert reader.verify_all().root == naive.root(ENTRIES)
    assert old.verify_all().root == naive.root(ENTRIES[:300])
    assert list(reader.entries()) == ENTRIES
    assert list(old.entries(250, 260)) == ENTRIES[250:260]
    assert reader.receipt(511).verify(ENTRIES[511], [config.key]) == reader.checkpoint
    verify_consistency(
        300,
        520,
        proof=reader.consistency(300),
        old_root=old.checkpoint.root,
        new_root=reader.checkpoint.root,
    )
    assert reader.note == (published / "checkpoint").read_text()


def test_what_is_not_under_the_checkpoint_is_refused(published: Path, config: LogConfig) -> None:
    reader = read(published, config, size=300)
    for refused in (
        lambda: reader.entries(0, 301),
        lambda: reader.receipt(300),
        lambda: reader.consistency(301),
    ):
        with pytest.raises(ValueError, match="size 300"):
            refused()


@pytest.mark.parametrize("size", [0, 300, 520])
def test_an_export_holds_all_that_a_checkpoint_needs(
    published: Path, config: LogConfig, tmp_path: Path, size: int
) -> None:
    export = tmp_path / "export"
    reader = read(published, config, size=size)
    export.mkdir()
    (export / "checkpoint").write_text(reader.note)
    for name, content in reader.files():
        path = export / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert list(read(export, config).entries()) == ENTRIES[:size]
    names = {str(path.relative_to(export)) for path in export.rglob("*") if path.is_file()}
    if size == 300:
        assert names == {
            "checkpoint",
            "tile/0/000",
            "tile/0/001.p/44",
            "tile/1/000.p/1",
            "tile/entries/000",
            "tile/entries/001.p/44",
        }


def test_no_change_of_any_file_goes_unnoticed(published: Path, config: LogConfig) -> None:
    (published / "tile/1/000.p/1").unlink()  # of the older checkpoint alone
    paths = [path for path in (published / "tile").rglob("*") if path.is_file()]
    assert len(paths) == 7
    for path in paths:
        whole = path.read_bytes()
        for place in (0, 1, len(whole) // 2, len(whole) - 1):
            changed = bytearray(whole)
            changed[place] ^= 1
            path.write_bytes(changed)
            with pytest.raises(CorruptLogError):
                read(published, config).verify_all()
        path.write_bytes(whole[:-1])
        with pytest.raises(CorruptLogError):
            read(published, config).verify_all()
        path.unlink()
        with pytest.raises(CorruptLogError, match="missing"):
            read(published, config).verify_all()
        path.write_bytes(whole)
    read(published, config).verify_all()


def test_an_entry_changed_together_with_its_tile_is_refused(
    published: Path, config: LogConfig
) -> None:
    bundle, tile = published / "tile/entries/000", published / "tile/0/000"
    bundle.write_bytes(bundle.read_bytes().replace(b"entry 7", b"entry X", 1))
    hashes = tile.read_bytes()
    tile.write_bytes(hashes.replace(leaf_hash(b"entry 7"), leaf_hash(b"entry X")))
    reader = read(published, config)
    for refused in (reader.verify_all, lambda: next(reader.entries()), lambda: reader.receipt(7)):
        with pytest.raises(CorruptLogError, match="tile above"):
            refused()


def test_entries_before_a_change_are_read_and_none_after_it(
    published: Path, config: LogConfig
) -> None:
    path = published / "tile/entries/001"
    path.write_bytes(path.read_bytes().replace(b"entry 400", b"entry 401", 1))
    entries = read(published, config).entries()
    assert [next(entries) for _ in range(256)] == ENTRIES[:256]
    with pytest.raises(CorruptLogError):
        next(entries)


def test_another_key_origin_or_size_is_refused(published: Path, config: LogConfig) -> None:
    thief = VerifierKey(config.origin, Ed25519Signer(b"\x09" * 32).public_key)
    with pytest.raises(LogRefusedError) as refusal:
        LogReader(published, config.origin, keys=[thief])
    assert refusal.value.code == "ledger.key"
    with pytest.raises(LogRefusedError, match="expected estate/another"):
        LogReader(published, "estate/another", keys=[config.key])
    with pytest.raises(LogRefusedError) as refusal:
        read(published, config, size=301)
    assert refusal.value.code == "ledger.missing"


def test_a_checkpoint_under_a_false_name_or_torn_is_refused(
    published: Path, config: LogConfig
) -> None:
    history = published / "checkpoints"
    (history / f"{300:020}").rename(history / f"{301:020}")
    with pytest.raises(CorruptLogError, match="has size 300"):
        read(published, config, size=301)
    (published / "checkpoint").write_bytes(b"estate/")
    with pytest.raises(CorruptLogError):
        read(published, config)


@pytest.mark.parametrize("since", [0, 1, 255, 256, 300, 511, 512, 520])
def test_files_since_a_size_complete_what_a_tree_of_that_size_has(
    published: Path, config: LogConfig, since: int, tmp_path: Path
) -> None:
    reader = read(published, config)
    added = dict(reader.files(since))
    assert added.items() <= dict(reader.files()).items()
    before = tree_of(since)
    assert {**before, **added}.items() >= dict(reader.files()).items()
    if since == 520:
        assert set(added) == {"tile/entries/002.p/8", "tile/0/002.p/8", "tile/1/000.p/2"}


def tree_of(size: int) -> dict[str, bytes]:
    """The full tiles and bundles that a tree of the first `size` entries has."""
    full = range(size // 256)
    leaves = b"".join(map(leaf_hash, ENTRIES))
    return {f"tile/0/{n:03}": leaves[n * 8_192 : (n + 1) * 8_192] for n in full} | {
        f"tile/entries/{n:03}": b"".join(
            len(entry).to_bytes(2) + entry for entry in ENTRIES[n * 256 : (n + 1) * 256]
        )
        for n in full
    }


def test_a_restored_log_is_a_log(published: Path, config: LogConfig, tmp_path: Path) -> None:
    restored = tmp_path / "restored"
    for size in (300, 520):  # as a full bundle and a delta bring them
        reader = read(published, config, size=size)
        for path, content in reader.files(300 if size == 520 else 0):
            (restored / path).parent.mkdir(parents=True, exist_ok=True)
            (restored / path).write_bytes(content)
        (restored / "checkpoints").mkdir(exist_ok=True)
        for name in (f"checkpoints/{size:020}", "checkpoint"):
            (restored / name).write_text(reader.note)
    settle_restored(restored, reader.checkpoint, before=[300])
    with Log.open(restored, config, trusted=reader.checkpoint) as log:
        assert list(log.entries()) == ENTRIES
        log.append(b"and on")
    assert read(restored, config).verify_all().size == 521
    assert not (restored / "tile/entries/001.p").exists()
