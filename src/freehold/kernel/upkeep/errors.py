"""Errors of an estate's format.

FreeholdError
└── FormatError    estate.newer     a later Freehold wrote this estate
                   estate.older     an earlier one did; it is upgraded first
                   estate.undoing   the undoing of an upgrade was interrupted
"""

from __future__ import annotations

from freehold.kernel.errors import FreeholdError


class FormatError(FreeholdError):
    """The estate is not of the format that this software reads and writes."""
