"""What is missing from the terms of a dataset, or lets others do what the organisation would not.

Facts in, findings out; it reads no catalog and no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from freehold.data.terms._terms import state_at

SOON = timedelta(days=90)  # what a renewal of a contract takes

GAPS = {
    "no-terms": "Nothing says under which terms this data may be used.",
    "supplier-uses": "The supplier may use this data, or what it learns from your use, for its own "
    "ends: {detail}.",
    "expired": "The terms ended; the data cannot be used until new ones are set.",
    "expires-soon": "The terms end on {detail}; from the next day the data cannot be used.",
    "overdue": "The data had to be erased after {detail}, and is still here.",
    "purposes": "The dataset is cleared for what its terms do not allow: {detail}.",
}
"""What each gap means, in words for a report."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a dataset and its terms; `licence` is None where there are none."""

    purposes: Sequence[str]
    licence: str | None = None
    allowed: Sequence[str] = ()
    supplier_uses: Sequence[str] = ()
    starts: datetime | None = None
    ends: datetime | None = None
    keep_until: datetime | None = None  # the first moment after the last day


@dataclass(frozen=True, slots=True)
class Gap:
    """One gap: its code of `GAPS`, and what it means here."""

    code: str
    meaning: str


def gaps_of(held: Held, now: datetime) -> tuple[Gap, ...]:
    """Every gap that a dataset has at a moment, in the order of `GAPS`."""
    return tuple(Gap(code, GAPS[code].format(detail=detail)) for code, detail in _find(held, now))


def _find(held: Held, now: datetime) -> Iterator[tuple[str, str]]:
    if held.licence is None:
        yield "no-terms", ""
        return
    if held.supplier_uses:
        yield "supplier-uses", ", ".join(held.supplier_uses)
    state, _ = state_at(now, starts=held.starts, ends=held.ends)
    if state == "expired":
        yield "expired", ""
    elif held.ends is not None and held.ends - now <= SOON:
        yield "expires-soon", _last_day(held.ends)
    if held.keep_until is not None and now >= held.keep_until:
        yield "overdue", _last_day(held.keep_until)
    if beyond := sorted(set(held.purposes) - set(held.allowed)):
        yield "purposes", ", ".join(beyond)


def _last_day(end: datetime) -> str:
    return (end - timedelta(days=1)).date().isoformat()
