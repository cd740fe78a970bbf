"""What the pipeline is given, and what it gives back: values and two narrow protocols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from freehold.kernel import Ref
from freehold.kernel.acts._declare import Standing
from freehold.kernel.acts._record import Record
from freehold.kernel.catalog import Catalog
from freehold.kernel.keys import Keyring
from freehold.kernel.ledger import Log
from freehold.kernel.vault import Vault


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as authentication established it, and on whose behalf.

    Whoever acts for another has that other's rights and no more.
    """

    principal: Ref
    on_behalf: Ref | None = None

    @property
    def authority(self) -> Ref:
        """Whose rights count."""
        return self.on_behalf or self.principal


class Approvals(Protocol):
    """Tells which approvals count for an act; kept by the room of people."""

    def valid(
        self, act: str, resource: Ref, *, evidence: str, excluded: frozenset[str]
    ) -> tuple[str, ...]:
        """Record ids of unexpired approvals by distinct eligible persons, none of them excluded.

        Excluded are the requester and the authors of the thing: nobody approves their own work.
        """
        ...


class Principals(Protocol):
    """Reads how a principal stands at a moment."""

    def __call__(self, catalog: Catalog, principal: Ref, now: datetime) -> Standing: ...


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the context of every request says besides the act's own facts."""

    estate: Ref
    is_trial: bool
    site: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record with its place in the log. Durable."""

    index: int
    leaf: bytes
    record: Record


@dataclass(frozen=True, slots=True)
class Stores:
    """The four things that only the pipeline writes to."""

    log: Log
    vault: Vault
    keyring: Keyring
    catalog: Catalog
