"""Rows that are written unlike the rest: another language or script, noise, or far too long.

Each row's surprise is the mean rarity of its runs of three characters among all rows, itself left
out, judged against rows of its length. Length itself is judged on its logarithm. A cluster of
strange rows is seen as long as it is a small share of all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from freehold.data.poisoning._chances import standardised
from freehold.data.poisoning._corpus import Chances

_UNSEEN = 0.5  # what stands for the count of a run that is seen nowhere else


def surprises(texts: Sequence[str]) -> Chances:
    """How strange each row's characters are, in deviations."""
    framed = "".join(f"\n\n{text.lower()}" for text in texts) + "\n\n"
    codes = np.frombuffer(framed.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    sizes = np.array([len(text.lower()) + 2 for text in texts])
    rows = np.repeat(np.arange(len(texts)), sizes)
    wide = codes.astype(np.int64)
    alphabet, small = np.unique(wide, return_inverse=True)
    key = (small[:-2] * len(alphabet) + small[1:-1]) * len(alphabet) + small[2:]
    run, count = np.unique(key, return_inverse=True, return_counts=True)[1:]
    others = np.maximum(count[run] - 1, _UNSEEN)
    rarity = np.log(len(key) / others)[: len(rows)]
    mean = np.bincount(rows, weights=rarity, minlength=len(texts)) / sizes
    return standardised(mean, sizes)


def lengths(texts: Sequence[str]) -> Chances:
    """How far each row's length is from the usual, in deviations to the longer side."""
    return standardised(np.log1p([len(text) for text in texts]))
