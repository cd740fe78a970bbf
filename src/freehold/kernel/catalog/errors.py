"""Errors of the catalog.

FreeholdError
└── CatalogError     the projection cannot be read or followed; the ledger is unharmed
"""

from __future__ import annotations

from freehold.kernel.errors import FreeholdError


class CatalogError(FreeholdError):
    """The catalog could not be read or brought up to date; `freehold catalog rebuild` is always
    safe.
    """
