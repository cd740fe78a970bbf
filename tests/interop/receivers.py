"""Real receivers of audit streams: rsyslog on loopback, and an OTLP/HTTP endpoint that reads what
it is sent with OpenTelemetry's own schema.
"""

from __future__ import annotations

import http.server
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

SECONDS_MAX = 20.0

RSYSLOG = """
module(load="imtcp")
module(load="imudp")
module(load="imuxsock" SysSock.Use="off")
input(type="imtcp" address="127.0.0.1" port="{tcp}")
input(type="imudp" address="127.0.0.1" port="{udp}")
input(type="imuxsock" Socket="{unix}" usePIDFromSystem="off" useSpecialParser="off"
      parseHostname="on" ratelimit.interval="0")
template(name="seen" type="string"
  string="%pri%|%hostname%|%app-name%|%msgid%|%timereported:::date-rfc3339%|%structured-data%|%msg%\\n")
*.* action(type="omfile" file="{out}" template="seen")
"""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that is about to happen."""
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


class Syslog:
    """A running rsyslog: where it listens, and what it has written."""

    def __init__(self, folder: Path) -> None:
        self.tcp, self.udp = free_port(), free_port(socket.SOCK_DGRAM)
        self.unix, self.out = folder / "log.socket", folder / "seen"

    def lines(self) -> list[list[str]]:
        """What arrived: priority, host, application, message id, time, structured data, text."""
        text = self.out.read_text() if self.out.exists() else ""
        return [line.split("|") for line in text.splitlines()]


@contextmanager
def rsyslog(folder: Path) -> Iterator[Syslog]:
    """Run an rsyslog of its own, with nothing of the machine's."""
    folder.mkdir()
    syslog = Syslog(folder)
    places = {"tcp": syslog.tcp, "udp": syslog.udp, "unix": syslog.unix, "out": syslog.out}
    (folder / "rsyslog.conf").write_text(RSYSLOG.format(**places))
    command = ["rsyslogd", "-n", "-f", str(folder / "rsyslog.conf"), "-i", str(folder / "pid")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until(syslog.unix.exists)
        until(lambda: _listens(syslog.tcp))
        yield syslog
    finally:
        process.terminate()
        process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Collector:
    """An OTLP/HTTP endpoint that keeps what it was sent; `status` is what it answers."""

    def __init__(self, port: int) -> None:
        self.url = f"otlp+http://127.0.0.1:{port}/v1/logs"
        self.requests: list[ExportLogsServiceRequest] = []
        self.status = 200
        self.answer = b"{}"

    def records(self) -> list[LogRecord]:
        return [
            record
            for request in self.requests
            for logs in request.resource_logs
            for scope in logs.scope_logs
            for record in scope.log_records
        ]


@contextmanager
def collector() -> Iterator[Collector]:
    """Serve an endpoint on loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if kept.status == 200:
                kept.requests.append(Parse(body, ExportLogsServiceRequest()))
            self.send_response(kept.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(kept.answer)))
            self.end_headers()
            self.wfile.write(kept.answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Collector(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def attributes(record: LogRecord) -> dict[str, str]:
    return {each.key: each.value.string_value for each in record.attributes}
