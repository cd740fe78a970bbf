"""Transforms that hide or remove cells: keep, drop, mask, replace, prefix."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import polars as pl

from freehold.data.protection._kinds import as_text
from freehold.data.protection._limits import LIMITS
from freehold.data.protection._transform import Given, Transform, check_label, refuse


@dataclass(frozen=True, slots=True)
class Keep(Transform):
    """Leave the column as it is."""

    name: ClassVar[str] = "keep"
    masks: ClassVar[bool] = False

    def run(self, cells: pl.Series, given: Given) -> pl.Series:
        """Give the cells themselves."""
        return cells


@dataclass(frozen=True, slots=True)
class Drop(Transform):
    """Leave the column out."""

    name: ClassVar[str] = "drop"


@dataclass(frozen=True, slots=True)
class Mask(Transform):
    """Keep the `first` and `last` characters of each cell and put `fill` for the rest.

    Characters are Unicode code points. The rest becomes `length` fills whatever its length was;
    `"same"` keeps the length, and with it what the length tells. A cell that would be kept whole,
    because it has no more than `first + last` characters, is filled wholly.
    """

    name: ClassVar[str] = "mask"
    takes: ClassVar[tuple[str, ...]] = ("text", "integer")

    first: int = 0
    last: int = 0
    fill: str = "*"
    length: int | Literal["same"] = 8

    def __post_init__(self) -> None:
        """Refuse parameters out of range."""
        for parameter, kept in (("first", self.first), ("last", self.last)):
            if not 0 <= kept <= LIMITS.text_chars_max:
                refuse(parameter, f"0 to {LIMITS.text_chars_max}", kept)
        if len(self.fill) != 1 or not self.fill.isprintable() or self.fill.isspace():
            refuse("fill", "one visible character", self.fill)
        if self.length != "same" and not 1 <= self.length <= LIMITS.text_chars_max:
            refuse("length", f'"same", or 1 to {LIMITS.text_chars_max}', self.length)

    def run(self, cells: pl.Series, given: Given) -> pl.Series:
        """Give the masked text."""
        text = pl.col("text")
        chars = text.str.len_chars()
        head = text.str.head(self.first)
        tail = text.str.tail(self.last) if self.last else pl.lit("")
        if self.length == "same":
            inside = head.str.pad_end(chars - self.last, self.fill) + tail
            whole = text.str.head(0).str.pad_end(chars, self.fill)
        else:
            hidden = pl.lit(self.fill * self.length)
            inside, whole = head + hidden + tail, hidden
        masked = (
            pl.when(text.is_not_null())
            .then(pl.when(chars <= self.first + self.last).then(whole).otherwise(inside))
            .alias(cells.name)
        )
        return as_text(cells).to_frame("text").select(masked).to_series()


@dataclass(frozen=True, slots=True)
class Replace(Transform):
    """Put the same `value` in every cell; in missing ones only if `missing` says so."""

    name: ClassVar[str] = "replace"

    value: bool | int | float | str
    missing: bool = False

    def __post_init__(self) -> None:
        """Refuse text that nobody can read, and numbers that no column holds."""
        if isinstance(self.value, str):
            check_label("value", self.value, blank=True)
        elif not math.isfinite(self.value) or abs(self.value) > 2**53:
            refuse("value", "a finite number, at most 2^53", self.value)

    def run(self, cells: pl.Series, given: Given) -> pl.Series:
        """Give the value where there was a cell, or everywhere."""
        is_put = pl.col("cell").is_not_null() | self.missing
        put = pl.when(is_put).then(pl.lit(self.value)).alias(cells.name)
        return cells.to_frame("cell").select(put).to_series()


@dataclass(frozen=True, slots=True)
class Prefix(Transform):
    """Keep the first `keep` characters, as is usual for postcodes.

    Spaces around a cell do not count. A cell that has no more than `keep` characters would be kept
    whole; it becomes missing.
    """

    name: ClassVar[str] = "prefix"
    takes: ClassVar[tuple[str, ...]] = ("text", "integer")

    keep: int

    def __post_init__(self) -> None:
        """Refuse parameters out of range."""
        if not 1 <= self.keep <= LIMITS.text_chars_max:
            refuse("keep", f"1 to {LIMITS.text_chars_max}", self.keep)

    def run(self, cells: pl.Series, given: Given) -> pl.Series:
        """Give the prefixes."""
        text = pl.col("text").str.strip_chars()
        prefix = pl.when(text.str.len_chars() > self.keep).then(text.str.head(self.keep))
        return as_text(cells).to_frame("text").select(prefix.alias(cells.name)).to_series()
