"""Sealing and unsealing blobs."""

from __future__ import annotations

import errno
import hashlib
import hmac
import io
import random
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freehold.kernel import LimitError, SyncError, new_id
from freehold.kernel.keys import DomainErased, Keyring, UnknownDomain
from freehold.kernel.vault import (
    Collected,
    FolderStore,
    MissingBlob,
    Sealed,
    Vault,
    VaultError,
    VaultLimits,
)
from tests.kernel.vault.stores import (
    CONTENT,
    FaultyStore,
    MemoryStore,
    path_of,
    seal,
)

SIZES = [0, 1, 65_535, 65_536, 65_537, 131_072, 1_048_576, 1_048_577]


def staging(folder: Path) -> list[Path]:
    return list((folder / "staging").iterdir())


def unseal(vault: Vault, domain: str, name: str) -> bytes:
    with vault.unseal(domain, name) as stream:
        return stream.read()


def test_opening_what_does_not_exist_names_the_command_that_creates(
    folder: Path, keyring: Keyring
) -> None:
    with pytest.raises(VaultError, match="freehold init") as caught:
        Vault.open(folder, keyring)
    assert caught.value.code == "vault.missing"
    assert not folder.exists()


def test_creating_over_something_is_refused(vault: Vault, folder: Path, keyring: Keyring) -> None:
    with pytest.raises(VaultError) as caught:
        Vault.create(folder, keyring)
    assert caught.value.code == "vault.exists"


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_comes_back(vault: Vault, domain: str, size: int) -> None:
    content = random.Random(size).randbytes(size)
    sealed = seal(vault, domain, content)
    assert sealed.size == size
    assert unseal(vault, domain, sealed.name) == content
    assert vault.read(domain, sealed.name, limit=size) == content


@given(
    content=st.binary(max_size=3_000),
    pieces=st.lists(st.integers(1, 900), min_size=1, max_size=5),
    chunk_bytes=st.integers(1, 2_000),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_pieces_of_any_size_make_no_difference(
    vault: Vault,
    folder: Path,
    keyring: Keyring,
    content: bytes,
    pieces: list[int],
    chunk_bytes: int,
) -> None:
    domain = keyring.new_domain()
    limits = VaultLimits(chunk_bytes=chunk_bytes)
    with Vault.open(folder, keyring, limits=limits) as small:
        sealed = seal(small, domain, content)
        got: list[bytes] = []
        with small.unseal(domain, sealed.name) as stream:
            while piece := stream.read(pieces[len(got) % len(pieces)]):
                got.append(piece)
    assert b"".join(got) == content
    assert unseal(vault, domain, sealed.name) == content


def test_a_blob_is_named_and_digested_as_the_format_says(
    vault: Vault, folder: Path, keyring: Keyring, domain: str
) -> None:
    sealed = seal(vault, domain)
    key = keyring.domain(domain).naming_key
    lying = path_of(folder, sealed.name).read_bytes()
    assert sealed == Sealed(
        domain=domain,
        name=hmac.digest(key, CONTENT, "sha256").hex(),
        size=len(CONTENT),
        sealed_size=len(lying),
        digest="sha256:" + hashlib.sha256(CONTENT).hexdigest(),
        sealed_digest="sha256:" + hashlib.sha256(lying).hexdigest(),
    )
    assert lying.startswith(b"age-encryption.org/v1\n-> X25519 ")
    assert vault.sealed_digest(sealed.name) == sealed.sealed_digest


def test_stock_age_opens_a_blob_with_the_exported_identity(
    vault: Vault,
    folder: Path,
    keyring: Keyring,
    domain: str,
    tmp_path: Path,
    program: Callable[[str], Path],
) -> None:
    sealed = seal(vault, domain)
    identity = tmp_path / "identity"
    identity.write_text(keyring.domain(domain).identity + "\n")
    path = path_of(folder, sealed.name)
    command = [str(program("age")), "--decrypt", "-i", str(identity), str(path)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout == CONTENT


def test_names_are_equal_within_a_domain_and_differ_between_domains(
    vault: Vault, folder: Path, keyring: Keyring, domain: str
) -> None:
    first, second = seal(vault, domain), seal(vault, domain)
    assert first == second
    other = seal(vault, keyring.new_domain())
    assert other.name != first.name
    assert other.digest == first.digest
    assert len(list(FolderStore(folder / "blobs").list())) == 2


def test_an_erased_domain_is_refused_before_any_byte_and_others_stay(
    vault: Vault, keyring: Keyring, domain: str
) -> None:
    sealed = seal(vault, domain)
    other = keyring.new_domain()
    kept = seal(vault, other)
    keyring.erase(domain)
    for call in (
        lambda: unseal(vault, domain, sealed.name),
        lambda: vault.read(domain, sealed.name, 10),
        lambda: seal(vault, domain),
    ):
        with pytest.raises(DomainErased):
            call()
    assert unseal(vault, other, kept.name) == CONTENT
    assert vault.exists(sealed.name)  # the sealed bytes are there until they are collected
    assert vault.delete_blobs([sealed.name, "0" * 64]) == Collected(1, sealed.sealed_size)
    assert not vault.exists(sealed.name)


def test_a_missing_blob_and_an_unknown_domain_are_refused(vault: Vault, domain: str) -> None:
    for call in (
        lambda: unseal(vault, domain, "0" * 64),
        lambda: vault.read(domain, "0" * 64, 10),
        lambda: vault.sealed_digest("0" * 64),
    ):
        with pytest.raises(MissingBlob):
            call()
    with pytest.raises(UnknownDomain):
        seal(vault, new_id())


def test_another_domains_key_does_not_open_a_blob(
    vault: Vault, keyring: Keyring, domain: str
) -> None:
    sealed = seal(vault, domain)
    with pytest.raises(VaultError) as caught:
        unseal(vault, keyring.new_domain(), sealed.name)
    assert caught.value.code == "vault.corrupt"


def test_reading_over_the_limit_is_refused(vault: Vault, domain: str) -> None:
    sealed = seal(vault, domain)
    with pytest.raises(LimitError) as caught:
        vault.read(domain, sealed.name, len(CONTENT) - 1)
    assert caught.value.code == "vault.too_large"


def parts_of(sealed: bytes) -> dict[str, int]:
    """A position within each part of an age file with one X25519 recipient."""
    header = sealed.index(b"\n---") + 1
    payload = sealed.index(b"\n", header) + 1
    return {
        "version": 20,
        "recipient type": sealed.index(b"X25519"),
        "share": sealed.index(b"X25519 ") + 12,
        "file key": sealed.index(b"\n", 30) + 10,
        "mac": header + 10,
        "nonce": payload + 3,
        "first chunk": payload + 16 + 1_000,
        "first tag": payload + 16 + 65_536 + 3,
        "last chunk": len(sealed) - 100,
        "last tag": len(sealed) - 1,
    }


@pytest.mark.parametrize(
    "part",
    [
        "version", "recipient type", "share", "file key", "mac", "nonce", "first chunk",
        "first tag", "last chunk", "last tag",
    ],
)  # fmt: skip
def test_a_change_in_any_part_of_a_blob_is_refused(
    vault: Vault, folder: Path, domain: str, part: str
) -> None:
    sealed = seal(vault, domain)
    path = path_of(folder, sealed.name)
    lying = bytearray(path.read_bytes())
    lying[parts_of(bytes(lying))[part]] ^= 0x02
    path.write_bytes(lying)
    with pytest.raises(VaultError) as caught:
        unseal(vault, domain, sealed.name)
    assert caught.value.code == "vault.corrupt"
    assert vault.sealed_digest(sealed.name) != sealed.sealed_digest


@pytest.mark.parametrize("kept", [0, 10, 150, 210, 70_000, 200_000, -17, -1])
def test_a_blob_that_was_cut_is_refused(vault: Vault, folder: Path, domain: str, kept: int) -> None:
    sealed = seal(vault, domain)
    path = path_of(folder, sealed.name)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(VaultError) as caught:
        unseal(vault, domain, sealed.name)
    assert caught.value.code == "vault.corrupt"


def test_a_blob_that_was_lengthened_is_refused(vault: Vault, folder: Path, domain: str) -> None:
    sealed = seal(vault, domain)
    path = path_of(folder, sealed.name)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(VaultError, match="not what was sealed"):
        unseal(vault, domain, sealed.name)


def test_a_blob_in_the_place_of_another_is_refused_at_its_end(
    vault: Vault, folder: Path, domain: str
) -> None:
    sealed, other = seal(vault, domain), seal(vault, domain, b"other")
    path_of(folder, sealed.name).write_bytes(path_of(folder, other.name).read_bytes())
    with vault.unseal(domain, sealed.name) as stream:
        with pytest.raises(VaultError) as caught:
            stream.read()
        with pytest.raises(VaultError):  # and there is no end to be had by reading on
            stream.read()
    assert caught.value.code == "vault.corrupt"
    with pytest.raises(VaultError):
        vault.read(domain, sealed.name, limit=1_000)


class CountingReads(MemoryStore):
    """A store that knows how far a blob has been read."""

    opened: BinaryIO

    def get(self, name: str) -> BinaryIO:
        self.opened = super().get(name)
        return self.opened


def test_a_slow_reader_is_not_run_away_from(
    folder: Path, keyring: Keyring, vault: Vault, domain: str
) -> None:
    store = CountingReads()
    limits = VaultLimits(chunk_bytes=1_000)
    with Vault.open(folder, keyring, store=store, limits=limits) as narrow:
        sealed = seal(narrow, domain)
        with narrow.unseal(domain, sealed.name) as stream:
            stream.read(10)
            time.sleep(0.2)
            assert store.opened.tell() < 150_000  # of 200,000: two chunks of the age format


def test_threads_seal_and_unseal_side_by_side(vault: Vault, domain: str) -> None:
    results: list[tuple[Sealed, bool]] = []

    def work(number: int) -> None:
        content = CONTENT + bytes([number % 2])
        sealed = seal(vault, domain, content)
        results.append((sealed, unseal(vault, domain, sealed.name) == content))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [is_right for _, is_right in results] == [True] * 8
    assert len({sealed for sealed, _ in results}) == 2  # one sealed digest for one content
    for sealed, _ in results:
        assert vault.sealed_digest(sealed.name) == sealed.sealed_digest


class Watching(io.BytesIO):
    """A stream that looks around on disk while it is read."""

    def __init__(self, content: bytes, look: Callable[[], None]) -> None:
        super().__init__(content)
        self._look = look

    def read(self, size: int | None = -1) -> bytes:
        self._look()
        return super().read(size)


def test_nothing_plain_ever_lies_on_disk(vault: Vault, folder: Path, domain: str) -> None:
    marker = b"Erika Mustermann, born 1964-08-12"

    def look() -> None:
        for path in folder.parent.rglob("*"):
            if path.is_file():
                assert marker not in path.read_bytes(), path

    sealed = vault.seal(domain, Watching(marker * 100_000, look))
    with vault.unseal(domain, sealed.name) as stream:
        while stream.read(1_000_000):
            look()
    vault.put_body(domain, new_id(), marker)
    look()


class Torn(io.BytesIO):
    """A stream that breaks after its content."""

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        if not piece:
            raise OSError(errno.ECONNRESET, "the peer is gone")
        return piece


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_that_breaks_keeps_its_own_error_and_leaves_nothing(
    vault: Vault, folder: Path, domain: str, size: int
) -> None:
    with pytest.raises(OSError, match="the peer is gone"):
        vault.seal(domain, Torn(bytes(size)))
    assert staging(folder) == []
    assert list(FolderStore(folder / "blobs").list()) == []


def test_a_stream_of_text_is_the_callers_mistake(vault: Vault, folder: Path, domain: str) -> None:
    with pytest.raises(TypeError):
        vault.seal(domain, io.StringIO("text"))  # type: ignore[arg-type]
    assert staging(folder) == []


class UnsyncedStore(FolderStore):
    """A folder whose names cannot be made durable: the change is made, the sync fails."""

    fails = False

    def put(self, name: str, staged: Path) -> bool:
        is_new = super().put(name, staged)
        self._sync()
        return is_new

    def delete(self, name: str) -> None:
        super().delete(name)
        self._sync()

    def _sync(self) -> None:
        if self.fails:
            raise SyncError(errno.EIO, "Input/output error")


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow beyond 100 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [100, 65_536, 200_000])
@pytest.mark.parametrize("chunk_bytes", [100, 1_048_576])
def test_a_full_disk_seals_nothing_even_at_the_very_last_write(
    folder: Path, keyring: Keyring, vault: Vault, domain: str, chunk_bytes: int, size: int
) -> None:
    limits = VaultLimits(
        chunk_bytes=chunk_bytes
    )  # 100: each write reaches the disk from within age
    with Vault.open(folder, keyring, limits=limits) as small:
        with full_disk(), pytest.raises(VaultError) as caught:
            seal(small, domain, bytes(size))
        assert caught.value.code == "vault.storage"
        assert staging(folder) == []
        assert list(FolderStore(folder / "blobs").list()) == []
        assert unseal(small, domain, seal(small, domain).name) == CONTENT


def test_a_blob_whose_sync_failed_does_not_exist(
    folder: Path, keyring: Keyring, vault: Vault, domain: str
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with Vault.open(folder, keyring, sync=fail) as failing, pytest.raises(VaultError) as caught:
        seal(failing, domain)
    assert caught.value.code == "vault.storage"
    assert list(FolderStore(folder / "blobs").list()) == []
    assert staging(folder) == []


@pytest.mark.parametrize("failing_call", ["put", "delete", "sync of the staged file"])
def test_after_a_failed_sync_the_vault_takes_nothing_until_it_is_opened_again(
    folder: Path, keyring: Keyring, vault: Vault, domain: str, failing_call: str
) -> None:
    """A second put of the same content would find the name, and its sync could mean nothing."""
    name = seal(vault, domain, b"of before").name
    store, syncs = UnsyncedStore(folder / "blobs"), [failing_call == "sync of the staged file"]

    def sync(descriptor: int) -> None:
        if syncs.pop():
            raise OSError(errno.EIO, "Input/output error")

    with Vault.open(folder, keyring, store=store, sync=sync) as failing:
        store.fails = failing_call != "sync of the staged file"
        with pytest.raises(VaultError, match="Input/output error") as caught:
            failing.delete_blobs([name]) if failing_call == "delete" else seal(failing, domain)
        assert caught.value.code == "vault.storage"
        store.fails = False
        for call in (
            failing.refuse_after_failure,
            lambda: seal(failing, domain),
            lambda: failing.put_body(domain, new_id(), b"more"),
            lambda: failing.delete_blobs([name]),
        ):
            with pytest.raises(VaultError) as caught:
                call()
            assert caught.value.code == "vault.reopen"
    with Vault.open(folder, keyring) as reopened:
        assert unseal(reopened, domain, seal(reopened, domain).name) == CONTENT


@pytest.mark.parametrize(
    "is_written", [pytest.param(False, id="not written"), pytest.param(True, id="but written")]
)
def test_sealing_again_after_a_failed_put_gives_a_whole_blob(
    folder: Path, keyring: Keyring, vault: Vault, domain: str, is_written: bool
) -> None:
    store = FaultyStore(FolderStore(folder / "blobs"), is_written=is_written)
    with Vault.open(folder, keyring, store=store) as failing:
        with pytest.raises(VaultError) as caught:
            seal(failing, domain)
        assert caught.value.code == "vault.storage"
        assert len(list(store.list())) == is_written
        assert staging(folder) == []
        sealed = seal(failing, domain)
        assert unseal(failing, domain, sealed.name) == CONTENT
        assert failing.sealed_digest(sealed.name) == sealed.sealed_digest


def test_a_store_that_fails_is_told_as_such(
    folder: Path, keyring: Keyring, vault: Vault, domain: str
) -> None:
    name = seal(vault, domain).name
    store = FaultyStore(FolderStore(folder / "blobs"), is_written=False)
    with Vault.open(folder, keyring, store=store) as failing:
        for call in (
            lambda: unseal(failing, domain, name),
            lambda: failing.exists(name),
            lambda: failing.sealed_digest(name),
            lambda: failing.delete_blobs([name]),
            lambda: failing.collect(set()),
        ):
            store.is_armed = True
            with pytest.raises(VaultError) as caught:
                call()
            assert caught.value.code == "vault.storage"


class BreakingReads(MemoryStore):
    """A store whose blobs break while they are read."""

    def get(self, name: str) -> BinaryIO:
        with super().get(name) as sealed:
            return Torn(sealed.read()[:100_000])


def test_a_store_that_breaks_while_reading_is_not_called_corrupt(
    folder: Path, keyring: Keyring, vault: Vault, domain: str
) -> None:
    with Vault.open(folder, keyring, store=BreakingReads()) as breaking:
        name = seal(breaking, domain).name
        with pytest.raises(VaultError, match="the peer is gone") as caught:
            unseal(breaking, domain, name)
    assert caught.value.code == "vault.storage"


def test_any_store_will_do(folder: Path, keyring: Keyring, vault: Vault, domain: str) -> None:
    with Vault.open(folder, keyring, store=MemoryStore()) as elsewhere:
        sealed = seal(elsewhere, domain)
        assert seal(elsewhere, domain) == sealed
        assert unseal(elsewhere, domain, sealed.name) == CONTENT
    assert not vault.exists(sealed.name)


def test_opening_empties_staging_but_for_what_is_being_sealed(
    vault: Vault, folder: Path, keyring: Keyring, domain: str
) -> None:
    (folder / "staging" / "left-by-a-crash").write_bytes(b"torn")

    def look() -> None:
        Vault.open(folder, keyring).close()
        assert len(staging(folder)) == 1

    sealed = vault.seal(domain, Watching(CONTENT, look))
    assert unseal(vault, domain, sealed.name) == CONTENT
    assert staging(folder) == []


def test_nobody_else_on_the_machine_may_read_the_files(
    vault: Vault, folder: Path, domain: str
) -> None:
    seal(vault, domain)
    vault.put_body(domain, new_id(), b"body")
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_errors_tell_neither_content_nor_secrets(
    vault: Vault, folder: Path, keyring: Keyring, domain: str
) -> None:
    keys = keyring.domain(domain)
    sealed = seal(vault, domain, b"Erika Mustermann")
    other = seal(vault, domain, b"Max Mustermann")
    path_of(folder, sealed.name).write_bytes(path_of(folder, other.name).read_bytes())
    with pytest.raises(VaultError) as caught:
        unseal(vault, domain, sealed.name)
    for text in (str(caught.value), repr(caught.value), repr(sealed), repr(vault)):
        assert "Mustermann" not in text
        assert keys.identity not in text
        assert keys.naming_key.hex() not in text
