"""What every transform is: a frozen value with a name, that turns one column into another.

A transform is pure and looks at one row at a time: the batches of a table give what the whole table
gives. Missing cells stay missing, unless `replace` is told to fill them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NoReturn

import polars as pl

from freehold.data.errors import DataError
from freehold.data.protection._kinds import ANY
from freehold.data.protection._limits import LIMITS


@dataclass(frozen=True, slots=True)
class Given:
    """What a transform may see besides its cells: the table before any transform, and the key."""

    table: pl.DataFrame
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Transform:
    """One way to change a column. `name` is its name in a plan, its fields are its parameters.

    `masks` says whether the output keeps cells from being read, `takes` which kinds of column it
    works on, `is_keyed` whether it needs the caller's key.
    """

    name: ClassVar[str]
    masks: ClassVar[bool] = True
    takes: ClassVar[tuple[str, ...]] = ANY
    is_keyed: ClassVar[bool] = False

    @property
    def others(self) -> tuple[str, ...]:
        """Columns beside its own that it looks at."""
        return ()

    def run(self, cells: pl.Series, given: Given) -> pl.Series:
        """Give the new cells, as many as the old, under the old name.

        Raises:
            DataError: data.value: a cell that the transform has no answer for; data.pseudonym_key.
        """
        raise NotImplementedError


def refuse(parameter: str, expected: str, found: object) -> NoReturn:
    """Refuse a parameter of a transform; a plan puts the column before it.

    Raises:
        DataError: data.plan.
    """
    raise DataError("data.plan", f"{parameter}: expected {expected}; found {found!r:.60}")


def check_label(parameter: str, text: str, *, blank: bool = False) -> None:
    """Refuse text that is too long, blank or not printable.

    Raises:
        DataError: data.plan.
    """
    if len(text) > LIMITS.text_chars_max:
        refuse(parameter, f"at most {LIMITS.text_chars_max} characters", f"{len(text)} characters")
    if not text.isprintable() or not (blank or text.strip()):
        refuse(parameter, "printable text that is not blank", text)


def refuse_cells(bad: pl.Series, transform: str, expected: str, hint: str) -> None:
    """Refuse the column where any of `bad` is true, with the first row and their number.

    Raises:
        DataError: data.value.
    """
    count = bad.sum()
    if count:
        row = bad.arg_true()[0] + 2  # the header is row 1
        raise DataError(
            "data.value",
            f"column {bad.name!r:.80}: {transform} expected {expected}; "
            f"found others in {count} cells, first in row {row}",
            hint,
        )
