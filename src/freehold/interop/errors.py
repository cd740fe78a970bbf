"""Errors of speaking to others.

FreeholdError
└── StreamError    stream.destination    no destination that can be sent to
                   stream.name           there is a stream of this name
                   stream.undelivered    the destination did not take the events
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class StreamError(FreeholdError):
    """An audit stream cannot be declared, or does not get through."""
