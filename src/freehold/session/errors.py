"""Errors of reaching an estate.

FreeholdError
    └── SessionError    the server cannot be reached, or answers what no Freehold server would;
                        or a file of the caller's that cannot be read or written
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class SessionError(FreeholdError):
    """The estate cannot be reached.

    Errors of the estate itself come through with their own codes.
    """
