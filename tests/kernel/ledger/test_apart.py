"""A log verified in a process of its own, which saves time and decides nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from freehold.kernel import FreeholdError
from freehold.kernel.ledger import (
    Checkpoint,
    CorruptLogError,
    Log,
    LogConfig,
    LogReader,
    LogRefusedError,
    VerifierKey,
    VerifyingApart,
)

ENTRIES = [b"entry %d" % index for index in range(520)]


@pytest.fixture
def published(folder: Path, config: LogConfig) -> Path:
    with Log.create(folder, config) as log:
        for entry in ENTRIES:
            log.append(entry)
        log.publish()
    return folder


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the trees that this process had to verify itself."""
    sizes: list[int] = []
    verify_all = LogReader.verify_all

    def noted(reader: LogReader) -> Checkpoint:
        sizes.append(reader.checkpoint.size)
        return verify_all(reader)

    monkeypatch.setattr(LogReader, "verify_all", noted)
    return sizes


@contextmanager
def verified(folder: Path, key: VerifierKey, checkpoint: Checkpoint) -> Iterator[None]:
    """Verify apart beside what is done in this context."""
    with VerifyingApart(folder, key) as apart, apart.beside(checkpoint):
        yield


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_other_process_verifies_while_this_one_reads(published, config, here):
    reader = LogReader(published, config.origin, keys=[config.key])
    with verified(published, config.key, reader.checkpoint):
        assert list(reader.unverified_entries()) == ENTRIES
    assert here == []


def test_the_log_may_come_into_being_after_the_process(folder, config, here):
    with VerifyingApart(folder, config.key) as apart:
        with Log.create(folder, config) as log:
            log.append(b"an entry")
            log.publish()
        checkpoint = LogReader(folder, config.origin, keys=[config.key]).checkpoint
        with apart.beside(checkpoint):
            pass
    assert here == []


@pytest.mark.parametrize("place", ["tile/entries/000", "tile/0/001", "tile/1/000.p/2"])
def test_what_was_changed_is_told(published, config, place):
    checkpoint = LogReader(published, config.origin, keys=[config.key]).checkpoint
    change(published / place)
    with pytest.raises(CorruptLogError), verified(published, config.key, checkpoint):
        pass


def test_what_was_changed_is_told_rather_than_what_it_led_to(published, config):
    checkpoint = LogReader(published, config.origin, keys=[config.key]).checkpoint
    change(published / "tile/entries/000")
    with pytest.raises(CorruptLogError), verified(published, config.key, checkpoint):
        raise FreeholdError("test.led_to", "an entry is no record")


def test_what_is_wrong_with_a_sound_log_s_use_is_told_as_it_is(published, config):
    checkpoint = LogReader(published, config.origin, keys=[config.key]).checkpoint
    sound = verified(published, config.key, checkpoint)
    with pytest.raises(FreeholdError, match="a blob is missing"), sound:
        raise FreeholdError("test.blob", "a blob is missing")


def test_another_tree_than_the_one_asked_for_does_not_count(published, config, here):
    checkpoint = LogReader(published, config.origin, keys=[config.key]).checkpoint
    with Log.open(published, config) as log:
        log.append(b"one more")
        log.publish()
    grown = verified(published, config.key, checkpoint)
    with pytest.raises(CorruptLogError, match="size 521"), grown:
        pass
    assert here == [521]


def test_a_log_of_another_key_is_refused(published, config):
    checkpoint = LogReader(published, config.origin, keys=[config.key]).checkpoint
    other = type(config.key)(config.origin, bytes(reversed(config.key.public_key)))
    with pytest.raises(LogRefusedError), verified(published, other, checkpoint):
        pass


def test_a_process_that_cannot_be_started_or_is_killed_costs_time_only(
    published, config, here, monkeypatch
):
    checkpoint = LogReader(published, config.origin, keys=[config.key]).checkpoint
    with VerifyingApart(published, config.key) as apart:
        assert apart._process is not None
        apart._process.kill()
        apart._process.wait()
        with apart.beside(checkpoint):
            pass
    assert here == [520]

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with verified(published, config.key, checkpoint):
        pass
    assert here == [520, 520]


def test_a_log_too_small_for_a_process_is_verified_here(published, config, here):
    checkpoint = LogReader(published, config.origin, keys=[config.key]).checkpoint
    with VerifyingApart(published, config.key, is_worthwhile=False) as apart:
        assert apart._process is None
        with apart.beside(checkpoint):
            pass
    assert here == [520]


def test_no_process_is_left_whatever_happens(published, config):
    with pytest.raises(RuntimeError), VerifyingApart(published, config.key) as apart:
        raise RuntimeError
    assert apart._process is not None
    assert apart._process.returncode is not None
