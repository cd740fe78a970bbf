"""Checkpoints stamped by a real authority, by file and over HTTP, and checked by a stranger."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freehold.kernel import parse_time
from freehold.kernel.acts import NotFound
from freehold.stamps import StampError
from tests.estate.world import World, check_everything
from tests.stamps.authority import Authority, self_signed, serving

pytestmark = pytest.mark.needs_program("openssl")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


def test_a_stamp_carried_by_file_is_kept_and_a_stranger_checks_it_with_openssl(
    world: World, authority: Authority, tmp_path: Path
):
    stamps, olivia = world.estate.stamps, world.actor("olivia")
    stamps.declare(olivia, "tsa", authority.root)
    world.ingest()
    size, request = stamps.request(olivia)
    stamp = stamps.accept(olivia, "tsa", authority.stamp(request), size=size)
    assert stamp.size == size
    assert abs(parse_time(stamp.time) - datetime.now(UTC)) < timedelta(minutes=5)
    world.ingest("later")
    assert [each.size for each in stamps.list(olivia)] == [size]
    (tmp_path / "response").write_bytes(stamps.fetch(olivia, stamp.act))
    (tmp_path / "text").write_text(stamps.text(olivia, size))
    (tmp_path / "root").write_text(authority.root)
    command = ["openssl", "ts", "-verify", "-in", str(tmp_path / "response")]
    command += ["-data", str(tmp_path / "text"), "-CAfile", str(tmp_path / "root")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout + done.stderr
    before = stamps.list(olivia)
    world.reopen()
    assert world.estate.stamps.list(olivia) == before
    check_everything(world.estate)


def test_an_authority_is_asked_over_http_as_a_recorded_act(world: World, authority: Authority):
    stamps, olivia = world.estate.stamps, world.actor("olivia")
    with serving(authority) as url:
        stamps.declare(olivia, "tsa", authority.root, url=url)
        stamp = stamps.ask(olivia, "tsa")
    pipeline = world.estate.pipeline
    record = pipeline.record(pipeline.position(stamp.act))
    assert (record.act, record.facts["size"]) == ("stamp.accept", stamp.size)
    with pytest.raises(StampError) as refused:
        stamps.ask(olivia, "tsa")
    assert refused.value.code == "stamp.unreachable"


def test_an_old_answer_to_another_question_is_refused(world: World, authority: Authority):
    stamps, olivia = world.estate.stamps, world.actor("olivia")
    _, request = stamps.request(olivia)
    with serving(authority, stale=authority.stamp(request)) as url:
        stamps.declare(olivia, "tsa", authority.root, url=url)
        with pytest.raises(StampError) as refused:
            stamps.ask(olivia, "tsa")
    assert refused.value.code == "stamp.refused"
    assert stamps.list(olivia) == ()


def test_stamps_of_strangers_of_other_sizes_and_with_a_changed_byte_are_refused(
    world: World, authority: Authority, tmp_path: Path
):
    stamps, olivia = world.estate.stamps, world.actor("olivia")
    stamps.declare(olivia, "tsa", authority.root)
    size, request = stamps.request(olivia)
    answer = authority.stamp(request)
    stranger = Authority(tmp_path / "stranger").stamp(request)
    changed = bytearray(answer)
    changed[len(changed) // 2] ^= 1
    for wrong, of_size in (
        (stranger, size),
        (answer, size - 1),
        (bytes(changed), size),
        (answer[:-20], size),
        (b"", size),
        (b"\0" * 100_000, size),
    ):
        with pytest.raises(StampError) as refused:
            stamps.accept(olivia, "tsa", wrong, size=of_size)
        assert refused.value.code == "stamp.refused"
    with pytest.raises(NotFound):
        stamps.accept(olivia, "tsa", answer, size=1_000_000)
    assert stamps.list(olivia) == ()


def test_what_is_no_certificate_no_address_or_a_name_twice_is_refused(world: World):
    stamps, olivia = world.estate.stamps, world.actor("olivia")
    root = self_signed("tsa.example")
    with pytest.raises(StampError) as refused:
        stamps.declare(olivia, "tsa", "no certificate")
    assert refused.value.code == "stamp.certificate"
    for url in ("ftp://tsa.example/", "tsa.example", "https://user@tsa.example/", "https://"):
        with pytest.raises(StampError) as refused:
            stamps.declare(olivia, "tsa", root, url=url)
        assert refused.value.code == "stamp.url"
    stamps.declare(olivia, "tsa", root)
    with pytest.raises(StampError) as refused:
        stamps.declare(olivia, "tsa", root)
    assert refused.value.code == "stamp.authority"
    with pytest.raises(StampError) as refused:
        stamps.ask(olivia, "tsa")
    assert refused.value.code == "stamp.url"
