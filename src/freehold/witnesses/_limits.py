"""Every bound of asking witnesses, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AskingLimits:
    """Bounds that keep an exchange with a witness short."""

    interval_seconds: float = 600.0  # between rounds: what is younger has no witness yet
    connect_seconds_max: float = 5.0
    exchange_seconds_max: float = 10.0  # of one answer, however slowly it comes
    answer_bytes_max: int = 65_536  # a line of a signature has some hundred
    own_records_max: int = 64  # records of asking itself that need no round of their own


DEFAULT_ASKING_LIMITS = AskingLimits()
