"""Verbs about the estate's clock."""

from __future__ import annotations

from freehold.estate import Estate
from freehold.kernel.acts import Actor
from freehold.parties import ClockStatus


def estate_clock(estate: Estate, actor: Actor) -> ClockStatus:
    """Show the host's time, what is known about it, and the time that the estate goes by."""
    return estate.clock.status(actor)


def estate_accept_clock(estate: Estate, actor: Actor) -> str:
    """Say that the host's clock is right and later times in the ledger are wrong; a second
    person must have approved it. Everybody logs in anew.
    """
    return estate.clock.accept(actor)
