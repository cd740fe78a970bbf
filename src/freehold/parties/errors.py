"""Errors of the room of people.

FreeholdError
└── PartyError
    └── Unauthenticated    nobody can be made out of this token or signature
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class PartyError(FreeholdError):
    """Something is wrong with a person, a token or an approval."""


class Unauthenticated(PartyError):
    """The credential names nobody who may act; which part of it was wrong is not told."""

    def __init__(self) -> None:
        super().__init__(
            "party.unauthenticated",
            "the token is unknown, expired or revoked",
            "get a new one with `freehold login`, or from an owner with `freehold people token`",
        )
