"""What a server does once a day of its own accord, in a thread beside the requests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from freehold.estate import Estate
from freehold.kernel import FreeholdError, Ref
from freehold.kernel.acts import Actor

DAY_SECONDS = 86_400.0


@contextmanager
def every_day(work: Callable[[], object], *, seconds: float = DAY_SECONDS) -> Iterator[None]:
    """Do `work` at once and then each day, until the block ends; what is under way is finished.

    What it raises is told to the log of the process, and tried again the next day.
    """
    is_over = threading.Event()

    def run() -> None:
        while not is_over.is_set():
            try:
                work()
            except FreeholdError as error:
                logging.getLogger("freehold").error("%s: %s", error.code, error)
            is_over.wait(seconds)

    thread = threading.Thread(target=run, name="daily")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def keep_retention(estate: Estate) -> None:
    """Remove what is past its retention, as the estate itself; before a charter there is none."""
    if estate.charter.is_ratified():
        itself = Ref("service", estate.pipeline.circumstances.estate.id)
        estate.retention.prune(Actor(itself))
