"""What can go wrong when a model is asked.

FreeholdError
└── ServingError   serving.request: a question that is not of the form that is answered
                   serving.value: a value that does not fit its feature
                   serving.too_many_rows: more rows at once than are answered
                   serving.worker: the process behind a deployment has ended
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class ServingError(FreeholdError):
    """A question that cannot be answered. Messages name columns and rows, never values."""
