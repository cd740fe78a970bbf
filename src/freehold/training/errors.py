"""Why nothing could be learned from the data as it was given.

FreeholdError
└── TrainingError   training.recipe: no recipe of that name
                    training.parameters: a setting that the recipe does not have
                    training.label_missing: the label's column is missing or empty
                    training.label_single: all rows have the same label
                    training.label_continuous: the label is a quantity or an identifier
                    training.text: no text column, or several to choose from
                    training.features: no column is left that anything could be learned from
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class TrainingError(FreeholdError):
    """Data or settings from which a recipe cannot learn. Messages name columns, never values."""
