"""Spans of a text, and what makes a list of them sound."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from freehold.data.errors import DataError

_BETWEEN_PARTS = re.compile(r"[\s,>]+|\s*\n\?\?\? ")  # the last is a quoted line that was mangled
_KIND = re.compile(r"[a-z][a-z_]{0,31}")


class Span(NamedTuple):
    """One stretch of a text, `text[start:end]` in characters, and what it is. It holds no value."""

    kind: str
    start: int
    end: int


def check_spans(texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> None:
    """Check that each text has its spans, in order, apart, within it and around something.

    Raises:
        DataError: they do not fit; the message names the text by its place, never a value.
    """
    if len(texts) != len(spans):
        raise DataError(
            "data.spans",
            f"{len(texts)} texts and {len(spans)} lists of spans",
            "give one list for each text; a text without spans has an empty one",
        )
    for row, (text, found) in enumerate(zip(texts, spans, strict=True), 1):
        before = 0
        for number, (kind, start, end) in enumerate(found, 1):
            if not _KIND.fullmatch(kind):
                problem = "its kind is not a name of at most 32 small letters"
            elif not before <= start < end <= len(text):
                problem = f"it goes from {start} to {end}, after {before} of {len(text)} characters"
            elif text[start].isspace() or text[end - 1].isspace():
                problem = "it begins or ends with white space"
            else:
                before = end
                continue
            raise DataError(
                "data.spans",
                f"span {number} of text {row} cannot be used: {problem}",
                "spans are sorted, do not overlap, and begin and end with a visible character",
            )


def whole_addresses(
    text: str, spans: Iterable[Span], *, address: str = "address", place: str = "place"
) -> list[Span]:
    """Join parts of addresses, and places beside them, to one span for each postal address.

    Sets of data differ in how they cut an address: street, number and city as three spans or as
    one. What is to be masked is all of it. Only white space, commas and marks of quoted lines may
    lie between two parts. Overlapping spans are left as they are.
    """
    whole: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start):
        last = whole[-1] if whole else None
        if (
            last is not None
            and address in (last.kind, span.kind)
            and {last.kind, span.kind} <= {address, place}
            and _BETWEEN_PARTS.fullmatch(text[last.end : span.start])
        ):
            whole[-1] = Span(address, last.start, span.end)
        else:
            whole.append(span)
    return whole


def template_of(text: str, spans: Iterable[Span]) -> str:
    """Tell what a text says around its spans: its words, small, without numbers and signs.

    Texts that differ only in whom and what they name share it.
    """
    outside, at = [], 0
    for span in spans:
        outside.append(text[at : span.start])
        at = span.end
    outside.append(text[at:])
    return " ".join(re.findall(r"[^\W\d_]+", " ".join(outside).lower()))
