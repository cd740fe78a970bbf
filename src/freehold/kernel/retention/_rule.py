"""What one act of pruning takes: a pure function of its record and of the holds in force then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from freehold.kernel import Ref
from freehold.kernel.acts import Record

LOGS = "logs"
"""The kind of the charter's retention that whole records fall under."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One act of pruning, recorded or about to be.

    `acts` are the names of the acts that it takes, `held` the references, without versions, that
    were under a hold. `position` is where it stands in the log.
    """

    position: int
    kind: str
    cutoff: str
    after: int
    before: int
    acts: frozenset[str]
    held: frozenset[str]

    @property
    def takes_records(self) -> bool:
        """Whether records go, and not their bodies alone."""
        return self.kind == LOGS

    def takes(self, position: int, record: Record) -> bool:
        """Tell whether it takes the record at `position`."""
        return (
            self.after <= position < self.before
            and record.phase == "done"
            and record.act in self.acts
            and record.time < self.cutoff
            and not (self.held and self.held.intersection(_things(record)))
        )


def _things(record: Record) -> Iterable[str]:
    """What a record names, without versions: what it was done to, its inputs and its outputs."""
    outputs = (output.ref for output in record.outputs)
    return (str(Ref.parse(ref).at(None)) for ref in (record.resource, *record.inputs, *outputs))
