"""One text while it is read: its bytes, its words, and what is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from freehold.data.detection._context import topics
from freehold.data.detection._kinds import Kind, Level
from freehold.data.detection._limits import DetectionLimits

Hit = tuple[int, int, Kind, Level]  # start and end in bytes
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_NUMBER_PARTS = _LETTERS | frozenset(b"0123456789")


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """A text as bytes of UTF-8.

    `words` is what `words_only` makes of it; `known` are the topics that its column's name tells.
    """

    data: bytes
    words: bytes
    limits: DetectionLimits
    known: int = 0

    def topics(self, start: int, end: int) -> int:
        """Tell what the words near speak of, as bits of `Topic`."""
        return topics(self.words, start, end, self.limits) or self.known

    def stands_alone(self, start: int, end: int) -> bool:
        """Tell whether neither a letter nor a digit touches the span."""
        data = self.data
        return not (
            (start and data[start - 1] in _NUMBER_PARTS)
            or (end < len(data) and data[end] in _NUMBER_PARTS)
        )

    def is_lettered(self, start: int, end: int) -> bool:
        """Tell whether a letter touches the span."""
        data = self.data
        return (start > 0 and data[start - 1] in _LETTERS) or (
            end < len(data) and data[end] in _LETTERS
        )
