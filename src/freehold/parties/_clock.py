"""The verbs about the estate's clock: what it says, and how owners accept the host's time again.

A host's clock that was wrong by years leaves times in the ledger that are still to come. Nothing
expired revives by that, but nothing new lasts as it should either, until owners say that the host
is right. Whoever was let in before is let in anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from freehold.kernel import digest, format_time
from freehold.kernel.acts import Actor, Conflict, Pipeline
from freehold.parties._acts import AcceptClock

ACCEPTED_SECONDS_MIN = 5.0  # so little comes right by waiting


@dataclass(frozen=True, slots=True)
class ClockStatus:
    """The host's time with what is known about it, and the time that the estate goes by."""

    host: str
    state: str
    error_ms: int | None
    estate: str
    behind_seconds: float


class ClockService:
    """The estate's clock."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def status(self, actor: Actor) -> ClockStatus:
        """What the host's clock says, what is known about it, and what the estate goes by."""
        pipeline = self._pipeline
        pipeline.ask(actor, "estate.clock", on=pipeline.circumstances.estate)
        reading = pipeline.clock.look()
        return ClockStatus(
            host=reading.time,
            state=reading.state.state,
            error_ms=reading.state.error_ms,
            estate=format_time(pipeline.clock.now()),
            behind_seconds=round(pipeline.clock.behind_seconds(), 3),
        )

    def accept(self, actor: Actor) -> str:
        """Count time by the host's clock again; gives the act's id.

        Raises:
            Conflict: the host's clock is not behind.
        """
        pipeline = self._pipeline
        acceptance = AcceptClock(evidence=self.evidence())
        with pipeline.perform(actor, acceptance, on=pipeline.circumstances.estate) as act:
            if pipeline.clock.behind_seconds() < ACCEPTED_SECONDS_MIN:
                raise Conflict(
                    "clock.right",
                    "the host's clock is not behind the time that the estate goes by",
                    "there is nothing to accept; `freehold estate clock` shows both",
                )
            act.conclude(abandoned=format_time(pipeline.clock.now()))
        return act.recorded.record.id

    def evidence(self) -> str:
        """What approvers sign: that it is this estate, and how often its clock was accepted yet."""
        pipeline = self._pipeline
        estate, accepted = pipeline.circumstances.estate, pipeline.clock.accepted
        return digest(f"freehold/clock/v1\0{estate}\0{accepted}".encode())
