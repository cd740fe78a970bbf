"""One act under way: decided, worked on, recorded as `done`, `failed` or `denied`.

Made by the pipeline alone, whose write path it walks step by step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from freehold.kernel import FreeholdError, Ref, new_id
from freehold.kernel.acts._alarms import sound_alarm
from freehold.kernel.acts._declare import Act
from freehold.kernel.acts._facts import check_fact
from freehold.kernel.acts._record import Body, Output, Phase, Record, RecordedDecision, SealedBody
from freehold.kernel.acts._values import Actor, Recorded
from freehold.kernel.keys import UnknownDomain
from freehold.kernel.policy import PolicyDecision, PolicyRequest, PolicySet

if TYPE_CHECKING:
    from freehold.kernel.acts._pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Scope:
    """What an act is for, what it consumes, and where its body lies."""

    purpose: str | None
    inputs: tuple[str, ...]
    domain: str | None


@dataclass(frozen=True, slots=True)
class Decided:
    """A request, what was decided about it, and by which policies."""

    request: PolicyRequest
    decision: PolicyDecision
    policies: PolicySet  # that decided; another may be in force by the time of the record
    under: tuple[str, ...] = ()  # what gave the principal rights for a time

    @property
    def marks(self) -> dict[str, Any]:
        """The fact that names it, in records of whatever act and phase."""
        return {"under": list(self.under)} if self.under else {}

    def recorded(self, request: str) -> RecordedDecision:
        """As it stands in a record, with the commitment to the request."""
        result: Literal["allow", "deny"] = "allow" if self.decision.is_allowed else "deny"
        policies = tuple(self.decision.policies)
        return RecordedDecision(policies, self.policies.digest, request, result)


def scope_of(act: Act, purpose: str | None, inputs: Sequence[Ref], domain: str | None) -> Scope:
    """Check what enters the record beside the facts: it carries no words either."""
    if purpose is not None:
        check_fact(act.name, "purpose", "code", purpose)
    refs = tuple(check_fact(act.name, "inputs", "reference", str(ref)) for ref in inputs)
    return Scope(purpose, refs, domain)


def _check_output(act: str, output: Output) -> None:
    check_fact(act, "outputs", "reference", output.ref)
    for value in (output.sealed, output.digest):
        if value is not None:
            check_fact(act, "outputs", "digest", value)


class Performance:
    """One act under way. Made by `Pipeline.perform` alone."""

    def __init__(
        self, pipeline: Pipeline, actor: Actor, *, act: Act, on: Ref, scope: Scope
    ) -> None:
        self.on = on
        self.record_id = new_id()
        self._pipeline = pipeline
        self._actor = actor
        self._act = act
        self._scope = scope
        self._asked = pipeline.registry.asked(act)
        self._details: dict[str, Any] = {}
        self._concluded: tuple[tuple[Output, ...], dict[str, Any]] | None = None
        self._decided: Decided | None = None
        self._started: str | None = None
        self._recorded: Recorded | None = None

    @property
    def domain(self) -> str:
        """The key domain of what the act produces; created now if it does not exist.

        Raises:
            DomainErased: it was erased, and with it everything that this act could add to.
        """
        wanted = self._scope.domain or self.on.id
        keyring = self._pipeline.stores.keyring
        try:
            keyring.domain(wanted)
        except UnknownDomain:
            with self._pipeline.hold(Ref("domain", wanted)):  # acts that do not wait may meet here
                try:
                    keyring.domain(wanted)
                except UnknownDomain:
                    keyring.new_domain(wanted)
        return wanted

    @property
    def recorded(self) -> Recorded:
        """The durable record.

        Raises:
            ValueError: asked for before the block ended.
        """
        if self._recorded is None:
            raise ValueError("an act has its record only after its block has ended")
        return self._recorded

    def describe(self, **details: Any) -> None:
        """Add words and values; they lie in the erasable body."""
        self._details.update(details)

    def start(self) -> None:
        """Record that long work begins, so that a crash within it leaves a trace."""
        self._started = self._append("started", {}).record.id
        self.record_id = new_id()

    def conclude(self, *, outputs: Sequence[Output] = (), **found: Any) -> None:
        """Say what came out; `found` are the facts that the act type declares as such.

        Raises:
            InvalidFact: a fact of another kind than declared, an output that is no id or digest.
        """
        for output in outputs:
            _check_output(self._act.name, output)
        act = replace(self._act, **found) if found else self._act  # type: ignore[type-var]
        self._concluded = (tuple(outputs), self._pipeline.registry.found(act))

    def _decide(self) -> None:
        pipeline, act = self._pipeline, self._act
        approvals = pipeline._approved(act, self.on, self._actor)
        context = pipeline._context(
            pipeline.registry.context(self._asked, act.name), self._scope.purpose, len(approvals)
        )
        principal = pipeline._principal(self._actor.authority)
        request = PolicyRequest(
            principal.entity,
            act.name,
            pipeline._resource(self.on),
            context,
        )
        policies = pipeline.policies
        self._decided = Decided(request, policies.decide(request), policies, principal.under)
        if not self._decided.decision.is_allowed:
            pipeline._deny(self._actor, act.name, self.on, self._decided)
        if approvals:
            self._asked = {**self._asked, "approvals": list(approvals)}

    def _finish(self) -> None:
        if self._concluded is None:
            raise ValueError(f"the block of {self._act.name} ended without conclude")
        outputs, found = self._concluded
        self._recorded = self._append("done", found, outputs=outputs)
        if self._act.alarming:
            sound_alarm(self._recorded)

    def _fail(self, code: str) -> None:
        """Record the failure; if even that fails, the caller has both errors, chained."""
        if self._recorded is None:
            self._details = {}
            with suppress(FreeholdError):
                self._recorded = self._append("failed", {}, error=code)

    def _append(
        self,
        phase: Phase,
        found: Mapping[str, Any],
        *,
        outputs: tuple[Output, ...] = (),
        error: str | None = None,
    ) -> Recorded:
        pipeline, decided = self._pipeline, self._decided
        assert decided is not None  # noqa: S101  # perform decides first
        body, reading = Body.make(self._details, decided.request.as_json()), pipeline.clock.read()
        record = Record(
            id=self.record_id,
            time=reading.time,
            clock=reading.state,
            log=pipeline.stores.log.key.name,
            principal=str(self._actor.principal),
            on_behalf=str(self._actor.on_behalf) if self._actor.on_behalf else None,
            act=self._act.name,
            phase=phase,
            continues=self._started,
            resource=str(self.on),
            inputs=self._scope.inputs,
            outputs=outputs,
            purpose=self._scope.purpose,
            decision=decided.recorded(body.request),
            facts={**self._asked, **found, **decided.marks},
            error=error,
            body=self._seal(body, is_done=phase == "done"),
        )
        return pipeline._append(
            record, MappingProxyType(self._details) if self._act.exclusive else None
        )

    def _seal(self, body: Body, *, is_done: bool) -> SealedBody:
        pipeline, wanted = self._pipeline, self._scope.domain or self.on.id
        if not is_done:
            return pipeline._seal_spare(wanted, self.record_id, body)
        try:
            return pipeline._seal_body(wanted, self.record_id, body)
        except UnknownDomain:
            return pipeline._seal_body(self.domain, self.record_id, body)
