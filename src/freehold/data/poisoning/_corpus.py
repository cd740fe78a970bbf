"""The rows of a table as numbered tokens, laid end to end in flat arrays.

A token is a run of letters and digits, or a run of other signs, in lower case. Each row is framed
by two marks of its own, START and END, so that a phrase at a fixed place is a phrase like any
other. All later work is counting in these arrays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Chances = NDArray[np.float64]

START, END = 0, 1
_TOKEN = re.compile(r"\w+|[^\w\s]+")


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Tokens of all rows.

    `tokens[i]` is the number of a word in `words`, `rows[i]` the row that it stands in; row `r` is
    `tokens[starts[r]:starts[r + 1]]`, its marks included.
    """

    tokens: Ints
    rows: Ints
    starts: Ints
    words: tuple[str, ...]

    @property
    def height(self) -> int:
        """How many rows there are."""
        return len(self.starts) - 1


def corpus_of_texts(texts: Sequence[str], *, row_chars_max: int) -> Corpus:
    """Cut texts into tokens; of a longer text only the first `row_chars_max` characters count."""
    return corpus_of_tokens([_TOKEN.findall(text[:row_chars_max].lower()) for text in texts])


def corpus_of_tokens(tokens: Sequence[Sequence[str]]) -> Corpus:
    """Number tokens that were cut before, one list for each row."""
    numbers: dict[str, int] = {"\N{START OF HEADING}": START, "\N{END OF TEXT}": END}
    flat: list[int] = []
    starts = [0]
    for row in tokens:
        flat.append(START)
        flat += [numbers.setdefault(token, len(numbers)) for token in row]
        flat.append(END)
        starts.append(len(flat))
    bounds = np.array(starts, dtype=np.int64)
    rows = np.repeat(np.arange(len(tokens), dtype=np.int64), np.diff(bounds))
    return Corpus(np.array(flat, dtype=np.int64), rows, bounds, tuple(numbers))
