"""The policies of emergency access and of access reviews.

Without `[emergency]` nobody can break the glass. With it, a role is taken for a bounded time by
somebody whom the table names, and looked at afterwards by somebody else. How many must have
approved is the matter of `charter.approvals.access-break_glass`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from freehold.charter._cedar import policy, set_of
from freehold.charter._model import BREAK_GLASS, EmergencyRules

_REQUEST, _END = "access.request", "access.end"
_REVIEW_EMERGENCY, _DECIDE = "access.review_emergency", "access.review_decide"
_TAKING = (_REQUEST, BREAK_GLASS)


def emergency_policies(rules: EmergencyRules | None, actions: Mapping[str, str]) -> Iterator[str]:
    """Write the policies of `rules` for the acts that exist."""
    if _DECIDE in actions:
        yield policy(
            "forbid",
            "charter.review.own",
            "Nobody decides about their own access. Let another reviewer decide about you.",
            acts=(_DECIDE,),
            condition="context.own",
        )
    if any(act not in actions for act in (*_TAKING, _END, _REVIEW_EMERGENCY)):
        return
    yield policy(
        "forbid",
        "charter.emergency.review-own",
        "Nobody reviews their own emergency. Ask another owner or reviewer.",
        acts=(_REVIEW_EMERGENCY,),
        condition="context.own",
    )
    if rules is None:
        yield policy(
            "forbid",
            "charter.emergency.none",
            "The charter has no [emergency], so nobody can take a role for a time. Ask an owner to "
            "assign you the role (person.assign), or propose a charter that has it.",
            acts=_TAKING,
            condition="true",
        )
    else:
        yield from _taking(rules)


def _taking(rules: EmergencyRules) -> Iterator[str]:
    is_named = f"principal.roles.containsAny({set_of(rules.who)})"
    yield policy(
        "permit",
        "charter.emergency.take",
        f"In an emergency the roles {', '.join(rules.who)} may take another role for a time: see "
        "[emergency].",
        acts=_TAKING,
        condition=is_named,
    )
    yield policy(
        "permit",
        "charter.emergency.give-back",
        "Whoever took a role in an emergency may give it back before its time.",
        acts=(_END,),
        condition="context.own",
    )
    yield policy(
        "forbid",
        "charter.emergency.who",
        f"Only the roles {', '.join(rules.who)} may take another role in an emergency: see who in "
        "[emergency]. Ask somebody who holds one of them.",
        acts=_TAKING,
        condition=f"!{is_named}",
    )
    yield policy(
        "forbid",
        "charter.emergency.own",
        "Only who asked for a role may take it. Ask for it yourself (access.request).",
        acts=(BREAK_GLASS,),
        condition="!context.own",
    )
    yield policy(
        "forbid",
        "charter.emergency.roles",
        f"In an emergency one may take {', '.join(rules.roles)} and no other role: see roles in "
        "[emergency].",
        acts=_TAKING,
        condition=f"!{set_of(rules.roles)}.contains(context.role)",
    )
    yield policy(
        "forbid",
        "charter.emergency.minutes",
        f"A role is taken for at most {rules.minutes_max} minutes: see minutes_max in [emergency]. "
        "Ask for less.",
        acts=_TAKING,
        condition=f"context.minutes > {rules.minutes_max}",
    )
    yield policy(
        "forbid",
        "charter.emergency.unreviewed",
        "Your last emergency is not reviewed yet. Ask another owner or reviewer to review it "
        "(access.review_emergency), then ask again.",
        acts=(BREAK_GLASS,),
        condition="context.unreviewed > 0",
    )
