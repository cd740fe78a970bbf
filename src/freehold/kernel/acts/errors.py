"""Errors of acts and records.

FreeholdError
└── ActError
    ├── InvalidFact     a fact that is not of its declared kind; nothing free may enter the ledger
    ├── InvalidRecord   bytes that are no record of a known schema version
    ├── NotFound        no such thing in the estate
    └── Conflict        the thing is not in the state that the act needs
"""

from __future__ import annotations

from freehold.kernel.errors import FreeholdError


class ActError(FreeholdError):
    """An act could not be declared, performed or read."""


class InvalidFact(ActError):
    """A fact is not of the kind its act declares."""


class InvalidRecord(ActError):
    """Bytes of the ledger that are no record of a known schema version."""


class NotFound(ActError):
    """The estate holds no such thing."""


class Conflict(ActError):
    """The thing is not in the state that the act needs."""
