"""Audit streams get through to real receivers, in order, through restarts and outages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from freehold.interop import StreamError, parse_destination
from freehold.kernel.acts import NotFound
from tests.estate.world import World, check_everything
from tests.interop.receivers import attributes, collector, rsyslog, until


def size(world: World) -> int:
    return world.estate.pipeline.stores.log.size


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def is_all_sent(world: World) -> bool:
    return all(each.waiting == 0 for each in world.estate.streams.list(world.actor("otto")))


def test_a_stream_begins_with_its_own_declaration_and_goes_on_through_a_restart(
    world: World, tmp_path: Path
):
    otto, out = world.actor("otto"), tmp_path / "audit.jsonl"
    world.ingest("before")
    world.estate.streams.start()
    declared = world.estate.streams.declare(otto, "siem", f"file:{out}")
    first = declared.sent
    world.ingest("during")
    until(lambda: is_all_sent(world))
    world.reopen()
    world.ingest("between")  # nobody carries streams
    world.estate.streams.start()
    until(lambda: is_all_sent(world))
    seen = lines(out)
    assert [event["index"] for event in seen] == list(range(first, size(world)))
    assert (seen[0]["act"], seen[0]["severity"]) == ("stream.declare", "notice")
    assert out.stat().st_mode & 0o077 == 0
    check_everything(world.estate)


def test_what_was_handed_over_right_before_a_crash_is_sent_again_and_nothing_is_left_out(
    world: World, tmp_path: Path
):
    out = tmp_path / "audit.jsonl"
    world.estate.streams.start()
    world.estate.streams.declare(world.actor("otto"), "siem", f"file:{out}")
    world.ingest()
    until(lambda: is_all_sent(world))
    [stream] = world.estate.streams.list(world.actor("otto"))
    world.reopen()
    world.estate.pipeline.stores.keyring.pin(stream.ref, str(stream.sent - 1).encode())
    world.estate.streams.start()
    until(lambda: is_all_sent(world))
    indexes = [event["index"] for event in lines(out)]
    assert sorted(set(indexes)) == list(range(int(indexes[0]), size(world)))
    assert len(indexes) == len(set(indexes)) + 1


@pytest.mark.needs_program("rsyslogd")
def test_rsyslog_takes_the_events_over_each_of_its_transports(world: World, tmp_path: Path):
    otto = world.actor("otto")
    with rsyslog(tmp_path / "rsyslog") as syslog:
        places = {
            "tcp": f"syslog+tcp://127.0.0.1:{syslog.tcp}",
            "udp": f"syslog+udp://127.0.0.1:{syslog.udp}",
            "unix": f"syslog+unix:{syslog.unix}",
        }
        world.estate.streams.start()
        for name, place in places.items():
            world.estate.streams.declare(otto, name, place)
        world.ingest()
        until(lambda: sum(line[3] == "dataset.ingest" for line in syslog.lines()) == 3)
        for pri, host, app, message, _, data, text in syslog.lines():
            assert app == "freehold"
            assert host
            assert data.startswith("[freehold@32473 ")
            assert f'act="{message}"' in data
            if message == "dataset.ingest":
                assert pri == "110"  # log audit, informational
                assert "dataset.ingest done: user:" in text
        world.estate.streams.close()


def test_a_collector_that_is_down_delays_events_and_loses_none(world: World):
    otto = world.actor("otto")
    with collector() as collecting:
        world.estate.streams.start()
        world.estate.streams.declare(otto, "otel", collecting.url)
        until(lambda: is_all_sent(world))
        collecting.status = 503
        world.ingest("first")

        def status() -> str:
            [stream] = world.estate.streams.list(otto)
            return stream.status

        until(lambda: status() == "interrupted")
        [stream] = world.estate.streams.list(otto)
        assert "503" in stream.error
        assert stream.waiting > 0
        collecting.status = 200
        until(lambda: status() == "declared")
        until(lambda: is_all_sent(world))
        told = [attributes(each) for each in collecting.records()]
        acts = [each["freehold.act"] for each in told]
        assert acts.count("stream.interrupt") == acts.count("stream.resume") == 1
        assert [int(each["freehold.index"]) for each in told] == list(
            range(int(told[0]["freehold.index"]), size(world))
        )
        world.estate.streams.close()


def test_a_batch_that_a_collector_took_in_part_counts_as_not_taken(world: World):
    with collector() as collecting:
        collecting.answer = b'{"partialSuccess": {"rejectedLogRecords": "2"}}'
        world.estate.streams.start()
        world.estate.streams.declare(world.actor("otto"), "otel", collecting.url)
        until(lambda: bool(world.estate.streams.list(world.actor("otto"))[0].error))
        [stream] = world.estate.streams.list(world.actor("otto"))
        assert "rejected 2 events" in stream.error
        world.estate.streams.close()


def test_an_ended_stream_gets_nothing_more_and_its_name_is_free(world: World, tmp_path: Path):
    otto, out = world.actor("otto"), tmp_path / "audit.jsonl"
    world.estate.streams.start()
    world.estate.streams.declare(otto, "siem", f"file:{out}")
    until(lambda: is_all_sent(world))
    world.estate.streams.end(otto, "siem")
    before = out.read_bytes()
    world.ingest()
    assert out.read_bytes() == before
    with pytest.raises(NotFound):
        world.estate.streams.end(otto, "siem")
    world.estate.streams.declare(otto, "siem", f"file:{out}")
    with pytest.raises(StreamError, match="there is a stream 'siem'"):
        world.estate.streams.declare(otto, "siem", f"file:{out}")


def test_events_can_be_fetched_from_any_place(world: World):
    world.ingest()
    ada = world.actor("ada")
    whole = world.estate.streams.read(ada)
    assert [event["index"] for event in whole] == list(range(len(whole)))
    assert world.estate.streams.read(ada, after=2, limit=3) == whole[2:5]
    assert world.estate.streams.read(ada, after=10_000_000) == ()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "audit.jsonl",
        "file:relative",
        "file://host/path",
        "syslog+tcp://siem.example:601",
        "syslog+udp://siem.example",
        "otlp+http://collector.example/v1/logs",
        "otlp+https://user:secret@collector.example/v1/logs",
        "otlp+https://collector.example/v1/logs?token=secret",
        "syslog+tls://siem.example:port",
        "syslog+tls://siem.example/path",
        "https://collector.example",
    ],
)
def test_what_is_no_destination_or_would_send_in_the_clear_is_refused(url: str):
    with pytest.raises(StreamError) as refused:
        parse_destination(url)
    assert refused.value.code == "stream.destination"


@pytest.mark.parametrize(
    "url",
    [
        "file:/var/log/audit.jsonl",
        "syslog+unix:/dev/log",
        "syslog+udp://127.0.0.1",
        "syslog+tls://siem.example:6514",
        "otlp+https://collector.example/v1/logs",
        "otlp+http://localhost:4318/v1/logs",
    ],
)
def test_what_is_a_destination(url: str):
    assert parse_destination(url).url == url
