"""Turn scores into chances, without knowing which rows are poisoned.

Location and scale come from the middle of the rows, the median and the 84th percentile, which a few
per cent of poison hardly move. What sums many small things has a normal tail; rare characters and
lengths have a heavier one, which a two-sided exponential (Laplace's) distribution bounds.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from freehold.data.poisoning._corpus import Chances, Ints

_UPPER = 0.8413  # the share of a normal distribution below one standard deviation
_CLASSES = 5
_SMALLEST = 1e-9  # a scale of nothing: all rows are alike


def standardised(values: Chances, sizes: Ints | None = None) -> Chances:
    """Values in deviations above the median.

    With `sizes` the medians are those of five classes of rows of similar size: short texts are
    alike more often than long ones.
    """
    centred = values.astype(np.float64)
    if sizes is not None:
        classes = np.searchsorted(
            np.quantile(sizes, np.arange(1, _CLASSES) / _CLASSES), sizes, side="right"
        )
        for one in np.unique(classes):
            centred[classes == one] -= np.median(centred[classes == one])
    middle, upper = np.quantile(centred, [0.5, _UPPER])
    return np.asarray((centred - middle) / max(float(upper - middle), _SMALLEST))


def tail(deviations: Chances) -> Chances:
    """The share of a normal distribution above each of these."""
    return np.asarray(norm.sf(deviations))


def heavy_tail(deviations: Chances) -> Chances:
    """The share of Laplace's distribution, with the same 84th percentile, above each of these."""
    rate = np.log(0.5 / (1 - _UPPER))
    return np.asarray(0.5 * np.exp(-rate * np.maximum(deviations, 0)))
