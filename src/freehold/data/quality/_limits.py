"""Every bound on what a measure holds at a time and tells, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Bounds that keep work linear in the data and each result within the body of one act."""

    rows_told_max: int = 1_000  # row numbers of one list; a person reads fewer
    rows_told_per_column_max: int = 20  # the same for each of 2,000 columns
    groups_told_max: int = 200  # groups of rows; the largest come first
    rows_told_per_group_max: int = 20  # rows of one group; the count tells the rest
    classes_told_max: int = 1_000  # classes, categories or groups of persons
    classes_joint_max: int = 100  # the estimated joint has the square of it in numbers
    chunk_tokens: int = 131_072  # what is hashed at a time stays in the processor's cache
    pairs_at_a_time: int = 8_192  # candidate pairs that are compared exactly in one go
    pair_tokens_at_a_time: int = 262_144  # their shingles; sorted within the processor's cache
    neighbours_max: int = 4  # compared in one bucket of equal sketches, so that work stays linear


DEFAULT_QUALITY_LIMITS = QualityLimits()
