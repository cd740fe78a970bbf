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

    def __init__(
        self,
        message: str = "the token is unknown, expired or revoked",
        hint: str = "get one with `freehold login`, or from an owner with `freehold people token`",
    ) -> None:
        super().__init__("party.unauthenticated", message, hint)
