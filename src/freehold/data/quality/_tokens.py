"""Texts and rows as sets of 32-bit tokens: what two of them share is their similarity.

A text is the set of its runs of some characters (shingles), after case and white space are evened
out. A row is the set of its cells, each with its column. A token is a hash, so two that differ are
taken for one once in 4 billion.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.data.quality._groups import Rows

Words = NDArray[np.uint32]
Tokens = Callable[[Rows], tuple[Words, Rows]]
"""The tokens of the rows asked for, one row after another with repeats, and how many each has."""

_MULTIPLIER = 0x9E3779B1  # 2^32 over the golden ratio, odd: keeps neighbouring code points apart
_SEED_MAX = 2**32 - 1


def check_seed(seed: int) -> None:
    """Raise `ValueError` for a seed that is no unsigned 32-bit integer."""
    if not 0 <= seed <= _SEED_MAX:
        raise ValueError(f"a seed is an unsigned 32-bit integer, got {seed}")


def even_out(texts: pl.Series) -> pl.Series:
    """Lower case, one space for each run of white space, none at the ends; empty is missing."""
    evened = texts.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars(" ")
    return evened.set(evened == "", None)


def shingles(texts: pl.Series, *, characters: int, seed: int) -> Tokens:
    """Tokens of texts, none missing: each run of `characters`; a shorter text is one run."""
    padded = texts.str.pad_end(characters)  # evened texts end in no space

    def tokens(rows: Rows) -> tuple[Words, Rows]:
        asked = padded.gather(rows)
        lengths = asked.str.len_chars().to_numpy().astype(np.int64)
        points = np.frombuffer(asked.str.join("").item().encode("utf-32-le"), dtype=np.uint32)
        windows = _windows(points, characters, seed)
        starts = np.ones(len(points), dtype=np.bool_)
        ends = np.cumsum(lengths)
        for back in range(1, characters):
            starts[ends - back] = False
        return windows[starts[: len(windows)]], lengths - (characters - 1)

    return tokens


def cells(table: pl.DataFrame, *, seed: int) -> Tokens:
    """Tokens of rows: each cell with its column, a missing one too."""
    hashed = [column.hash(seed + number) for number, column in enumerate(table.get_columns())]
    matrix = np.stack([_fold(each.to_numpy()) for each in hashed], axis=1)

    def tokens(rows: Rows) -> tuple[Words, Rows]:
        return matrix[rows].ravel(), np.full(len(rows), matrix.shape[1], dtype=np.int64)

    return tokens


def distinct(words: Words, counts: Rows) -> tuple[Words, Rows]:
    """Each row's tokens once, in ascending order."""
    keys = np.repeat(np.arange(len(counts), dtype=np.uint64), counts) << np.uint64(32)
    keys |= words
    keys.sort()
    keys = keys[np.r_[True, keys[1:] != keys[:-1]]]
    rows = (keys >> np.uint64(32)).astype(np.int64)
    return keys.astype(np.uint32), np.bincount(rows, minlength=len(counts))


def _windows(points: Words, characters: int, seed: int) -> Words:
    """A polynomial in the code points of each window, modulo 2^32, then mixed."""
    count = len(points) - characters + 1
    hashes = points[:count] + np.uint32(seed)
    for offset in range(1, characters):
        hashes *= np.uint32(_MULTIPLIER)
        hashes += points[offset : offset + count]
    return _mix(hashes)


def _mix(hashes: Words) -> Words:
    """The finaliser of MurmurHash3 (Appleby, public domain), which spreads each bit over all."""
    hashes ^= hashes >> np.uint32(16)
    hashes *= np.uint32(0x85EBCA6B)
    hashes ^= hashes >> np.uint32(13)
    hashes *= np.uint32(0xC2B2AE35)
    hashes ^= hashes >> np.uint32(16)
    return hashes


def _fold(hashes: NDArray[np.uint64]) -> Words:
    return _mix((hashes ^ (hashes >> np.uint64(32))).astype(np.uint32))
