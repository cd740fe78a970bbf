"""Errors of the command line.

FreeholdError
└── UsageError    what was typed, or what surrounds it, does not add up to a command
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class UsageError(FreeholdError):
    """What was typed, or what surrounds it, does not add up to a command."""
