"""What was found, in numbers and words, and which rows to set aside.

A reason never quotes a row. The phrase of a trigger is `content`: it may hold personal text, so it
belongs in an erasable body, never in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from freehold.data.errors import DataError
from freehold.data.poisoning._corpus import Chances, Ints

BUDGET_MAX = 0.5  # whoever would give up more than half of the clean rows has no use for the table


class Kind(StrEnum):
    """What a finding is about."""

    FLOOD = "flood"
    SOURCE = "source"
    LABEL = "label"
    TRIGGER = "trigger"
    CHARACTERS = "characters"
    INSTRUCTION = "instruction"
    OUTLIER = "outlier"


@dataclass(frozen=True, slots=True)
class Finding:
    """Rows that look planted for one reason.

    `rows` are indices from 0. `score` is -log10 of the chance of such a finding in clean rows, at
    most 300. `content` is the trigger itself, where there is one.
    """

    kind: Kind
    rows: tuple[int, ...]
    reason: str
    score: float
    content: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All findings, strongest first, and for each row the least budget at which it is set aside.

    `budgets[r]` is in shares of the clean rows: among clean rows at most the share b is expected to
    have a value of b or less.
    """

    findings: tuple[Finding, ...]
    budgets: Chances

    def as_json(self) -> dict[str, Any]:
        """The findings as plain values without any content, for `canonical`."""
        return {
            "rows": len(self.budgets),
            "findings": [
                {
                    "kind": str(each.kind),
                    "rows": list(each.rows),
                    "reason": each.reason,
                    "score": f"{each.score:.2f}",
                }
                for each in self.findings
            ],
        }


def quarantine(report: Report, budget: float = 0.01) -> Ints:
    """Return the indices of the rows to set aside, ascending.

    `budget` is the share of the clean rows that may be lost, at most a half.

    Raises:
        DataError: `data.contract`, a budget outside 0 to 0.5.
    """
    if not 0 <= budget <= BUDGET_MAX:
        raise DataError(
            "data.contract",
            f"a budget of {budget}; expected a share of the clean rows, 0 to {BUDGET_MAX}",
            "give for example 0.01, to lose one clean row in a hundred",
        )
    return np.flatnonzero(report.budgets <= budget)
