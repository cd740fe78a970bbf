"""Time comes from here, so that tests and replays can bring their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from freehold.kernel.errors import MalformedError

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Clock(Protocol):
    """Tells the time. May be wrong; must be aware of its zone (UTC)."""

    def now(self) -> datetime: ...


class SystemClock:
    """The clock of this machine, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """Write a moment as RFC 3339 UTC with microseconds: `2026-11-24T06:02:49.123456Z`."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone; use UTC")
    return moment.astimezone(UTC).strftime(_FORMAT)


def parse_time(text: str) -> datetime:
    """Read what `format_time` writes.

    Raises:
        MalformedError: any other shape.
    """
    try:
        moment = datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
        if format_time(moment) == text:  # `strptime` also takes shorter forms
            return moment
    except (ValueError, TypeError) as error:
        raise _malformed(text) from error
    raise _malformed(text)


def _malformed(text: object) -> MalformedError:
    return MalformedError(
        "kernel.time", f"expected a time like 2026-11-24T06:02:49.123456Z, got {text!r:.60}"
    )
