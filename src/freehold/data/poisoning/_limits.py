"""Every bound of the checks in one place, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep one check within the memory and the minutes of one machine."""

    rows_min: int = 100  # below it no share of the rows says anything; signs are still looked for
    rows_max: int = 1_000_000  # the neighbours of each row are held in memory
    row_chars_max: int = 4_000  # of each text for all that counts words; signs see more
    labels_max: int = 1_000  # a model holds a weight for each label and word
    tokens_max: int = 50_000_000  # of all rows; a few arrays of that length are held


DEFAULT_LIMITS = Limits()
