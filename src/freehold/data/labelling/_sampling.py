"""Which rows to label, and by whom, the same way for ever.

Each row gets a key that only the seed and its identity decide, so that neither the order of the
rows nor any library changes the choice, and a larger sample contains the smaller one:

    key of a row = SHA-256("freehold/labelling/v1" ‖ 0x00 ‖ seed ‖ row)

The seed is 8 bytes, big-endian, and the row is UTF-8.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Hashable, Iterator, Sequence
from itertools import cycle, islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_DOMAIN = b"freehold/labelling/v1\0"
_SEED_MAX = 2**64 - 1
_SUM_TOLERANCE = 1e-6  # what single-precision probabilities of some hundred classes miss of 1

Measure = Literal["least_confident", "margin", "entropy"]


def sample_rows(rows: Sequence[str], count: int, *, seed: int) -> tuple[str, ...]:
    """Take `count` rows by chance, or all where there are fewer, in an order of chance.

    Raises:
        ValueError: a negative count, a seed that is no unsigned 64-bit integer, or a row twice.
    """
    return tuple(_shuffled(rows, seed)[: _checked(count)])


def sample_stratified(
    rows: Sequence[str],
    strata: Sequence[Hashable],
    count: int,
    *,
    seed: int,
    is_equal: bool = False,
) -> tuple[str, ...]:
    """Take `count` rows by chance, each stratum in proportion to its size.

    Shares are rounded by the largest remainder. With `is_equal` each stratum gives as many as the
    others while it has any, which shows rare ones.

    Raises:
        ValueError: strata of another length, or as `sample_rows`.
    """
    if len(strata) != len(rows):
        raise ValueError(f"{len(strata)} strata for {len(rows)} rows")
    stratum_of = dict(zip(rows, strata, strict=True))
    order = _shuffled(rows, seed)
    members: dict[Hashable, list[str]] = {}
    for row in order:
        members.setdefault(stratum_of[row], []).append(row)
    wanted = min(_checked(count), len(order))
    sizes = [len(each) for each in members.values()]
    takes = _equal(sizes, wanted) if is_equal else _proportional(sizes, wanted)
    chosen = {
        row for group, take in zip(members.values(), takes, strict=True) for row in group[:take]
    }
    return tuple(row for row in order if row in chosen)


def sample_uncertain(
    rows: Sequence[str],
    probabilities: NDArray[np.floating],
    count: int,
    *,
    seed: int,
    measure: Measure = "margin",
) -> tuple[str, ...]:
    """Take the `count` rows of which a model is least sure, the least sure first.

    By the lowest probability of the likeliest label, the smallest margin between the two likeliest,
    or the highest entropy (Settles 2009, *Active Learning Literature Survey*, 3.1). The seed
    decides between rows that are as uncertain.

    Args:
        rows: identities, as many as `probabilities` has rows.
        probabilities: rows x labels, at least two labels; each row sums to 1.

    Raises:
        ValueError: shapes that do not fit, values that are no probabilities, or as `sample_rows`.
    """
    chances = np.asarray(probabilities, dtype=np.float64)
    if chances.ndim != 2 or len(chances) != len(rows) or chances.shape[1] < 2:
        raise ValueError(f"{len(rows)} rows, probabilities {chances.shape}; expected rows x labels")
    is_chance = np.isfinite(chances).all() and (chances >= 0).all()
    if not is_chance or (np.abs(chances.sum(axis=1) - 1) > _SUM_TOLERANCE).any():
        raise ValueError("expected probabilities that sum to 1 in each row")
    ranked = np.sort(chances, axis=1)
    match measure:
        case "least_confident":
            sureness = ranked[:, -1]
        case "margin":
            sureness = ranked[:, -1] - ranked[:, -2]
        case "entropy":
            sureness = (chances * np.log(np.where(chances > 0, chances, 1))).sum(axis=1)
        case _:
            raise ValueError(f"expected least_confident, margin or entropy, got {measure!r}")
    sure_of = dict(zip(rows, sureness.tolist(), strict=True))
    order = sorted(_shuffled(rows, seed), key=sure_of.__getitem__)  # stable: ties stay shuffled
    return tuple(order[: _checked(count)])


def assign_rows(
    rows: Sequence[str], annotators: Sequence[str], *, seed: int, double_share: float = 0.0
) -> dict[str, tuple[str, ...]]:
    """Share rows out, each to one annotator, and a share of them to two, to measure agreement.

    The share `double_share`, rounded, goes to pairs of annotators, all pairs in turn; the others go
    to whoever has the fewest. Each gets their rows in an order of chance, so that nobody knows
    which are labelled twice.

    Raises:
        ValueError: no annotator or one twice, a share outside 0 to 1, a share above 0 for one
            annotator alone, or as `sample_rows`.
    """
    if not annotators or len(set(annotators)) < len(annotators):
        raise ValueError("expected at least one annotator, and each once")
    if not 0 <= double_share <= 1 or (double_share and len(annotators) < 2):
        raise ValueError(f"expected a share from 0 to 1, and 0 for one, got {double_share}")
    order = _shuffled(rows, seed)
    doubles = int(len(order) * double_share + 0.5)
    given: list[list[str]] = [[] for _ in annotators]
    pairs = islice(cycle(_pairs(len(annotators))), doubles)
    for row, pair in zip(order, pairs, strict=False):
        for one in pair:
            given[one].append(row)
    loads = [(len(each), n) for n, each in enumerate(given)]
    heapq.heapify(loads)
    for row in order[doubles:]:
        load, fewest = loads[0]
        given[fewest].append(row)
        heapq.heapreplace(loads, (load + 1, fewest))
    return {
        annotator: tuple(_shuffled(mine, seed, annotator))
        for annotator, mine in zip(annotators, given, strict=True)
    }


def _shuffled(rows: Sequence[str], seed: int, purpose: str = "") -> list[str]:
    """The rows in the order of their keys."""
    if not 0 <= seed <= _SEED_MAX:
        raise ValueError(f"a seed is an unsigned 64-bit integer, got {seed}")
    if len(set(rows)) < len(rows):
        raise ValueError("a row stands twice among those to choose from")
    state = hashlib.sha256(_DOMAIN + seed.to_bytes(8))
    if purpose:
        state.update(hashlib.sha256(purpose.encode()).digest())

    def key(row: str) -> bytes:
        each = state.copy()
        each.update(row.encode())
        return each.digest()

    return sorted(rows, key=key)


def _proportional(sizes: Sequence[int], wanted: int) -> list[int]:
    """Share `wanted` out by size, by the largest remainder; of equal ones the first."""
    total = max(1, sum(sizes))
    takes, remainders = [], []
    for size in sizes:
        take, remainder = divmod(wanted * size, total)
        takes.append(take)
        remainders.append(remainder)
    by_remainder = sorted(range(len(sizes)), key=lambda n: -remainders[n])
    for n in by_remainder[: wanted - sum(takes)]:
        takes[n] += 1
    return takes


def _equal(sizes: Sequence[int], wanted: int) -> list[int]:
    """Share `wanted` out one by one in turns, while a stratum has any left."""
    takes = [0] * len(sizes)
    while wanted:
        for n, size in enumerate(sizes):
            if wanted and takes[n] < size:
                takes[n] += 1
                wanted -= 1
    return takes


def _pairs(count: int) -> Iterator[tuple[int, int]]:
    """Every pair below `count` once, in rounds in which each one plays at most once."""
    seats: list[int | None] = [*range(count), *([None] if count % 2 else [])]
    for _ in range(len(seats) - 1):
        half = len(seats) // 2
        for one, other in zip(seats[:half], reversed(seats[half:]), strict=True):
            if one is not None and other is not None:
                yield one, other
        seats.insert(1, seats.pop())


def _checked(count: int) -> int:
    if count < 0:
        raise ValueError(f"a count of rows is not negative, got {count}")
    return count
