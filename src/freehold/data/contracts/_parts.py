"""The parts of a contract as plain values: what may be promised about rows, columns and tables."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from freehold.data.contracts._kinds import Kind, Value


class Severity(StrEnum):
    """What a broken rule does: `refuse` closes the gate, `warn` is told."""

    REFUSE = "refuse"
    WARN = "warn"


class Operator(StrEnum):
    """How two columns stand to each other. For `>` and `>=` the columns change sides."""

    LESS = "<"
    AT_MOST = "<="
    EQUAL = "="
    UNEQUAL = "!="


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows the table has. `warn` names the bounds that only warn."""

    minimum: int | None = None
    maximum: int | None = None
    warn: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Freshness:
    """The newest value of `column` (dates or moments) is at most `days_max` days old.

    Values later than the day of the check are not counted: a mistyped year would keep a table fresh
    for ever.
    """

    column: str
    days_max: int
    warn: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """Each row has a value in all of these columns, and no two rows have the same."""

    columns: tuple[str, ...]
    warn: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """In each row that has both, `left` stands to `right` as `operator` says."""

    left: str
    operator: Operator
    right: str
    warn: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """Each value is found in a column of another table, which the caller of `check` gives."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Column:
    """The promises of one column; it has to be there and of its kind.

    All but `missing_max` are about the values that are there. `missing_max` is a share of the rows,
    0 to 1. `pattern` (RE2) has to match the whole of a value; lengths are in characters. `warn`
    names the rules that only warn, `present` and `kind` included.
    """

    kind: Kind
    missing_max: float | None = None
    minimum: Value | None = None
    maximum: Value | None = None
    allowed: tuple[Value, ...] | None = None
    pattern: str | None = None
    length_min: int | None = None
    length_max: int | None = None
    unique: bool = False
    references: Reference | None = None
    warn: frozenset[str] = frozenset()
