"""From several people's labels to one for each row, with how it came about.

Votes settle what they can: a tie stays open, and so it is seen. An adjudicator's decision overrides
votes and gives its reason. A Dawid-Skene estimate is a third way, for those who choose it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import polars as pl

from freehold.data.errors import DataError
from freehold.data.labelling._annotators import Disagreement, hardest_rows, votes
from freehold.data.labelling._dawid_skene import Estimate
from freehold.data.labelling._guideline import Guideline
from freehold.data.labelling._limits import DEFAULT_LABEL_LIMITS, LabelLimits
from freehold.data.labelling._ratings import Ratings
from freehold.data.labelling._texts import SEPARATOR, is_unicode, problem_of


class How(StrEnum):
    """How a row came to its labels."""

    SINGLE = "single"  # one annotator, and nobody to disagree
    UNANIMOUS = "unanimous"  # all of two or more
    MAJORITY = "majority"  # more than half
    PLURALITY = "plurality"  # more than any other, and not more than half
    ESTIMATED = "estimated"  # Dawid-Skene
    ADJUDICATED = "adjudicated"  # a person's decision
    OPEN = "open"  # a tie, or not sure enough: no labels


@dataclass(frozen=True, slots=True)
class Resolution:
    """One row's labels, none while it is open, and how they came about.

    `votes` are what the annotators said, the most frequent first. `adjudicator`, `reason` and `at`
    are those of a decision, `probability` that of an estimate.
    """

    row: str
    labels: tuple[str, ...]
    how: How
    votes: tuple[tuple[str, int], ...]
    adjudicator: str | None = None
    reason: str | None = None
    at: str | None = None
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What an adjudicator decided about one row, and why; `at` as in `Label`."""

    row: str
    labels: tuple[str, ...]
    adjudicator: str
    reason: str
    at: str


def adjudication_queue(
    ratings: Ratings, decisions: Iterable[Decision] = ()
) -> tuple[Disagreement, ...]:
    """The rows on which annotators disagree and nobody has decided, most disagreement first."""
    decided = {decision.row for decision in decisions}
    return tuple(each for each in hardest_rows(ratings) if each.row not in decided)


def resolve_by_votes(ratings: Ratings) -> tuple[Resolution, ...]:
    """Settle each row by its most frequent value; where two are as frequent it stays open."""
    return tuple(
        _by_votes(row, votes(ratings, counts))
        for row, counts in zip(ratings.rows, ratings.counts(), strict=True)
    )


def resolve_by_estimate(
    ratings: Ratings, estimate: Estimate, *, at_least: float = 0.5
) -> tuple[Resolution, ...]:
    """Settle each row by its likeliest value; below the probability `at_least` it stays open.

    Raises:
        ValueError: an estimate of other rows or values, or a probability outside 0.5 to 1.
    """
    if (estimate.rows, estimate.values) != (ratings.rows, ratings.values):
        raise ValueError("the estimate is of other rows or values than the ratings")
    if not 0.5 <= at_least <= 1:
        raise ValueError(f"expected a probability from 0.5 to 1, got {at_least}")
    found = []
    for resolution, chances in zip(resolve_by_votes(ratings), estimate.probabilities, strict=True):
        best = int(np.argmax(chances))
        is_sure = chances[best] >= at_least and np.count_nonzero(chances == chances[best]) == 1
        found.append(
            replace(
                resolution,
                labels=_labels(estimate.values[best]) if is_sure else (),
                how=How.ESTIMATED if is_sure else How.OPEN,
                probability=float(chances[best]),
            )
        )
    return tuple(found)


def apply_decisions(
    resolutions: Sequence[Resolution],
    decisions: Iterable[Decision],
    guideline: Guideline,
    *,
    limits: LabelLimits = DEFAULT_LABEL_LIMITS,
) -> tuple[Resolution, ...]:
    """Let each decision override what was found for its row.

    Raises:
        DataError: `data.label`, a row without a resolution, labels that the guideline does not
            allow, no reason, or an adjudicator or time that cannot be one; `data.label_conflict`, a
            row decided twice. Told by the decision's place, from 1.
    """
    at = {resolution.row: n for n, resolution in enumerate(resolutions)}
    settled = list(resolutions)
    decided: dict[str, int] = {}
    positions = {name: n for n, name in enumerate(guideline.names)}
    for place, decision in enumerate(decisions, 1):
        problem = _problem(decision, guideline, limits)
        if decision.row not in at:
            problem = "its row has no label to decide about"
        if problem:
            raise DataError("data.label", f"decision {place}: {problem}", "correct it")
        if decision.row in decided:
            raise DataError(
                "data.label_conflict",
                f"decisions {decided[decision.row]} and {place} are about the same row",
                "keep the one that holds",
            )
        decided[decision.row] = place
        settled[at[decision.row]] = replace(
            settled[at[decision.row]],
            labels=tuple(sorted(decision.labels, key=positions.__getitem__)),
            how=How.ADJUDICATED,
            adjudicator=decision.adjudicator,
            reason=decision.reason,
            at=decision.at,
            probability=None,
        )
    return tuple(settled)


def resolutions_frame(resolutions: Iterable[Resolution]) -> pl.DataFrame:
    """The resolutions as a table: `row`, `labels` (empty while open), `how` and the rest."""
    given = list(resolutions)
    columns = {
        "row": [each.row for each in given],
        "labels": [SEPARATOR.join(each.labels) for each in given],
        "how": [str(each.how) for each in given],
        "adjudicator": [each.adjudicator for each in given],
        "reason": [each.reason for each in given],
        "at": [each.at for each in given],
    }
    schema = dict.fromkeys(columns, pl.String())
    has_labels = pl.col("labels") != ""
    split = pl.col("labels").str.split(SEPARATOR)
    return pl.DataFrame(columns, schema=schema).with_columns(
        labels=pl.when(has_labels).then(split).otherwise(pl.lit([], dtype=pl.List(pl.String))),
        probability=pl.Series([each.probability for each in given], dtype=pl.Float64),
    )


def _by_votes(row: str, given: tuple[tuple[str, int], ...]) -> Resolution:
    total = sum(count for _, count in given)
    if not given or (len(given) > 1 and given[0][1] == given[1][1]):
        return Resolution(row, (), How.OPEN, given)
    value, count = given[0]
    if count == total:
        how = How.UNANIMOUS if total > 1 else How.SINGLE
    else:
        how = How.MAJORITY if 2 * count > total else How.PLURALITY
    return Resolution(row, _labels(value), how, given)


def _labels(value: str) -> tuple[str, ...]:
    return tuple(value.split(SEPARATOR))


def _problem(decision: Decision, guideline: Guideline, limits: LabelLimits) -> str:
    for name, text in (("adjudicator", decision.adjudicator), ("time", decision.at)):
        problem = problem_of(text, limits.identity_chars_max)
        if problem:
            return f"the {name} cannot be one: {problem}"
    reason = decision.reason
    if not reason.strip() or len(reason) > limits.reason_chars_max or not is_unicode(reason):
        return f"expected a reason of 1 to {limits.reason_chars_max} characters"
    if not decision.labels or set(decision.labels) - set(guideline.names):
        return "expected labels that the guideline allows"
    if len(decision.labels) > 1 and not guideline.allows_several:
        return "the guideline allows one label"
    if len(set(decision.labels)) < len(decision.labels):
        return "it has the same label twice"
    return ""
