"""Every bound on contracts in one place, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContractLimits:
    """Bounds that keep one contract readable by a person and cheap to check."""

    contract_bytes_max: int = 4_194_304  # 2,000 columns with all their rules fit
    columns_max: int = 2_000  # as many as a table may have
    allowed_max: int = 10_000  # values of one column; longer lists are tables to refer to
    tables_max: int = 1_000  # keys, and comparisons; each is looked at on every row
    pattern_chars_max: int = 1_000  # a longer pattern is read by nobody
    pattern_bytes_max: int = 1_048_576  # compiled; each byte of a value is held against it
    rows_shown: int = 5  # row numbers of one outcome; enough to find the fault


DEFAULT_CONTRACT_LIMITS = ContractLimits()
