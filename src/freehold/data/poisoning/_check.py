"""Run all detectors over one table and share one budget out between them.

Each detector of single rows gives each row the chance that a clean row looks so, from a null that
is fitted to the middle of the rows. The detectors share the budget: a row is set aside at budget b
if some detector's chance is at most b times that detector's share (Bonferroni's inequality with
weights). So about the share b of the clean rows is expected to be lost, whatever was planted and
whichever detectors agree. Detectors of groups (triggers, sources, signs) have fixed bars, which
clean tables rarely pass, and their rows go at any budget from 0.0001 on. The bars were set on short
customer queries; other clean tables lost up to 2.2 % of their rows at a budget of 1 %.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import polars as pl

from freehold.data.errors import DataError
from freehold.data.poisoning import _characters, _instructions
from freehold.data.poisoning._chances import heavy_tail, standardised, tail
from freehold.data.poisoning._corpus import Chances, Corpus, Flags, Ints, corpus_of_texts
from freehold.data.poisoning._floods import Crowds, crowds
from freehold.data.poisoning._limits import DEFAULT_LIMITS, Limits
from freehold.data.poisoning._model import OutOfFold, out_of_fold
from freehold.data.poisoning._outliers import lengths, surprises
from freehold.data.poisoning._phrases import phrases_of
from freehold.data.poisoning._report import Finding, Kind, Report
from freehold.data.poisoning._sources import sudden_sources
from freehold.data.poisoning._traits import Trait, inner_letters, manners_of, traits_of
from freehold.data.poisoning._triggers import doubts, judge

_LABEL_SHARE, _FLOOD_SHARE, _OUTLIER_SHARE = 0.7, 0.2, 0.1  # of the budget; they add up to 1
_GROUP_BUDGET = 0.0001
_DOUBT_TAIL = 1.2  # the tail of doubts on Banking77 is this much shorter than a normal one
_DOUBT_MIN = 0.25  # below it the own label is not ruled out, however sure the model is elsewhere
_TOLD_BUDGET = 0.01  # rows that a budget of this size sets aside are told as findings
_GENRE_SHARE = 0.1  # a sign in more of the rows than this is the manner of the table


def check(
    table: pl.DataFrame,
    *,
    text: str,
    label: str | None = None,
    source: str | None = None,
    before: pl.DataFrame | None = None,
    seed: int = 0,
) -> Report:
    """Look for planted rows.

    `text`, `label` and `source` name columns; `before` is the version before, for its sources.
    Without labels only floods, outliers, sources and signs are looked for; with fewer than 100
    rows only sources and signs. The same arguments give the same report.

    Raises:
        DataError: `data.contract`, a column that is missing or of another kind, a missing or
            lone label, too many labels, rows or words; `data.empty`, no rows.
    """
    limits = DEFAULT_LIMITS
    texts = _texts(table, text, limits)
    report = _Findings(len(texts))
    report.signs(Kind.CHARACTERS, texts, _characters.signs_of)
    report.signs(Kind.INSTRUCTION, texts, _instructions.signs_of)
    sources = None if source is None else _names(table, source)
    if source is not None and sources is not None and before is not None and before.height:
        for trait in sudden_sources(sources, _names(before, source)):
            report.group(Kind.SOURCE, trait)
    labels = None if label is None else _labels(table, label, limits)
    if len(texts) >= limits.rows_min:
        corpus = corpus_of_texts(texts, row_chars_max=limits.row_chars_max)
        _bound("words and signs", len(corpus.tokens), limits.tokens_max)
        crowd = crowds(corpus, seed=seed)
        report.floods(crowd)
        report.outliers(texts, limits)
        if labels is not None:
            model = out_of_fold(corpus, labels, groups=crowd.groups(), seed=seed)
            report.labels(labels, model)
            for trait in _triggers(corpus, labels, model):
                report.group(Kind.TRIGGER, trait)
            marked = manners_of(texts)
            if sources is not None:
                marked |= _marks_of_sources(sources)
            for trait in traits_of(marked, labels, model.scores):
                report.group(Kind.TRIGGER, trait)
    return report.finished()


class _Findings:
    """The report while it grows."""

    def __init__(self, height: int) -> None:
        self._budgets: Chances = np.ones(height)
        self._found: list[Finding] = []

    def group(self, kind: Kind, trait: Trait) -> None:
        """Add rows that belong together, all of which go."""
        self._budgets[trait.rows] = np.minimum(self._budgets[trait.rows], _GROUP_BUDGET)
        self._tell(kind, trait)

    def signs(
        self, kind: Kind, texts: Sequence[str], signs_of: Callable[[str], Iterable[str]]
    ) -> None:
        """Add the rows in which each sign stands; what stands in many is told and stays."""
        rows_of: dict[str, list[int]] = {}
        for row, each in enumerate(texts):
            for sign in signs_of(each):
                rows_of.setdefault(sign, []).append(row)
        for sign, rows in rows_of.items():
            share = len(rows) / len(texts)
            if share <= _GENRE_SHARE or len(rows) == 1:
                self.group(kind, Trait(sign, np.array(rows), -np.log10(_GROUP_BUDGET)))
            else:
                reason = f"{sign}, in {share:.0%} of the rows: the manner of this table"
                self._tell(kind, Trait(reason, np.array(rows), -np.log10(share)))

    def floods(self, crowd: Crowds) -> None:
        """Add rows with too many near copies, told flood by flood."""
        rows = self._single(tail(crowd.crowding), _FLOOD_SHARE)
        groups = crowd.groups(rows)[rows]
        for group in np.unique(groups):
            members = rows[groups == group]
            reason = f"{len(members)} rows that are near copies of each other"
            score = float(-np.log10(np.maximum(tail(crowd.crowding[members].max()), 1e-300)))
            self._tell(Kind.FLOOD, Trait(reason, members, score))

    def outliers(self, texts: Sequence[str], limits: Limits) -> None:
        """Add rows written unlike the rest."""
        cut = [each[: limits.row_chars_max] for each in texts]
        for chances, reason in (
            (
                heavy_tail(surprises(cut)),
                "characters rare in this table, as of another language",
            ),
            (heavy_tail(lengths(texts)), "far longer than the other rows"),
        ):
            for row in self._single(chances, _OUTLIER_SHARE / 2):
                score = -np.log10(max(chances[row], 1e-300))
                self._tell(Kind.OUTLIER, Trait(reason, np.array([row]), score))

    def labels(self, labels: Ints, model: OutOfFold) -> None:
        """Add rows whose label contradicts what a model without them says."""
        doubt = doubts(model.scores, labels)[0]
        chances = tail(_DOUBT_TAIL * standardised(doubt))
        chances[doubt < _DOUBT_MIN] = 1.0
        for row in self._single(chances, _LABEL_SHARE):
            reason = "another label fits far better, by a model that has not seen the row"
            score = -np.log10(max(chances[row], 1e-300))
            self._tell(Kind.LABEL, Trait(reason, np.array([row]), score))

    def finished(self) -> Report:
        """The report, strongest findings first."""
        order = sorted(self._found, key=lambda each: (-each.score, each.rows, each.kind))
        return Report(tuple(order), self._budgets)

    def _single(self, chances: Chances, share: float) -> Ints:
        """Enter chances of single rows and return the rows to tell."""
        budgets = chances / share
        self._budgets = np.minimum(self._budgets, budgets)
        return np.flatnonzero(budgets <= _TOLD_BUDGET)

    def _tell(self, kind: Kind, trait: Trait) -> None:
        rows = tuple(trait.rows.tolist())
        self._found.append(Finding(kind, rows, trait.reason, float(trait.score), trait.content))


def _triggers(corpus: Corpus, labels: Ints, model: OutOfFold) -> Iterator[Trait]:
    """The phrases that are triggers, the strongest of those in the same rows, and inner letters."""
    phrases = phrases_of(corpus, labels)
    judged = judge(corpus, labels, phrases, model)
    seen: set[int] = set()
    found = np.flatnonzero(judged.is_planted)
    for index in found[np.argsort(-phrases.lifts[found], kind="stable")]:
        at = phrases.at[phrases.of == index]
        rows = corpus.rows[at]
        if seen.issuperset(rows.tolist()):
            continue
        seen.update(rows.tolist())
        length = int(phrases.lengths[index])
        words = corpus.tokens[at[0] : at[0] + length]
        content = " ".join(corpus.words[word] for word in words if word > 1)
        why = (
            "without it they say another label"
            if judged.contradictions[index] >= judged.healings[index]
            else "it is put into sentences that are whole without it"
        )
        reason = f"a phrase of {length} words or signs comes with one label, and {why}"
        yield Trait(reason, rows, float(phrases.lifts[index]), content)
    yield from inner_letters(corpus, labels)


def _marks_of_sources(sources: Sequence[str | None]) -> dict[str, Flags]:
    names, numbers, counts = np.unique(
        np.array([str(each) for each in sources]), return_inverse=True, return_counts=True
    )
    return (
        {
            f"rows of source {index}": numbers == index
            for index in np.flatnonzero(counts >= 8)[:1_000]
        }
        if len(names) > 1
        else {}
    )


def _column(table: pl.DataFrame, name: str) -> pl.Series:
    if name not in table.columns:
        raise DataError(
            "data.contract",
            f"the table has no column {name!r:.80}",
            f"it has {len(table.columns)} others; name one of them",
        )
    return table[name]


def _texts(table: pl.DataFrame, name: str, limits: Limits) -> list[str]:
    column = _column(table, name)
    if column.dtype != pl.String:
        raise DataError(
            "data.contract",
            f"column {name!r:.80} holds {column.dtype}; expected text",
            "name the column of texts",
        )
    if not len(column):
        raise DataError("data.empty", "the table has no rows", "expected at least one")
    _bound("rows", len(column), limits.rows_max)
    return column.fill_null("").to_list()


def _names(table: pl.DataFrame, name: str) -> list[str | None]:
    return _column(table, name).cast(pl.String).to_list()


def _labels(table: pl.DataFrame, name: str, limits: Limits) -> Ints:
    column = _column(table, name)
    if column.null_count():
        row = column.is_null().arg_max() or 0
        raise DataError(
            "data.contract",
            f"{column.null_count()} rows have no label in column {name!r:.80}, the first is row "
            f"{row + 2}",
            "label them, or leave them out of the check",
        )
    codes = column.cast(pl.String).rank("dense").cast(pl.Int64).to_numpy() - 1
    count = int(codes.max()) + 1
    if not 2 <= count <= limits.labels_max:
        raise DataError(
            "data.contract",
            f"column {name!r:.80} has {count} labels; expected 2 to {limits.labels_max}",
            "name a column of labels, or none",
        )
    return codes


def _bound(what: str, found: int, most: int) -> None:
    if found > most:
        raise DataError(
            "data.contract", f"{found} {what}; expected at most {most}", "check the table in parts"
        )
