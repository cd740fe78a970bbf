"""Group commit: many callers, one write and one sync for all that wait.

The leader pattern: the first to come writes for everybody who queued behind it, then names the next
one in the queue. There is no thread of its own, so a lone caller hands nothing over. It knows
nothing of what is written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock


class _Ticket:
    """One record that waits; its fields are owned by the group's lock until `gate` opens."""

    __slots__ = ("entry", "error", "gate", "index", "leads")

    def __init__(self, entry: bytes) -> None:
        self.entry = entry
        self.index = -1
        self.error: BaseException | None = None
        self.leads = False
        self.gate = Lock()
        self.gate.acquire()


class GroupCommit:
    """Queues records and writes them in groups, in order.

    Args:
        write: makes a group durable and returns the index of its first record; one call at a time.
        records_max: records of one group.
    """

    def __init__(self, write: Callable[[list[bytes]], int], records_max: int) -> None:
        self._write = write
        self._records_max = records_max
        self._lock = Lock()  # guards the queue and who leads; never held during a write
        self._queue: deque[_Ticket] = deque()
        self._has_leader = False

    def submit(self, entry: bytes) -> int:
        """Write `entry` with whatever else waits, and return its index.

        Raises:
            BaseException: what `write` raised for the group that held this entry.
        """
        ticket = _Ticket(entry)
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

    def _wait(self, ticket: _Ticket) -> None:
        try:
            ticket.gate.acquire()
        except BaseException:  # interrupted: do not leave the others without a leader
            with self._lock:
                if ticket in self._queue:
                    self._queue.remove(ticket)
                leads, ticket.leads = ticket.leads, False
            if leads:
                self._appoint()
            raise

    def _lead(self) -> None:
        with self._lock:
            count = min(len(self._queue), self._records_max)
            group = [self._queue.popleft() for _ in range(count)]
        try:
            first = self._write([ticket.entry for ticket in group])
            for index, ticket in enumerate(group, first):
                ticket.index = index
        except BaseException as error:
            for ticket in group:
                ticket.error = error
            raise
        finally:
            self._appoint()
            for ticket in group:
                ticket.gate.release()

    def _appoint(self) -> None:
        """Let the next in the queue lead."""
        with self._lock:
            self._has_leader = bool(self._queue)
            if self._queue:
                self._queue[0].leads = True
                self._queue[0].gate.release()
