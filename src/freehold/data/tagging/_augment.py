"""Write training texts anew, so that a tagger learns how names look and not the sentences by heart.

Each template counts the same however many texts share it; names are exchanged for others of their
kind, and words around them for any others; texts are joined to one another; lists of names stand
alone, as on a letterhead; some texts lose their capitals.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from freehold.data.tagging._spans import Span
from freehold.data.tagging._tokens import WORD

_T = TypeVar("_T")
_JOINTS = (" ", " ", "\n", ". ", ", ")
_LIST_JOINTS = ("\n", "\n", "\n\n", "\n ", " \n", ", ", "; ", " - ")
_LIST_TEMPLATES = 4  # as many as make what all lists share well supported
_LIST_LENGTH_MAX = 3


@dataclass(frozen=True, slots=True)
class TaggerOptions:
    """How a tagger is trained. The defaults were chosen by measurement (docs/decisions/0028)."""

    copies: int = 15  # texts written for each template
    spliced: float = 0.4  # joined texts, as a share of those
    lists: float = 0.15  # lists of names, as a share of those
    exchanged: float = 0.8  # chance of a span to be exchanged for another of its kind
    reworded: float = 0.2  # chance of a small word to be exchanged for another common word
    small: float = 0.12  # chance of a text to lose its capitals
    capital: float = 0.03  # chance of a text to be in capitals
    names_hidden: float = 0.4  # chance that a known name is not told; else nothing else is learnt
    support: int = 2  # templates in which a feature has to occur
    l2: float = 1.0  # strength of the penalty on weights
    iterations: int = 60  # of L-BFGS; more change nothing that was measured


class Example(NamedTuple):
    """A text with its spans, and the templates that it is made of."""

    text: str
    spans: tuple[Span, ...]
    templates: tuple[str, ...]


class Dice:
    """Choices from numbers in [0, 1): the only part of `random` that stays the same for ever."""

    def __init__(self, seed: int) -> None:
        self.number: Callable[[], float] = random.Random(seed).random  # noqa: S311, reproducible on purpose

    def happens(self, chance: float) -> bool:
        """Tell whether something of this chance happens."""
        return self.number() < chance

    def pick(self, among: Sequence[_T]) -> _T:
        """Pick one."""
        return among[int(self.number() * len(among))]


def write_examples(
    examples: Sequence[Example], common: Sequence[str], dice: Dice, options: TaggerOptions
) -> list[Example]:
    """Write the texts to train on; `common` are the words that may stand for other small words."""
    by_template: dict[tuple[str, ...], list[Example]] = defaultdict(list)
    for example in examples:
        by_template[example.templates].append(example)
    values = _values(examples)
    singles = []
    for template in sorted(by_template):
        alike = by_template[template]
        alike = [each for each in alike if each.text != each.text.lower()] or alike
        for _ in range(options.copies):
            written = _exchange(dice.pick(alike), values, dice, options.exchanged)
            singles.append(_reword(written, common, dice, options.reworded))
    if values:
        singles += [_write_list(values, dice) for _ in range(int(options.lists * len(singles)))]
    joined = [
        _join(dice.pick(singles), dice.pick(singles), dice)
        for _ in range(int(options.spliced * len(singles)))
    ]
    return [_recase(example, dice, options) for example in singles + joined]


_Values = dict[tuple[str, bool], list[str]]  # by kind and whether there are letters


def _values(examples: Sequence[Example]) -> _Values:
    found: dict[tuple[str, bool], dict[str, None]] = defaultdict(dict)
    for example in examples:
        for kind, start, end in example.spans:
            value = example.text[start:end]
            found[kind, _has_letters(value)][value] = None
    return {key: list(values) for key, values in found.items()}


def _has_letters(value: str) -> bool:
    return any(map(str.isalpha, value))


def _exchange(example: Example, values: _Values, dice: Dice, chance: float) -> Example:
    text, spans, at = "", [], 0
    for kind, start, end in example.spans:
        value = example.text[start:end]
        if dice.happens(chance):
            other = dice.pick(values[kind, _has_letters(value)])
            value = other.lower() if value.islower() else other
        text += example.text[at:start]
        spans.append(Span(kind, len(text), len(text) + len(value)))
        text += value
        at = end
    return example._replace(text=text + example.text[at:], spans=tuple(spans))


def _reword(example: Example, common: Sequence[str], dice: Dice, chance: float) -> Example:
    """Exchange words outside spans, so that no single one of them decides."""
    if not common:
        return example

    def other(found: re.Match[str]) -> str:
        word = found.group()
        return dice.pick(common) if word.islower() and dice.happens(chance) else word

    text, spans, at = "", [], 0
    for kind, start, end in example.spans:
        text += WORD.sub(other, example.text[at:start])
        spans.append(Span(kind, len(text), len(text) + end - start))
        text += example.text[start:end]
        at = end
    text += WORD.sub(other, example.text[at:])
    return example._replace(text=text, spans=tuple(spans))


def _write_list(values: _Values, dice: Dice) -> Example:
    kinds = sorted({kind for kind, has_letters in values if has_letters})
    joint = dice.pick(_LIST_JOINTS)
    text, spans = "", []
    for number in range(1 + int(dice.number() * _LIST_LENGTH_MAX)):
        if number and kinds:
            text += joint
        if kinds:
            kind = kinds.pop(int(dice.number() * len(kinds)))
            value = dice.pick(values[kind, True])
            spans.append(Span(kind, len(text), len(text) + len(value)))
            text += value
    return Example(text, tuple(spans), (f"list {int(dice.number() * _LIST_TEMPLATES)}",))


def _join(one: Example, other: Example, dice: Dice) -> Example:
    head = one.text + dice.pick(_JOINTS)
    moved = [Span(kind, start + len(head), end + len(head)) for kind, start, end in other.spans]
    return Example(head + other.text, (*one.spans, *moved), (*one.templates, *other.templates))


def _recase(example: Example, dice: Dice, options: TaggerOptions) -> Example:
    chance = dice.number()
    text = example.text
    if chance < options.small:
        text = text.lower()
    elif chance < options.small + options.capital:
        text = text.upper()
    return example._replace(text=text) if len(text) == len(example.text) else example
