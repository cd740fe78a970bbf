"""The terms that a source gives its data under: facts that policies decide by and gaps are found
from, beside the words of the contract.
"""

from freehold.data.terms._gaps import GAPS, Gap, Held, gaps_of
from freehold.data.terms._terms import State, Terms, day_after, midnight, state_at

__all__ = [
    "GAPS",
    "Gap",
    "Held",
    "State",
    "Terms",
    "day_after",
    "gaps_of",
    "midnight",
    "state_at",
]
