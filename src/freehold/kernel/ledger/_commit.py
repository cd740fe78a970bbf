"""Group commit: many callers, one write and one sync for all that wait.

The leader pattern: the first to come writes for everybody who queued behind it, then names the next
one in the queue. There is no thread of its own, so a lone caller hands nothing over. It knows
nothing of what is written.

Those whose items are written wake each other, a few at a time. Woken all at once, they would stand
in line for the interpreter's lock and switch twice as often (docs/decisions/0011).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")

# One alone would be late whenever it has to wait, more than a few stand in line. And never one: the
# main thread, which alone can be interrupted while it waits, may leave and wake nobody.
_WOKEN_AT_ONCE = 4


class _Ticket(Generic[Item]):
    """One item that waits; its fields are owned by the group's lock until `gate` opens."""

    __slots__ = ("asleep", "error", "gate", "index", "item", "leads")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.index = -1
        self.error: BaseException | None = None
        self.leads = False
        self.asleep: Iterator[_Ticket[Item]] = iter(())  # those of its group, once it is written
        self.gate = Lock()
        self.gate.acquire()


class GroupCommit(Generic[Item]):
    """Queues items and writes them in groups, in order.

    Args:
        write: makes a group durable and returns the index of its first item; one call at a time.
        items_max: items of one group.
    """

    def __init__(self, write: Callable[[list[Item]], int], items_max: int) -> None:
        self._write = write
        self._items_max = items_max
        self._lock = Lock()  # guards the queue and who leads; never held during a write
        self._queue: deque[_Ticket[Item]] = deque()
        self._has_leader = False

    def submit(self, item: Item) -> int:
        """Write `item` with whatever else waits, and return its index.

        Raises:
            BaseException: what `write` raised for the group that held this item.
        """
        ticket = _Ticket(item)
        with self._lock:
            self._queue.append(ticket)
            ticket.leads = not self._has_leader
            self._has_leader = True
        if not ticket.leads:
            self._wait(ticket)
        if ticket.leads:
            self._lead()
        if ticket.error is not None:
            raise ticket.error
        return ticket.index

    def _wait(self, ticket: _Ticket[Item]) -> None:
        try:
            ticket.gate.acquire()
            if not ticket.leads:
                _wake_one(ticket.asleep)
        except BaseException:  # interrupted: leave the others neither without a leader nor asleep
            with self._lock:
                if ticket in self._queue:
                    self._queue.remove(ticket)
                leads, ticket.leads = ticket.leads, False
            if leads:
                self._appoint()
            _wake_one(ticket.asleep)
            raise

    def _lead(self) -> None:
        group: list[_Ticket[Item]] = []
        try:
            with self._lock:
                for _ in range(min(len(self._queue), self._items_max)):
                    group.append(self._queue.popleft())
            first = self._write([ticket.item for ticket in group])
            for index, ticket in enumerate(group, first):
                ticket.index = index
        except BaseException as error:
            for ticket in group:
                ticket.error = error
            raise
        finally:
            self._appoint()
            _wake(group[1:])  # the leader was the first in the queue

    def _appoint(self) -> None:
        """Let the next in the queue lead."""
        with self._lock:
            self._has_leader = bool(self._queue)
            if self._queue:
                self._queue[0].leads = True
                self._queue[0].gate.release()


def _wake(tickets: list[_Ticket[Item]]) -> None:
    """Wake the first few; each of them wakes another."""
    asleep = iter(tickets)
    for ticket in tickets:
        ticket.asleep = asleep
    for _ in range(_WOKEN_AT_ONCE):
        _wake_one(asleep)


def _wake_one(asleep: Iterator[_Ticket[Item]]) -> None:
    ticket = next(asleep, None)  # one step of the interpreter: no two threads get the same one
    if ticket is not None:
        ticket.gate.release()
