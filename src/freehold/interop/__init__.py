"""Speaking with other systems: the audit stream to a SIEM.

    estate.streams.declare(actor, "siem", "syslog+tls://siem.example:6514")
    estate.streams.start()      # while a server holds the estate

Every act becomes an event of ids, codes and times (JSON lines, RFC 5424, OpenTelemetry logs): no
name, no value, no text of anybody. Events are sent in order, at least once, from a place that is
remembered; a destination that is down delays them and loses none.
"""

from freehold.interop._acts import DECLARATIONS
from freehold.interop._destination import parse_destination
from freehold.interop._encoding import Source, as_json, json_line, otlp_request, syslog_message
from freehold.interop._event import Event, Severity, event_of
from freehold.interop._service import Stream, StreamService
from freehold.interop.errors import StreamError

__all__ = [
    "DECLARATIONS",
    "Event",
    "Severity",
    "Source",
    "Stream",
    "StreamError",
    "StreamService",
    "as_json",
    "event_of",
    "json_line",
    "otlp_request",
    "parse_destination",
    "syslog_message",
]
