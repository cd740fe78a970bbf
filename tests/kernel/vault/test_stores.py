"""The contract of a blob store, held by the folder and by the store in memory that tests use."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freehold.kernel.vault import BlobStore, FolderStore, MissingBlob, StoredBlob
from tests.kernel.vault.stores import MemoryStore

NAME, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return FolderStore.create(tmp_path / "blobs") if request.param == "folder" else MemoryStore()


@pytest.fixture
def stage(tmp_path: Path) -> Callable[[bytes], Path]:
    def stage(content: bytes) -> Path:
        path = tmp_path / "staged"
        path.write_bytes(content)
        return path

    return stage


def content_of(store: BlobStore, name: str) -> bytes:
    with store.get(name) as file:
        return file.read()


def test_what_was_put_is_there(store: BlobStore, stage: Callable[[bytes], Path]) -> None:
    staged = stage(b"sealed")
    assert store.put(NAME, staged)
    assert not staged.exists()
    assert content_of(store, NAME) == b"sealed"
    found = store.find(NAME)
    assert found is not None
    assert (found.name, found.size) == (NAME, 6)
    assert abs(found.modified - datetime.now(UTC)) < timedelta(minutes=1)
    assert list(store.list()) == [found]


def test_what_exists_is_kept_and_made_young(
    store: BlobStore, stage: Callable[[bytes], Path]
) -> None:
    store.put(NAME, stage(b"first"))
    before = store.find(NAME)
    time.sleep(0.02)
    staged = stage(b"second")
    assert not store.put(NAME, staged)
    assert not staged.exists()
    assert content_of(store, NAME) == b"first"
    after = store.find(NAME)
    assert before is not None
    assert after is not None
    assert after.modified > before.modified


def test_what_is_missing_is_told(store: BlobStore) -> None:
    with pytest.raises(MissingBlob) as caught:
        store.get(NAME)
    assert caught.value.code == "vault.missing_blob"
    assert store.find(NAME) is None
    assert list(store.list()) == []


def test_what_was_deleted_is_gone_and_deleting_again_is_no_error(
    store: BlobStore, stage: Callable[[bytes], Path]
) -> None:
    store.put(NAME, stage(b"one"))
    store.put(OTHER, stage(b"two"))
    store.delete(NAME)
    store.delete(NAME)
    assert store.find(NAME) is None
    assert [blob.name for blob in store.list()] == [OTHER]


def test_a_reader_keeps_what_is_deleted_meanwhile(
    store: BlobStore, stage: Callable[[bytes], Path]
) -> None:
    store.put(NAME, stage(b"sealed"))
    with store.get(NAME) as file:
        store.delete(NAME)
        assert file.read() == b"sealed"


@pytest.mark.parametrize("name", ["", "../" + "a" * 61, "AB" * 32, "a" * 63, "a" * 65, "/etc"])
def test_a_name_that_is_none_is_the_callers_mistake(
    store: BlobStore, stage: Callable[[bytes], Path], name: str
) -> None:
    for call in (store.get, store.find, store.delete, lambda n: store.put(n, stage(b""))):
        with pytest.raises(ValueError, match="name"):
            call(name)


def test_a_folder_that_was_opened_again_has_the_same_blobs(
    tmp_path: Path, stage: Callable[[bytes], Path]
) -> None:
    FolderStore.create(tmp_path / "blobs").put(NAME, stage(b"sealed"))
    os.utime(tmp_path / "blobs" / "ab" / NAME, (0, 1_000_000_000))
    again = FolderStore(tmp_path / "blobs")
    moment = datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
    assert list(again.list()) == [StoredBlob(NAME, 6, moment)]
