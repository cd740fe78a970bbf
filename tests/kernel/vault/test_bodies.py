"""Bodies of records in append-only segments."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import shutil
import struct
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freehold.kernel import LimitError, new_id
from freehold.kernel.keys import DomainErased, Keyring, UnknownDomain
from freehold.kernel.vault import DEFAULT_VAULT_LIMITS, BodyAt, Vault, VaultError, VaultLimits

HEADER = b"freehold segment 1\n"


def segment(folder: Path, number: int) -> Path:
    return folder / "segments" / f"{number:08d}.seg"


def refused(vault: Vault, domain: str, record: str, at: BodyAt) -> bool:
    with pytest.raises(VaultError) as caught:
        vault.get_body(domain, record, at)
    return caught.value.code == "vault.corrupt"


def test_a_body_comes_back_before_and_after_syncing_and_reopening(
    vault: Vault, folder: Path, keyring: Keyring, domain: str
) -> None:
    records = {new_id(): os.urandom(size) for size in (0, 1, 300, 70_000)}
    at = {record: vault.put_body(domain, record, body) for record, body in records.items()}
    assert {each: vault.get_body(domain, each, at[each]) for each in records} == records
    vault.sync()
    vault.close()
    with Vault.open(folder, keyring) as reopened:
        assert {each: reopened.get_body(domain, each, at[each]) for each in records} == records


def test_a_frame_follows_the_format(
    vault: Vault, folder: Path, keyring: Keyring, domain: str
) -> None:
    record = new_id()
    at = vault.put_body(domain, record, b"details")
    assert at == BodyAt(1, len(HEADER), 4 + 16 + 16 + 12 + 7 + 16)
    vault.sync()
    lying = segment(folder, 1).read_bytes()
    assert lying.startswith(HEADER)
    frame = lying[at.offset : at.offset + at.length]
    assert len(lying) == at.offset + at.length
    (length,) = struct.unpack(">I", frame[:4])
    assert length == len(frame) - 4
    ids = uuid.UUID(domain).bytes + uuid.UUID(record).bytes
    assert frame[4:36] == ids
    cipher = ChaCha20Poly1305(keyring.domain(domain).body_key)
    assert cipher.decrypt(frame[36:48], frame[48:], ids) == b"details"


def test_every_changed_byte_of_a_frame_is_refused(vault: Vault, folder: Path, domain: str) -> None:
    record = new_id()
    at = vault.put_body(domain, record, b"details")
    vault.sync()
    path = segment(folder, 1)
    whole = path.read_bytes()
    for position in range(at.offset, at.offset + at.length):
        changed = bytearray(whole)
        changed[position] ^= 1
        path.write_bytes(changed)
        assert refused(vault, domain, record, at), position
    path.write_bytes(whole)
    assert vault.get_body(domain, record, at) == b"details"


def test_a_body_is_given_to_its_own_record_and_domain_alone(
    vault: Vault, keyring: Keyring, domain: str
) -> None:
    record, other = new_id(), new_id()
    at = vault.put_body(domain, record, b"details")
    beside = vault.put_body(domain, other, b"details")
    assert refused(vault, domain, other, at)
    assert refused(vault, domain, record, beside)
    assert refused(vault, keyring.new_domain(), record, at)


def test_a_position_that_holds_no_frame_is_refused(vault: Vault, domain: str) -> None:
    record = new_id()
    at = vault.put_body(domain, record, b"details")
    vault.put_body(domain, new_id(), b"more")
    longest = DEFAULT_VAULT_LIMITS.body_bytes_max
    for wrong in (
        at._replace(offset=at.offset + 1),
        at._replace(offset=0),
        at._replace(offset=-1),
        at._replace(offset=10**9),
        at._replace(length=at.length + 1),
        at._replace(length=at.length - 1),
        at._replace(length=0),
        at._replace(length=-1),
        at._replace(length=longest + 100),
        at._replace(segment=-1),
        at._replace(segment=10**8),
    ):
        assert refused(vault, domain, record, wrong), wrong


def test_a_file_that_does_not_begin_as_a_segment_is_refused(
    vault: Vault, folder: Path, domain: str
) -> None:
    record = new_id()
    at = vault.put_body(domain, record, b"details")
    vault.sync()
    path = segment(folder, 1)
    path.write_bytes(b"F" + path.read_bytes()[1:])
    assert refused(vault, domain, record, at)


def test_an_erased_or_unknown_domain_is_refused(
    vault: Vault, keyring: Keyring, domain: str
) -> None:
    record, other = new_id(), keyring.new_domain()
    at = vault.put_body(domain, record, b"details")
    kept = vault.put_body(other, record, b"others")
    keyring.erase(domain)
    with pytest.raises(DomainErased):
        vault.get_body(domain, record, at)
    with pytest.raises(DomainErased):
        vault.put_body(domain, new_id(), b"")
    with pytest.raises(UnknownDomain):
        vault.put_body(new_id(), new_id(), b"")
    assert vault.get_body(other, record, kept) == b"others"


def test_a_body_beyond_the_limit_is_refused(vault: Vault, folder: Path, domain: str) -> None:
    with pytest.raises(LimitError) as caught:
        vault.put_body(domain, new_id(), bytes(DEFAULT_VAULT_LIMITS.body_bytes_max + 1))
    assert caught.value.code == "vault.body_too_large"
    assert not segment(folder, 1).exists()


def test_a_record_id_that_is_no_uuid_is_the_callers_mistake(vault: Vault, domain: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        vault.put_body(domain, "x", b"")


@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=20),
    segment_bytes_max=st.integers(500, 2_000),
)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_segments_stay_within_their_size_and_hold_frames_back_to_back(
    vault: Vault, keyring: Keyring, domain: str, sizes: list[int], segment_bytes_max: int
) -> None:
    folder = vault_folder(keyring)
    Vault.create(folder, keyring).close()
    limits = VaultLimits(segment_bytes_max=segment_bytes_max, segments_open_max=2)
    end: dict[int, int] = {}
    with Vault.open(folder, keyring, limits=limits) as small:
        put = []
        for size in sizes:
            record = new_id()
            put.append((record, size, small.put_body(domain, record, bytes(size))))
        for record, size, at in put:
            assert at.offset == end.get(at.segment, len(HEADER))
            end[at.segment] = at.offset + at.length
            assert small.get_body(domain, record, at) == bytes(size)
    assert list(end) == list(range(1, len(end) + 1))
    assert {n: segment(folder, n).stat().st_size for n in end} == end
    assert max(end.values()) <= segment_bytes_max


def vault_folder(keyring: Keyring) -> Path:
    """A fresh folder for each example of a property."""
    return Path(repr(keyring).partition("'")[2].partition("'")[0]).parent / new_id()


def test_the_next_frame_after_a_crash_begins_at_the_true_end(
    vault: Vault, folder: Path, keyring: Keyring, domain: str
) -> None:
    record = new_id()
    at = vault.put_body(domain, record, b"details")
    vault.sync()
    vault.close()
    with segment(folder, 1).open("ab") as file:
        file.write(b"\0\0\0\x50torn")
    before = segment(folder, 1).read_bytes()
    with Vault.open(folder, keyring) as reopened:
        later = new_id()
        later_at = reopened.put_body(domain, later, b"later")
        assert later_at == BodyAt(1, len(before), later_at.length)
        assert segment(folder, 1).read_bytes().startswith(before)
        assert reopened.get_body(domain, record, at) == b"details"
        assert reopened.get_body(domain, later, later_at) == b"later"


@pytest.mark.parametrize("torn", [b"", b"freehold seg"])
def test_a_segment_whose_header_was_torn_is_begun_again(
    vault: Vault, folder: Path, domain: str, torn: bytes
) -> None:
    segment(folder, 1).write_bytes(torn)
    record = new_id()
    at = vault.put_body(domain, record, b"details")
    assert at.segment == 1
    assert vault.get_body(domain, record, at) == b"details"


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_loses_nothing_that_was_synced_and_the_next_goes_behind_it(
    vault: Vault, folder: Path, keyring: Keyring, domain: str
) -> None:
    record = new_id()
    at = vault.put_body(domain, record, b"details")
    vault.sync()
    end = at.offset + at.length
    vault.put_body(domain, new_id(), bytes(1_000))
    with files_end_at(end + 50):
        for _ in range(2):  # neither what failed nor anything after it is taken
            with pytest.raises(VaultError) as caught:
                vault.sync()
            assert caught.value.code == "vault.reopen"
    with pytest.raises(VaultError):
        vault.put_body(domain, new_id(), b"more")
    vault.close()
    with Vault.open(folder, keyring) as reopened:
        later = new_id()
        later_at = reopened.put_body(domain, later, b"later")
        assert (later_at.segment, later_at.offset) == (1, end + 50)
        reopened.sync()
        assert reopened.get_body(domain, later, later_at) == b"later"
        assert reopened.get_body(domain, record, at) == b"details"


def test_bodies_that_nobody_syncs_do_not_fill_the_memory(
    folder: Path, keyring: Keyring, domain: str
) -> None:
    limits = VaultLimits(bodies_waiting_bytes_max=10_000)
    Vault.create(folder / "small", keyring).close()
    with Vault.open(folder / "small", keyring, limits=limits) as vault:
        for _ in range(20):
            vault.put_body(domain, new_id(), bytes(1_000))
        assert segment(folder / "small", 1).stat().st_size > 10_000


class Syncs:
    """Counts what is made durable, by file; fails when told to."""

    def __init__(self) -> None:
        self.files: list[int] = []
        self.error: BaseException | None = None

    def __call__(self, descriptor: int) -> None:
        self.files.append(os.fstat(descriptor).st_ino)
        if self.error is not None:
            raise self.error


def test_syncing_reaches_every_segment_that_was_written_and_no_other(
    vault: Vault, folder: Path, keyring: Keyring, domain: str
) -> None:
    syncs = Syncs()
    limits = VaultLimits(segment_bytes_max=1_000)
    with Vault.open(folder, keyring, limits=limits, sync=syncs) as watched:
        for _ in range(3):
            watched.put_body(domain, new_id(), bytes(800))
        watched.sync()
        assert syncs.files == [segment(folder, n).stat().st_ino for n in (1, 2, 3)]
        watched.sync()
        assert len(syncs.files) == 3
        watched.put_body(domain, new_id(), bytes(10))
        watched.sync()
        assert syncs.files[3:] == [segment(folder, 3).stat().st_ino]


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_after_a_failed_sync_nothing_is_written_until_reopened(
    vault: Vault, folder: Path, keyring: Keyring, domain: str, error: BaseException
) -> None:
    syncs = Syncs()
    record = new_id()
    with Vault.open(folder, keyring, sync=syncs) as failing:
        at = failing.put_body(domain, record, b"details")
        syncs.error = error
        with pytest.raises((VaultError, KeyboardInterrupt)):
            failing.sync()
        syncs.error = None
        size = segment(folder, 1).stat().st_size
        for call in (
            failing.sync,
            lambda: failing.put_body(domain, new_id(), b"more"),
            lambda: failing.seal(domain, (folder / "segments" / "00000001.seg").open("rb")),
        ):
            with pytest.raises(VaultError) as caught:
                call()
            assert caught.value.code == "vault.reopen"
        assert segment(folder, 1).stat().st_size == size
        assert failing.get_body(domain, record, at) == b"details"
    with Vault.open(folder, keyring) as reopened:
        later_at = reopened.put_body(domain, new_id(), b"more")
        assert later_at.offset == size
        reopened.sync()


def test_who_waits_for_a_sync_returns_only_after_it(
    vault: Vault, folder: Path, keyring: Keyring, domain: str
) -> None:
    began, may_end, events = threading.Event(), threading.Event(), []

    def slow(descriptor: int) -> None:
        began.set()
        may_end.wait(10)
        events.append("synced")

    with Vault.open(folder, keyring, sync=slow) as watched:
        watched.put_body(domain, new_id(), b"details")
        first = threading.Thread(target=watched.sync)
        first.start()
        began.wait(10)

        def second_sync() -> None:
            watched.sync()
            events.append("second returned")

        second = threading.Thread(target=second_sync)
        second.start()
        watched.put_body(domain, new_id(), b"goes on meanwhile")
        may_end.set()
        first.join()
        second.join()
    assert events[0] == "synced"
    assert events[-1] == "second returned"


def test_threads_append_side_by_side(
    vault: Vault, folder: Path, keyring: Keyring, domain: str
) -> None:
    limits = VaultLimits(segment_bytes_max=10_000, segments_open_max=2)
    put: list[tuple[str, bytes, BodyAt]] = []
    with Vault.open(folder, keyring, limits=limits) as small:

        def work() -> None:
            for number in range(100):
                record, body = new_id(), os.urandom(number)
                at = small.put_body(domain, record, body)
                assert small.get_body(domain, record, at) == body
                put.append((record, body, at))
            small.sync()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(put) == 400
        for record, body, at in put:
            assert small.get_body(domain, record, at) == body


def test_two_vaults_on_one_folder_append_to_different_segments(
    vault: Vault, folder: Path, keyring: Keyring, domain: str
) -> None:
    with Vault.open(folder, keyring) as other:
        record, later = new_id(), new_id()
        at = vault.put_body(domain, record, b"one")
        other_at = other.put_body(domain, later, b"two")
        assert (at.segment, other_at.segment) == (1, 2)
        vault.sync()
        other.sync()
        assert other.get_body(domain, record, at) == b"one"
        assert vault.get_body(domain, later, other_at) == b"two"


def test_a_locked_segment_is_free_again_after_closing(
    vault: Vault, folder: Path, domain: str
) -> None:
    vault.put_body(domain, new_id(), b"one")
    with segment(folder, 1).open("rb") as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        vault.close()
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_copied_vault_opens_with_the_same_keyring(
    vault: Vault, folder: Path, keyring: Keyring, domain: str, tmp_path: Path
) -> None:
    record = new_id()
    at = vault.put_body(domain, record, b"details")
    vault.sync()
    shutil.copytree(folder, tmp_path / "copy")
    with Vault.open(tmp_path / "copy", keyring) as copy:
        assert copy.get_body(domain, record, at) == b"details"
