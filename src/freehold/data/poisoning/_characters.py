"""Characters that a reader does not see, or takes for others.

Counted per row: invisible characters (zero-width, fillers, variation selectors off their emoji,
tags, deprecated and interlinear controls), controls that turn the direction of text, private-use
and other control characters, and words that mix scripts as look-alikes do (Unicode TR 39, mixed
scripts within a word; Latin, Cyrillic, Greek, Armenian, Cherokee and mathematical letters).

Joiners between emoji, and within words of scripts that need them (Arabic, Indic, ...), are correct
text and do not count, nor does a byte order mark at the start.
"""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff"
    "\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e01ef]"
)
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ue000-\uf8ff]")
_JOINER = re.compile("[\u200c\u200d]")
_SELECTOR = re.compile("[\ufe00-\ufe0f]")
_SUSPECT = re.compile(r"[^\x09\x0a\x0c\x0d\x20-\x7e]")
_WORD = re.compile(r"[^\W\d_]+")
_CONFUSABLE = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "MATHEMATICAL", "FULLWIDTH")
_SYMBOLS = {"So", "Sk", "Sm", "Mn", "Po", "Nd"}  # what a selector or a joiner may follow: emoji
_FLAG = "\U0001f3f4"  # the black flag, which tags turn into a region's flag


def signs_of(text: str) -> tuple[str, ...]:
    """Name the signs in one text, none twice."""
    if not _SUSPECT.search(text):  # printable ASCII: nearly always
        return ()
    text = text.removeprefix("\ufeff")
    found = []
    if _has_invisible(text):
        found.append("invisible characters")
    if _has_turned(text):
        found.append("controls of the direction of text")
    if _CONTROL.search(text):
        found.append("control or private characters")
    if any(_is_mixed(word) for word in _WORD.findall(text)):
        found.append("words that mix look-alike scripts")
    return tuple(found)


def _has_invisible(text: str) -> bool:
    for match in _INVISIBLE.finditer(text):
        is_tag = match[0] >= "\U000e0000"
        if not (is_tag and _FLAG in text[max(0, match.start() - 8) : match.start()]):
            return True
    for pattern in (_JOINER, _SELECTOR):
        for match in pattern.finditer(text):
            before = text[match.start() - 1] if match.start() else " "
            if unicodedata.category(before) not in _SYMBOLS and not _joins(before):
                return True
    return False


def _has_turned(text: str) -> bool:
    """Whether direction is turned in a text that has no letters written from right to left."""
    if not _DIRECTION.search(text):
        return False
    turning = re.search("[\u202a-\u202e]", text)
    return bool(turning) or not any(
        unicodedata.bidirectional(letter) in ("R", "AL") for letter in text
    )


def _joins(letter: str) -> bool:
    """Whether the letter is of a script whose spelling uses joiners or selectors."""
    name = unicodedata.name(letter, "")
    return unicodedata.category(letter)[0] in "LM" and not name.startswith(_CONFUSABLE)


def _is_mixed(word: str) -> bool:
    if word.isascii():
        return False
    kinds = {unicodedata.name(letter, "").split(" ")[0] for letter in word}
    kinds = kinds & set(_CONFUSABLE)
    return len(kinds) > 1 or "MATHEMATICAL" in kinds
