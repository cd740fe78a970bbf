"""Findings: what an audit saw, in words that a person can act on; and the report they make.

Findings of one kind are one `Finding` with a count and a few examples, however many there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from freehold.audit._meanings import MEANINGS, Severity

EXAMPLES_MAX = 5  # places that one finding names; the rest is counted
_TEXT_CHARS_MAX = 300  # of what was expected or got; a line, not a page


class Result(StrEnum):
    """What an audit concludes."""

    holds = "holds"
    internal = "internally-consistent"  # nothing contradicts itself; nothing outside vouches
    broken = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing that is not as it should be.

    Args:
        code: stable, dotted: `blob.changed`.
        where: the first places, at most five; `count` tells how many there are.
        expected, got: of the first place.
        means: what follows from it.
        next: the next step.
    """

    code: str
    severity: Severity
    where: tuple[str, ...]
    count: int
    expected: str
    got: str
    means: str
    next: str


@dataclass(slots=True)
class _Gathered:
    expected: str
    got: str
    where: list[str] = field(default_factory=list)
    count: int = 0


class Findings:
    """Gathers what is seen, by its code and, where given, by a group within it."""

    def __init__(self) -> None:
        self._gathered: dict[tuple[str, str], _Gathered] = {}

    def add(
        self, code: str, where: str, *, expected: str = "", got: str = "", group: str = ""
    ) -> None:
        """Take note of one place; `code` is one of `MEANINGS`."""
        gathered = self._gathered.get((code, group))
        if gathered is None:
            gathered = self._gathered[code, group] = _Gathered(
                _line(expected or MEANINGS[code].expected), _line(got)
            )
        gathered.count += 1
        if len(gathered.where) < EXAMPLES_MAX:
            gathered.where.append(where)

    def has(self, *codes: str) -> bool:
        """Whether anything of these codes was seen."""
        return any(code in codes for code, _ in self._gathered)

    def all(self) -> tuple[Finding, ...]:
        """Everything found, the gravest first."""
        found = [
            Finding(
                code,
                MEANINGS[code].severity,
                tuple(each.where),
                each.count,
                each.expected,
                each.got,
                MEANINGS[code].means,
                MEANINGS[code].next,
            )
            for (code, _), each in self._gathered.items()
        ]
        return tuple(sorted(found, key=lambda finding: list(Severity).index(finding.severity)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much was looked at."""

    records: int = 0
    bodies: int = 0  # opened, or looked at sealed where there is no key
    blobs: int = 0
    checkpoints: int = 0
    pins: int = 0
    domains: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one audit, or one round of it, found.

    Args:
        depth: `folder` without any key, `deep` with the estate open.
        size: records under the newest checkpoint.
        trust: what, from outside the estate, vouches for its history; empty if nothing does.
        notes: what is worth knowing and no fault.
    """

    depth: str
    log: str
    size: int
    checkpoint: str
    result: Result
    trust: tuple[str, ...]
    counts: Counts
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


def conclude(findings: tuple[Finding, ...], trust: tuple[str, ...]) -> Result:
    """What follows: a finding that is more than a notice breaks it."""
    if any(finding.severity is not Severity.notice for finding in findings):
        return Result.broken
    return Result.holds if trust else Result.internal


def _line(text: str) -> str:
    """As it may be printed: one line, and nothing that moves a cursor."""
    told = "".join(char if char.isprintable() else "?" for char in text)
    return told if len(told) <= _TEXT_CHARS_MAX else told[: _TEXT_CHARS_MAX - 1] + "…"
