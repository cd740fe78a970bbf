"""Asking the declared witnesses regularly, while a server holds the estate.

The estate itself asks: by policy, and on record. A witness that is not to be had is recorded once,
by the service, and tried again in the next round. A log that has grown by nothing but the records
of asking is left alone.
"""

from __future__ import annotations

from threading import Event, Thread

from freehold.kernel import FreeholdError, Ref
from freehold.kernel.acts import Actor, Pipeline
from freehold.kernel.policy import Denied
from freehold.witnesses._limits import DEFAULT_ASKING_LIMITS, AskingLimits
from freehold.witnesses._service import DeclaredWitness, WitnessesService


class Asker:
    """The rounds: one at the start, and one in each interval."""

    def __init__(
        self,
        pipeline: Pipeline,
        service: WitnessesService,
        limits: AskingLimits = DEFAULT_ASKING_LIMITS,
    ) -> None:
        self._pipeline = pipeline
        self._service = service
        self._limits = limits
        self._is_stopping = Event()
        self._thread: Thread | None = None
        self._denied: set[str] = set()  # not again until the next start: each denial is a record

    def start(self) -> None:
        """Begin with the first round."""
        # A daemon: a witness that does not answer must not keep the process alive.
        self._thread = Thread(target=self._run, name="witness-asker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the exchange in progress; harmless where it was never started."""
        self._is_stopping.set()
        if self._thread is not None:
            self._thread.join(self._limits.exchange_seconds_max)

    def round(self, *, is_first: bool = False) -> None:
        """Ask every witness that has an address; in the `first` round also where nothing is new,
        since only its answer shows that this estate was rolled back.
        """
        actor = Actor(Ref("service", self._pipeline.circumstances.estate.id))
        for witness in self._service.known():
            if self._is_stopping.is_set():
                return
            is_due = is_first or witness.trouble or self._has_news(witness)
            if witness.is_active and witness.url and is_due and witness.ref not in self._denied:
                self._ask(actor, witness.ref)

    def _run(self) -> None:
        self.round(is_first=True)
        while not self._is_stopping.wait(self._limits.interval_seconds):
            self.round()

    def _ask(self, actor: Actor, ref: str) -> None:
        try:
            self._service.ask(actor, ref)
        except Denied:
            self._denied.add(ref)
        except FreeholdError:
            return  # recorded, and seen in `freehold witness list`

    def _has_news(self, witness: DeclaredWitness) -> bool:
        """Tell whether the log has more to show than records of showing it."""
        size = self._pipeline.stores.log.size
        if witness.size is None or size - witness.size > self._limits.own_records_max:
            return True
        own = str(Ref("service", self._pipeline.circumstances.estate.id))
        return any(
            record.principal != own or not record.act.startswith("witness.")
            for record in map(self._pipeline.record, range(witness.size, size))
        )
