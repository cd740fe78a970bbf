"""Columns: many short values joined into few long texts, and what was found told per column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from freehold.data.detection._context import topics
from freehold.data.detection._kinds import CATEGORIES, Category, Kind, Level
from freehold.data.detection._lettered import fits_label, label_kind
from freehold.data.detection._limits import DetectionLimits
from freehold.data.detection._page import Hit
from freehold.data.detection._rules import RULES_DIGEST
from freehold.data.errors import DataError

BETWEEN = "\x1e"  # RECORD SEPARATOR: no candidate and no window of words crosses it
_WORD = re.compile(r"[A-Z]?[a-zà-ÿß-ž]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True, slots=True)
class KindCount:
    """How often one kind was found at one level.

    `values` counts the values that hold at least one; `whole` those that are one and nothing else.
    """

    kind: Kind
    level: Level
    findings: int
    values: int
    whole: int


@dataclass(frozen=True, slots=True)
class ColumnFindings:
    """What a column holds: counts, never a value. `values` are those that are not missing.

    `rules_digest` tells which rules found it.
    """

    name: str
    values: int
    missing: int
    counts: tuple[KindCount, ...]
    rules_digest: str = RULES_DIGEST

    def share(self, kind: Kind, level: Level | None = None) -> float:
        """The share of values with `kind`; without `level` at the level that has more of them."""
        found = [
            each.values
            for each in self.counts
            if each.kind is kind and (level is None or each.level is level)
        ]
        return max(found, default=0) / self.values if self.values else 0.0

    @property
    def categories(self) -> frozenset[Category]:
        """The categories of all kinds that were found, at either level."""
        return frozenset(CATEGORIES[each.kind] for each in self.counts)


@dataclass(frozen=True, slots=True, repr=False)
class Block:
    """Some values of a column joined: where each starts and ends, in bytes."""

    data: bytes
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def known_topics(name: str, limits: DetectionLimits) -> int:
    """Tell the topics that the name of a column speaks of, as bits of `Topic`."""
    words = " ".join(_WORD.findall(name)).lower().encode()
    return topics(words, len(words), len(words), limits)


def column_blocks(series: pl.Series, limits: DetectionLimits) -> Iterator[Block]:
    """Join the values that are not missing, about `limits.block_chars` at a time.

    Raises:
        DataError: the column holds lists, structs or bytes.
    """
    if series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object):
        raise DataError(
            "data.contract",
            f"column {series.name!r:.80} holds {series.dtype}; expected text, numbers or dates",
            "unnest the column, or decode its bytes first",
        )
    text = series.drop_nulls().cast(pl.String)
    chars = text.str.len_chars().cum_sum().to_numpy()
    first = 0
    while first < len(text):
        base = chars[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(chars, base + limits.block_chars)))
        values = text[first:last]
        ends = np.cumsum(values.str.len_bytes().to_numpy().astype(np.int64) + len(BETWEEN))
        starts = np.concatenate(([0], ends[:-1]))
        yield Block(BETWEEN.join(values.to_list()).encode(), starts, ends - len(BETWEEN))
        first = last


def count(series: pl.Series, blocks: Iterable[tuple[Block, list[Hit]]]) -> ColumnFindings:
    """Count hits by kind and level, and the values that hold them."""
    kinds, levels = tuple(Kind), tuple(Level)
    codes = {(k, v): n for n, (k, v) in enumerate((k, v) for k in kinds for v in levels)}
    findings = np.zeros(len(codes), np.int64)
    values, whole = findings.copy(), findings.copy()
    labelled = label_kind(series.name)
    for block, hits in blocks:
        code = np.array([codes[kind, level] for _, _, kind, level in hits], np.int64)
        starts = np.array([hit[0] for hit in hits], np.int64)
        ends = np.array([hit[1] for hit in hits], np.int64)
        rows = np.searchsorted(block.starts, starts, "right") - 1
        findings += np.bincount(code, minlength=len(codes))
        values += np.bincount(
            np.unique(code * len(block.starts) + rows) // len(block.starts), minlength=len(codes)
        )
        is_whole = (starts == block.starts[rows]) & (ends == block.ends[rows])
        whole += np.bincount(code[is_whole], minlength=len(codes))
        if labelled:
            more = _labelled(block, labelled, rows)
            for each in (findings, values, whole):
                each[codes[labelled, Level.SHAPE]] += more
    missing = series.null_count()
    return ColumnFindings(
        name=series.name,
        values=len(series) - missing,
        missing=missing,
        counts=tuple(
            KindCount(kind, level, int(findings[n]), int(values[n]), int(whole[n]))
            for (kind, level), n in codes.items()
            if findings[n]
        ),
    )


def _labelled(block: Block, kind: Kind, found: npt.NDArray[np.int64]) -> int:
    """Count the values without a finding that the name of their column makes one of `kind`."""
    rest = np.setdiff1d(np.arange(len(block.starts)), found)
    places = zip(block.starts[rest].tolist(), block.ends[rest].tolist(), strict=True)
    return sum(fits_label(kind, block.data[start:end]) for start, end in places)
