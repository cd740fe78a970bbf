"""Make customer letters with personal data planted in them, for the demo and for tests.

Everything in them is fictional: invented people, `example.org` addresses (RFC 2606), telephone
numbers from ranges kept free for fiction or never assigned, and IBANs whose checksum is right but
whose bank does not exist. The same count and seed give the same letters for ever. About one letter
in ten could be meant as either of two topics, as real ones are.
"""

from __future__ import annotations

import csv
import io
import random
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import BinaryIO, Literal, TypeAlias, TypeVar

from freehold.data._letter_phrases import ENGLISH, GERMAN, SPANISH, TOPICS, Phrases

Kind: TypeAlias = Literal["name", "email", "phone", "iban", "account"]

_Chosen = TypeVar("_Chosen")
_AMBIGUOUS_SHARE = 0.1
_SECOND_TOPIC_SHARE = 0.25
_LANGUAGES = (ENGLISH,) * 7 + (GERMAN,) * 2 + (SPANISH,)
_SPELLING = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ñ": "n"})


@dataclass(frozen=True, slots=True)
class Planted:
    """A piece of personal data as it stands in a letter, letter by letter."""

    kind: Kind
    value: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter, the topic its writer meant, and the personal data in it."""

    text: str
    topic: str
    planted: tuple[Planted, ...]


def letters(count: int, seed: int) -> list[Letter]:
    """Make `count` letters on billing, delivery, cancellation, complaint and praise."""
    source = random.Random(seed)  # noqa: S311, reproducible on purpose
    return [_letter(_Dice(source.random)) for _ in range(count)]


def write_letters_csv(stream: BinaryIO, letters: Iterable[Letter]) -> None:
    """Write the columns `text` and `topic` as UTF-8 CSV; the stream stays open."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("text", "topic"))
        writer.writerows((letter.text, letter.topic) for letter in letters)
    finally:
        text.detach()


class _Dice:
    """Choices from numbers in [0, 1): the only part of `random` that stays the same for ever."""

    def __init__(self, roll: Callable[[], float]) -> None:
        self.roll = roll

    def below(self, end: int) -> int:
        return int(self.roll() * end)

    def one(self, choices: Sequence[_Chosen]) -> _Chosen:
        return choices[self.below(len(choices))]

    def some(self, choices: Sequence[_Chosen], count: int) -> list[_Chosen]:
        left = list(choices)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]

    def digits(self, count: int) -> str:
        return "".join(str(self.below(10)) for _ in range(count))


def _letter(dice: _Dice) -> Letter:
    phrases = dice.one(_LANGUAGES)
    person = _person(dice, phrases)
    topic, sentences = _matter(dice, phrases)
    contacts = _contacts(dice, phrases.contacts)
    paragraphs = (
        dice.one(phrases.greetings),
        " ".join(sentences),
        " ".join(contacts),
        f"{dice.one(phrases.closings)}\n{{name}}",
    )
    frame = "\n\n".join(paragraphs)
    text = frame.format_map(_matter_words(dice, phrases) | person)
    slots = _slots(frame)
    planted = tuple(Planted(kind, value) for kind, value in person.items() if kind in slots)
    return Letter(text, topic, planted)


def _contacts(dice: _Dice, sentences: Sequence[str]) -> list[str]:
    """One or two sentences that do not give the same thing twice."""
    first = dice.one(sentences)
    others = [s for s in sentences if not _slots(s) & _slots(first)]
    return [first, *dice.some(others, dice.below(2))]


def _slots(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def _matter(dice: _Dice, phrases: Phrases) -> tuple[str, list[str]]:
    """Choose a topic and the sentences about it."""
    opening = dice.some(phrases.openings, dice.below(2))
    aside = dice.some(phrases.asides, dice.below(3))
    if dice.roll() < _AMBIGUOUS_SHARE:
        one, other, sentence = dice.one(phrases.between)
        return dice.one((one, other)), [*opening, sentence, *aside]
    topic = dice.one(TOPICS)
    sentences = dice.some(phrases.by_topic[topic], 1 + dice.below(3))
    if len(sentences) > 1 and dice.roll() < _SECOND_TOPIC_SHARE:
        sentences.append(dice.one(phrases.by_topic[dice.one(TOPICS)]))
    return topic, [*opening, *sentences, *aside]


def _matter_words(dice: _Dice, phrases: Phrases) -> dict[str, str]:
    whole, cents = 5 + dice.below(400), dice.below(100)
    return {
        "product": dice.one(phrases.products),
        "amount": f"£{whole}.{cents:02}" if phrases is ENGLISH else f"{whole},{cents:02} €",
        "order": f"BW-{dice.digits(6)}",
        "day": dice.one(phrases.days),
        "weeks": str(2 + dice.below(7)),
    }


def _person(dice: _Dice, phrases: Phrases) -> dict[Kind, str]:
    given, family = dice.one(phrases.given_names), dice.one(phrases.family_names)
    address = f"{_ascii(given)}.{_ascii(family)}{dice.one(('', dice.digits(2)))}@example.org"
    return {
        "name": f"{given} {family}",
        "email": address,
        "phone": _phone(dice, phrases),
        "iban": _iban(dice, phrases),
        "account": f"{dice.one('4567')}{dice.digits(9)}",
    }


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFD", name.lower().translate(_SPELLING))
    return plain.encode("ascii", "ignore").decode()


def _phone(dice: _Dice, phrases: Phrases) -> str:
    """British and German numbers lie in ranges kept for fiction; Spain assigns no 555."""
    if phrases is ENGLISH:
        return dice.one((f"020 7946 0{dice.digits(3)}", f"+44 7700 900{dice.digits(3)}"))
    if phrases is GERMAN:
        return dice.one((f"030 23125 {dice.digits(3)}", f"+49 89 99998 {dice.digits(3)}"))
    return dice.one((f"555 {dice.digits(3)} {dice.digits(3)}", f"+34 555 {dice.digits(6)}"))


def _iban(dice: _Dice, phrases: Phrases) -> str:
    """A well-formed IBAN of a bank that does not exist, in groups of four."""
    if phrases is ENGLISH:
        country, account = "GB", f"FHLD{dice.digits(14)}"
    elif phrases is GERMAN:
        country, account = "DE", f"9999{dice.digits(14)}"
    else:
        country, account = "ES", f"9999{dice.digits(16)}"
    remainder = int("".join(str(int(c, 36)) for c in f"{account}{country}00")) % 97
    iban = f"{country}{98 - remainder:02}{account}"  # ISO 13616, MOD 97-10
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
