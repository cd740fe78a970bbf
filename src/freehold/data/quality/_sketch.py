"""MinHash sketches and the buckets in which similar rows meet.

One pass over the tokens fills a sketch: each token falls into one slot and leaves its rank there if
it is the least (one permutation hashing; Li, Owen and Zhang, 2012). An empty slot borrows from the
first full one of a sequence that is the same for every row (optimal densification; Shrivastava,
2017). Two rows agree in a slot about as often as their sets are similar (Jaccard). Slots are joined
to bands; rows that agree in a whole band share a bucket (locality-sensitive hashing; Leskovec,
Rajaraman and Ullman, Mining of Massive Datasets, 3.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from freehold.data.quality._groups import Rows
from freehold.data.quality._tokens import Tokens, Words

Keys = NDArray[np.uint64]
Truths = NDArray[np.bool_]

SLOTS = 64  # a short text has about 60 shingles; more slots would mostly be borrowed
_SLOT_BITS = 6
_EMPTY = 0xFFFFFFFF  # no rank: ranks have 26 bits
_RECALL_MIN = 0.999  # of pairs just at the threshold, before what borrowing costs
_MARGIN = 0.25  # four times the deviation of an estimate from 64 slots
_PAIRS_AT_A_TIME = 8_192  # 64 slots of two rows each, 1 MiB
_SPREAD = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio


def slots_per_band(threshold: float) -> int:
    """The longest bands by which a pair at `threshold` still meets with probability 0.999."""
    found = 1
    for slots in range(2, SLOTS):
        if 1 - (1 - threshold**slots) ** (SLOTS // slots) >= _RECALL_MIN:
            found = slots
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Sketches:
    """What is kept of each row: 8 bytes a band to meet by, and a byte a slot to compare by.

    `keys` has shape (bands, rows), `bytes` (rows, slots).
    """

    keys: Keys
    bytes: NDArray[np.uint8]

    def may_be_alike(self, pairs: Rows, threshold: float) -> Truths:
        """Tell which pairs agree in enough slots for an exact comparison to be worth its cost."""
        found = np.empty(len(pairs), dtype=np.bool_)
        for start in range(0, len(pairs), _PAIRS_AT_A_TIME):
            left, right = pairs[start : start + _PAIRS_AT_A_TIME].T
            equal = self.bytes.take(left, axis=0) == self.bytes.take(right, axis=0)
            agree = np.count_nonzero(equal, axis=1)
            found[start : start + _PAIRS_AT_A_TIME] = agree >= (threshold - _MARGIN) * SLOTS
        return found


def sketch(tokens: Tokens, sizes: Rows, *, slots: int, chunk_tokens: int, seed: int) -> Sketches:
    """Sketch all rows for bands of `slots`; `sizes` tells about how many tokens each row has."""
    sequence = np.random.default_rng(seed).permuted(
        np.tile(np.arange(SLOTS), (4 * SLOTS, 1)), axis=1
    )
    found = Sketches(
        np.zeros((SLOTS // slots, len(sizes)), dtype=np.uint64),
        np.empty((len(sizes), SLOTS), dtype=np.uint8),
    )
    for start, end in cuts(sizes, chunk_tokens):
        words, counts = tokens(np.arange(start, end))
        ranks = np.full((end - start) * SLOTS, _EMPTY, dtype=np.uint32)
        at = np.repeat(np.arange(0, len(ranks), SLOTS), counts)
        at += words >> np.uint32(32 - _SLOT_BITS)
        np.minimum.at(ranks, at, words & np.uint32((1 << (32 - _SLOT_BITS)) - 1))
        _fill(ranks, sequence)
        by_row = ranks.reshape(-1, SLOTS)
        found.bytes[start:end] = by_row  # the low 8 bits (b-bit minwise hashing; Li, König, 2010)
        columns = np.ascontiguousarray(by_row.T)
        for band, keys in enumerate(found.keys[:, start:end]):
            for column in columns[band * slots : (band + 1) * slots]:
                keys ^= column
                keys *= np.uint64(_SPREAD)
                keys ^= keys >> np.uint64(29)
    return found


def bucket(keys: Keys) -> tuple[Rows, Truths]:
    """The rows that share their key, bucket by bucket, and which of them begins one.

    Rows alone in their bucket are left out; within a bucket they ascend.
    """
    rows = _not_alone(keys)
    rows = rows[np.argsort(keys[rows], kind="stable")]
    ordered = keys[rows]
    begins = np.ones(len(rows), dtype=np.bool_)
    begins[1:] = ordered[1:] != ordered[:-1]
    ends = np.ones(len(rows), dtype=np.bool_)
    ends[:-1] = begins[1:]
    is_shared = ~(begins & ends)
    return rows[is_shared], begins[is_shared]


def cuts(sizes: Rows, size_max: int) -> Iterator[tuple[int, int]]:
    """Cut rows into runs of about `size_max` in sum; a larger row is a run of its own."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = ends[start] - sizes[start]
        end = max(start + 1, int(np.searchsorted(ends, before + size_max, side="right")))
        yield start, end
        start = end


def _not_alone(keys: Keys) -> Rows:
    """The rows whose key may occur twice: most others go before the sort, which costs most."""
    width = max(1, len(keys).bit_length() + 2)
    short = (keys >> np.uint64(64 - width)).astype(np.int64)
    return np.flatnonzero(np.bincount(short, minlength=1 << width)[short] > 1)


def _fill(slots: Words, sequence: NDArray[np.int64]) -> None:
    """Let the empty slots borrow; each row has at least one that is full."""
    empty = np.flatnonzero(slots == _EMPTY)
    turn = 0
    while len(empty):
        row, slot = np.divmod(empty, SLOTS)
        borrowed = slots[row * SLOTS + sequence[turn % len(sequence), slot]]
        slots[empty] = borrowed
        empty = empty[borrowed == _EMPTY]
        turn += 1
