"""An event says who did what and how it ended, in three encodings, and never anything else."""

from __future__ import annotations

import json

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from freehold.estate import ROOMS
from freehold.interop import (
    Severity,
    Source,
    as_json,
    event_of,
    json_line,
    otlp_request,
    syslog_message,
)
from freehold.kernel import new_id
from freehold.kernel.acts import Output, Record, RecordedDecision, Registry
from tests.interop.receivers import attributes

SOURCE = Source(estate=new_id(), host="host.example", version="1.2", process=7, is_trial=False)


def record(act: str = "dataset.ingest", phase: str = "done", **more: object) -> Record:
    fields = {
        "id": "0192f0c4-1111-7000-8000-000000000001",
        "time": "2026-11-24T06:02:49.123456Z",
        "log": "estate/x/main",
        "principal": "user:0192f0c4-1111-7000-8000-000000000002",
        "act": act,
        "phase": phase,
        "resource": "dataset:0192f0c4-1111-7000-8000-000000000003",
        "outputs": (Output(ref="dataset:out"),),
        "decision": RecordedDecision(("charter.role.steward",), "x", "y", "allow"),
        "facts": {"data_class": "health"},
    }
    return Record(**{**fields, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("act", "phase", "severity"),
    [
        ("decision.answer", "done", Severity.info),
        ("dataset.erase", "done", Severity.notice),
        ("person.enrol", "done", Severity.notice),
        ("dataset.read", "denied", Severity.warning),
        ("model.train", "failed", Severity.error),
        ("access.break_glass", "done", Severity.alert),
        ("recovery.set_up", "done", Severity.alert),
        ("access.break_glass", "denied", Severity.warning),
    ],
)
def test_how_grave_an_act_is(act: str, phase: str, severity: Severity):
    event = event_of(0, record(act, phase), Registry(ROOMS).alarming)
    assert event.severity is severity


def test_facts_inputs_and_outputs_are_no_part_of_an_event():
    told = json.dumps(as_json(event_of(3, record(inputs=("dataset:in",)))))
    assert "health" not in told
    assert "dataset:in" not in told
    assert "dataset:out" not in told


def test_a_line_of_json_holds_one_event():
    line = json_line(event_of(3, record(error="policy.denied", phase="denied")))
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "index": 3,
        "time": "2026-11-24T06:02:49.123456Z",
        "severity": "warning",
        "act": "dataset.ingest",
        "phase": "denied",
        "id": "0192f0c4-1111-7000-8000-000000000001",
        "log": "estate/x/main",
        "principal": "user:0192f0c4-1111-7000-8000-000000000002",
        "resource": "dataset:0192f0c4-1111-7000-8000-000000000003",
        "error": "policy.denied",
        "result": "allow",
        "policies": "charter.role.steward",
    }


def test_a_syslog_message_follows_rfc_5424():
    message = syslog_message(event_of(3, record()), SOURCE).decode()
    header, _, rest = message.partition(" [freehold@32473 ")
    assert header == "<110>1 2026-11-24T06:02:49.123456Z host.example freehold 7 dataset.ingest"
    data, _, text = rest.partition("] ")
    assert 'index="3" act="dataset.ingest" phase="done"' in data
    assert text.startswith("dataset.ingest done: user:")


def test_what_could_break_out_of_structured_data_is_escaped():
    hostile = record(act='x"] [y@1 z="')
    message = syslog_message(event_of(3, hostile), SOURCE).decode()
    assert r'act="x\"\] [y@1 z=\""' in message
    assert message.split(" ")[5] == 'x"][y@1z="'  # in the header, where spaces would split


def test_an_otlp_request_is_read_by_opentelemetrys_own_schema():
    events = [event_of(0, record()), event_of(1, record("model.train", "failed", error="x.y"))]
    request = Parse(otlp_request(events, SOURCE), ExportLogsServiceRequest())
    [logs] = request.resource_logs
    resource = {each.key: each.value.string_value for each in logs.resource.attributes}
    assert resource["service.instance.id"] == SOURCE.estate
    [scope] = logs.scope_logs
    first, second = scope.log_records
    assert first.time_unix_nano == 1_795_500_169_123_456_000
    assert (first.severity_number, first.severity_text) == (9, "INFO")
    assert (second.severity_number, second.severity_text) == (17, "ERROR")
    assert attributes(second)["freehold.error"] == "x.y"
    assert attributes(second)["freehold.index"] == "1"


def test_events_of_a_trial_say_so():
    trial = Source(SOURCE.estate, SOURCE.host, "1.2", process=7, is_trial=True)
    assert 'trial="yes"' in syslog_message(event_of(0, record()), trial).decode()
    assert b'"freehold.trial"' in otlp_request([event_of(0, record())], trial)
