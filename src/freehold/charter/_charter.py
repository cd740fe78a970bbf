"""The charter: an organisation's requirements, read once and strictly, before any tool.

It does not decide anything: `compile_policies` turns it into the rules that do. Whether an estate
could live by it is asked separately, by `check_complete`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from freehold.charter import _parse
from freehold.charter._model import (
    BREAK_GLASS,
    OWNER,
    Approval,
    DataClass,
    EmergencyRules,
    Organisation,
    Person,
    Purpose,
    Role,
    Site,
    Threshold,
)
from freehold.charter._reader import Table, join
from freehold.charter.errors import IncompleteCharterError, MalformedCharterError
from freehold.kernel import digest

_CHARTER_BYTES_MAX = 1_048_576  # some thousands of people; refuse before parsing

_PLACEHOLDER = "REPLACE"

_TABLES = (
    "organisation",
    "site",
    "classes",
    "purposes",
    "roles",
    "approvals",
    "emergency",
    "reviews",
    "thresholds",
    "retention",
    "people",
)

_KEEPS_ALIVE = (  # without someone for each, nobody could change or staff the estate any more
    "charter.propose",
    "charter.ratify",
    "policy.activate",
    "person.enrol",
    "person.revoke",
)

_NEEDS_A_SECOND_PERSON = ("model.promote", "policy.activate")


@dataclass(frozen=True, slots=True)
class Charter:
    """One charter, as its file says it.

    `digest` is that of the bytes of the file; `retention` is in days, as `reviews_days` is.
    Mappings are by code, in the order of the file.
    """

    digest: str
    organisation: Organisation
    site: Site
    classes: Mapping[str, DataClass]
    purposes: Mapping[str, Purpose]
    roles: Mapping[str, Role]
    approvals: Mapping[str, Approval]
    emergency: EmergencyRules | None
    reviews_days: int | None
    thresholds: Mapping[str, Threshold]
    retention: Mapping[str, int]
    people: Mapping[str, Person]

    @classmethod
    def parse(cls, text: str | bytes) -> Charter:
        """Read a charter from TOML.

        Raises:
            MalformedCharterError: not TOML, too large, or not of the shape of a charter.
            ContradictionError: undefined codes, duplicates, or less than a regulation demands.
        """
        data = _bytes(text)
        root = Table("", _document(data))
        root.only(*_TABLES)
        organisation = _parse.read_organisation(root.table("organisation"))
        classes = _parse.read_classes(root.table("classes"))
        roles = _parse.read_roles(root.table("roles"), classes)
        approvals = _parse.read_approvals(root, roles)
        return cls(
            digest=digest(data),
            organisation=organisation,
            site=_parse.read_site(root.table("site")),
            classes=classes,
            purposes=_parse.read_purposes(root.table("purposes")),
            roles=roles,
            approvals=approvals,
            emergency=_parse.read_emergency(root, roles, approvals),
            reviews_days=_parse.read_reviews(root),
            thresholds=_parse.read_thresholds(root.table("thresholds")),
            retention=_parse.read_retention(root.table("retention"), organisation.regulations),
            people=_parse.read_people(root.rows("people"), classes, roles),
        )

    @property
    def codes(self) -> frozenset[str]:
        """Every code that this charter defines; these may stand in the ledger as facts."""
        return frozenset(
            (*self.classes, *self.purposes, *self.roles, *self.thresholds, *self.people)
        )

    @property
    def owners(self) -> tuple[Person, ...]:
        """The people who hold the role "owner"."""
        return tuple(person for person in self.people.values() if OWNER in person.roles)

    def rank(self, data_class: str) -> int:
        """How high a class stands; a `KeyError` where the charter has no such class."""
        return self.classes[data_class].rank

    def clearances(self, person: str) -> frozenset[str]:
        """The classes that a person is cleared for: their own, else those of their roles."""
        found = self.people[person]
        if found.clearances is not None:
            return frozenset(found.clearances)
        return frozenset(code for role in found.roles for code in self.roles[role].classes)

    def may(self, person: str, act: str) -> bool:
        """True when a role of `person` names `act`; the other rules may still forbid it."""
        names = {act, act.partition(".")[0] + ".*"}
        return any(names.intersection(self.roles[role].may) for role in self.people[person].roles)


def check_complete(charter: Charter, *, trial: bool) -> None:
    """Refuse a charter that an estate could not live by.

    Somebody may propose, ratify, activate, enrol and revoke; every approval can be reached by
    people with keys. Unless the estate is a `trial`, there are two owners, and promotions and
    policies need a second person.

    Raises:
        IncompleteCharterError: the first thing that is missing, and what to add.
    """
    owners_min = 1 if trial else 2
    if len(charter.owners) < owners_min:
        raise _incomplete(
            "people",
            f"expected at least {owners_min} with the role owner; found {len(charter.owners)}",
            "give another person the role owner and an ssh_key; a trial estate needs only one",
        )
    for owner in charter.people:  # the last to ratify enrols everybody
        if OWNER in charter.people[owner].roles and not charter.may(owner, "person.enrol"):
            raise _incomplete(
                "roles",
                f"expected every owner to be allowed person.enrol; {owner} is not",
                'add "person.enrol" to the acts of the role owner',
            )
    for act in _KEEPS_ALIVE:
        if not any(charter.may(person, act) for person in charter.people):
            raise _incomplete(
                "roles",
                f"expected someone who may {act}; found nobody",
                f'add "{act}" to the acts of a role that somebody holds',
            )
    for act in () if trial else _NEEDS_A_SECOND_PERSON:
        if act not in charter.approvals:
            raise _incomplete(
                join("approvals", act),
                "expected at least one approval by another person; found no rule",
                f'add [approvals."{act}"] with count and roles',
            )
    for approval in charter.approvals.values():
        _check_reachable(charter, approval)
    _check_reviewable(charter)


def _check_reachable(charter: Charter, approval: Approval) -> None:
    able = {
        code
        for code, person in charter.people.items()
        if person.ssh_key is not None
        and set(person.roles).intersection(approval.roles)
        and charter.may(code, "approval.give")
    }
    asking = [code for code in charter.people if _asks(charter, code, approval.act)]
    most = max((len(able - {code}) for code in asking), default=len(able))
    if most < approval.count:
        raise _incomplete(
            join("approvals", approval.act),
            f"expected at least {approval.count} other than who asks, who hold "
            f"{' or '.join(approval.roles)}, have an ssh_key and may approval.give; found {most}",
            "lower the count, name more roles, or give more people such a role and their key",
        )


def _asks(charter: Charter, person: str, act: str) -> bool:
    """Tell whether a person may do an act, by a role of theirs or in an emergency."""
    if act == BREAK_GLASS and charter.emergency is not None:
        return not set(charter.people[person].roles).isdisjoint(charter.emergency.who)
    return charter.may(person, act)


def _check_reviewable(charter: Charter) -> None:
    """Refuse an emergency that nobody but whoever caused it could review afterwards."""
    if charter.emergency is None:
        return
    able = {code for code in charter.people if charter.may(code, "access.review_emergency")}
    if not able or (len(able) == 1 and all(_asks(charter, code, BREAK_GLASS) for code in able)):
        raise _incomplete(
            "emergency",
            "expected somebody else than who takes a role, who may access.review_emergency; "
            f"found {len(able)} who may at all",
            'add "access.review_emergency" to the acts of a role that others hold',
        )


def _incomplete(path: str, problem: str, hint: str) -> IncompleteCharterError:
    return IncompleteCharterError("charter.incomplete", path, problem, hint)


def _bytes(text: str | bytes) -> bytes:
    try:
        data = text.encode() if isinstance(text, str) else text
    except UnicodeEncodeError as error:
        raise MalformedCharterError("charter.syntax", "", f"expected UTF-8; {error}") from error
    if len(data) > _CHARTER_BYTES_MAX:
        raise MalformedCharterError(
            "charter.size", "", f"expected at most {_CHARTER_BYTES_MAX} bytes; found {len(data)}"
        )
    return data


def _document(data: bytes) -> dict[str, Any]:
    try:
        document = tomllib.loads(data.decode())
        placeholders = list(_placeholders("", document))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise MalformedCharterError(
            "charter.syntax", "", f"expected TOML in UTF-8; {error}", "correct the file there"
        ) from error
    if placeholders:
        raise MalformedCharterError(
            "charter.placeholder",
            ", ".join(placeholders),
            f"expected your own values; found {_PLACEHOLDER} as the template has it",
            f"{len(placeholders)} places to edit",
        )
    return document


def _placeholders(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _placeholders(join(path, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _placeholders(f"{path}[{index}]", inner)
    elif isinstance(value, str) and value.startswith(_PLACEHOLDER):
        yield path
