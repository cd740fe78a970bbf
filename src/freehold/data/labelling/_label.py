"""One label as an annotator gave it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """What one annotator said about one row; `LabelLayer` checks it.

    Args:
        row: the row's identity in the dataset version: its number, or its value of a key column.
        labels: one label, or several where the guideline allows it.
        annotator: an opaque id; never a name.
        guideline: the version of the guideline that the annotator followed.
        at: when, or at which place of a log, as the caller tells it; not interpreted.
    """

    row: str
    labels: tuple[str, ...]
    annotator: str
    guideline: int
    at: str

    def __post_init__(self) -> None:
        if not isinstance(self.labels, tuple):  # a bare text is a sequence of texts too
            raise TypeError(f"labels is a tuple of text, got {type(self.labels).__name__}")
