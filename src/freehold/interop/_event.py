"""One record of the ledger as an event for a SIEM: ids, codes and times; no name, no value."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum

from freehold.kernel.acts import Record


class Severity(IntEnum):
    """Severities of syslog (RFC 5424, 6.2.1) that events have."""

    alert = 1
    error = 3
    warning = 4
    notice = 5
    info = 6


_NOTICES = frozenset(
    {"access", "charter", "clock", "custody", "estate", "evidence", "person", "policy"}
    | {"recovery", "backup", "stream", "token", "witness"}
)
"""Nouns whose acts change who may do what, or take something out of the estate."""

_NOTICED = frozenset({"dataset.erase", "model.promote", "model.fetch", "decision.read"})


@dataclass(frozen=True, slots=True)
class Event:
    """One act as a SIEM sees it. `index` is its place in the log; `fields` are texts by name."""

    index: int
    time: str
    severity: Severity
    act: str
    phase: str
    fields: Mapping[str, str]

    @property
    def text(self) -> str:
        """One line for a person who reads raw logs."""
        who, what = self.fields["principal"], self.fields["resource"]
        return f"{self.act} {self.phase}: {who} on {what}"


def event_of(index: int, record: Record, alarming: Collection[str] = ()) -> Event:
    """Make the event of a record: everything in it but facts, inputs and outputs.

    Args:
        alarming: the acts that people have to hear of at once (`Registry.alarming`).
    """
    fields = {
        "id": record.id,
        "log": record.log,
        "principal": record.principal,
        "on_behalf": record.on_behalf,
        "resource": record.resource,
        "purpose": record.purpose,
        "error": record.error,
        "result": record.decision.result,
        "policies": " ".join(record.decision.policies),
    }
    present = {name: value for name, value in fields.items() if value}
    return Event(index, record.time, _severity(record, alarming), record.act, record.phase, present)


def _severity(record: Record, alarming: Collection[str]) -> Severity:
    if record.phase == "failed":
        return Severity.error
    if record.phase == "denied":
        return Severity.warning
    if record.act in alarming:
        return Severity.alert
    if record.act in _NOTICED or record.act.partition(".")[0] in _NOTICES:
        return Severity.notice
    return Severity.info
