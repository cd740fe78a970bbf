"""What can go wrong with signatures of people.

FreeholdError
└── SignatureError
    ├── InvalidSignatureError    not a signature by this key, for this message and namespace
    ├── KeyFormatError           not an Ed25519 key in OpenSSH's form
    ├── SigningError             no signature could be made with this key here
    └── StatementError           a statement that does not follow docs/formats/approval.md
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class SignatureError(FreeholdError):
    """The root of this package's errors."""


class InvalidSignatureError(SignatureError):
    """Not a signature by this key, for this message and namespace."""


class KeyFormatError(SignatureError):
    """Not an Ed25519 key in OpenSSH's form."""


class SigningError(SignatureError):
    """No signature could be made with this key here."""


class StatementError(SignatureError):
    """A statement that does not follow docs/formats/approval.md."""
