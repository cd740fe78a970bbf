"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How one thing is."""

    good = "good"
    doubtful = "doubtful"  # works; somebody should know
    bad = "bad"  # evidence, secrets or the service are in danger
    unknown = "unknown"  # this machine does not tell


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what was found, and the next step where it is not good."""

    name: str
    state: State
    found: str
    next: str = ""


def good(name: str, found: str) -> Check:
    """It is as it should be."""
    return Check(name, State.good, found)


def doubtful(name: str, found: str, next_step: str) -> Check:
    """It works, and somebody should know."""
    return Check(name, State.doubtful, found, next_step)


def bad(name: str, found: str, next_step: str) -> Check:
    """Something is in danger."""
    return Check(name, State.bad, found, next_step)


def unknown(name: str, found: str, next_step: str = "") -> Check:
    """This machine does not tell."""
    return Check(name, State.unknown, found, next_step)
