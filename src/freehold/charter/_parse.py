"""Read each part of a charter from its table, refusing whatever is not exactly as it should be.

The parts and their rules are explained, key by key, in the template. References between parts are
checked where the referring part is read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from freehold.charter._jurisdictions import COUNTRIES, EUROPEAN_UNION
from freehold.charter._model import (
    BREAK_GLASS,
    CONNECTIVITIES,
    ISOLATION_LEVELS,
    OWNER,
    TENANCIES,
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
from freehold.charter._reader import Table, check_code, check_defined, join, near, show
from freehold.charter._regulations import (
    LEGAL_BASES,
    REGULATIONS,
    RETENTION_KINDS,
    RETENTION_MINIMA,
    days_of_years,
)
from freehold.charter.errors import ContradictionError, MalformedCharterError
from freehold.kernel.signatures import KeyFormatError, parse_public_key

_ACT = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")
_PATTERN = re.compile(r"[a-z][a-z_]*\.(?:[a-z][a-z_]*|\*)")
_CUSTOM_REGULATION = re.compile(r"x-[a-z0-9][a-z0-9._-]{0,61}")
_PERIOD = re.compile(r"([1-9][0-9]{0,4}) (day|year)s?")

_RANK_MAX = 1_000  # far more classes than anybody can tell apart
_APPROVALS_MAX = 100  # a count beyond this can only be a slip
_EMERGENCY_MINUTES = 240  # where the charter says nothing: half a shift
_EMERGENCY_MINUTES_MAX = 1_440  # what lasts longer than a day is an assignment
_REVIEW_DAYS, _REVIEW_DAYS_MAX = 7, 90
_REVIEWS_DAYS_MAX = 1_096  # three years; who looks more rarely does not look
_LASTING = ("person.enrol", "person.assign", "token.issue", "recovery.set_up")
"""Acts that would let an emergency outlive its time: no role that may do one can be taken."""


def read_organisation(table: Table) -> Organisation:
    """Read `[organisation]`."""
    table.only("name", "jurisdictions", "regulations")
    regulations = table.texts("regulations")
    for index, code in enumerate(regulations):
        if code not in REGULATIONS and not _CUSTOM_REGULATION.fullmatch(code):
            raise MalformedCharterError(
                "charter.value",
                f"{join(table.path, 'regulations')}[{index}]",
                f"expected one of {', '.join(REGULATIONS)}, or x-… for one of your own; "
                f"found {show(code)}",
                near(code, REGULATIONS),
            )
    return Organisation(table.text("name"), _jurisdictions(table, "jurisdictions"), regulations)


def read_site(table: Table) -> Site:
    """Read `[site]`."""
    table.only("jurisdiction", "operator", "tenancy", "connectivity")
    return Site(
        table.choice(
            "jurisdiction", COUNTRIES, 'one country, an ISO 3166-1 alpha-2 code such as "DE"'
        ),
        table.code("operator"),
        table.choice("tenancy", TENANCIES),
        table.choice("connectivity", CONNECTIVITIES),
    )


def read_classes(parent: Table) -> Mapping[str, DataClass]:
    """Read `[classes.<code>]`."""
    return MappingProxyType({code: _data_class(code, table) for code, table in _coded(parent)})


def _data_class(code: str, table: Table) -> DataClass:
    table.only("rank", "residency", "operators", "tenancy", "vendors", "isolation", "description")
    return DataClass(
        code=code,
        rank=table.integer("rank", least=0, most=_RANK_MAX),
        residency=_jurisdictions(table, "residency"),
        operators=table.codes("operators"),
        tenancy=table.choices("tenancy", TENANCIES),
        vendors=table.flag("vendors"),
        isolation=table.choice("isolation", ISOLATION_LEVELS),
        description=table.text("description"),
    )


def read_purposes(parent: Table) -> Mapping[str, Purpose]:
    """Read `[purposes.<code>]`."""
    purposes = {}
    for code, table in _coded(parent):
        table.only("description", "legal_basis")
        basis = table.choice("legal_basis", LEGAL_BASES) if table.has("legal_basis") else None
        purposes[code] = Purpose(code, table.text("description"), basis)
    return MappingProxyType(purposes)


def read_roles(parent: Table, classes: Mapping[str, DataClass]) -> Mapping[str, Role]:
    """Read `[roles.<code>]`; the role "owner" must be there."""
    roles = {}
    for code, table in _coded(parent):
        table.only("description", "may", "classes")
        roles[code] = Role(
            code, table.text("description"), _patterns(table), _clearance(table, "classes", classes)
        )
    if OWNER not in roles:
        raise MalformedCharterError(
            "charter.missing",
            join(parent.path, OWNER),
            "expected this role, whose holders ratify the charter; found none",
            near(OWNER, roles) or f"add [{join(parent.path, OWNER)}]",
        )
    return MappingProxyType(roles)


def _patterns(table: Table) -> tuple[str, ...]:
    patterns = table.texts("may")
    for index, pattern in enumerate(patterns):
        if not _PATTERN.fullmatch(pattern):
            raise MalformedCharterError(
                "charter.value",
                f"{join(table.path, 'may')}[{index}]",
                'expected an act such as "dataset.ingest", or "dataset.*" for all on datasets; '
                f"found {show(pattern)}",
            )
    return patterns


def read_approvals(root: Table, roles: Mapping[str, Role]) -> Mapping[str, Approval]:
    """Read `[approvals."<act>"]`; a charter may do without any."""
    approvals: dict[str, Approval] = {}
    if not root.has("approvals"):
        return MappingProxyType(approvals)
    parent = root.table("approvals")
    for act in parent.values:
        path = join(parent.path, act)
        if not _ACT.fullmatch(act):
            raise MalformedCharterError(
                "charter.value",
                path,
                f'expected the name of an act, such as "model.promote"; found {show(act)}',
                f'the act stands in quotes: [{parent.path}."model.promote"]',
            )
        table = parent.table(act)
        table.only("count", "roles")
        approvals[act] = Approval(
            act,
            table.integer("count", least=1, most=_APPROVALS_MAX),
            table.defined("roles", roles, "roles"),
        )
    return MappingProxyType(approvals)


def read_emergency(
    root: Table, roles: Mapping[str, Role], approvals: Mapping[str, Approval]
) -> EmergencyRules | None:
    """Read `[emergency]`; without it nobody can take a role for a time."""
    if not root.has("emergency"):
        return None
    table = root.table("emergency")
    table.only("roles", "who", "alone", "minutes_max", "review_days")
    rules = EmergencyRules(
        roles=table.defined("roles", roles, "roles"),
        who=table.defined("who", roles, "roles"),
        alone=table.flag("alone"),
        minutes_max=_bounded(table, "minutes_max", _EMERGENCY_MINUTES, _EMERGENCY_MINUTES_MAX),
        review_days=_bounded(table, "review_days", _REVIEW_DAYS, _REVIEW_DAYS_MAX),
    )
    for index, role in enumerate(rules.roles):
        lasting = [act for act in _LASTING if _names(roles[role], act)]
        if lasting:
            raise ContradictionError(
                "charter.emergency",
                f"{join(table.path, 'roles')}[{index}]",
                f"expected a role whose acts end with the emergency; {show(role)} may {lasting[0]}",
                "name another role, or take that act off this one",
            )
    if rules.alone is (BREAK_GLASS in approvals):
        raise ContradictionError(
            "charter.emergency",
            join(table.path, "alone"),
            f"expected alone = true, or [approvals.{show(BREAK_GLASS)}] with count and roles; "
            f"found {'both' if rules.alone else 'neither'}",
            "one person alone with an alarm, or two persons: say which",
        )
    return rules


def read_reviews(root: Table) -> int | None:
    """Read `[reviews]`: every how many days everybody's access is reviewed, if at all."""
    if not root.has("reviews"):
        return None
    table = root.table("reviews")
    table.only("every_days")
    return table.integer("every_days", least=1, most=_REVIEWS_DAYS_MAX)


def _bounded(table: Table, key: str, default: int, most: int) -> int:
    return table.integer(key, least=1, most=most) if table.has(key) else default


def _names(role: Role, act: str) -> bool:
    """Tell whether a role names an act, by itself or with all of its kind."""
    return not {act, act.partition(".")[0] + ".*"}.isdisjoint(role.may)


def read_thresholds(parent: Table) -> Mapping[str, Threshold]:
    """Read `[thresholds]`: a number is a minimum, a table gives `at_least`, `at_most` or both."""
    thresholds = {}
    for metric, value in parent.values.items():
        check_code(metric, join(parent.path, metric))
        if not isinstance(value, dict):
            thresholds[metric] = Threshold(metric, parent.number(metric), None)
            continue
        table = parent.table(metric)
        table.only("at_least", "at_most")
        least, most = (
            table.number(key) if table.has(key) else None for key in ("at_least", "at_most")
        )
        if least is not None and most is not None and least > most:
            raise ContradictionError(
                "charter.value",
                table.path,
                f"expected at_least no greater than at_most; found {least} and {most}",
            )
        thresholds[metric] = Threshold(metric, least, most)
    return MappingProxyType(thresholds)


def read_retention(table: Table, regulations: Collection[str]) -> Mapping[str, int]:
    """Read `[retention]` in days, and hold it against what the listed regulations demand.

    Raises:
        ContradictionError: shorter than a listed regulation allows; it names the article.
    """
    table.only(*RETENTION_KINDS)
    retention = {kind: _days(table, kind) for kind in RETENTION_KINDS}
    for least in RETENTION_MINIMA:
        if least.regulation in regulations and retention[least.kind] < least.days:
            raise ContradictionError(
                "charter.retention",
                join(table.path, least.kind),
                f"{least.article} demands {least.period}, {least.days} days; "
                f"found {show(table.values[least.kind])}",
                f'keep them for at least "{least.days} days", or take "{least.regulation}" off '
                "organisation.regulations if it does not bind you",
            )
    return MappingProxyType(retention)


def _days(table: Table, kind: str) -> int:
    match = _PERIOD.fullmatch(table.text(kind))
    if match is None:
        table.refuse(kind, 'a period such as "184 days" or "10 years"')
    number = int(match[1])
    return number if match[2] == "day" else days_of_years(number)


def read_people(
    rows: tuple[Table, ...], classes: Mapping[str, DataClass], roles: Mapping[str, Role]
) -> Mapping[str, Person]:
    """Read `[[people]]`; codes and keys are distinct, and every owner has a key."""
    people: dict[str, Person] = {}
    holders: dict[str, str] = {}
    for table in rows:
        person = _person(table, classes, roles)
        if person.code in people:
            raise ContradictionError(
                "charter.duplicate",
                join(table.path, "id"),
                f"expected an id of their own for each; found {show(person.code)} twice",
            )
        if person.ssh_key is not None:
            other = holders.setdefault(person.ssh_key, person.code)
            if other != person.code:
                raise ContradictionError(
                    "charter.duplicate",
                    join(table.path, "ssh_key"),
                    f"expected a key of their own for each; found the key of {show(other)}",
                    "with a shared key one person could approve as two",
                )
        people[person.code] = person
    return MappingProxyType(people)


def _person(table: Table, classes: Mapping[str, DataClass], roles: Mapping[str, Role]) -> Person:
    table.only("name", "id", "roles", "clearances", "ssh_key", "unit")
    held = table.defined("roles", roles, "roles")
    key = _public_key(table) if table.has("ssh_key") or OWNER in held else None
    return Person(
        code=table.code("id"),
        name=table.text("name"),
        roles=held,
        clearances=(_clearance(table, "clearances", classes) if table.has("clearances") else None),
        ssh_key=key,
        unit=table.code("unit") if table.has("unit") else "",
    )


def _public_key(table: Table) -> str:
    """Read the public key of a person, in a file or on a security key, and drop its comment."""
    text = table.text("ssh_key")
    if "PRIVATE KEY" in text:
        raise MalformedCharterError(
            "charter.secret",
            join(table.path, "ssh_key"),
            "expected a public key; found a private one",
            "put the line of the .pub file here, and treat the private key as lost",
        )
    try:
        return parse_public_key(text)
    except KeyFormatError:
        table.refuse(
            "ssh_key",
            'an OpenSSH Ed25519 public key, "ssh-ed25519 AAAA…"',
            "make one with: ssh-keygen -t ed25519 (ed25519-sk for a security key)",
        )


def _clearance(table: Table, key: str, classes: Mapping[str, DataClass]) -> tuple[str, ...]:
    """Read a list of classes, or one class as the highest: it and all of lower rank."""
    if not isinstance(table.values.get(key), str):
        return table.defined(key, classes, "classes")
    highest = table.text(key)
    check_defined(highest, classes, "classes", join(table.path, key))
    rank = classes[highest].rank
    return tuple(code for code, c in classes.items() if c.rank < rank or code == highest)


def _jurisdictions(table: Table, key: str) -> tuple[str, ...]:
    return table.choices(
        key,
        COUNTRIES | {EUROPEAN_UNION},
        'ISO 3166-1 alpha-2 codes such as "DE", or "EU" for its members',
    )


def _coded(parent: Table) -> Iterator[tuple[str, Table]]:
    for code in parent.values:
        check_code(code, join(parent.path, code))
        yield code, parent.table(code)
