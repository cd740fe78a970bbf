"""The values a charter is made of: frozen, and checked where they were read.

Codes (`health`, `diagnosis-support`, `alice`) are lower-case letters, digits, '.', '_' and '-', at
most 64: opaque facts that may stand in the ledger. Names and descriptions may not.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

OWNER = "owner"  # the role that ratifies; it exists in every charter

BREAK_GLASS = "access.break_glass"  # the act that takes a role for a time

OWN = "own"  # the operator code of the organisation itself

TENANCIES = ("dedicated", "shared")

CONNECTIVITIES = ("connected", "guarded", "air-gapped")

ISOLATION_LEVELS = MappingProxyType({"process": 0, "namespaces": 1, "bubblewrap": 2})


@dataclass(frozen=True, slots=True)
class Organisation:
    """Whose charter it is, under whose law, and which regulations it answers to."""

    name: str
    jurisdictions: tuple[str, ...]
    regulations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """The home site. `operator` is "own" or the code of a party."""

    jurisdiction: str
    operator: str
    tenancy: str
    connectivity: str


@dataclass(frozen=True, slots=True)
class DataClass:
    """One class of data and the rules that its bytes carry with them.

    `residency` is as written; "EU" stands for its members (see `expand`). `isolation` is the lowest
    acceptable level, a key of `ISOLATION_LEVELS`.
    """

    code: str
    rank: int
    residency: tuple[str, ...]
    operators: tuple[str, ...]
    tenancy: tuple[str, ...]
    vendors: bool
    isolation: str
    description: str


@dataclass(frozen=True, slots=True)
class Purpose:
    """What data may be used for; `legal_basis` is one of GDPR Art. 6(1), where it applies."""

    code: str
    description: str
    legal_basis: str | None


@dataclass(frozen=True, slots=True)
class Role:
    """What its holders may do (act patterns), and the classes they are cleared for by default."""

    code: str
    description: str
    may: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Approval:
    """An act that needs `count` approvals by others who hold one of `roles`."""

    act: str
    count: int
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EmergencyRules:
    """Which roles those who hold one of `who` may take in an emergency, and for how long at most.

    `alone` says that no other person has to approve; a review by another follows within
    `review_days` either way.
    """

    roles: tuple[str, ...]
    who: tuple[str, ...]
    alone: bool
    minutes_max: int
    review_days: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a metric must reach before promotion; at least one bound is set."""

    metric: str
    at_least: float | None
    at_most: float | None

    def is_met_by(self, value: float) -> bool:
        """True when `value` lies within the bounds; never for NaN."""
        if self.at_least is not None and not value >= self.at_least:
            return False
        return self.at_most is None or value <= self.at_most


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `clearances`, where given, stand instead of those of the roles.

    `ssh_key` is `ssh-ed25519 <base64>` without a comment, or that of a security key.
    """

    code: str
    name: str
    roles: tuple[str, ...]
    clearances: tuple[str, ...] | None
    ssh_key: str | None
    unit: str
