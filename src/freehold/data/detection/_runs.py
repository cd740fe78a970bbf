"""Runs of digits in a text, joined where separators of numbers join them: whole arrays at a time.

Numbers are the commonest candidates by far; here they cost a few nanoseconds per byte, and a card
none of its own until it is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freehold.data.detection._checksums import ISSUERS

Places = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
_BYTES = 256
_SINGLE = b" .-/:T()"  # one of them may stand between two digits of one number
_WITH_BRACKET = b" .-/"  # and these before "(" or after ")"
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_DIGITS_MIN = 7  # the shortest phones
_SHORT_DIGITS_MIN = 4  # in three or more parts: 4.5.99, 1.2.3.4, 61 51 81
_CARDS_MIN = 8  # fewer are read faster one by one


@dataclass(frozen=True, slots=True, repr=False)
class Runs:
    """Where numbers may be: `cards` are right by issuer and checksum, `others` are to be read."""

    cards: list[tuple[int, int]]
    others: list[tuple[int, int]]


class RunFinder:
    """Finds runs; holds the tables that it looks bytes up in."""

    def __init__(self) -> None:
        self._single = _table(_SINGLE)
        self._bracket = _table(_WITH_BRACKET)
        self._letter = _table(_LETTERS)
        self._doubled = np.array((0, 2, 4, 6, 8, 1, 3, 5, 7, 9), np.uint8)  # as Luhn counts
        self._lengths = np.zeros(10_000, np.uint32)
        for low, high, lengths in ISSUERS:
            self._lengths[low : high + 1] |= sum(1 << each for each in lengths)

    def find(self, data: bytes) -> Runs:
        """Find all that has digits enough to be a number of somebody."""
        text = np.frombuffer(b" " + data + b"  ", np.uint8)  # every place has neighbours
        is_digit = (text - 48) < 10
        edges = (is_digit[1:] != is_digit[:-1]).nonzero()[0] + 1
        starts, ends = edges[0::2], edges[1::2]
        if not len(starts):
            return Runs([], [])
        is_head = self._heads(text, starts, ends)
        heads = is_head.nonzero()[0]
        parts = np.diff(heads, append=len(starts))
        digits = np.add.reduceat(ends - starts, heads)
        is_kept = digits >= _DIGITS_MIN
        is_kept |= (digits >= _SHORT_DIGITS_MIN) & (parts >= 3) & (parts <= 5)
        kept = is_kept.nonzero()[0]
        if not len(kept):
            return Runs([], [])
        heads, parts, digits = heads[kept], parts[kept], digits[kept]
        first, last = starts[heads], ends[heads + parts - 1]
        plain = ((parts == 1) & (digits >= 12) & (digits <= 19)).nonzero()[0]
        is_card = self._cards(text, first, last, plain)
        first = first - (text[first - 1] == 40)  # "("
        first -= text[first - 1] == 43  # "+"
        places = list(zip((first - 1).tolist(), (last - 1).tolist(), strict=True))
        cards = [places[n] for n in is_card.nonzero()[0].tolist()]
        others = [places[n] for n in (~is_card).nonzero()[0].tolist()] if cards else places
        return Runs(cards, others)

    def _heads(self, text: Bytes, starts: Places, ends: Places) -> Flags:
        """Tell which runs of digits begin a number, and which go on with the one before."""
        is_head = np.ones(len(starts), np.bool_)
        gap = starts[1:] - ends[:-1]
        near = (gap <= 2).nonzero()[0]
        if len(near):
            at = ends[near]
            one, two = text[at], text[at + 1]
            is_pair = ((one == 41) & self._bracket[two]) | ((two == 40) & self._bracket[one])
            is_head[near + 1] = ~np.where(gap[near] == 1, self._single[one], is_pair)
        return is_head

    def _cards(self, text: Bytes, first: Places, last: Places, plain: Places) -> Flags:
        is_card = np.zeros(len(first), np.bool_)
        if len(plain) < _CARDS_MIN:
            return is_card
        alone = ~(self._letter[text[first[plain] - 1]] | self._letter[text[last[plain]]])
        plain = plain[alone]
        sizes = last[plain] - first[plain]
        for size in set(sizes.tolist()):
            these = plain[sizes == size]
            digits = text[first[these, None] + np.arange(size)] - 48
            if size == 15:  # a French NIR, perhaps; read one by one
                is_other = (digits[:, 0] == 1) | (digits[:, 0] == 2)
                these, digits = these[~is_other], digits[~is_other]
            issuer = digits[:, :4].astype(np.int64) @ (1000, 100, 10, 1)
            single, doubled = digits[:, size - 1 :: -2], digits[:, size - 2 :: -2]
            total = single.sum(1) + self._doubled[doubled].sum(1)
            is_issued = (self._lengths[issuer] >> size & 1).astype(np.bool_)
            is_card[these] = is_issued & (total % 10 == 0)
        return is_card


def _table(members: bytes) -> npt.NDArray[np.bool_]:
    table = np.zeros(_BYTES, np.bool_)
    table[list(members)] = True
    return table
