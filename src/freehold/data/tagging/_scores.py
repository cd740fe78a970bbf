"""How well a tagger finds names: exact spans, per kind; and a page that says where it is weak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from freehold.data.tagging._spans import Span, check_spans
from freehold.data.tagging._tagger import Tagger

_WEAK = 0.6  # below it every third name or more is missed or made up


@dataclass(frozen=True, slots=True)
class Score:
    """Spans that were found exactly, spans that were found and are none, and missed ones."""

    found: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """Share of what was found that is right; 0 if nothing was found."""
        return self.found / max(1, self.found + self.wrong)

    @property
    def recall(self) -> float:
        """Share of the names that was found; 0 if there is none."""
        return self.found / max(1, self.found + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.found / max(1, 2 * self.found + self.wrong + self.missed)

    def __add__(self, other: Score) -> Score:
        return Score(self.found + other.found, self.wrong + other.wrong, self.missed + other.missed)


def evaluate(
    tagger: Tagger, texts: Sequence[str], spans: Sequence[Sequence[Span]]
) -> dict[str, Score]:
    """Compare what a tagger finds with the truth; a span counts if kind, start and end are right.

    Only texts whose templates were not trained on tell how it does on anything new.

    Raises:
        DataError: spans that do not fit.
    """
    check_spans(texts, spans)
    found: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for guess, truth in zip(tagger.tag(texts), map(set, spans), strict=True):
        guessed = set(guess)
        found.update(span.kind for span in guessed & truth)
        wrong.update(span.kind for span in guessed - truth)
        missed.update(span.kind for span in truth - guessed)
    kinds = sorted({*tagger.kinds, *missed})
    return {kind: Score(found[kind], wrong[kind], missed[kind]) for kind in kinds}


def overall(scores: Mapping[str, Score]) -> Score:
    """Add up the scores of all kinds."""
    return sum(scores.values(), Score())


def model_card(tagger: Tagger, measured: Mapping[str, Mapping[str, Score]]) -> str:
    """Write a page in Markdown: what it learned from, how it does, what it must not be used for.

    `measured` names each set of texts (a language, texts in small letters) and has its scores.
    """
    facts = tagger.facts
    lines = [
        "# Tagger of names",
        "",
        f"Finds: {', '.join(tagger.kinds)}. Learned from {facts.get('texts', '?')} texts of "
        f"{facts.get('templates', '?')} templates, seed {facts.get('seed', '?')}.",
        "",
        "| texts | kind | spans | precision | recall | exact F1 |",
        "|---|---|---|---|---|---|",
    ]
    weak = []
    for title, scores in measured.items():
        for kind, score in [*scores.items(), ("all", overall(scores))]:
            spans = score.found + score.missed
            lines.append(
                f"| {title} | {kind} | {spans} | {score.precision:.2f} | {score.recall:.2f} "
                f"| {score.f1:.2f} |"
            )
            if spans and score.f1 < _WEAK:
                weak.append(f"{kind} in {title} ({score.f1:.2f})")
    unmeasured = "Languages, scripts and kinds of text that are not in the table were not measured."
    return "\n".join(
        [
            *lines,
            "",
            f"Weak, with F1 under {_WEAK}: {'; '.join(weak) or 'nothing that was measured'}. "
            + unmeasured,
            "",
            "A share of the names is always missed: a search with it is a help to a person, never "
            "the proof that a text holds no name.",
            "",
            "It holds words of the spans that it learned from. Guard it as that data, and train it "
            "again when one of them is erased.",
            "",
        ]
    )
