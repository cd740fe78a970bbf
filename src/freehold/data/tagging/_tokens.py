"""Text as tokens, and spans as one label for each token (the BIO scheme)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from freehold.data.tagging._spans import Span

_TOKEN = re.compile(r"\w+|[^\w\s]")
WORD = re.compile(r"[^\W\d_]+")
OUTSIDE = "O"


class Token(NamedTuple):
    """A run of letters and digits, or one sign."""

    text: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """Cut a text into tokens, without white space."""
    return [Token(found.group(), *found.span()) for found in _TOKEN.finditer(text)]


def words_of(text: str) -> list[str]:
    """Give the words of a text in small letters, without digits and signs."""
    return WORD.findall(text.lower())


def starts_line(text: str, tokens: Sequence[Token]) -> list[bool]:
    """Tell for each token whether it is the first of its line."""
    ends = [0, *(token.end for token in tokens[:-1])]
    starts = [
        "\n" in text[end : token.start] for end, token in zip(ends, tokens, strict=bool(tokens))
    ]
    if starts:
        starts[0] = True
    return starts


def labels(kinds: Sequence[str]) -> list[str]:
    """Name the labels of these kinds: outside, then the beginning and the inside of each."""
    return [OUTSIDE, *(f"{part}-{kind}" for kind in kinds for part in "BI")]


def to_labels(tokens: Sequence[Token], spans: Iterable[Span]) -> list[str]:
    """Label tokens; one that a span holds in part belongs to it."""
    found = [OUTSIDE] * len(tokens)
    at = 0
    for kind, start, end in spans:
        while at < len(tokens) and tokens[at].end <= start:
            at += 1
        part = "B"
        while at < len(tokens) and tokens[at].start < end:
            found[at] = f"{part}-{kind}"
            part = "I"
            at += 1
    return found


def to_spans(tokens: Sequence[Token], found: Sequence[int], kinds: Sequence[str]) -> list[Span]:
    """Read spans from labels, given by their place in `labels(kinds)`."""
    spans: list[Span] = []
    inside = False
    for token, label in zip(tokens, found, strict=True):
        if label == 0:
            inside = False
        elif label % 2 or not inside:
            spans.append(Span(kinds[(label - 1) // 2], token.start, token.end))
            inside = True
        else:
            spans[-1] = spans[-1]._replace(end=token.end)
    return spans
