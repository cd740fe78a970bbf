"""The Cedar schema, generated from what the rooms declare; nobody writes it by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CEDAR_TYPES: Mapping[type | str, str] = {
    str: "String",
    bool: "Bool",
    int: "Long",
    "set": "Set<String>",
}
"""How a declared attribute is written in Cedar. `set` is a set of codes."""


@dataclass(frozen=True, slots=True)
class EntityType:
    """A kind of principal or resource and the attributes that policies may read of it.

    Every attribute is always present, so that no policy can fail for want of one.
    """

    name: str
    attributes: Mapping[str, type | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActionType:
    """One action: the resource types it may be done to, and the context that policies may read."""

    name: str
    resources: tuple[str, ...]
    context: Mapping[str, type | str] = field(default_factory=dict)


PRINCIPALS = (
    EntityType("User", {"roles": "set", "clearances": "set", "unit": str, "is_active": bool}),
    EntityType("Service", {"roles": "set", "clearances": "set", "unit": str, "is_active": bool}),
)

SITE_CONTEXT = "{ jurisdiction: String, operator: String, tenancy: String, connectivity: String }"


def schema_text(resources: Iterable[EntityType], actions: Iterable[ActionType]) -> str:
    """Write the schema in Cedar's own syntax, sorted, so that the same declarations give the same
    text.
    """
    lines = [
        _entity(kind) for kind in (*PRINCIPALS, *sorted(resources, key=lambda kind: kind.name))
    ]
    lines += [_action(action) for action in sorted(actions, key=lambda action: action.name)]
    return "\n".join(lines) + "\n"


def _entity(kind: EntityType) -> str:
    attributes = ", ".join(
        f"{name}: {CEDAR_TYPES[of]}" for name, of in sorted(kind.attributes.items())
    )
    return f"entity {kind.name} {{ {attributes} }};" if attributes else f"entity {kind.name};"


def _action(action: ActionType) -> str:
    own = {name: CEDAR_TYPES[of] for name, of in action.context.items()}
    common = {"approvals": "Long", "purpose": "String", "site": SITE_CONTEXT, "trial": "Bool"}
    context = ", ".join(f"{name}: {of}" for name, of in sorted({**own, **common}.items()))
    return (
        f'action "{action.name}" appliesTo {{ principal: [User, Service], '
        f"resource: [{', '.join(action.resources)}], context: {{ {context} }} }};"
    )
