"""Detection of structured personal, payment, health and secret data: a few passes of fast code over
all bytes find candidates, then Python checks each candidate once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from types import MappingProxyType

import numpy as np
import polars as pl

from freehold.data.detection._candidates import TRIGGER, compile_candidates
from freehold.data.detection._columns import (
    BETWEEN,
    ColumnFindings,
    column_blocks,
    count,
    known_topics,
)
from freehold.data.detection._context import words_only
from freehold.data.detection._dates import read_month
from freehold.data.detection._kinds import Finding, Kind, Level
from freehold.data.detection._lettered import (
    read_iban,
    read_id,
    read_labelled,
    read_machine,
    read_wallet,
)
from freehold.data.detection._limits import DEFAULT_DETECTION_LIMITS, DetectionLimits
from freehold.data.detection._numbers import believed, read_number
from freehold.data.detection._page import Hit, Page
from freehold.data.detection._runs import RunFinder
from freehold.data.detection._secrets import read_assigned, read_token
from freehold.data.detection._web import domains, emails, urls

_START = itemgetter(0)
_READERS: Mapping[str, Callable[[Page, int], Hit | None]] = MappingProxyType(
    {
        "token": read_token,
        "wallet": read_wallet,
        "assigned": read_assigned,
        "labelled": read_labelled,
        "machine": read_machine,
        "iban": read_iban,
        "id": read_id,
        "month": read_month,
    }
)
# What a URL often holds and is no finding of its own there.
_PARTS_OF_URLS = frozenset({Kind.DATE, Kind.BIRTH_DATE, Kind.IP_ADDRESS, Kind.PHONE, Kind.EMAIL})


class Detector:
    """Finds what `Kind` lists. Compiled once, it may be used by many threads.

    detector = Detector()
    for finding in detector.scan("call me at 541-714-1388"):
        finding.kind, finding.level, finding.category
    """

    def __init__(self, *, limits: DetectionLimits = DEFAULT_DETECTION_LIMITS) -> None:
        self._limits = limits
        self._candidates = compile_candidates(limits)
        self._runs = RunFinder()

    def scan(self, text: str) -> list[Finding]:
        """Find all in one text, by their start.

        Findings do not overlap, but for a URL, which may hold a card, an id or a secret. Words near
        a hit count up to the ends of its line.
        """
        return self._scan_joined([text])[0]

    def scan_many(self, texts: Iterable[str]) -> Iterator[list[Finding]]:
        """Find all in each text, as `scan` does; many times faster where the texts are short."""
        batch: list[str] = []
        size = 0
        for text in texts:
            batch.append(text)
            size += len(text)
            if size >= self._limits.block_chars:
                yield from self._scan_joined(batch)
                batch, size = [], 0
        if batch:
            yield from self._scan_joined(batch)

    def scan_column(self, series: pl.Series) -> ColumnFindings:
        """Count what the values of a column hold; the column's name counts as a word near each.

        Raises:
            DataError: `data.contract`, where the column holds lists, structs or bytes.
        """
        known = known_topics(series.name, self._limits)
        blocks = (
            (block, self._hits(block.data, known)) for block in column_blocks(series, self._limits)
        )
        return count(series, blocks)

    def _scan_joined(self, texts: list[str]) -> list[list[Finding]]:
        joined = BETWEEN.join(texts)
        data = joined.encode("utf-8", "replace")
        hits = self._hits(data, known=0)
        if len(data) != len(joined):
            hits = _in_characters(data, hits)
        found: list[list[Finding]] = [[] for _ in texts]
        base, last, row = 0, len(texts[0]), 0
        for start, end, kind, level in hits:
            while start >= last:
                base = last + len(BETWEEN)
                row += 1
                last = base + len(texts[row])
            found[row].append(Finding(kind, start - base, end - base, level))
        return found

    def _hits(self, data: bytes, known: int) -> list[Hit]:
        page = Page(data, words_only(data), self._limits, known)
        hits: list[Hit] = [*emails(page), *urls(page), *domains(page)]
        reach = 0
        for found in self._candidates.finditer(data):
            start = found.start()
            if start < reach:
                continue
            hit = _read(page, start)
            if hit:
                hits.append(hit)
                reach = hit[1]
        runs = self._runs.find(data)
        hits += [(s, e, Kind.PAYMENT_CARD, believed(page, s, e)) for s, e in runs.cards]
        for start, end in runs.others:
            hits += read_number(page, start, end)
        hits.sort(key=_START)  # stable: of two that start together, the one with letters wins
        return _without_overlaps(hits)


def _read(page: Page, start: int) -> Hit | None:
    trigger = TRIGGER.match(page.data, start)
    if trigger is None or trigger.lastgroup is None:
        return None
    return _READERS[trigger.lastgroup](page, start)


def _without_overlaps(hits: list[Hit]) -> list[Hit]:
    kept: list[Hit] = []
    reach, holder = 0, None
    for hit in hits:
        start, end, kind, level = hit
        if start >= reach:
            kept.append(hit)
            reach, holder = end, kind
        elif (
            holder is Kind.URL
            and end <= reach
            and level is Level.VALID
            and kind not in _PARTS_OF_URLS
        ):
            kept.append(hit)
    return kept


def _in_characters(data: bytes, hits: list[Hit]) -> list[Hit]:
    """Tell the places of hits in characters, where they were in bytes of UTF-8."""
    continued = (np.frombuffer(data, np.int8) < -64).nonzero()[0]  # 0x80 to 0xBF
    places = np.array([hit[:2] for hit in hits], np.int64).reshape(-1, 2)
    told = (places - np.searchsorted(continued, places)).tolist()
    return [
        (start, end, kind, level)
        for (_, _, kind, level), (start, end) in zip(hits, told, strict=True)
    ]
