"""What a check found: per rule whether it holds, how many rows break it and the first of them.

It holds no value of the table; names of rules and columns, counts and row numbers alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from freehold.data.contracts._parts import Severity
from freehold.data.contracts._rules import Rule
from freehold.data.errors import DataError

_TOLD = 3  # broken rules that one error names; the report has them all


class State(StrEnum):
    """How a rule fared. What could not be checked counts as not kept."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rule and how it fared.

    `breaking` counts the rows that break it, `first_rows` are the first of them as an editor
    numbers them; both are empty for a rule about the table as a whole. `reason` says what was found
    there, or why a rule is unchecked.
    """

    rule: Rule
    state: State
    breaking: int = 0
    first_rows: tuple[int, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        found = [self.reason] if self.reason else []
        if self.breaking:
            shown = ", ".join(map(str, self.first_rows))
            more = ", …" if self.breaking > len(self.first_rows) else ""
            found.append(f"{_rows(self.breaking)}: {shown}{more}")
        return f"{self.rule.id}: {self.state}" + (f"; {'; '.join(found)}" if found else "")


@dataclass(frozen=True, slots=True)
class Report:
    """How a table of `rows` rows fared against a contract, rule by rule."""

    rows: int
    outcomes: tuple[Outcome, ...]

    @property
    def refusals(self) -> tuple[Outcome, ...]:
        """What closes the gate: rules of severity `refuse` that are broken or unchecked."""
        return self._failed(Severity.REFUSE)

    @property
    def warnings(self) -> tuple[Outcome, ...]:
        """Rules of severity `warn` that are broken or unchecked."""
        return self._failed(Severity.WARN)

    @property
    def passes(self) -> bool:
        """Tell whether the gate opens, with warnings or without."""
        return not self.refusals

    def require(self) -> None:
        """Go on only where the gate opens.

        Raises:
            DataError: `data.contract_broken`, with the first rules that are not kept.
        """
        refusals = self.refusals
        if refusals:
            told = ". ".join(map(str, refusals[:_TOLD]))
            more = f" and {len(refusals) - _TOLD} more" if len(refusals) > _TOLD else ""
            raise DataError(
                "data.contract_broken",
                f"the table breaks its contract. {told}{more}",
                "correct the rows where they come from, or have a change of the contract reviewed",
            )

    def as_json(self) -> dict[str, Any]:
        """The report as plain values, for `canonical`."""
        return {
            "rows": self.rows,
            "passes": self.passes,
            "outcomes": [
                {
                    "rule": each.rule.id,
                    "severity": str(each.rule.severity),
                    "state": str(each.state),
                    "breaking": each.breaking,
                    "first_rows": list(each.first_rows),
                    "reason": each.reason,
                }
                for each in self.outcomes
            ],
        }

    def _failed(self, severity: Severity) -> tuple[Outcome, ...]:
        return tuple(
            each
            for each in self.outcomes
            if each.rule.severity is severity and each.state is not State.HOLDS
        )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
