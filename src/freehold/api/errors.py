"""Errors of the server.

FreeholdError
└── ApiError    a request that no verb can be made of, or a server that may not start as asked
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class ApiError(FreeholdError):
    """A request that no verb can be made of, or a server that may not start as asked."""
