"""The recipes by name: from a table and the name of its label to a trained model.

`tabular` reads numbers, truth values, times and categories; `text` reads one column of texts. Both
are pure: the same rows, settings and library versions give the same model, on one machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import polars as pl

from freehold.training._trained import Trained
from freehold.training.errors import TrainingError


class Recipe(StrEnum):
    """The ways to train."""

    tabular = "tabular"
    text = "text"

    @classmethod
    def _missing_(cls, value: object) -> Recipe:
        raise TrainingError(
            "training.recipe", f"expected one of {', '.join(cls)}, got {value!r:.40}"
        )


def train(
    recipe: Recipe,
    frame: pl.DataFrame,
    *,
    label: str,
    parameters: Mapping[str, Any],
    seed: int = 0,
) -> Trained:
    """Train by the recipe of that name; see `train_tabular` and `train_text` for its parameters.

    Raises:
        TrainingError: the data or the parameters do not allow it.
    """
    # scikit-learn takes a second to import, which only the process that trains should pay
    if recipe is Recipe.text:
        from freehold.training._text import train_text

        return train_text(frame, label, parameters=parameters, seed=seed)
    from freehold.training._tabular import train_tabular

    return train_tabular(frame, label, parameters=parameters, seed=seed)
