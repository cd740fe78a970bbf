"""What a projection may ask of the catalog: a few kinds of change to rows, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Table


class Put(NamedTuple):
    """Insert a row, or replace the given columns of the row with the same primary key."""

    table: Table
    row: Mapping[str, Any]


class Amend(NamedTuple):
    """Set columns of every row that has the given values in other columns."""

    table: Table
    where: Mapping[str, Any]
    row: Mapping[str, Any]


class Remove(NamedTuple):
    """Delete every row that has the given values."""

    table: Table
    where: Mapping[str, Any]


class Forget(NamedTuple):
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
