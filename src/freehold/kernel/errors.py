"""The root of every error that Freehold raises on purpose.

    FreeholdError
    ├── LimitError            a bound of `Limits` was exceeded
    ├── MalformedError        bytes or text that do not follow their format
    └── … one tree per package, in that package's `errors.py`

Each carries a stable `code` (`ledger.rewind`), a message that says what, expected and got, and a
hint that names the next step. Mistakes of the calling code raise `ValueError` or `TypeError`
instead and are never caught.
"""

from __future__ import annotations


class FreeholdError(Exception):
    """An expected failure, told in words a person can act on.

    Args:
        code: stable, dotted, lower case; part of the public interface and recorded in the ledger.
        message: what happened, what was expected, what was found. May be shown to the caller, never
            recorded.
        hint: the next step, or empty.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class LimitError(FreeholdError):
    """A bound of `Limits` was exceeded; nothing was changed."""


class MalformedError(FreeholdError):
    """Bytes or text that do not follow the format they claim."""
