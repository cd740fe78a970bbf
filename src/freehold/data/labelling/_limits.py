"""Every bound on labels in one place, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelLimits:
    """Bounds that keep a guideline readable and a layer within the memory of one machine."""

    guideline_bytes_max: int = 1_048_576  # refuse before parsing; nobody reads more than that
    question_chars_max: int = 10_000  # a page or two, shown above each row
    description_chars_max: int = 10_000  # the same, for one label
    labels_max: int = 1_000  # what a person can be asked to choose from; a square of it fits
    name_chars_max: int = 128  # a label's name, shown on one line
    identity_chars_max: int = 256  # a row, an annotator, a time; longer ones are content
    reason_chars_max: int = 10_000  # why an adjudicator decided
    entries_max: int = 20_000_000  # entries of one layer; about 4 GiB of frame
    cells_max: int = 100_000_000  # rows x values of one table of counts; under 1 GiB


DEFAULT_LABEL_LIMITS = LabelLimits()
