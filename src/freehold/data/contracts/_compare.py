"""Tell how one contract differs from another, and which changes let more tables pass.

What a reviewer has to see is what a new contract no longer asks for; that comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from operator import ge, le
from types import MappingProxyType
from typing import Any

from freehold.data.contracts._contract import Contract
from freehold.data.contracts._dump import toml_value
from freehold.data.contracts._kinds import Kind
from freehold.data.contracts._parts import Comparison, Freshness, Operator, Severity
from freehold.data.contracts._rules import Rule, rules


class Effect(StrEnum):
    """What a change does to the set of tables that pass.

    `mixed`: some pass that did not, and some no longer do, or it cannot be told (patterns).
    """

    LOOSER = "looser"
    MIXED = "mixed"
    TIGHTER = "tighter"


@dataclass(frozen=True, slots=True)
class Change:
    """One rule that is new, gone, or says something else. `old` or `new` is None where it is not
    there.
    """

    effect: Effect
    old: Rule | None
    new: Rule | None

    @property
    def id(self) -> str:
        """The rule's place in the contract."""
        rule = self.old or self.new
        return rule.id if rule else ""

    def __str__(self) -> str:
        return f"{self.effect}: {self.id}: {_shown(self.old)} -> {_shown(self.new)}"


def compare(old: Contract, new: Contract) -> tuple[Change, ...]:
    """List what differs: looser first, then mixed, then tighter, each in the order of the contract.

    If all changes are looser, each table that passes `old` passes `new`; if all are tighter, the
    other way round. Descriptions and the order of columns are no rules.
    """
    before = {rule.id: rule for rule in rules(old)}
    after = {rule.id: rule for rule in rules(new)}
    changes = [
        _change(before.get(name), after.get(name)) for name in dict.fromkeys([*before, *after])
    ]
    order = list(Effect)
    return tuple(sorted(filter(None, changes), key=lambda change: order.index(change.effect)))


def _change(old: Rule | None, new: Rule | None) -> Change | None:
    if old is None or new is None:
        return Change(Effect.TIGHTER if old is None else Effect.LOOSER, old, new)
    both = (_of_severity(old.severity, new.severity), _of_value(old, new))
    effects = {effect for effect in both if effect is not None}
    if not effects:
        return None
    return Change(effects.pop() if len(effects) == 1 else Effect.MIXED, old, new)


def _of_severity(old: Severity, new: Severity) -> Effect | None:
    if old is new:
        return None
    return Effect.LOOSER if new is Severity.WARN else Effect.TIGHTER


def _of_value(old: Rule, new: Rule) -> Effect | None:
    before, after = _comparable(old), _comparable(new)
    if before == after:
        return None
    implies = _IMPLIES.get(old.name, _never) if _is_of_one_kind(before, after) else _never
    if implies(before, after):
        return Effect.LOOSER
    return Effect.TIGHTER if implies(after, before) else Effect.MIXED


def _comparable(rule: Rule) -> Any:
    value: Any = rule.value
    match rule.name:
        case "freshness":
            return value.column, value.days_max
        case "allowed" | "key":
            return frozenset(value)
        case "comparison":
            return value.operator
    return value


def _is_of_one_kind(before: Any, after: Any) -> bool:
    numeric = (int, float)
    return type(before) is type(after) or (type(before) in numeric and type(after) in numeric)


def _never(stronger: Any, weaker: Any) -> bool:
    return False


def _is_within(stronger: Any, weaker: Any) -> bool:
    return bool(stronger <= weaker)


def _is_narrower_kind(stronger: Any, weaker: Any) -> bool:
    return stronger is Kind.INTEGER and weaker is Kind.NUMBER


def _is_stronger_operator(stronger: Any, weaker: Any) -> bool:
    return (stronger, weaker) in {
        (Operator.LESS, Operator.AT_MOST),
        (Operator.LESS, Operator.UNEQUAL),
        (Operator.EQUAL, Operator.AT_MOST),
    }


def _is_fresher(stronger: Any, weaker: Any) -> bool:
    return bool(stronger[0] == weaker[0] and stronger[1] <= weaker[1])


# Per rule: does a table that keeps the first value also keep the second?
_IMPLIES: MappingProxyType[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        **dict.fromkeys(("rows_minimum", "minimum", "length_min"), ge),
        **dict.fromkeys(("rows_maximum", "maximum", "length_max", "missing_max"), le),
        **dict.fromkeys(("allowed", "other_columns"), _is_within),
        "kind": _is_narrower_kind,
        "comparison": _is_stronger_operator,
        "freshness": _is_fresher,
    }
)


def _shown(rule: Rule | None) -> str:
    if rule is None:
        return "nothing"
    value: object = rule.value
    match value:
        case True:
            said = "yes"
        case frozenset():
            said = f"{len(value)} columns known"
        case Freshness():
            said = f"{toml_value(value.column)} within {value.days_max} days"
        case Comparison():
            said = f"{toml_value(value.left)} {value.operator} {toml_value(value.right)}"
        case _:
            said = toml_value(value).replace("\n", " ")
    return f"{said} ({rule.severity})"
