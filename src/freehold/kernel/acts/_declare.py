"""Declaring acts, queries and resources: once, as types; everything else follows from it.

@dataclass(frozen=True, slots=True, kw_only=True)
class IngestDataset(Act, name="dataset.ingest", on="Dataset"):
    \"\"\"Bring a version of a dataset under governance.\"\"\"

    data_class: Code          # asked: policy sees it in the context
    rows: int = found(0)      # found: set by conclude, recorded only
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import UnionType
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

from sqlalchemy import Column, MetaData

from freehold.kernel import Ref
from freehold.kernel.acts._facts import CEDAR_KINDS, check_fact
from freehold.kernel.acts._record import Record
from freehold.kernel.acts.errors import ActError
from freehold.kernel.catalog import Catalog, Change
from freehold.kernel.policy import ActionType, EntityType, schema_text

ANY = "*"
"""Stands for every resource type: an approval may be about any of them."""

_PLAIN_KINDS: Mapping[Any, str] = {int: "integer", bool: "flag", float: "number"}


class Act:
    """An act type. Subclasses are frozen dataclasses whose fields are the facts.

    Class arguments:
        name: as recorded, `dataset.ingest`.
        on: the resource type that it is done to; `ANY` for acts about other acts.
        exclusive: whether acts on one resource wait for each other. Those of the hot path do not:
            they change nothing of their resource that policies see, and are projected from the
            record alone, so that a rebuild opens none of their bodies.
        alarming: whether people have to hear of it at once, whoever did it.
        retention: the kind of the charter's retention that its bodies fall under. Such an act puts
            nothing into the catalog but rows whose key is the id of its record, so that they go
            with it. Without one, body and record are kept for ever: what they projected is state.
    """

    name: ClassVar[str]
    on: ClassVar[str]
    exclusive: ClassVar[bool]
    alarming: ClassVar[bool]
    retention: ClassVar[str]

    def __init_subclass__(
        cls,
        *,
        name: str = "",
        on: str = "",
        exclusive: bool = True,
        alarming: bool = False,
        retention: str = "",
    ) -> None:
        if name:
            cls.name, cls.on, cls.exclusive = name, on, exclusive
            cls.alarming, cls.retention = alarming, retention

    @classmethod
    def project(cls, record: Record, details: Mapping[str, Any] | None) -> Iterable[Change]:
        """Say what a `done` record of this act changes in the catalog.

        Details are None once the body cannot be opened; they may fill erasable columns only, all of
        a row together.
        """
        return ()


@dataclass(frozen=True, slots=True)
class FactField:
    """One declared fact."""

    name: str
    kind: str
    is_found: bool
    is_optional: bool = False


def fact_fields(act: type[Act]) -> tuple[FactField, ...]:
    """The declared facts of an act type, in order.

    Raises:
        TypeError: a field of a type that is no kind of fact.
    """
    hints = get_type_hints(act, include_extras=True)
    declared = []
    for each in fields(act):  # type: ignore[arg-type]  # every act is a dataclass
        kind = _kind(hints[each.name])
        if kind is None:
            raise TypeError(f"{act.__name__}.{each.name} is of no kind that a fact can have")
        is_found = bool(each.metadata.get("found"))
        if not is_found and _is_union(hints[each.name]):
            raise TypeError(
                f"{act.__name__}.{each.name}: what policy is asked is always there, never optional"
            )
        declared.append(FactField(each.name, kind, is_found, _is_union(hints[each.name])))
    return tuple(declared)


def _kind(hint: Any) -> str | None:
    if hint in _PLAIN_KINDS:
        return _PLAIN_KINDS[hint]
    if hasattr(hint, "__metadata__"):
        return str(hint.__metadata__[0])
    if _is_union(hint):  # with None, for found facts: recorded when it is there
        kinds = [_kind(arg) for arg in get_args(hint) if arg is not type(None)]
        return kinds[0] if len(kinds) == 1 else None
    return None


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType)


@dataclass(frozen=True, slots=True)
class Query:
    """A question to the estate: decided like an act, but only its refusals are recorded."""

    name: str
    on: str


Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """How policies see a principal or a thing, and how long that holds without anybody's act.

    `under` names what gives rights for a time (an emergency): each of the principal's records until
    then names it too, as its fact `under`.
    """

    attributes: Attributes
    until: datetime | None = None
    under: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A kind of thing that acts are done to: its Cedar type, and how its attributes are read from
    the catalog.

    One type may have several kinds of reference (people and services). `load` gives every declared
    attribute; for a thing that does not exist yet it gives neutral values, so that the act that
    creates it can be decided. Attributes change only by acts whose resource or outputs name the
    thing, or with time: then `standing` gives them as of a moment, instead of `load`, and says how
    long they hold.
    """

    name: str
    kind: str
    attributes: Mapping[str, type | str] = field(default_factory=dict)
    load: Callable[[Catalog, Ref], Attributes] = lambda _catalog, _ref: {}
    authors: tuple[str, ...] = ()  # attributes naming principals whose approval cannot count
    names: Column[Any] | None = None  # the erasable column with its name, beside a column `id`
    standing: Callable[[Catalog, Ref, datetime], Standing] | None = None

    def stands(self, catalog: Catalog, ref: Ref, now: datetime) -> Standing:
        """How policies see a thing of this kind now."""
        if self.standing is not None:
            return self.standing(catalog, ref, now)
        return Standing(self.load(catalog, ref))


@dataclass(frozen=True, slots=True)
class Declarations:
    """What one room brings: its acts, queries, resources and tables."""

    acts: tuple[type[Act], ...] = ()
    queries: tuple[Query, ...] = ()
    resources: tuple[ResourceType, ...] = ()
    tables: tuple[MetaData, ...] = ()


class Registry:
    """All declarations of all rooms; the source of the policy schema, the record schema and the
    reference page.
    """

    def __init__(self, rooms: Iterable[Declarations]) -> None:
        rooms = tuple(rooms)
        self.acts = {act.name: act for room in rooms for act in room.acts}
        self.queries = {query.name: query for room in rooms for query in room.queries}
        self.resources = {kind.name: kind for room in rooms for kind in room.resources}
        self.tables = tuple(metadata for room in rooms for metadata in room.tables)
        self.kinds = {kind.kind: kind for room in rooms for kind in room.resources}
        self.facts = {name: fact_fields(act) for name, act in self.acts.items()}
        self._check(sum(len(room.acts) + len(room.queries) for room in rooms))

    def _check(self, declared: int) -> None:
        if len({*self.acts, *self.queries}) != declared:
            raise ActError("act.declared_twice", "two declarations have the same name")
        for name, on in self.actions.items():
            if on not in (ANY, *self.resources):
                raise ActError("act.resource", f"{name} is done to {on}, which no room declares")

    @property
    def alarming(self) -> frozenset[str]:
        """The acts that people have to hear of at once."""
        return frozenset(name for name, act in self.acts.items() if act.alarming)

    @property
    def actions(self) -> dict[str, str]:
        """Every action that policy decides about, with the resource type it is done to."""
        acts = {name: act.on for name, act in self.acts.items()}
        return acts | {name: query.on for name, query in self.queries.items()}

    @property
    def schema(self) -> str:
        """The Cedar schema."""
        actions = [
            ActionType(
                name,
                tuple(sorted(self.resources)) if on == ANY else (on,),
                {
                    each.name: CEDAR_KINDS[each.kind]
                    for each in self.facts.get(name, ())
                    if not each.is_found and each.kind in CEDAR_KINDS
                },
            )
            for name, on in self.actions.items()
        ]
        resources = [EntityType(kind.name, kind.attributes) for kind in self.resources.values()]
        return schema_text(resources, actions)

    def asked(self, act: Act) -> dict[str, Any]:
        """The facts that are known before the work, checked; what policy is told.

        Raises:
            InvalidFact: one is not of its kind.
        """
        return self._facts(act, is_found=False)

    def found(self, act: Act) -> dict[str, Any]:
        """The facts that the work brought, checked.

        Raises:
            InvalidFact: one is not of its kind.
        """
        return self._facts(act, is_found=True)

    def _facts(self, act: Act, *, is_found: bool) -> dict[str, Any]:
        values = {
            each: getattr(act, each.name)
            for each in self.facts[act.name]
            if each.is_found is is_found
        }
        return {
            each.name: check_fact(act.name, each.name, each.kind, value)
            for each, value in values.items()
            if value is not None or not each.is_optional  # what is not optional cannot be missing
        }

    def context(self, asked: Mapping[str, Any], act: str) -> dict[str, Any]:
        """Those of the asked facts that policies see."""
        shown = {each.name for each in self.facts[act] if each.kind in CEDAR_KINDS}
        return {name: value for name, value in asked.items() if name in shown}
