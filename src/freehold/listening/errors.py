"""Errors of listening.

FreeholdError
└── ListenError    api.no_tls     a network address without a certificate
                   api.address    it cannot be listened at
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class ListenError(FreeholdError):
    """A server may not, or cannot, listen where it was told to."""
