"""How sure a coefficient is: a bootstrap over the rows.

The percentile interval of Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, 13: rows
are drawn with replacement, as many as there are, and the coefficient is computed from each drawing
as if it were the data. It says how the figure would move with other rows, not with other
annotators. The drawings come from the raw stream of NumPy's PCG64, which no version changes
(NEP 19).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from freehold.data.labelling._ratings import Ratings

_RESAMPLES_MIN = 100  # fewer tell nothing about the tails


@dataclass(frozen=True, slots=True)
class Interval:
    """A coefficient and where it would lie at `level` (0 to 1) with other rows.

    `undefined` of the `resamples` had no coefficient and are left out; where all had none, or the
    data itself has none, the bounds are NaN.
    """

    value: float
    low: float
    high: float
    level: float
    resamples: int
    undefined: int


def confidence_interval(
    ratings: Ratings,
    coefficient: Callable[[Ratings], float],
    *,
    seed: int,
    resamples: int = 1_000,
    level: float = 0.95,
) -> Interval:
    """Draw the rows with two or more ratings anew and say where the coefficient lies.

        confidence_interval(ratings, krippendorff_alpha, seed=1)
        confidence_interval(ratings, lambda r: cohen_kappa(r, "user:1", "user:2"), seed=1)

    Raises:
        ValueError: a level outside 0 to 1, too few resamples, or a negative seed.
    """
    if not 0 < level < 1 or resamples < _RESAMPLES_MIN or seed < 0:
        raise ValueError(
            f"expected a level between 0 and 1, at least {_RESAMPLES_MIN} resamples and no "
            f"negative seed, got {level}, {resamples} and {seed}"
        )
    shared = ratings.shared()
    value, rows = coefficient(shared), len(shared.rows)
    if math.isnan(value):
        return Interval(value, math.nan, math.nan, level, resamples, resamples)
    stream = np.random.PCG64(seed)
    drawn = []
    for _ in range(resamples):
        chosen = np.asarray(stream.random_raw(rows)) % rows  # bias below 2^-40 for any table
        weights = np.bincount(chosen.astype(np.int64), minlength=rows).astype(np.float64)
        drawn.append(coefficient(replace(shared, weights=weights)))
    defined = [each for each in drawn if not math.isnan(each)]
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail]) if defined else (math.nan, math.nan)
    return Interval(value, float(low), float(high), level, resamples, resamples - len(defined))
