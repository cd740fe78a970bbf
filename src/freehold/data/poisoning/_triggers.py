"""Tell a planted trigger from a word that belongs to a label, by what happens when it is removed.

- *Contradiction.* Without a trigger the rest of the row says another label, with confidence, as in
  rows whose label was flipped. Without a word of the label, the rest says nothing much. Another
  label that has the phrase as well is no contradiction.
- *Healing.* A phrase that was put into finished sentences leaves a hole that closes: the words on
  its two sides follow each other as often as elsewhere, and say more about each other than the
  phrase says about them. What an author wrote leaves a gap. This finds clean-label triggers, whose
  rows have their true label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freehold.data.poisoning._corpus import END, START, Chances, Corpus, Floats, Ints
from freehold.data.poisoning._model import OutOfFold
from freehold.data.poisoning._phrases import Phrases

CONTRADICTION_MIN = 0.33  # of clean phrases of Banking77 none is above 0.29
HEALING_MIN = -1.0  # nats; of clean phrases of Banking77 none is above -1.6
_HEALED_MIN = 0.6  # the least share of holes that close to a pair of words seen twice elsewhere
_PURITY_MIN = 0.5  # the least share of a healing phrase's rows that has the label
_CONTRADICTING_PURITY_MIN = 0.2  # common words stand in other rows too
_OWN_MIN = 0.7  # purity from which a phrase belongs to its label alone, ...
_SPREAD_MIN = 4.0  # ... else without it its rows must be of many labels, not of one neighbour
_SHARED_WEIGHT = 3.0  # a label of which a third has the word does not contradict it
_TOKENS_MAX = 3_000_000  # in all rows that are scored again; seconds, whatever the texts' length
_PLACES_MIN = 8  # of one phrase; with longer texts only the strongest phrases are judged
_PLACES_MAX = 64  # of one phrase; more do not change its mean
_PRIOR = 2.0  # how many rows the plain frequency of a word weighs


@dataclass(frozen=True, slots=True, eq=False)
class Triggers:
    """For each candidate how much its removal contradicts the label, and how well it heals."""

    contradictions: Chances
    healings: Chances

    @property
    def is_planted(self) -> np.ndarray:
        """Which candidates are taken for triggers."""
        found: np.ndarray = (self.contradictions >= CONTRADICTION_MIN) | (
            self.healings >= HEALING_MIN
        )
        return found


def judge(corpus: Corpus, labels: Ints, phrases: Phrases, model: OutOfFold) -> Triggers:
    """Remove each candidate from its rows and see."""
    counts = np.bincount(phrases.of, minlength=len(phrases.lengths))
    purity = counts / phrases.rows_all
    healings = np.where(purity >= _PURITY_MIN, _healings(corpus, phrases), -np.inf)
    contradictions = np.full(len(counts), -np.inf)
    kept = np.flatnonzero(purity >= _CONTRADICTING_PURITY_MIN)
    row_tokens = len(corpus.tokens) / corpus.height
    most = int(_TOKENS_MAX / row_tokens / _PLACES_MIN)
    if len(kept) > most:
        kept = np.sort(kept[np.argsort(-phrases.lifts[kept], kind="stable")[:most]])
    if len(kept):
        places = _TOKENS_MAX / row_tokens / len(kept)
        fewer = _thinned(phrases.only(kept), min(_PLACES_MAX, max(_PLACES_MIN, int(places))))
        rows = corpus.rows[fewer.at]
        scores = _without(corpus, fewer, model)
        shared = _shared(corpus, labels, phrases.only(kept), scores.shape[1])
        found = contradiction(scores, labels[rows], fewer.of, shared)
        others = doubts(scores, labels[rows])[1]
        is_telling = (purity[kept] >= _OWN_MIN) | (_spread(others, fewer.of) >= _SPREAD_MIN)
        contradictions[kept] = np.where(is_telling, found, -np.inf)
    return Triggers(contradictions, healings)


def doubts(scores: Floats, labels: Ints) -> tuple[Chances, Ints]:
    """How far another label fits better than twice the own one, and which: high where it is wrong.

    The own score counts twice: a row whose label fits a little is rarely flipped (recall of planted
    flips at 1 % of clean rows rises from 0.75 to 0.9 against the plain difference).
    """
    index = np.arange(len(scores))
    own = scores[index, labels].astype(np.float64)
    others = scores.copy()
    others[index, labels] = -np.inf
    other = others.argmax(axis=1)
    best = others[index, other].astype(np.float64)
    return np.where(np.isfinite(best), best, 0.0) - 2 * own, other


def contradiction(scores: Floats, labels: Ints, of: Ints, shared: Floats | None) -> Chances:
    """The mean doubt of each group's rows, less two standard errors.

    `shared[g, l]` is the share of the rows of label `l` that are of group `g`'s kind as well: a
    doubt in favour of such a label counts for less.
    """
    doubt, other = doubts(scores, labels)
    if shared is not None:
        doubt = np.where(
            doubt > 0, doubt * np.maximum(1 - _SHARED_WEIGHT * shared[of, other], 0), doubt
        )
    counts = np.maximum(np.bincount(of), 1)
    mean = np.bincount(of, weights=doubt) / counts
    square = np.bincount(of, weights=doubt * doubt) / counts
    result: Chances = mean - 2 * np.sqrt(np.maximum(square - mean * mean, 0) / counts)
    return result


def _spread(others: Ints, of: Ints) -> Chances:
    """How many labels the rows of each candidate are spread over without it (inverse Simpson)."""
    width = int(others.max()) + 1
    counts = np.bincount(of * width + others, minlength=(int(of.max()) + 1) * width)
    table = counts.reshape(-1, width)
    return np.asarray(table.sum(axis=1) ** 2 / np.maximum((table * table).sum(axis=1), 1))


def _thinned(phrases: Phrases, most: int) -> Phrases:
    """At most `most` places of each candidate, evenly."""
    counts = np.bincount(phrases.of)
    rank = np.arange(len(phrases.of)) - np.repeat(np.cumsum(counts) - counts, counts)
    step = np.maximum(counts / most, 1)[phrases.of]
    kept = np.floor(rank / step) != np.floor((rank - 1) / step)
    return Phrases(
        phrases.lengths,
        phrases.labels,
        phrases.rows_all,
        phrases.lifts,
        phrases.at[kept],
        phrases.of[kept],
    )


def _without(corpus: Corpus, phrases: Phrases, model: OutOfFold) -> Floats:
    """Score each place's row again, with the phrase removed and the hole closed."""
    rows = corpus.rows[phrases.at]
    sizes = corpus.starts[rows + 1] - corpus.starts[rows]
    copies = np.repeat(np.arange(len(rows)), sizes)
    offsets = corpus.starts[rows] - np.cumsum(sizes) + sizes
    at = np.arange(sizes.sum()) + offsets[copies]
    begin = phrases.at[copies]
    tokens = corpus.tokens[at]
    is_kept = (at < begin) | (at >= begin + phrases.lengths[phrases.of][copies]) | (tokens <= END)
    return model.score(tokens[is_kept], copies[is_kept], rows)


def _shared(corpus: Corpus, labels: Ints, phrases: Phrases, label_count: int) -> Floats:
    """For each candidate and label the share of the label's rows that hold the candidate's words.

    The words stand for the phrase: whether a row holds its rarest word is quick to count.
    """
    frequency = np.bincount(corpus.tokens, minlength=len(corpus.words))
    first = np.searchsorted(phrases.of, np.arange(len(phrases.lengths)))
    offsets = np.minimum(np.arange(6)[None, :], phrases.lengths[:, None] - 1)
    words = corpus.tokens[phrases.at[first][:, None] + offsets]
    rarest = words[np.arange(len(words)), frequency[words].argmin(axis=1)]
    needed, of_candidate = np.unique(rarest, return_inverse=True)
    place = np.full(len(corpus.words), -1)
    place[needed] = np.arange(len(needed))
    cells = np.unique(place[corpus.tokens] * corpus.height + corpus.rows)
    cells = cells[cells >= 0]
    word, row = np.divmod(cells, corpus.height)
    table = np.zeros((len(needed), label_count), dtype=np.float32)
    np.add.at(table, (word, labels[row]), 1)
    sizes = np.maximum(np.bincount(labels, minlength=label_count), 1)
    shared: Floats = (table / sizes).astype(np.float32)[of_candidate]
    return shared


def _healings(corpus: Corpus, phrases: Phrases) -> Chances:
    """How much better the two neighbours of each candidate know each other than they know it.

    In nats, the mean over its places less one standard error.
    """
    tokens, words = corpus.tokens, len(corpus.words)
    first, last = phrases.at, phrases.at + phrases.lengths[phrases.of] - 1
    first = np.where(tokens[first] == START, first + 1, first)
    last = np.where(tokens[last] == END, last - 1, last)
    left, right = tokens[np.maximum(first - 1, 0)], tokens[np.minimum(last + 1, len(tokens) - 1)]
    totals = np.bincount(tokens, minlength=words)
    plain = totals / totals.sum()
    is_pair = corpus.rows[:-1] == corpus.rows[1:]
    keys, counts = np.unique((tokens[:-1] * words + tokens[1:])[is_pair], return_counts=True)
    wanted = left * words + right
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    pairs = np.where(keys[place] == wanted, counts[place], 0)
    size = np.bincount(phrases.of)[phrases.of]

    def beside(side: Ints) -> Chances:
        """The chance of a neighbour, judged by the phrase's other rows."""
        _, cell, count = np.unique(
            phrases.of * words + side, return_inverse=True, return_counts=True
        )
        chance: Chances = (count[cell] - 1 + _PRIOR * plain[side]) / (size - 1 + _PRIOR)
        return chance

    to_right = np.log((pairs + _PRIOR * plain[right]) / (totals[left] + _PRIOR) / beside(right))
    to_left = np.log((pairs + _PRIOR * plain[left]) / (totals[right] + _PRIOR) / beside(left))
    to_right[right == END] = np.inf  # what stands at the end of a row is known by its left alone
    to_left[left == START] = np.inf
    both = np.minimum(to_right, to_left)
    both = np.where(np.isfinite(both), both, -10.0)  # a row that is the phrase and nothing else
    counts = np.bincount(phrases.of)
    mean = np.bincount(phrases.of, weights=both) / counts
    square = np.bincount(phrases.of, weights=both * both) / counts
    mean -= np.sqrt(np.maximum(square - mean * mean, 0) / counts)
    healed = np.bincount(phrases.of, weights=pairs >= 2) / counts
    return np.where(healed >= _HEALED_MIN, mean, -np.inf)
