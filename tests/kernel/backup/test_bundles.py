"""Bundles: what comes out is what went in, or nothing comes out."""

from __future__ import annotations

import gc
import json
import random
import shutil
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest

from freehold.kernel import FreeholdError
from freehold.kernel.backup import (
    BackupError,
    Bundle,
    BundleWriter,
    ChangedBundle,
    Restoring,
    Unlock,
    Wanted,
    blob_facts,
)
from freehold.kernel.keys import WrongCustody
from freehold.kernel.ledger import (
    Checkpoint,
    CorruptLogError,
    Ed25519Signer,
    settle_restored,
    sign_note,
)
from tests.estate.world import World, check_everything, custody, make_world, table
from tests.kernel.backup.scenes import (
    SMALL,
    FaultyDisk,
    blobs_of,
    check_same,
    restore,
    restoring,
    with_log,
    write,
    writer,
)


def test_a_full_bundle_gives_the_same_estate_back(deployed, tmp_path):
    written = write(deployed, tmp_path / "b" / "full")
    assert written.checkpoint.size == deployed.estate.pipeline.stores.log.size
    assert written.blobs == len(blobs_of(deployed))
    restored = restore(tmp_path / "b" / "full", tmp_path / "copy", deployed)
    assert restored.checkpoint == written.checkpoint
    assert restored.blobs == written.blobs
    check_same(deployed, tmp_path / "copy")


@pytest.mark.parametrize("apart_entries", [1, 1_000_000], ids=["apart", "here"])
def test_a_record_that_comes_out_otherwise_than_it_went_in_is_refused(
    deployed, tmp_path, monkeypatch, apart_entries
):
    def spoil(log: Path, checkpoint: Checkpoint, **rest: Any) -> None:
        settle_restored(log, checkpoint, **rest)
        path = log / "tile" / "entries" / "000"  # a full one; the last is read with the checkpoint
        path.write_bytes(path.read_bytes().replace(b'"time":"20', b'"time":"21', 1))

    asked = {"age": [50], "pressure": [150], "ward": ["north"]}
    while deployed.estate.pipeline.stores.log.size <= 256:
        deployed.estate.serving.answer(deployed.actor("dana"), "triage", asked)
    write(deployed, tmp_path / "b" / "full")
    restoration = Restoring(
        Bundle.read(tmp_path / "b" / "full", replace(SMALL, apart_entries=apart_entries)),
        tmp_path / "copy",
        key=None,
        facts=blob_facts(deployed.estate.pipeline.registry),
    )
    restoration.run(Unlock(custody=custody()), custody())
    monkeypatch.setattr("freehold.kernel.backup._restoring.settle_restored", spoil)
    with pytest.raises(CorruptLogError, match="tile/entries/000"):
        restoration.run(Unlock(custody=custody()), custody())


def test_a_restored_estate_goes_on_and_a_stranger_can_verify_it(deployed, tmp_path):
    write(deployed, tmp_path / "b" / "full")
    home = deployed.home
    deployed.close()
    shutil.rmtree(home)
    restore(tmp_path / "b" / "full", home, deployed)
    deployed.open()
    deployed.ingest("more", table(7, marker="new"))
    deployed.estate.serving.answer(
        deployed.actor("dana"), "triage", {"age": [50], "pressure": [150], "ward": ["north"]}
    )
    check_everything(deployed.estate)


def test_deltas_give_the_estate_as_of_the_newest(world, tmp_path):
    base = write(world, tmp_path / "b" / "1").bundle
    for number in range(2, 6):
        world.ingest(f"set-{number}", table(5, marker=f"m{number}"))
        for _ in range(12 * number):
            world.estate.data.clear(world.actor("stella"), f"set-{number}", purposes=())
        written = write(world, tmp_path / "b" / str(number), base)
        assert written.blobs == 1
        base = written.bundle
    restored = restore(tmp_path / "b" / "5", tmp_path / "copy", world)
    assert restored.bundles == 5
    check_same(world, tmp_path / "copy")
    partial = [path for path in (tmp_path / "copy/ledger/main").rglob("*.p") if path.is_dir()]
    assert partial
    assert not [path for path in partial if path.with_suffix("").exists()], "full beside partial"


def test_an_erasure_between_two_bundles_takes_the_blob_and_the_key(world, tmp_path):
    version = world.ingest()
    base = write(world, tmp_path / "b" / "1").bundle
    blob = next(iter(blobs_of(world) - _charter_blobs(world)))
    domain = version.ref.partition(":")[2].partition("@")[0]
    world.erase()
    written = write(world, tmp_path / "b" / "2", base)
    assert written.blobs == 0
    restore(tmp_path / "b" / "2", tmp_path / "copy", world)
    check_same(world, tmp_path / "copy")
    assert not (tmp_path / "copy/vault/blobs" / blob[:2] / blob).exists()
    with pytest.raises(FreeholdError, match="erased"):
        world.estate.pipeline.stores.keyring.domain(domain)


def _charter_blobs(world: World) -> set[str]:
    pipeline = world.estate.pipeline
    return {
        pipeline.record(index).facts["blob"]
        for index in range(pipeline.stores.log.size)
        if pipeline.record(index).act in ("estate.create", "charter.ratify")
        and pipeline.record(index).facts.get("blob")
    }


def test_writers_go_on_while_a_bundle_is_made(deployed, tmp_path):
    stop, dana = threading.Event(), deployed.actor("dana")
    stella = deployed.actor("stella")
    asked = {"age": [50], "pressure": [150], "ward": ["north"]}

    def answer() -> None:
        while not stop.is_set():
            deployed.estate.serving.answer(dana, "triage", asked)

    def ingest() -> None:
        for number in range(50):
            if stop.is_set():
                return
            deployed.ingest(f"d{number}", table(3, marker=f"m{number}"))
            deployed.estate.data.clear(stella, f"d{number}", purposes=())

    threads = [threading.Thread(target=each) for each in (answer, answer, ingest)]
    for thread in threads:
        thread.start()
    try:
        base = write(deployed, tmp_path / "b" / "1").bundle
        for number in range(2, 4):
            base = write(deployed, tmp_path / "b" / str(number), base).bundle
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    for number in range(1, 4):
        copy = tmp_path / f"copy{number}"
        restored = restore(tmp_path / "b" / str(number), copy, deployed)
        own = deployed.estate.pipeline.stores.log.reader(restored.checkpoint.size)
        assert own.checkpoint == restored.checkpoint
    base = write(deployed, tmp_path / "b" / "4", base).bundle
    restore(tmp_path / "b" / "4", tmp_path / "last", deployed)
    check_same(deployed, tmp_path / "last")


class _ErasingLog:
    """A log that sees a domain erased just after each of its first publications is asked for."""

    def __init__(self, world: World, names: list[str]) -> None:
        self._world = world
        self._log = world.estate.pipeline.stores.log
        self._names = names

    def publish(self) -> str:
        note = self._log.publish()
        if self._names:
            self._world.erase(self._names.pop())
        return note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def test_an_erasure_between_the_checkpoint_and_the_keys_makes_a_later_cut(world, tmp_path):
    for name in ("one", "two", "three"):
        world.ingest(name, table(3, marker=name))
    log: Any = _ErasingLog(world, ["one", "two"])
    pipeline = world.estate.pipeline
    erasing = BundleWriter(with_log(world, log), limits=SMALL)
    written = erasing.write(tmp_path / "b" / "1", Wanted())
    assert written.checkpoint.size == pipeline.stores.log.size
    restore(tmp_path / "b" / "1", tmp_path / "copy", world)
    check_same(world, tmp_path / "copy")


def test_blobs_get_durable_names_in_folders_that_a_killed_backup_made(world, tmp_path, monkeypatch):
    name = world.ingest(content=table(3, marker="x")) and next(iter(blobs_of(world)))
    folder = tmp_path / "b" / "1"
    disk, synced = FaultyDisk(), list[Path]()
    monkeypatch.setattr(disk, "sync_folder", synced.append)
    made = Path.mkdir

    def mkdir(path: Path, *more: Any, **options: Any) -> None:
        if path.name == name[:2]:  # as if a run that was killed had made it just before
            made(path, parents=True, exist_ok=True)
        made(path, *more, **options)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    writer(world, disk).write(folder, Wanted())
    assert {folder, folder / "blobs", folder / "blobs" / name[:2]} <= set(synced)


def test_a_stream_may_be_left_half_read_and_keeps_no_thread(world, tmp_path, monkeypatch):
    """Also when the garbage collector finds it at the worst moment: while a thread is starting."""
    for name in ("one", "two", "three"):
        world.ingest(name, table(3, marker=name))
    bundle = write(world, tmp_path / "b" / "1").bundle
    key = bundle.unlock(writer(world).unlock)
    known = threading._maintain_shutdown_locks  # type: ignore[attr-defined]  # a thread begins so
    monkeypatch.setattr(threading, "_maintain_shutdown_locks", lambda: (gc.collect(), known()))
    gc.disable()
    try:
        for _ in range(5):
            members: Any = [bundle.members("records", key)]
            next(members[0])
            members.append(members)  # nothing but the collector ends it
    finally:
        gc.enable()
    del members
    last = time.monotonic() + 10
    while any(thread.name.startswith("reading") for thread in threading.enumerate()):
        assert time.monotonic() < last, "a thread goes on that nobody waits for"
        gc.collect()


# ---- what is not what was signed


@pytest.mark.parametrize(
    "each", [15, pytest.param(4_000, marks=[pytest.mark.slow, pytest.mark.timeout(3_600)])]
)
def test_one_changed_bit_anywhere_is_refused(world, tmp_path, each):
    world.ingest()
    base = write(world, tmp_path / "b" / "1").bundle
    world.ingest("more", table(4, marker="x"))
    write(world, tmp_path / "b" / "2", base)
    files = [path for path in (tmp_path / "b").rglob("*") if path.is_file()]
    chosen = random.Random(each)
    spots = [(path, at) for path in files for at in range(path.stat().st_size)]
    heads = [spot for spot in spots if spot[0].name == "manifest"]
    for path, at in chosen.sample(spots, each) + chosen.choices(heads, k=each // 3):
        content = bytearray(path.read_bytes())
        content[at] ^= 1 << chosen.randrange(8)
        kept = path.read_bytes()
        path.write_bytes(content)
        with pytest.raises(FreeholdError) as refused:
            restore(tmp_path / "b" / "2", tmp_path / "copy", world)
        assert refused.value.code.startswith(("backup.", "keys.wrong_custody")), (path, at)
        path.write_bytes(kept)
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
    restore(tmp_path / "b" / "2", tmp_path / "copy", world)


def _lose(folder: Path) -> None:
    (folder / "records.00001.age").unlink()


def _lose_blob(folder: Path) -> None:
    _a_blob(folder).unlink()


def _a_blob(folder: Path) -> Path:
    return next(folder.glob("blobs/*/*"))


def _swap(folder: Path) -> None:
    first, second = folder / "records.00001.age", folder / "records.00002.age"
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)


def _cut(folder: Path) -> None:
    part = _a_blob(folder)
    part.write_bytes(part.read_bytes()[:-1])


def _grow(folder: Path) -> None:
    part = _a_blob(folder)
    part.write_bytes(part.read_bytes() + b"\0")


def _unlist(folder: Path) -> None:
    lines = (folder / "parts").read_text().splitlines(keepends=True)
    (folder / "parts").write_text("".join(lines[:-1]))


def _repeat(folder: Path) -> None:
    with (folder / "parts").open("a") as file:
        file.write((folder / "parts").read_text().splitlines(keepends=True)[-1])


DAMAGES = {
    "a part is listed twice": _repeat,
    "a part is missing": _lose,
    "a blob is missing": _lose_blob,
    "two parts are swapped": _swap,
    "a blob is cut": _cut,
    "a blob has grown": _grow,
    "a part is no longer listed": _unlist,
    "the list is missing": lambda folder: (folder / "parts").unlink(),
    "the key is missing": lambda folder: (folder / "key.age").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_bundle_is_refused(world, tmp_path, damage):
    world.ingest()
    write(world, tmp_path / "b" / "1")
    DAMAGES[damage](tmp_path / "b" / "1")
    with pytest.raises(ChangedBundle):
        restore(tmp_path / "b" / "1", tmp_path / "copy", world)


def test_parts_of_two_bundles_do_not_mix(world, tmp_path):
    world.ingest()
    for name in ("1", "2"):
        write(world, tmp_path / "b" / name)
    for file in ("records.00001.age", "key.age", "parts", "manifest"):
        mixed = tmp_path / "mixed" / file
        shutil.copytree(tmp_path / "b" / "1", mixed)
        shutil.copy(tmp_path / "b" / "2" / file, mixed / file)
        with pytest.raises(ChangedBundle):
            restore(mixed, tmp_path / "copy", world)


def test_a_delta_without_its_base_is_refused(world, tmp_path):
    base = write(world, tmp_path / "b" / "1").bundle
    write(world, tmp_path / "b" / "other")
    world.ingest()
    write(world, tmp_path / "b" / "2", base)
    shutil.rmtree(tmp_path / "b" / "1")
    with pytest.raises(BackupError, match="is not in") as refused:
        restore(tmp_path / "b" / "2", tmp_path / "copy", world)
    assert refused.value.code == "backup.base"


def test_a_delta_is_not_made_on_a_bundle_of_another_estate(world, founded, tmp_path):
    other = make_world(tmp_path / "other")
    base = write(other, tmp_path / "b" / "1").bundle
    with pytest.raises(BackupError) as refused:
        write(world, tmp_path / "b" / "2", base)
    assert refused.value.code == "backup.estate"
    other.close()


def test_a_manifest_signed_by_another_key_is_refused(world, tmp_path):
    write(world, tmp_path / "b" / "1")
    manifest = tmp_path / "b" / "1" / "manifest"
    text = manifest.read_text().rpartition("\n\n")[0] + "\n"
    origin = world.estate.pipeline.stores.log.key.name
    forged = sign_note(text, origin, signer=Ed25519Signer(bytes(32))).encode()
    manifest.write_bytes(forged)
    with pytest.raises(BackupError) as refused:
        restore(tmp_path / "b" / "1", tmp_path / "copy", world)
    assert refused.value.code == "backup.signature"


def test_a_missing_blob_makes_no_bundle(world, tmp_path):
    world.ingest()
    blob = next(iter(blobs_of(world)))
    (world.home / "vault/blobs" / blob[:2] / blob).unlink()
    with pytest.raises(BackupError, match="which the ledger names") as refused:
        write(world, tmp_path / "b" / "1")
    assert refused.value.code == "backup.blob"
    with pytest.raises(BackupError, match="never finished"):
        Bundle.read(tmp_path / "b" / "1")


def test_a_changed_blob_makes_no_bundle_even_when_it_is_tried_again(world, tmp_path):
    world.ingest()
    (blob,) = blobs_of(world) - _charter_blobs(world)
    path = world.home / "vault/blobs" / blob[:2] / blob
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    for _ in range(2):
        with pytest.raises(BackupError, match="is not the one"):
            write(world, tmp_path / "b" / "1")
    path.write_bytes(content)
    write(world, tmp_path / "b" / "1")


# ---- who opens it


def test_another_passphrase_opens_nothing(world, tmp_path):
    write(world, tmp_path / "b" / "1")
    with pytest.raises(WrongCustody):
        restore(tmp_path / "b" / "1", tmp_path / "copy", world, Unlock(custody=custody("other")))


def test_a_bundle_for_recipients_needs_an_identity_and_the_passphrase(world, tmp_path):
    mine, theirs = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    wanted = Wanted(recipients=(str(mine.to_public()),))
    writer(world).write(tmp_path / "b" / "1", wanted)
    assert not (tmp_path / "b" / "1" / "key.json").exists()
    for wrong in (Unlock(custody=custody()), Unlock((str(theirs),), custody())):
        with pytest.raises(BackupError) as refused:
            restore(tmp_path / "b" / "1", tmp_path / "copy", world, wrong)
        assert refused.value.code == "backup.key"
    restore(tmp_path / "b" / "1", tmp_path / "copy", world, Unlock((str(mine),)))
    check_same(world, tmp_path / "copy")


def test_the_newest_bundle_opens_its_bases_whatever_became_of_the_passphrase(world, tmp_path):
    world.ingest()
    base = write(world, tmp_path / "b" / "1").bundle
    world.estate.pipeline.stores.keyring.rotate_custody(custody("the next"))
    world.ingest("more", table(4, marker="y"))
    write(world, tmp_path / "b" / "2", base)
    by = Unlock(custody=custody("the next"))
    restoring(tmp_path / "b" / "2", tmp_path / "copy", world).run(by, custody("the next"))


def test_names_counts_and_records_cannot_be_read_from_outside(world, tmp_path):
    world.ingest("a-telling-name", table(50, marker="a-telling-value"))
    write(world, tmp_path / "b" / "1")
    files = [path for path in (tmp_path / "b" / "1").rglob("*") if path.is_file()]
    everything = b"".join(path.read_bytes() for path in files)
    record = world.estate.pipeline.record(3)
    domain = record.body.domain
    for told in ("telling", "dataset.ingest", record.id, record.principal):
        assert told.encode() not in everything
    frame = bytes.fromhex(domain.replace("-", "") + record.id.replace("-", ""))
    assert frame not in everything


@pytest.mark.needs_program("age", "tar", "sha256sum")
def test_stock_tools_open_a_bundle(world, program, tmp_path):
    world.ingest()
    mine = pyrage.x25519.Identity.generate()
    folder, out = tmp_path / "b" / "1", tmp_path / "out"
    writer(world).write(folder, Wanted(recipients=(str(mine.to_public()),)))
    (tmp_path / "identity").write_text(f"{mine}\n")
    out.mkdir()
    subprocess.run(["sha256sum", "--strict", "-c", "parts"], cwd=folder, check=True)
    key = tmp_path / "bundle.key"
    command = ["age", "-d", "-i", str(tmp_path / "identity"), "-o", str(key), "key.age"]
    subprocess.run(command, cwd=folder, check=True)
    for stream in ("keys", "records"):
        content = b""
        for part in sorted(folder.glob(f"{stream}.*")):
            command = ["age", "-d", "-i", str(key), str(part)]
            content += subprocess.run(command, capture_output=True, check=True).stdout
        subprocess.run(["tar", "x"], cwd=out, input=content, check=True)
    for blob in blobs_of(world):
        own = world.home / "vault/blobs" / blob[:2] / blob
        assert (folder / "blobs" / blob[:2] / blob).read_bytes() == own.read_bytes()
    own = world.home / "ledger/main/checkpoint"
    assert (out / "ledger/main/checkpoint").read_bytes() == own.read_bytes()
    restore(folder, tmp_path / "copy", world, Unlock((str(mine),)))
    for path in (out / "ledger").rglob("*"):
        if path.is_file():
            assert (tmp_path / "copy" / path.relative_to(out)).read_bytes() == path.read_bytes()


# ---- interruptions


def _prepare(world: World) -> None:
    world.ingest("large", table(900, marker="q" * 20))
    world.ingest("small", table(3, marker="z"))


EVERY = pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])


@pytest.mark.parametrize("step", [25, EVERY])
def test_an_interrupted_bundle_is_gone_on_with_from_any_place(world, tmp_path, step):
    _prepare(world)
    counting = FaultyDisk()
    writer(world, counting).write(tmp_path / "count", Wanted())
    assert counting.count > 30
    for at in range(counting.count, 0, -step):
        for is_written in (False, True):
            folder = tmp_path / "b" / f"{at}-{is_written}"
            with pytest.raises(BackupError, match="the disk failed"):
                writer(world, FaultyDisk(at, is_written=is_written)).write(folder, Wanted())
            writer(world).write(folder, Wanted())
            assert not list(folder.glob("*.tmp"))
            if is_written:
                restore(folder, tmp_path / "copy", world)
                check_same(world, tmp_path / "copy")
                shutil.rmtree(tmp_path / "copy")
            shutil.rmtree(folder)


def test_finished_parts_are_not_written_again(world, tmp_path):
    _prepare(world)
    counting = FaultyDisk()
    writer(world, counting).write(tmp_path / "count", Wanted())
    folder = tmp_path / "b" / "1"
    with pytest.raises(BackupError):
        writer(world, FaultyDisk(counting.count - 6)).write(folder, Wanted())
    lines = (folder / "progress").read_text().splitlines()[1:]
    names = [json.loads(line)["name"] for line in lines]
    kept = {name: (folder / name).stat().st_ino for name in names}
    assert len(kept) > 5
    world.ingest("meanwhile", table(3, marker="later"))  # not under the cut
    written = writer(world).write(folder, Wanted())
    assert {name: (folder / name).stat().st_ino for name in names} == kept
    assert written.checkpoint.size < world.estate.pipeline.stores.log.size


def test_an_erasure_while_a_bundle_lies_unfinished_begins_it_anew(world, tmp_path):
    _prepare(world)
    folder = tmp_path / "b" / "1"
    with pytest.raises(BackupError):
        writer(world, FaultyDisk(20)).write(folder, Wanted())
    world.erase("small")
    written = writer(world).write(folder, Wanted())
    assert written.checkpoint.size == world.estate.pipeline.stores.log.size
    restore(folder, tmp_path / "copy", world)
    check_same(world, tmp_path / "copy")


def test_a_damaged_unfinished_bundle_is_begun_anew(world, tmp_path):
    _prepare(world)
    folder = tmp_path / "b" / "1"
    with pytest.raises(BackupError):
        writer(world, FaultyDisk(20)).write(folder, Wanted())
    (folder / "keys.00001.age").write_bytes(b"damaged")
    writer(world).write(folder, Wanted())
    restore(folder, tmp_path / "copy", world)


def test_foreign_files_are_never_removed(world, tmp_path):
    folder = tmp_path / "b" / "1"
    folder.mkdir(parents=True)
    (folder / "thesis.doc").write_text("precious")
    with pytest.raises(BackupError, match="no part of a bundle"):
        write(world, folder)
    assert (folder / "thesis.doc").read_text() == "precious"


@pytest.mark.parametrize("step", [25, EVERY])
def test_an_interrupted_restoration_is_gone_on_with_from_any_place(world, tmp_path, step):
    _prepare(world)
    base = write(world, tmp_path / "b" / "1").bundle
    world.ingest("more", table(300, marker="w"))
    write(world, tmp_path / "b" / "2", base)
    counting = FaultyDisk()
    by = Unlock(custody=custody())
    restoring(tmp_path / "b" / "2", tmp_path / "count", world, counting).run(by, custody())
    assert counting.count > 20
    for at in range(counting.count, 0, -step):
        for is_written in (False, True):
            copy, disk = tmp_path / "copy", FaultyDisk(at, is_written=is_written)
            with pytest.raises(FreeholdError, match="the disk failed"):
                restoring(tmp_path / "b" / "2", copy, world, disk).run(by, custody())
            restoring(tmp_path / "b" / "2", copy, world).run(by, custody())
            if is_written:
                check_same(world, copy)
            shutil.rmtree(copy)


def test_what_another_restoration_left_does_not_get_into_the_next(world, tmp_path):
    _prepare(world)
    write(world, tmp_path / "b" / "1")
    copy = tmp_path / "copy"
    with pytest.raises(FreeholdError):
        restoring(tmp_path / "b" / "1", copy, world, FaultyDisk(12)).run(
            Unlock(custody=custody()), custody()
        )
    world.erase("small")
    write(world, tmp_path / "b" / "2")
    restore(tmp_path / "b" / "2", copy, world)
    check_same(world, copy)
