"""Errors of an audit: what keeps it from looking. What it finds is no error but a `Finding`.

FreeholdError
└── AuditError     audit.missing   there is no estate to look at
                   audit.pin       a pin, promise or key that was given cannot be read
                   audit.memory    the auditor's own memory cannot be read or written
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class AuditError(FreeholdError):
    """The audit cannot be made as it was asked for."""
