"""What a fast model, which has not seen a row, would have called it.

One-against-all least squares with a ridge over the presence of words and pairs of neighbours,
weighted by rarity, in four folds. Near copies share a fold, or a copy would vouch for a copy. The
conjugate gradients run for all labels at once: ten times as fast as scikit-learn's `Ridge`, which
takes them one by one, and as accurate on the intents of Banking77 (0.84).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse

from freehold.data.poisoning._corpus import Corpus, Floats, Ints

FOLDS = 4
_RIDGE = 1.0
_STEPS = 8  # more do not raise the accuracy
_ROWS_OF_FEATURE_MIN = 2
_FEATURES_MAX = 131_072  # the most frequent; keeps the weights of 100 labels under 256 MiB


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Which words and pairs of neighbours count, by ascending key, and how much."""

    keys: Ints
    weights: Floats
    vocabulary: int

    def matrix(self, tokens: Ints, rows: Ints, height: int) -> sparse.csr_matrix:
        """Return rows of length one, a column for each feature, from flat tokens in row order."""
        keys = np.concatenate([tokens, _pair_keys(tokens, self.vocabulary)])
        of_row = np.concatenate([rows, rows[:-1]])
        is_key = np.ones(len(keys), dtype=np.bool_)
        is_key[len(tokens) :] = rows[:-1] == rows[1:]
        columns = np.searchsorted(self.keys, keys)
        columns[columns == len(self.keys)] = 0
        is_key &= self.keys[columns] == keys
        cells = np.unique(of_row[is_key] * len(self.keys) + columns[is_key])
        row, column = np.divmod(cells, len(self.keys))
        values = self.weights[column]
        squares = np.bincount(row, weights=values * values, minlength=height)
        scaled = values / np.sqrt(squares)[row]
        bounds = np.searchsorted(row, np.arange(height + 1))
        return sparse.csr_matrix(
            (scaled.astype(np.float32), column, bounds), shape=(height, len(self.keys))
        )


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """Scores near 1 for the label that fits and near 0 for the others, from models of other folds.

    `scores` has a row for each row and a column for each label; `models[f]` was fitted without the
    rows whose `folds` is `f`.
    """

    features: Features
    folds: Ints
    models: tuple[Floats, ...]
    scores: Floats

    def score(self, tokens: Ints, copies: Ints, rows: Ints) -> Floats:
        """Score changed copies: copy `i` is of row `rows[i]`; `copies` is per token."""
        matrix = self.features.matrix(tokens, copies, len(rows))
        folds = self.folds[rows]
        scores = np.zeros((len(rows), self.scores.shape[1]), dtype=np.float32)
        for fold, model in enumerate(self.models):
            scores[folds == fold] = matrix[folds == fold] @ model
        return scores


def features_of(corpus: Corpus) -> Features:
    """Choose the features that stand in two rows or more."""
    vocabulary = len(corpus.words)
    pairs = _pair_keys(corpus.tokens, vocabulary)[corpus.rows[:-1] == corpus.rows[1:]]
    rows = np.concatenate([corpus.rows, corpus.rows[:-1][corpus.rows[:-1] == corpus.rows[1:]]])
    keys, inverse = np.unique(np.concatenate([corpus.tokens, pairs]), return_inverse=True)
    cells = np.unique(inverse * corpus.height + rows)
    counts = np.bincount(cells // corpus.height, minlength=len(keys))
    least = _ROWS_OF_FEATURE_MIN
    if np.count_nonzero(counts >= least) > _FEATURES_MAX:
        least = int(np.partition(counts, -_FEATURES_MAX)[-_FEATURES_MAX]) + 1
    kept = counts >= least
    weights = np.log((1 + corpus.height) / (1 + counts[kept])) + 1
    return Features(keys[kept], weights.astype(np.float32), vocabulary)


def out_of_fold(corpus: Corpus, labels: Ints, *, groups: Ints, seed: int) -> OutOfFold:
    """Score every row with a model fitted without it and without the other rows of its group."""
    features = features_of(corpus)
    matrix = features.matrix(corpus.tokens, corpus.rows, corpus.height)
    order = np.random.default_rng(seed).permutation(int(groups.max()) + 1)
    folds = (order % FOLDS)[groups]
    wanted = np.zeros((corpus.height, int(labels.max()) + 1), dtype=np.float32)
    wanted[np.arange(corpus.height), labels] = 1
    scores = np.zeros_like(wanted)
    models = []
    for fold in range(FOLDS):
        held_out = folds == fold
        model = _fit(matrix[~held_out], wanted[~held_out])
        scores[held_out] = matrix[held_out] @ model
        models.append(model)
    return OutOfFold(features, folds, tuple(models), scores)


def _fit(matrix: sparse.csr_matrix, wanted: Floats) -> Floats:
    """Minimise |matrix · weights - wanted|² + ridge · |weights|² by conjugate gradients."""
    transposed = matrix.T.tocsr()
    weights = np.zeros((matrix.shape[1], wanted.shape[1]), dtype=np.float32)
    residual: Floats = transposed @ wanted
    direction = residual.copy()
    size = np.square(residual).sum(axis=0)
    for _ in range(_STEPS):
        image = transposed @ (matrix @ direction) + _RIDGE * direction
        step = size / np.maximum((direction * image).sum(axis=0), 1e-20)
        weights += step * direction
        residual -= step * image
        shrunk = np.square(residual).sum(axis=0)
        direction = residual + shrunk / np.maximum(size, 1e-20) * direction
        size = shrunk
    return weights


def _pair_keys(tokens: Ints, vocabulary: int) -> Ints:
    """A key above all words for each token and its right neighbour."""
    return vocabulary + tokens[:-1] * vocabulary + tokens[1:]
