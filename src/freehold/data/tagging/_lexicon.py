"""What is known of words before any span is seen: how common they are, and names of places.

How often a word occurs in plain text, and how often with a capital letter within a sentence, tells
names from words without learning any sentence by heart. The plain text needs no labels and no care:
only counts of single words are kept.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from freehold.data.tagging._limits import DEFAULT_TAGGING_LIMITS, TaggingLimits
from freehold.data.tagging._tokens import tokenize, words_of

_PLACE_WORDS_MAX = 4  # "Papua New Guinea" has three
_STEPS = 6  # of frequency, each four times the one before


@dataclass(frozen=True, slots=True)
class Lexicon:
    """How common words are (`"3l"`: 64 to 255 times, mostly small) and the names of known places.

    `l`, `m` and `n`: written with a capital within a sentence seldom, often, nearly always.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    places: frozenset[tuple[str, ...]] = frozenset()

    def common_words(self) -> list[str]:
        """Give the words that are common and mostly small, in order."""
        return sorted(word for word, code in self.words.items() if code[1] == "l" and code > "2")

    def places_in(self, words: list[str], at: Iterable[int]) -> list[tuple[int, int]]:
        """Find the longest known place that begins at each of `at`: pairs (first, end)."""
        found = []
        for first in at:
            for length in range(_PLACE_WORDS_MAX, 0, -1):
                name = tuple(words[first : first + length])
                if len(name) == length and name in self.places:
                    found.append((first, first + length))
                    break
        return found


EMPTY_LEXICON = Lexicon()


def learn_lexicon(
    background: Iterable[str] = (),
    places: Iterable[str] = (),
    *,
    limits: TaggingLimits = DEFAULT_TAGGING_LIMITS,
) -> Lexicon:
    """Count the words of plain texts and keep the names of places.

    Words that occur once are left out, and beyond `words_max` the rarest.
    """
    small: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    for text in background:
        before = "."
        for token in tokenize(text):
            word = token.text
            if word.isalpha() and len(word) <= limits.token_chars_max:
                if word.islower():
                    small[word] += 1
                elif before.isalpha() and before.islower():
                    capital[word.lower()] += 1
            before = word
    both = small + capital
    kept = sorted(both, key=lambda word: (-both[word], word))[: limits.words_max]
    return Lexicon(
        {word: _code(both[word], capital[word]) for word in kept if both[word] > 1},
        frozenset(
            name for name in map(tuple, map(words_of, places)) if 0 < len(name) <= _PLACE_WORDS_MAX
        ),
    )


def time_zone_places() -> list[str]:
    """Give the countries, and the cities that time zones are named for, of the package `tzdata`.

    Some 250 countries and 300 cities: public domain, and older than any set of test data.
    """
    tables = files("tzdata").joinpath("zoneinfo")
    countries = [line.split("\t")[1] for line in _lines(tables.joinpath("iso3166.tab").read_text())]
    zones = [line.split("\t")[2] for line in _lines(tables.joinpath("zone1970.tab").read_text())]
    return countries + [zone.rpartition("/")[2].replace("_", " ") for zone in zones]


def _lines(table: str) -> list[str]:
    return [line for line in table.splitlines() if line and not line.startswith("#")]


def _code(times: int, capital: int) -> str:
    share = capital / times
    how = "n" if share > 0.9 else "m" if share > 0.4 else "l"
    return f"{min(_STEPS, int(math.log2(times) / 2))}{how}"
