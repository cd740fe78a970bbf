"""Where an audit stream goes: a file, a syslog receiver, or an OpenTelemetry collector.

A destination is written as a URL:

    file:/var/log/freehold/audit.jsonl          lines of JSON, appended
    syslog+unix:/dev/log                        RFC 5424, one datagram each
    syslog+udp://siem.example:514
    syslog+tcp://siem.example:601               octet-counted (RFC 6587); this machine alone
    syslog+tls://siem.example:6514              octet-counted over TLS (RFC 5425)
    otlp+https://collector.example/v1/logs      OTLP/HTTP, JSON; otlp+http on this machine alone
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import httpx

from freehold.interop._encoding import Source, json_line, otlp_request, syslog_message
from freehold.interop._event import Event
from freehold.interop.errors import StreamError
from freehold.kernel import write_all

_SECONDS_MAX = 10.0  # of one sending; the stream waits and tries again, the estate does not
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANSWER_BYTES_MAX = 65_536
_PORTS = {"syslog+udp": 514, "syslog+tcp": 601, "syslog+tls": 6514}


class Sender(Protocol):
    """Hands events on. What `send` returns from has been handed over as surely as its transport
    can tell: written and synced to a file, taken by the system for a socket, answered for HTTP.
    """

    def send(self, events: Sequence[Event]) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination that was checked; `open` makes its sender."""

    url: str
    kind: str  # file | syslog | otlp
    is_outbound: bool  # whether it can leave this machine
    _open: Callable[[Source], Sender]

    def open(self, source: Source) -> Sender:
        """Begin to send to it.

        Raises:
            StreamError: it cannot be reached.
        """
        try:
            return self._open(source)
        except OSError as error:
            raise undelivered(self.url, error) from error


def undelivered(url: str, error: Exception) -> StreamError:
    """Tell that a destination did not take the events."""
    return StreamError(
        "stream.undelivered",
        f"{url} did not take the events: {error}",
        "they stay in the ledger and are sent as soon as it answers",
    )


def parse_destination(url: str) -> Destination:
    """Read a destination.

    Raises:
        StreamError: no destination of these kinds, or one that would send in the clear.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise _refused(url, str(error)) from error
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _refused(url, "it has a user, a password, a query or a fragment")
    host = parts.hostname or ""
    match parts.scheme:
        case "file" | "syslog+unix" if parts.path.startswith("/") and not parts.netloc:
            return _local(url, parts)
        case "syslog+udp" | "syslog+tcp" | "syslog+tls" if host and not parts.path.strip("/"):
            if parts.scheme != "syslog+tls":
                _refuse_clear_text(url, host)
            address = (host, port or _PORTS[parts.scheme])
            kind = parts.scheme.removeprefix("syslog+")
            return Destination(url, "syslog", True, lambda source: _Syslog(kind, address, source))
        case "otlp+http" | "otlp+https" if host:
            if parts.scheme == "otlp+http":
                _refuse_clear_text(url, host)
            target = url.removeprefix("otlp+")
            return Destination(url, "otlp", True, lambda source: _Otlp(target, source))
        case _:
            raise _refused(url, "no such kind of destination")


def _local(url: str, parts: SplitResult) -> Destination:
    path = parts.path
    if parts.scheme == "file":
        return Destination(url, "file", False, lambda _source: _File(path))
    return Destination(url, "syslog", False, lambda source: _Syslog("unix", path, source))


def _refuse_clear_text(url: str, host: str) -> None:
    if host not in _LOOPBACK:
        raise _refused(url, "it would be sent over a network in the clear; use TLS")


def _refused(url: str, why: str) -> StreamError:
    return StreamError(
        "stream.destination",
        f"{url!r:.200} is no destination: {why}",
        "file:/PATH, syslog+unix:/dev/log, syslog+tls://HOST:PORT or otlp+https://HOST/v1/logs",
    )


class _File:
    """Lines of JSON, appended and synced."""

    def __init__(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file = os.open(path, flags, 0o600)

    def send(self, events: Sequence[Event]) -> None:
        write_all(self._file, b"".join(map(json_line, events)))
        os.fdatasync(self._file)

    def close(self) -> None:
        os.close(self._file)


class _Syslog:
    """Messages of RFC 5424 over a socket."""

    def __init__(self, kind: str, address: str | tuple[str, int], source: Source) -> None:
        self._source = source
        self._is_counted = kind in ("tcp", "tls")
        self._socket = _connected(kind, address)

    def send(self, events: Sequence[Event]) -> None:
        messages = [syslog_message(event, self._source) for event in events]
        if self._is_counted:
            self._socket.sendall(b"".join(b"%d %s" % (len(each), each) for each in messages))
            return
        for message in messages:
            self._socket.send(message)

    def close(self) -> None:
        self._socket.close()


def _connected(kind: str, address: str | tuple[str, int]) -> socket.socket:
    if isinstance(address, str):
        local = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            local.settimeout(_SECONDS_MAX)
            local.connect(address)
        except OSError:
            local.close()
            raise
        return local
    if kind == "udp":
        family, *_, where = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
        datagrams = socket.socket(family, socket.SOCK_DGRAM)
        datagrams.settimeout(_SECONDS_MAX)
        datagrams.connect(where)
        return datagrams
    stream = socket.create_connection(address, timeout=_SECONDS_MAX)
    if kind == "tcp":
        return stream
    try:
        return ssl.create_default_context().wrap_socket(stream, server_hostname=address[0])
    except OSError:
        stream.close()
        raise


class _Otlp:
    """Batches to an OpenTelemetry collector over HTTP."""

    def __init__(self, url: str, source: Source) -> None:
        self._url, self._source = url, source
        self._client = httpx.Client(
            verify=ssl.create_default_context(),
            timeout=_SECONDS_MAX,
            follow_redirects=False,  # another destination is another declaration
            trust_env=False,
        )

    def send(self, events: Sequence[Event]) -> None:
        try:
            response = self._client.post(
                self._url,
                content=otlp_request(events, self._source),
                headers={"Content-Type": "application/json"},
            )
        except httpx.HTTPError as error:
            raise OSError(str(error) or type(error).__name__) from error
        if response.status_code != 200:
            raise OSError(f"it answered {response.status_code}")
        _refuse_partial(response)

    def close(self) -> None:
        self._client.close()


def _refuse_partial(response: httpx.Response) -> None:
    """A collector may take a batch in part (OTLP, partial success): then it is sent again."""
    if not response.content or len(response.content) > _ANSWER_BYTES_MAX:
        return
    try:
        partial = response.json().get("partialSuccess") or {}
        rejected = int(partial.get("rejectedLogRecords") or 0)
    except (ValueError, AttributeError):
        return
    if rejected:
        raise OSError(f"it rejected {rejected} events: {partial.get('errorMessage', '')!r:.200}")
