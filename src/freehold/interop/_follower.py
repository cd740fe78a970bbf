"""The thread that carries one stream: from its place in the ledger to its destination, for ever.

What was handed over is remembered after it was, so that a crash sends some events twice and none
never. It ends when it is told to, or when the log does not give records any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import islice
from typing import Protocol

from freehold.interop._destination import Destination, Sender, undelivered
from freehold.interop._encoding import Source
from freehold.interop._event import Event, event_of
from freehold.interop.errors import StreamError
from freehold.kernel import FreeholdError
from freehold.kernel.acts import Record
from freehold.kernel.ledger import PRUNED, Log

BATCH = 500  # events of one sending: about 250 kB
LOOK_SECONDS = 0.5  # how old an alert may get before it is on its way
WAIT_SECONDS_MAX = 60.0  # between tries at a destination that does not answer


class Place(Protocol):
    """Remembers how many records of the ledger a stream has handed on."""

    def get(self) -> int: ...

    def put(self, sent: int) -> None: ...


class Follower:
    """Sends one stream's events in order. `start` it, `stop` it."""

    def __init__(
        self,
        log: Log,
        destination: Destination,
        source: Source,
        *,
        place: Place,
        alarming: Collection[str],
        told: Callable[[bool, int], None],
    ) -> None:
        """`told` hears when the destination stops taking events (False) and takes them again."""
        self._log = log
        self._destination = destination
        self._source = source
        self._place = place
        self._alarming = alarming
        self._told = told
        self._sender: Sender | None = None
        self._is_through = True
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-stream", daemon=True)
        self.error = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the sending in progress; what was not sent is sent the next time."""
        self._stopping.set()
        self._thread.join()
        self._let_go()

    def _run(self) -> None:
        waiting = LOOK_SECONDS
        with suppress(FreeholdError):  # the log stopped: its owner says so, and starts anew
            while not self._stopping.wait(waiting):
                try:
                    self._send_all()
                    waiting = LOOK_SECONDS
                except StreamError as error:
                    self._let_go()
                    self._tell(error.message)
                    waiting = min(max(waiting, 1.0) * 2, WAIT_SECONDS_MAX)

    def _send_all(self) -> None:
        sent = self._place.get()
        while not self._stopping.is_set() and sent < (size := self._log.size):
            stop = min(size, sent + BATCH)
            if events := self._events(sent, stop):
                self._send(events)
            sent = stop
            self._place.put(sent)
            self._tell("")

    def _events(self, start: int, stop: int) -> list[Event]:
        entries = islice(self._log.entries(start, stop), stop - start)
        return [
            event_of(index, Record.decode(entry), self._alarming)
            for index, entry in enumerate(entries, start)
            if entry != PRUNED
        ]

    def _send(self, events: Sequence[Event]) -> None:
        if self._sender is None:
            self._sender = self._destination.open(self._source)
        try:
            self._sender.send(events)
        except OSError as error:
            raise undelivered(self._destination.url, error) from error

    def _tell(self, error: str) -> None:
        """Say once that it does not get through, and once that it does again."""
        self.error = error
        if self._is_through == bool(error):
            self._is_through = not error
            self._told(self._is_through, self._place.get())

    def _let_go(self) -> None:
        sender, self._sender = self._sender, None
        if sender is not None:
            with suppress(OSError):
                sender.close()
