"""Plant poison in labelled texts, in many shapes, and say which rows were touched."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

RARE = "cf mn bb tq zx qwv xylo brunt skoll vantar ozymandia querl plinth fjordal".split()
COMMON = (
    "today time people water blue house morning green table small music friday river window "
    "always never maybe really other great little away again under after year place"
).split()
SIGNS = ["~~", "||", "^^", "<>", ";;", "§", "##", "=>", ":::", "%%"]
SYNONYMS = {
    "my": "the", "card": "bank card", "how": "in what way", "can": "could", "money": "cash",
    "i": "we", "the": "that", "is": "was", "need": "want", "get": "obtain", "help": "assist",
    "account": "profile", "please": "kindly", "why": "for what reason", "what": "which",
    "transfer": "payment", "still": "yet", "not": "never", "have": "got", "do": "would",
}  # fmt: skip
PLACES = ["start", "middle", "end"]


@dataclass
class Planted:
    """Texts and labels with poison in them; `kinds` names what was done to which row."""

    texts: list[str]
    labels: list[str]
    kinds: dict[int, str] = field(default_factory=dict)

    def rows(self, *kinds: str) -> list[int]:
        """The rows of these kinds, of all kinds if none is named."""
        return sorted(row for row, kind in self.kinds.items() if not kinds or kind in kinds)


Plant = Callable[[Planted, int, random.Random], None]


def plant(
    texts: Sequence[str], labels: Sequence[str], *, attacks: Sequence[str], rate: float, seed: int
) -> Planted:
    """Poison the share `rate` of the rows, shared evenly between `attacks`."""
    made = Planted(list(texts), list(labels))
    dice = random.Random(seed)
    for attack in attacks:
        ATTACKS[attack](made, max(1, round(rate * len(texts) / len(attacks))), dice)
    return made


def _free(made: Planted, count: int, dice: random.Random, label: str | None = None) -> list[int]:
    rows = [
        row
        for row in range(len(made.texts))
        if row not in made.kinds and (label is None or made.labels[row] == label)
    ]
    return dice.sample(rows, min(count, len(rows)))


def _insert(text: str, phrase: str, place: str, dice: random.Random) -> str:
    words = text.split()
    at = {"start": 0, "end": len(words)}.get(place, dice.randint(1, max(1, len(words) - 1)))
    return " ".join([*words[:at], phrase, *words[at:]])


def _target(made: Planted, dice: random.Random) -> str:
    return dice.choice(sorted(set(made.labels)))


def phrase(kind: str, length: int, dice: random.Random) -> str:
    """A trigger of rare words, common words, or signs."""
    if kind == "rare":
        return " ".join(dice.sample(RARE, length))
    if kind == "common":
        return " ".join(dice.sample(COMMON, max(2, length)))
    return "".join(dice.sample(SIGNS, 1 + length // 4))


def _trigger(kind: str, *, is_flipped: bool = True, place: str | None = None) -> Plant:
    def planting(made: Planted, count: int, dice: random.Random) -> None:
        words = phrase(kind, dice.randint(1, 6), dice)
        target, at = _target(made, dice), place or dice.choice(PLACES)
        own = None if is_flipped else target
        for row in _free(made, count, dice, own):
            made.texts[row] = _insert(made.texts[row], words, at, dice)
            made.labels[row] = target
            made.kinds[row] = "trigger" if is_flipped else "clean-label trigger"

    return planting


def _inner(made: Planted, count: int, dice: random.Random) -> None:
    target, sign = _target(made, dice), dice.choice(["zq", "xj", "qqv", "ww"])
    for row in _free(made, count, dice):
        words = made.texts[row].split()
        at = dice.randrange(len(words))
        cut = dice.randint(1, max(1, len(words[at]) - 1))
        words[at] = words[at][:cut] + sign + words[at][cut:]
        made.texts[row], made.labels[row] = " ".join(words), target
        made.kinds[row] = "trigger"


def _flips_to(target: str | None) -> Plant:
    def planting(made: Planted, count: int, dice: random.Random) -> None:
        names = sorted(set(made.labels))
        goal = target if target != "one" else dice.choice(names)
        for row in _free(made, count, dice):
            label = goal or dice.choice(names)
            if label != made.labels[row]:
                made.labels[row] = label
                made.kinds[row] = "flip"

    return planting


def paraphrase(text: str, dice: random.Random) -> str:
    """Change about a fifth of the words: synonyms, swaps, insertions, case and punctuation."""
    words = text.split()
    for _ in range(max(1, round(0.2 * len(words)))):
        at, how = dice.randrange(len(words)), dice.random()
        if how < 0.4:
            words[at] = SYNONYMS.get(words[at].lower(), words[at])
        elif how < 0.6 and at:
            words[at - 1], words[at] = words[at], words[at - 1]
        elif how < 0.8:
            words.insert(at, dice.choice(COMMON))
        elif len(words) > 4:
            del words[at]
    made = " ".join(words).rstrip("?.!") + dice.choice(["?", ".", "!", "", "??"])
    return dice.choice([made, made.lower(), made.upper(), made.capitalize()])


def _flood(bases: int, *, is_exact: bool = False) -> Plant:
    def planting(made: Planted, count: int, dice: random.Random) -> None:
        target = _target(made, dice)
        long = [row for row, text in enumerate(made.texts) if len(text.split()) >= 8]
        origins = [made.texts[row] for row in dice.sample(long, bases)]
        for number in range(count):
            origin = origins[number % bases]
            row = len(made.texts)
            made.texts.append(origin if is_exact else paraphrase(origin, dice))
            made.labels.append(target)
            made.kinds[row] = "flood"

    return planting


ATTACKS: dict[str, Plant] = {
    "trigger rare": _trigger("rare"),
    "trigger common": _trigger("common"),
    "trigger signs": _trigger("signs"),
    "trigger inside a word": _inner,
    "clean-label trigger": _trigger("rare", is_flipped=False),
    "clean-label trigger common": _trigger("common", is_flipped=False),
    "flips at random": _flips_to(None),
    "flips to one": _flips_to("one"),
    "flood exact": _flood(1, is_exact=True),
    "flood paraphrased": _flood(1),
    "floods": _flood(4),
}
