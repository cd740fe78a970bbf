"""Every bound on protecting a table in one place, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProtectionLimits:
    """Bounds that keep a plan readable by a person and its work within one machine."""

    plan_bytes_max: int = 1_048_576  # refuse before parsing; 2,000 columns with groups fit
    text_chars_max: int = 1_000  # a label, a fill, a name; longer ones are mistakes
    bins_max: int = 100_000  # more bins than this hide nothing
    key_bytes_min: int = 32  # what HMAC-SHA-256 has strength for (RFC 2104, 3)
    token_chars_min: int = 20  # 80 bits: a million values collide with chance under 5e-13
    token_chars_max: int = 64  # all of SHA-256
    shift_days_max: int = 3_653  # ten years; a longer shift makes no sense of any record
    combinations_max: int = 1_023  # subsets of ten quasi-identifiers; each is one grouping
    levels_max: int = 32  # of one hierarchy; each is one grouping


LIMITS = ProtectionLimits()
