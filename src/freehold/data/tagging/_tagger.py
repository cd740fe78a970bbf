"""A trained tagger: weights of features, added up by numpy and decoded; no foreign code reads it.

The scores of a word and what it lends to its neighbours are added up once for each different word
of a call, so tag many texts at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freehold.data.tagging import _stored
from freehold.data.tagging._decode import IMPOSSIBLE, decode, forbid_strays
from freehold.data.tagging._features import (
    GLUED,
    LINE_END,
    LINE_START,
    NEXT_LINE,
    OFFSETS,
    Words,
    edge_feature,
    is_one_case,
    line_features,
    place_features,
)
from freehold.data.tagging._lexicon import Lexicon
from freehold.data.tagging._limits import DEFAULT_TAGGING_LIMITS, TaggingLimits
from freehold.data.tagging._spans import Span
from freehold.data.tagging._tokens import Token, starts_line, to_spans, tokenize

Scores = NDArray[np.float32]
_PADDING = max(OFFSETS)  # between texts, so that no text sees another


@dataclass(frozen=True, slots=True, eq=False)
class Tagger:
    """Finds spans of `kinds`. It holds words of the spans it learned from: guard it as that data.

    `weights` are `(features, labels)`, `transitions` `(labels, labels)`. `many_lines` are the kinds
    that may go on over the end of a line. `facts` say how it was trained.
    """

    kinds: tuple[str, ...]
    many_lines: frozenset[str]
    features: Mapping[str, int]
    weights: Scores
    transitions: Scores
    names: Mapping[str, str]
    lexicon: Lexicon
    facts: Mapping[str, Any] = field(default_factory=dict)

    def tag(
        self, texts: Sequence[str], *, limits: TaggingLimits = DEFAULT_TAGGING_LIMITS
    ) -> list[list[Span]]:
        """Find the spans of each text, in order and apart. Raises nothing of its own."""
        found: list[list[Span]] = []
        page = _Page(self)
        waiting: list[tuple[str, list[Token]]] = []
        held = 0
        for text in texts:
            tokens = tokenize(text)
            waiting.append((text, tokens))
            held += len(tokens)
            if held >= limits.batch_tokens:
                found += page.tag(waiting, limits)
                waiting, held = [], 0
                page = page if page.is_small else _Page(self)
        return found + page.tag(waiting, limits)

    def to_bytes(self) -> bytes:
        """Write it down; the same tagger always gives the same bytes."""
        return _stored.pack(
            {
                "facts": dict(self.facts),
                "features": list(self.features),
                "kinds": list(self.kinds),
                "many_lines": sorted(self.many_lines),
                "names": dict(self.names),
                "places": sorted(map(" ".join, self.lexicon.places)),
                "words": dict(self.lexicon.words),
            },
            self.weights,
            self.transitions,
        )

    @classmethod
    def from_bytes(cls, data: bytes, *, limits: TaggingLimits = DEFAULT_TAGGING_LIMITS) -> Tagger:
        """Read what `to_bytes` wrote. Nothing in it is executed.

        Raises:
            DataError: it is damaged, too large, or not such a file.
        """
        head, weights, transitions = _stored.unpack(data, limits)
        places = frozenset(tuple(name.split(" ")) for name in head["places"])
        return cls(
            kinds=tuple(head["kinds"]),
            many_lines=frozenset(head["many_lines"]),
            features={name: row for row, name in enumerate(head["features"])},
            weights=weights,
            transitions=transitions,
            names=head["names"],
            lexicon=Lexicon(head["words"], places),
            facts=head["facts"],
        )


class _Page:
    """The words met in one call, with their scores added up."""

    _WORDS_MAX = 100_000  # some 20 MB of scores; then a new page is begun

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger
        self._words = Words(tagger.lexicon, tagger.names)
        self._place_starts = {place[0] for place in tagger.lexicon.places}
        self._transitions = forbid_strays(tagger.transitions)
        self._goes_on = np.zeros(len(tagger.transitions), bool)
        self._goes_on[2::2] = [kind not in tagger.many_lines for kind in tagger.kinds]
        self._numbers: tuple[dict[str, int], dict[str, int]] = ({}, {})  # mixed case, one case
        self._sorts: dict[str, int] = {LINE_START: 0, LINE_END: 1}
        self._line_scores: dict[int, Scores] = {}
        empty = np.zeros(len(tagger.transitions), np.float32)
        edges = [self._score([edge_feature(offset)]) for offset in OFFSETS]
        self._rows: list[list[Scores]] = [[empty, *edges]]  # word 0 is the padding
        self._word_sort = [0]
        self._starts_place = [False]

    @property
    def is_small(self) -> bool:
        return len(self._rows) < self._WORDS_MAX

    def tag(
        self, texts: Sequence[tuple[str, list[Token]]], limits: TaggingLimits
    ) -> list[list[Span]]:
        scores, first = self.scores(texts)
        lengths = [
            length
            for at, (_, tokens) in _offsets(texts)
            for length in _pieces(first[at : at + len(tokens)], limits.piece_tokens_max)
        ]
        scores[first[:, None] & self._goes_on] = IMPOSSIBLE
        found = decode(scores, lengths, self._transitions).tolist()
        kinds = self._tagger.kinds
        return [
            to_spans(tokens, found[at : at + len(tokens)], kinds)
            for at, (_, tokens) in _offsets(texts)
        ]

    def scores(self, texts: Sequence[tuple[str, list[Token]]]) -> tuple[Scores, NDArray[np.bool_]]:
        """Score each label for each token, and tell which tokens begin a line."""
        padding = [0] * _PADDING
        words, first, glued, places = list(padding), [True] * _PADDING, [False] * _PADDING, []
        for text, tokens in texts:
            places += self._number(text, tokens, words)
            words += padding
            first += [*starts_line(text, tokens), *([True] * _PADDING)]
            glued += [False] * bool(tokens)
            glued += [one.end == other.start for one, other in pairwise(tokens)]
            glued += [False] * _PADDING
        ids = np.array(words)
        rows = np.array(self._rows)
        scores = rows[ids, 0]
        for column, offset in enumerate(OFFSETS, 1):
            scores[_PADDING:-_PADDING] += rows[
                ids[_PADDING + offset : len(ids) - _PADDING + offset], column
            ]
        is_first = np.array(first)
        self._add_line(scores, ids, is_first)
        scores[np.array(glued, bool)] += self._score([GLUED])
        for at, features in places:
            scores[at] += self._score(features)
        real = ids > 0
        return scores[real], is_first[real]

    def _number(
        self, text: str, tokens: Sequence[Token], words: list[int]
    ) -> list[tuple[int, list[str]]]:
        """Append the numbers of a text's words; return features of known places by position."""
        one_case = is_one_case(text)
        numbers = self._numbers[one_case]
        base = len(words)
        for token in tokens:
            number = numbers.get(token.text)
            if number is None:
                number = numbers[token.text] = self._learn(token.text, one_case)
            words.append(number)
        starts = [i for i in range(len(tokens)) if self._starts_place[words[base + i]]]
        if not starts:
            return []
        small = [token.text.lower() for token in tokens]
        sorts = list(self._sorts)
        found = []
        for start, end in self._tagger.lexicon.places_in(small, starts):
            for i in range(start, end):
                form = sorts[self._word_sort[words[base + i]]].partition("/")[0]
                found.append((base + i, place_features(form, is_first=i == start)))
        return found

    def _learn(self, word: str, one_case: bool) -> int:
        features = self._words.features(word, one_case=one_case)
        self._rows.append([self._score(features.at(offset)) for offset in (0, *OFFSETS)])
        self._word_sort.append(self._sorts.setdefault(features.sort, len(self._sorts)))
        self._starts_place.append(word.lower() in self._place_starts)
        return len(self._rows) - 1

    def _add_line(self, scores: Scores, ids: NDArray[np.int64], first: NDArray[np.bool_]) -> None:
        sorts = np.array(self._word_sort)[ids]
        left = np.where(first, 0, np.roll(sorts, 1))
        ends = np.roll(first, -1)
        right = np.where(ends, 1, np.roll(sorts, -1))
        count = len(self._sorts)
        codes, back = np.unique((left * count + sorts) * count + right, return_inverse=True)
        names = list(self._sorts)
        added = [
            self._score(
                line_features(
                    names[code // count**2], names[code // count % count], names[code % count]
                )
            )
            for code in codes.tolist()
        ]
        scores += np.array(added)[back]
        scores[ends & (np.roll(ids, -1) > 0)] += self._score([NEXT_LINE])

    def _score(self, features: Iterable[str]) -> Scores:
        known, weights = self._tagger.features, self._tagger.weights
        rows = [known[each] for each in features if each in known]
        total: Scores = weights[rows].sum(0, dtype=np.float32)
        return total


def _offsets(
    texts: Sequence[tuple[str, list[Token]]],
) -> Iterable[tuple[int, tuple[str, list[Token]]]]:
    at = 0
    for each in texts:
        yield at, each
        at += len(each[1])


def _pieces(first: NDArray[np.bool_], size_max: int) -> list[int]:
    """Cut a text into pieces, at the last line that begins within the bound where one does."""
    sizes, at = [], 0
    while len(first) - at > size_max:
        starts = np.flatnonzero(first[at + 1 : at + size_max + 1])
        size = int(starts[-1]) + 1 if len(starts) else size_max
        sizes.append(size)
        at += size
    return [*sizes, len(first) - at]
