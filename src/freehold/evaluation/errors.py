"""What can go wrong when a model is judged.

FreeholdError
└── EvaluationError   evaluation.metric: no metric of that name
                      evaluation.bound: a threshold that is no number
                      evaluation.rows: no row to judge by
                      evaluation.part, evaluation.other_data: a plan that does not fit
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class EvaluationError(FreeholdError):
    """A model cannot be judged in this way."""
