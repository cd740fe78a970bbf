"""Verbs of audit streams."""

from __future__ import annotations

from typing import Any

from freehold.estate import Estate
from freehold.interop import Stream
from freehold.kernel.acts import Actor


def stream_declare(estate: Estate, actor: Actor, name: str, destination: str) -> Stream:
    """Send every act from here on to a SIEM: ids, codes and times, no names and no values.

    DESTINATION is file:/PATH, syslog+unix:/dev/log, syslog+tls://HOST:PORT or otlp+https://HOST/v1/logs.
    A server (`freehold up`) carries it.
    """
    return estate.streams.declare(actor, name, destination)


def stream_end(estate: Estate, actor: Actor, name: str) -> Stream:
    """Send nothing more to a stream's destination."""
    return estate.streams.end(actor, name)


def stream_list(estate: Estate, actor: Actor) -> tuple[Stream, ...]:
    """List the streams: where they go, how far they are, and why they do not get through."""
    return estate.streams.list(actor)


def stream_read(
    estate: Estate, actor: Actor, *, after: int = 0, limit: int = 1_000
) -> tuple[dict[str, Any], ...]:
    """Read the events of the records from place AFTER of the ledger on."""
    return estate.streams.read(actor, after=after, limit=limit)
