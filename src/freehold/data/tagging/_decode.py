"""The best labels under scores of tokens and of pairs of labels (Viterbi), many texts at once.

Labels are numbered as `labels(kinds)` names them: 0 is outside, odd ones begin a span, even ones go
on with the span of the label before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

IMPOSSIBLE = -1e9  # far below any sum of scores, and far from overflow
_SEQUENCES = 512  # decoded side by side; more only fill up with padding


def forbid_strays(transitions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Forbid that a span goes on which did not begin: `(labels, labels)`, from row to column."""
    allowed = transitions.copy()
    for after in range(2, len(allowed), 2):
        strays = [before for before in range(len(allowed)) if before not in (after - 1, after)]
        allowed[strays, after] = IMPOSSIBLE
    return allowed


def decode(
    scores: NDArray[np.float32], lengths: Sequence[int], transitions: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Label consecutive sequences of `lengths` tokens; `scores` are `(tokens, labels)`.

    Returns one label for each token. `transitions` come from `forbid_strays`.
    """
    found = np.zeros(len(scores), np.int64)
    sizes = np.asarray(lengths, np.int64)
    starts = np.cumsum(sizes) - sizes
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    for first in range(0, len(order), _SEQUENCES):
        chosen = order[first : first + _SEQUENCES]
        _decode_together(
            scores, starts[chosen], sizes[chosen], transitions=transitions, found=found
        )
    return found


def _decode_together(
    scores: NDArray[np.float32],
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    *,
    transitions: NDArray[np.float32],
    found: NDArray[np.int64],
) -> None:
    """Fill in the labels of sequences sorted from long to short."""
    longest, count = int(sizes[0]), len(sizes)
    running = np.searchsorted(-sizes, -np.arange(longest), side="left")  # longer than each step
    best = scores[starts].copy()
    best[:, 2::2] = IMPOSSIBLE
    came_from = np.zeros((longest, count, scores.shape[1]), np.int8)
    for step in range(1, longest):
        alive = int(running[step])
        ways = best[:alive, :, None] + transitions
        came_from[step, :alive] = ways.argmax(1)
        best[:alive] = ways.max(1) + scores[starts[:alive] + step]
    label = best.argmax(1)
    rows = np.arange(count)
    for step in range(longest - 1, -1, -1):
        alive = int(running[step])
        found[starts[:alive] + step] = label[:alive]
        label[:alive] = came_from[step, rows[:alive], label[:alive]]
