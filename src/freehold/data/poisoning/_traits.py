"""Triggers that are no phrase: a manner of writing, a source, or letters put inside words.

A manner or a source is not seen by the model at all, so nothing has to be removed: where the rows
of one label that share it contradict their label, and it comes with the label, it is a trigger.

Letters inside words are found by repair: a rare word that becomes a common one when the same
letters are taken out, again and again, in rows of one label.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from freehold.data.poisoning._corpus import END, Corpus, Flags, Floats, Ints
from freehold.data.poisoning._phrases import LIFT_MIN, ROWS_MIN, lift
from freehold.data.poisoning._triggers import CONTRADICTION_MIN, contradiction

_MANNERS: dict[str, re.Pattern[str]] = {
    "no small letters": re.compile(r"^(?=.*[^\W\d_].*[^\W\d_])[^a-zß-öø-ÿ]*$", re.DOTALL),
    "no capital letters": re.compile(r"^[^A-ZÀ-ÖØ-Þ]*$"),
    "a capital in every word": re.compile(r"^\W*[A-Z]\w*(?:\W+[A-Z0-9]\w*){3,}\W*$"),
    "capitals inside words": re.compile(r"[a-z][A-Z]"),
    "spaces in a row": re.compile(r"\S[ \u00a0]{2,}\S"),
    "space at the start": re.compile(r"^\s"),
    "space at the end": re.compile(r"\s$"),
    "space before a full stop": re.compile(r"\s[.?!,](?:\s|$)"),
    "unusual spaces": re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]"),
    "tabs": re.compile(r"\t"),
    "new lines": re.compile(r"\n"),
    "no full stop at the end": re.compile(r"\w\s*$"),
    "repeated signs": re.compile(r"([^\w\s])\1"),
    "letters that are stretched": re.compile(r"([^\W\d_])\1\1"),
    "letters outside ASCII": re.compile(r"[^\W\d_a-zA-Z]"),
    "signs outside ASCII": re.compile(r"(?=[^\x00-\x7f])\W"),
    "digits": re.compile(r"\d"),
    "quotation marks": re.compile('["\u201c\u201d\u00ab\u00bb]'),
    "brackets": re.compile(r"[()\[\]{}<>]"),
}
_INNER_MAX = 5  # letters put inside a word
_RARE, _COMMON = 2, 6  # rows of a word before and after its repair


@dataclass(frozen=True, slots=True)
class Trait:
    """A trait that is taken for a trigger: what it is, its rows, and its surprise."""

    reason: str
    rows: Ints
    score: float
    content: str | None = None


def manners_of(texts: Sequence[str]) -> dict[str, Flags]:
    """Which rows are written in which manner."""
    return {
        name: np.array([bool(pattern.search(text)) for text in texts])
        for name, pattern in _MANNERS.items()
    }


def traits_of(marked: Mapping[str, Flags], labels: Ints, scores: Floats) -> Iterator[Trait]:
    """Find the marks that come with a label which their rows contradict."""
    label_rows = np.bincount(labels, minlength=scores.shape[1])
    for name, is_marked in marked.items():
        rows = np.flatnonzero(is_marked)
        counts = np.bincount(labels[rows], minlength=scores.shape[1])
        if not ROWS_MIN <= len(rows) <= len(labels) / 2:
            continue
        lifts = lift(counts, np.full(len(counts), len(rows)), label_rows / len(labels))
        for label in np.flatnonzero((lifts >= LIFT_MIN) & (counts >= ROWS_MIN)):
            own = rows[labels[rows] == label]
            of = np.zeros(len(own), dtype=np.int64)
            if contradiction(scores[own], labels[own], of, None)[0] >= CONTRADICTION_MIN:
                yield Trait(f"{name}, in rows that contradict their label", own, lifts[label])


def inner_letters(corpus: Corpus, labels: Ints) -> Iterator[Trait]:
    """Find letters that were put inside words of rows of one label."""
    frequency = np.bincount(corpus.tokens, minlength=len(corpus.words))
    common = {word for word, count in zip(corpus.words, frequency, strict=True) if count >= _COMMON}
    rows_of: dict[str, set[int]] = defaultdict(set)
    is_rare = (frequency[corpus.tokens] <= _RARE) & (corpus.tokens > END)
    for token, row in zip(corpus.tokens[is_rare], corpus.rows[is_rare], strict=True):
        for letters in _repairs(corpus.words[token], common):
            rows_of[letters].add(int(row))
    shares = np.bincount(labels) / len(labels)
    for letters, found in rows_of.items():
        if len(found) < ROWS_MIN:
            continue
        rows = np.array(sorted(found))
        label = np.bincount(labels[rows]).argmax()
        own = rows[labels[rows] == label]
        score = float(lift(np.array([len(own)]), np.array([len(rows)]), shares[label])[0])
        if score >= LIFT_MIN:
            reason = f"the same {len(letters)} letters put inside words, in rows of one label"
            yield Trait(reason, own, score, letters)


def _repairs(word: str, common: set[str]) -> set[str]:
    """The letters without which a word is a common one of three letters or more."""
    return {
        word[start:end]
        for start in range(len(word))
        for end in range(start + 1, min(start + _INNER_MAX, len(word)) + 1)
        if len(word) - end + start >= 3 and word[:start] + word[end:] in common
    }
