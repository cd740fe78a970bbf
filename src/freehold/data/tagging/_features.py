"""What a tagger sees of a token: its own word, two words on either side, and how the line goes on.

Features are strings here; training names them, and a tagger holds one row of weights for each. All
but the few of the line belong to a word wherever it stands, so a tagger adds them up once for each
different word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from freehold.data.tagging._lexicon import Lexicon
from freehold.data.tagging._limits import DEFAULT_TAGGING_LIMITS
from freehold.data.tagging._tokens import Token, starts_line

OFFSETS = (-2, -1, 1, 2)
LINE_START, LINE_END = "^", "$"
_SIGNS = frozenset(",.'\"-:?!>()&/#@;")
_NAMED = {"n": "name", "m": "either", "l": "word"}
_COMMON = 3  # step of frequency from which a word is common


@dataclass(frozen=True, slots=True)
class WordFeatures:
    """The features of one word as written: for itself, and for its neighbours without an offset.

    `form` is how it is written, `sort` the form and how common the word is, `names` the kinds of
    spans in which training met it.
    """

    own: tuple[str, ...]
    context: tuple[str, ...]
    form: str
    sort: str
    names: str

    def at(self, offset: int, *, with_names: bool = True) -> list[str]:
        """Give what a token learns from this word, `offset` tokens away; 0 is the token itself."""
        found = list(self.own) if offset == 0 else [f"{offset}{each}" for each in self.context]
        if with_names and self.names and abs(offset) <= 1:
            found.append(f"n{offset}={self.names}")
        return found


class Words:
    """The features of words, for one lexicon and the words of known names."""

    def __init__(self, lexicon: Lexicon, names: Mapping[str, str]) -> None:
        self._lexicon = lexicon
        self._names = names

    def features(self, word: str, *, one_case: bool) -> WordFeatures:
        """Describe a word; `one_case` says that its text has only small or only capital letters."""
        word = word[: DEFAULT_TAGGING_LIMITS.token_chars_max]
        small = word.lower()
        form = _form(word, one_case=one_case)
        itself = f"w=#{len(word)}" if word.isdigit() else f"w={small}"
        own, context, sort = [f"f={form}", itself], [f"f={form}", itself], form
        if small.isalpha():
            own += _parts(small)
            if len(small) > 3:
                context.append(f"s3={small[-3:]}")
        if word[0].isalpha():
            code = self._lexicon.words.get(small, "")
            seen = f"b={code or 0}"
            sort = f"{form}/{_commonness(code)}"
            own += [seen, f"{seen}|{form}", f"k={sort}"]
            context += [seen, f"k={sort}"]
        names = self._names.get(small, "")
        return WordFeatures(tuple(own), tuple(context), form, sort, names)


def edge_feature(offset: int) -> str:
    """Name the feature of a neighbour that lies outside the text."""
    return f"{offset}edge"


def line_features(left: str, middle: str, right: str) -> list[str]:
    """Join the sorts of a token and of both neighbours on its line."""
    form = middle.partition("/")[0]
    found = [
        f"t={left} {middle} {right}",
        f"l={left} {middle}",
        f"r={middle} {right}",
        f"line={left == LINE_START} {form}",
    ]
    return [*found, "line"] if left == LINE_START else found


def place_features(form: str, *, is_first: bool) -> list[str]:
    """Name what a token within a known place gets."""
    part = "B" if is_first else "I"
    return [f"p={part}", f"p={part}|{form}"]


NEXT_LINE, GLUED = "next-line", "glued"  # the next token begins a line; no space before


def is_one_case(text: str) -> bool:
    """Tell whether capitals say nothing here, because all letters are small or none is."""
    return text == text.lower() or text == text.upper()


def text_features(
    text: str,
    tokens: Sequence[Token],
    words: Sequence[WordFeatures],
    lexicon: Lexicon,
    *,
    with_names: Sequence[bool],
) -> list[list[str]]:
    """Name all features of each token. `with_names` tells which words' known names may be seen."""
    first = starts_line(text, tokens)
    count = len(tokens)
    found = []
    for i, word in enumerate(words):
        features = word.at(0, with_names=with_names[i])
        for offset in OFFSETS:
            j = i + offset
            if 0 <= j < count:
                features += words[j].at(offset, with_names=with_names[j])
            else:
                features.append(edge_feature(offset))
        is_last = i + 1 == count
        left = LINE_START if first[i] else words[i - 1].sort
        right = LINE_END if is_last or first[i + 1] else words[i + 1].sort
        features += line_features(left, word.sort, right)
        if not is_last and first[i + 1]:
            features.append(NEXT_LINE)
        if i and tokens[i].start == tokens[i - 1].end:
            features.append(GLUED)
        found.append(features)
    small = [token.text.lower() for token in tokens]
    for start, end in lexicon.places_in(small, range(count)):
        for i in range(start, end):
            found[i] += place_features(words[i].form, is_first=i == start)
    return found


def _form(word: str, *, one_case: bool) -> str:
    if word.isdigit():
        return f"d{min(len(word), 6)}"
    if not word[0].isalnum():
        return word if word in _SIGNS else "sign"
    if one_case:
        return "i" if word in ("i", "I") else "x"
    if any(letter.isdigit() for letter in word):
        return "mixed"
    if word.isupper():
        return "I" if word == "I" else "X" if len(word) == 1 else "XX"
    if word[0].isupper():
        return "Xx" if word[1:].islower() else "XxX"
    if word.islower():
        return "x1" if len(word) == 1 else "xx"
    return "xX"


def _commonness(code: str) -> str:
    if not code:
        return "new"
    return _NAMED[code[1]] + ("+" if int(code[0]) >= _COMMON else "")


def _parts(word: str) -> list[str]:
    """Ends, beginnings, runs of three letters and the length of a word in small letters."""
    found = [f"s{n}={word[-n:]}" for n in (1, 2, 3, 4) if len(word) > n]
    found += [f"a{n}={word[:n]}" for n in (2, 3) if len(word) > n]
    bounded = f"^{word}$"
    found += [f"g={bounded[i : i + 3]}" for i in range(len(bounded) - 2)]
    found.append(f"n={min(len(word), 9)}")
    if not word.isascii():
        found.append("beyond-ascii")
    return found
