"""What a projection may ask of the catalog: a few kinds of change to rows, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Table


@dataclass(frozen=True, slots=True)
class Put:
    """Insert a row, or replace the given columns of the row with the same primary key."""

    table: Table
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Amend:
    """Set columns of every row that has the given values in other columns."""

    table: Table
    where: Mapping[str, Any]
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete every row that has the given values."""

    table: Table
    where: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Forget:
    """Blank the erasable columns of every row, of any table, that came from bodies of this key
    domain.
    """

    domain: str


Change: TypeAlias = Put | Amend | Remove | Forget

DOMAIN = {"domain": True}
"""Marks the column that names the key domain a row's erasable columns came from: `Column(...,
info=DOMAIN)`.
"""

ERASABLE = {"erasable": True}
"""Marks a column filled from a body: null once that body cannot be opened: `Column(...,
info=ERASABLE)`.
"""
