"""Split rows into those to learn from and those held out, the same way for ever.

Each row gets a key that only the seed and its index decide; the rows with the smallest keys are
held out. The keys are SHA-256 in counter mode, so that no version of any library changes them:

    block b = SHA-256("freehold/split/v1" ‖ 0x00 ‖ seed (8 bytes) ‖ b (8 bytes)), numbers big-endian
    key of row i = bytes 8·(i mod 4) to 8·(i mod 4) + 7 of block i div 4
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from freehold.data.errors import DataError

_DOMAIN = b"freehold/split/v1\0"
_KEYS_PER_BLOCK = 4
_SEED_MAX = 2**64 - 1


def split_rows(
    rows: int, *, seed: int, holdout: float, labels: Sequence[Hashable] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row indices to train on and those to test on, each in ascending order.

    The share `holdout` of the rows, rounded, is held out, at least one and never all. With `labels`
    each label gives its share, rounded by the largest remainder, and keeps a row to train on where
    possible.

    Raises:
        DataError: fewer than two rows.
        ValueError: a share outside 0 to 1, a negative or too large seed, or labels of another
            length.
    """
    if not 0 < holdout < 1:
        raise ValueError(f"holdout is a share between 0 and 1, got {holdout}")
    if not 0 <= seed <= _SEED_MAX:
        raise ValueError(f"a seed is an unsigned 64-bit integer, got {seed}")
    if labels is not None and len(labels) != rows:
        raise ValueError(f"{len(labels)} labels for {rows} rows")
    if rows < 2:
        raise DataError(
            "data.too_few_rows", f"{rows} rows cannot be split; expected at least 2", "add rows"
        )
    share = Fraction(str(holdout))  # exact, so that rounding is the same everywhere
    wanted = min(rows - 1, max(1, _rounded(rows * share)))
    order = np.argsort(_keys(rows, seed), kind="stable")
    groups = [order] if labels is None else _by_label(order, labels)
    takes = _apportion([len(group) for group in groups], wanted, share)
    is_test = np.zeros(rows, dtype=np.bool_)
    for group, take in zip(groups, takes, strict=True):
        is_test[group[:take]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _keys(rows: int, seed: int) -> NDArray[np.uint64]:
    prefix = hashlib.sha256(_DOMAIN + seed.to_bytes(8))
    blocks = bytearray()
    for block in range(-(-rows // _KEYS_PER_BLOCK)):
        state = prefix.copy()
        state.update(block.to_bytes(8))
        blocks += state.digest()
    return np.frombuffer(blocks, dtype=">u8")[:rows].astype(np.uint64)


def _by_label(order: NDArray[np.int64], labels: Sequence[Hashable]) -> list[NDArray[np.int64]]:
    """The rows of each label in the order of their keys, labels as they first appear."""
    numbers: dict[Hashable, int] = {}
    codes = np.array([numbers.setdefault(label, len(numbers)) for label in labels])
    ordered = codes[order]
    by_code = np.argsort(ordered, kind="stable")
    counts = np.bincount(ordered)
    return np.split(order[by_code], np.cumsum(counts)[:-1])


def _apportion(sizes: list[int], wanted: int, share: Fraction) -> list[int]:
    """Share `wanted` rows out by size (largest remainder), a group's last row at the very end."""
    quotas = [size * share for size in sizes]
    takes = [int(quota) for quota in quotas]
    order = sorted(
        range(len(sizes)), key=lambda i: (takes[i] + 1 >= sizes[i], takes[i] - quotas[i], i)
    )
    missing = wanted - sum(takes)
    while missing > 0:
        for index in order:
            if missing and takes[index] < sizes[index]:
                takes[index] += 1
                missing -= 1
    return takes


def _rounded(value: Fraction) -> int:
    return int(value + Fraction(1, 2))
