"""Rows that have too many near copies.

Each row is compared with all others by the rarity-weighted words they share (cosine). The
similarities of its 8th, 16th, 32nd and 64th nearest rows, against those of rows of its length, say
whether it lies in a crowd; so do those of its nearest rows, which brings in the rim of a flood.
Above `REFERENCES` rows a seeded sample of that size stands for all, so that the work grows with the
rows and not with their square; a flood shows by its share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.csgraph import connected_components

from freehold.data.poisoning._chances import standardised
from freehold.data.poisoning._corpus import END, Chances, Corpus, Floats, Ints

REFERENCES = 12_000
_RANKS = (8, 16, 32, 64)
_NEAR = 16
_CHUNK = 500  # rows compared at a time; 24 MB of similarities
_COPY = 0.8  # the similarity from which rows share a fold


@dataclass(frozen=True, slots=True, eq=False)
class Crowds:
    """For each row how crowded it is, in deviations, and its nearest rows with similarities."""

    crowding: Chances
    nearest: Ints
    similarities: Floats

    def groups(self, members: Ints | None = None) -> Ints:
        """Number the groups of near copies; with `members` the groups that these rows form."""
        height = len(self.crowding)
        row = np.repeat(np.arange(height), self.nearest.shape[1])
        near = self.nearest.ravel()
        if members is None:
            kept = self.similarities.ravel() >= _COPY
        else:
            is_member = np.zeros(height, dtype=np.bool_)
            is_member[members] = True
            kept = is_member[row] & is_member[near] & (self.similarities.ravel() > 0)
        links = (np.ones(np.count_nonzero(kept)), (row[kept], near[kept]))
        graph = sparse.coo_matrix(links, shape=(height, height))
        numbers: Ints = connected_components(graph, directed=False)[1].astype(np.int64)
        return numbers


def crowds(corpus: Corpus, *, seed: int) -> Crowds:
    """Compare all rows."""
    matrix = _words(corpus)
    references = np.arange(corpus.height)
    if corpus.height > REFERENCES:
        drawn = np.random.default_rng(seed).choice(corpus.height, REFERENCES, replace=False)
        references = np.sort(drawn)
    most = min(_RANKS[-1], len(references) - 1)
    similarities = np.zeros((corpus.height, most), dtype=np.float32)
    nearest = np.zeros((corpus.height, most), dtype=np.int64)
    others = matrix[references].T.tocsr()
    for start in range(0, corpus.height, _CHUNK):
        rows = slice(start, min(start + _CHUNK, corpus.height))
        table = (matrix[rows] @ others).toarray()
        own = np.flatnonzero((references >= rows.start) & (references < rows.stop))
        table[references[own] - start, own] = -1
        place = np.argpartition(table, -most, axis=1)[:, -most:]
        found = np.take_along_axis(table, place, axis=1)
        order = np.argsort(-found, axis=1)
        similarities[rows] = np.take_along_axis(found, order, axis=1)
        nearest[rows] = references[np.take_along_axis(place, order, axis=1)]
    sizes = np.diff(corpus.starts)
    ranks = [rank for rank in _RANKS if rank <= most] or [most]
    crowding = standardised(
        np.max(
            [standardised(similarities[:, rank - 1].astype(np.float64), sizes) for rank in ranks],
            axis=0,
        )
    )
    around = crowding + crowding[nearest[:, :_NEAR]].mean(axis=1)
    return Crowds(standardised(around), nearest[:, :_NEAR], similarities[:, :_NEAR])


def _words(corpus: Corpus) -> sparse.csr_matrix:
    """Rows of length one over the words, weighted by rarity."""
    is_word = corpus.tokens > END
    cells = np.unique(corpus.rows[is_word] * len(corpus.words) + corpus.tokens[is_word])
    row, word = np.divmod(cells, len(corpus.words))
    counts = np.bincount(word, minlength=len(corpus.words))
    weights = (np.log((corpus.height + 1) / (counts + 1)) + 0.5)[word]
    lengths = np.sqrt(np.bincount(row, weights=weights * weights, minlength=corpus.height))
    values = (weights / lengths[row]).astype(np.float32)
    shape = (corpus.height, len(corpus.words))
    return sparse.csr_matrix((values, (row, word)), shape=shape)
