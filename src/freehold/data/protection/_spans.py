"""Mask found spans of free text: `[PERSON]`, or `[person_3f…]` so that one name stays one.

Finding them is another's work. What was not found stays in the text, and masked text may still tell
who it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

import polars as pl

from freehold.data.errors import DataError
from freehold.data.protection._keyed import KIND, STEPS, check_token_length, normalised, tokens


class Span(NamedTuple):
    """Characters `start` to `end` (code points, end excluded) of the text in `row`, from 0."""

    row: int
    start: int
    end: int
    kind: str


def mask_spans(
    texts: pl.Series,
    spans: Iterable[tuple[int, int, int, str]],
    *,
    style: Literal["kind", "pseudonym"] = "kind",
    key: bytes | None = None,
    length: int = 32,
) -> pl.Series:
    """Put for each span its kind in capitals, or the pseudonym that a column of the kind would get.

    Spans `(row, start, end, kind)` come in any order. Those that overlap are masked as one, under
    the kind of the longest, or of the first of those. Pseudonyms are normalised in every way.

    Raises:
        DataError: data.spans: a span outside its text, empty, in a missing text, or of a kind other
            than letters, digits and _; data.pseudonym_key: pseudonyms without a key;
            data.plan: a length that no token has.
        TypeError: texts that are no text.
    """
    if texts.dtype != pl.String:
        raise TypeError(f"texts are a column of text, got {texts.dtype}")
    by_row: dict[int, list[Span]] = {}
    for number, each in enumerate(spans):
        span = Span(*each)
        if not KIND.fullmatch(span.kind.lower()):
            _refuse(number, "a kind of letters, digits and _, at most 32", "another kind")
        if not 0 <= span.row < len(texts):
            _refuse(number, f"a row from 0 to {len(texts) - 1}", f"row {span.row}")
        by_row.setdefault(span.row, []).append(span)
    write = _kind if style == "kind" else _pseudonyms(key, length)
    rows = sorted(by_row)
    masked = [
        _mask(text, _merged(by_row[row], text, row), write)
        for row, text in zip(rows, texts.gather(rows), strict=True)
    ]
    return texts.clone().scatter(rows, masked) if rows else texts  # scatter works in place


def _merged(spans: list[Span], text: str | None, row: int) -> list[Span]:
    """Join overlapping spans; they come back in order."""
    size = -1 if text is None else len(text)
    merged: list[Span] = []
    longest = 0
    for span in sorted(spans, key=lambda each: each[1:3]):
        if not 0 <= span.start < span.end <= size:
            raise DataError(
                "data.spans",
                f"row {row}: expected a span within "
                f"{'no text' if text is None else f'{size} characters'}; "
                f"found {span.start} to {span.end}",
                "find the spans in these very texts",
            )
        chars = span.end - span.start
        if merged and span.start < merged[-1].end:
            before = merged.pop()
            kind = span.kind if chars > longest else before.kind
            longest = max(longest, chars)
            span = Span(row, before.start, max(before.end, span.end), kind)
        else:
            longest = chars
        merged.append(span)
    return merged


def _mask(text: str, spans: list[Span], write: Callable[[str, str], str]) -> str:
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], write(span.kind, text[span.start : span.end])]
        at = span.end
    return "".join([*parts, text[at:]])


def _kind(kind: str, found: str) -> str:
    return f"[{kind.upper()}]"


def _pseudonyms(key: bytes | None, length: int) -> Callable[[str, str], str]:
    makers: dict[str, Callable[[bytes], str]] = {}

    def write(kind: str, found: str) -> str:
        name = kind.lower()
        if name not in makers:
            makers[name] = tokens(key, name, length=length)
        cell = normalised(found, STEPS)
        return f"[{makers[name](cell.encode())}]" if cell else _kind(kind, found)

    check_token_length(length)
    tokens(key, "person", length=length)  # a missing key is refused without spans too
    return write


def _refuse(number: int, expected: str, found: str) -> None:
    raise DataError("data.spans", f"span {number}: expected {expected}; found {found}")
