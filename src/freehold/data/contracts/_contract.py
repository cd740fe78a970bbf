"""A contract: what one table promises. It reads no file and no table.

One that contradicts itself cannot be built, by a file or by code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from freehold.data.contracts._parts import Column, Comparison, Freshness, Key, Rows, Severity
from freehold.data.contracts._validity import check_columns, check_rows, check_table_rules


@dataclass(frozen=True, slots=True)
class Contract:
    """What one table promises.

    `other_columns` is what to do about columns that the contract does not name; None allows them.

    Raises:
        DataError: `data.contract`, it contradicts itself, names columns that it does not define, or
            exceeds `ContractLimits`.
    """

    columns: Mapping[str, Column]
    description: str = ""
    other_columns: Severity | None = None
    rows: Rows = field(default_factory=Rows)
    freshness: Freshness | None = None
    keys: tuple[Key, ...] = ()
    comparisons: tuple[Comparison, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        check_rows(self.rows)
        check_columns(self.columns)
        check_table_rules(
            self.columns, self.freshness, keys=self.keys, comparisons=self.comparisons
        )
