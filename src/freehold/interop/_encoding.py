"""Events as JSON lines, as syslog messages (RFC 5424) and as OpenTelemetry logs (OTLP/JSON).

Pure: nothing here sends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from freehold.interop._event import Event, Severity

_LOG_AUDIT = 13  # the facility "log audit" (RFC 5424, 6.2.1)
_STRUCTURE = "freehold@32473"  # 32473 is IANA's number for who has none (RFC 5612)
_HEADER_CHARS_MAX = {"host": 255, "name": 48, "process": 128, "message": 32}  # RFC 5424, 6
_OTEL_SEVERITIES = {  # OpenTelemetry logs data model, appendix B: syslog
    Severity.alert: (19, "ERROR3"),
    Severity.error: (17, "ERROR"),
    Severity.warning: (13, "WARN"),
    Severity.notice: (10, "INFO2"),
    Severity.info: (9, "INFO"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """Who sends: the estate, its host, the software's version and the process."""

    estate: str
    host: str
    version: str
    process: int
    is_trial: bool


def as_json(event: Event) -> dict[str, Any]:
    """One event as a flat object."""
    return {
        "index": event.index,
        "time": event.time,
        "severity": event.severity.name,
        "act": event.act,
        "phase": event.phase,
        **event.fields,
    }


def json_line(event: Event) -> bytes:
    """One event as a line of JSON."""
    return json.dumps(as_json(event), separators=(",", ":")).encode() + b"\n"


def syslog_message(event: Event, source: Source) -> bytes:
    """One event as a message of RFC 5424, without the framing of a transport."""
    priority = _LOG_AUDIT * 8 + event.severity
    fields = {"index": str(event.index), "act": event.act, "phase": event.phase, **event.fields}
    if source.is_trial:
        fields["trial"] = "yes"
    data = " ".join(f'{name}="{_escaped(value)}"' for name, value in fields.items())
    header = " ".join(
        (
            f"<{priority}>1",
            event.time,
            _printable(source.host, "host"),
            "freehold",
            _printable(str(source.process), "process"),
            _printable(event.act, "message"),
        )
    )
    return f"{header} [{_STRUCTURE} {data}] {event.text}".encode()


def otlp_request(events: Iterable[Event], source: Source) -> bytes:
    """A batch of events as the body of an OTLP/HTTP export of logs, in its JSON encoding."""
    resource = {
        "service.name": "freehold",
        "service.version": source.version,
        "service.instance.id": source.estate,
        "host.name": source.host,
    }
    scope = {"name": "freehold.audit", "version": source.version}
    records = [_otlp_record(event, source) for event in events]
    logs = {
        "resource": {"attributes": _attributes(resource)},
        "scopeLogs": [{"scope": scope, "logRecords": records}],
    }
    return json.dumps({"resourceLogs": [logs]}, separators=(",", ":")).encode()


def _otlp_record(event: Event, source: Source) -> dict[str, Any]:
    number, text = _OTEL_SEVERITIES[event.severity]
    fields = {"index": str(event.index), "act": event.act, "phase": event.phase, **event.fields}
    if source.is_trial:
        fields["trial"] = "yes"
    return {
        "timeUnixNano": str(_nanoseconds(event.time)),
        "severityNumber": number,
        "severityText": text,
        "body": {"stringValue": event.text},
        "attributes": _attributes({f"freehold.{name}": value for name, value in fields.items()}),
    }


def _attributes(values: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in values.items()]


def _nanoseconds(time: str) -> int:
    moment = datetime.fromisoformat(time)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


def _escaped(value: str) -> str:
    """A value of structured data (RFC 5424, 6.3.3)."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _printable(value: str, part: str) -> str:
    """A part of the header: printable ASCII without spaces, bounded, "-" for nothing."""
    kept = "".join(char for char in value if "!" <= char <= "~")
    return kept[: _HEADER_CHARS_MAX[part]] or "-"
