"""Refusals of callers whom nobody knows: counted, and recorded as totals, so that nobody can fill
the ledger from outside.
"""

from __future__ import annotations

import threading
import time

from freehold.kernel import Ref
from freehold.kernel.acts import Actor, Pipeline
from freehold.parties._acts import RefuseUnknown

INTERVAL_SECONDS = 60.0  # at most one record in this time


class Refusals:
    """The running total."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._lock = threading.Lock()  # guards the two below
        self._count = 0
        self._recorded_at: float | None = None

    def count(self) -> None:
        """Count one refusal; record the total when the interval is over."""
        with self._lock:
            self._count += 1
            if not self._is_due():
                return
            total = self._take()
        self._record(total)

    def record(self) -> None:
        """Record what was counted since the last record, if anything was."""
        with self._lock:
            total = self._take()
        self._record(total)

    def _is_due(self) -> bool:
        last = self._recorded_at
        return last is None or time.monotonic() - last >= INTERVAL_SECONDS

    def _take(self) -> int:
        """Begin another interval; whoever calls holds the lock."""
        total, self._count = self._count, 0
        self._recorded_at = time.monotonic()
        return total

    def _record(self, total: int) -> None:
        if total:
            estate = self._pipeline.circumstances.estate
            actor = Actor(Ref("service", estate.id))
            with self._pipeline.perform(actor, RefuseUnknown(count=total), on=estate) as act:
                act.conclude()
