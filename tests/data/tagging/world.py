"""Sentences with marked names, small enough to train on within a second."""

from __future__ import annotations

import re
from functools import cache

from freehold.data.tagging import Span, Tagger, learn_lexicon, train_tagger

FRAMES = (
    "My name is {person}.",
    "{person} lives at {address}",
    "Please call {person} in {place}",
    "We met {person} and {person} in {place}!",
    "Is {place} far from {address}?",
    "the parcel for {person} went to {address}, thanks",
    "{person}\n{address}",
    "Nothing to see here.",
    "What is the weather today?",
    "I wrote to {person} last week",
    "Send it to {address} please",
    "She moved from {place} to {place} last year",
)
VALUES = {
    "person": ("Ann Lee", "Bo Quill", "Tim O'Dell", "Ada Núñez", "Jon Marsh", "Eve Stone"),
    "address": ("12 Elm Street", "7 High Road", "90 Park Lane\nFlat 2", "3 Mill Street"),
    "place": ("Paris", "Oslo", "Turin", "Lyon", "Porto", "Buenos Aires"),
}
PLAIN = (
    "please call me today, the weather in the street is nice",
    "she lives here and we met her",
) * 2


def fill(frame: str, turn: int) -> tuple[str, list[Span]]:
    """Write one frame with the names whose turn it is."""
    text, spans = "", list[Span]()
    for part in re.split(r"(\{\w+\})", frame):
        kind = part.strip("{}")
        if part != kind:
            value = VALUES[kind][(turn + len(spans)) % len(VALUES[kind])]
            spans.append(Span(kind, len(text), len(text) + len(value)))
            text += value
        else:
            text += part
    return text, spans


MARKED = [fill(frame, turn) for turn in range(6) for frame in FRAMES]
TEXTS = [text for text, _ in MARKED]
SPANS = [spans for _, spans in MARKED]


@cache
def trained() -> Tagger:
    """A tagger that learned from all of it."""
    return train_tagger(
        TEXTS, SPANS, seed=7, lexicon=learn_lexicon(PLAIN, [*VALUES["place"], "New York"])
    )
