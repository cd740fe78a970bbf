"""Errors of the demonstration.

FreeholdError
└── DemoError    it cannot begin, or something did not happen that it says happens
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class DemoError(FreeholdError):
    """The demonstration cannot begin, or one of its claims did not hold."""
