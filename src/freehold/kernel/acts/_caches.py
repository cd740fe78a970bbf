"""What the pipeline remembers and what it holds: things as policies saw them last, and one lock per
resource in use.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from freehold.kernel import Ref
from freehold.kernel.policy import Entity

ENTITIES_CACHED_MAX = 16_384  # about 16 MB; the oldest go first


@dataclass(frozen=True, slots=True)
class Seen:
    """An entity as policies see it, until when at most, and under what it has its rights."""

    entity: Entity
    until: datetime | None = None
    under: tuple[str, ...] = ()


class EntityCache:
    """Entities by id; evicted when an act names their thing, or another of the same id: an estate
    acts as the service that has its id. How long one holds by the clock is its reader's to check.
    """

    def __init__(self) -> None:
        self._entities: OrderedDict[str, dict[tuple[str, Ref], Seen]] = OrderedDict()
        self._lock = threading.Lock()
        self._generation = 0

    def get(self, type_: str, ref: Ref, load: Callable[[], Seen]) -> Seen:
        with self._lock:
            found = self._entities.get(ref.id, {}).get((type_, ref))
            generation = self._generation
        if found is not None:
            return found
        seen = load()
        with self._lock:
            if (
                generation == self._generation
            ):  # else an act was projected meanwhile, and this may be stale
                self._entities.setdefault(ref.id, {})[(type_, ref)] = seen
                if len(self._entities) > ENTITIES_CACHED_MAX:
                    self._entities.popitem(last=False)
        return seen

    def evict(self, refs: Iterable[Ref]) -> None:
        with self._lock:
            self._generation += 1
            for ref in refs:
                self._entities.pop(ref.id, None)

    def clear(self) -> None:
        with self._lock:
            self._generation += 1
            self._entities.clear()


class ResourceLocks:
    """One lock per resource in use, forgotten when nobody holds it."""

    def __init__(self) -> None:
        self._locks: dict[tuple[str, str], tuple[threading.RLock, int]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, ref: Ref) -> Iterator[None]:
        key = (ref.kind, ref.id)
        with self._lock:
            lock, users = self._locks.get(key, (threading.RLock(), 0))
            self._locks[key] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._locks[key]
                if users == 1:
                    del self._locks[key]
                else:
                    self._locks[key] = (lock, users - 1)
