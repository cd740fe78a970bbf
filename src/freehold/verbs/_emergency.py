"""Verbs for when it burns, and for who may what: emergency access, reviews of access, recovery."""

from __future__ import annotations

from freehold.estate import Estate
from freehold.kernel.acts import Actor
from freehold.kernel.upkeep import RecoveryStatus
from freehold.parties import Emergency, Review, Reviewed


def access_request(
    estate: Estate, actor: Actor, role: str, *, minutes: int, code: str, reason: str
) -> Emergency:
    """Ask for a role for a time, in an emergency; it gives nothing yet.

    The code is absence, incident, legal, outage, safety or other.
    """
    return estate.emergency.request(actor, role, minutes=minutes, code=code, reason=reason)


def access_break_glass(estate: Estate, actor: Actor, emergency: str) -> Emergency:
    """Take the role that was asked for; another person approves first, unless the charter lets one
    alone.
    """
    return estate.emergency.break_glass(actor, emergency)


def access_end(estate: Estate, actor: Actor, emergency: str) -> Emergency:
    """End an emergency before its time."""
    return estate.emergency.end(actor, emergency)


def access_list(estate: Estate, actor: Actor) -> tuple[Emergency, ...]:
    """List every emergency, newest first."""
    return estate.emergency.list(actor)


def access_review_emergency(
    estate: Estate, actor: Actor, emergency: str, *, outcome: str, finding: str
) -> Emergency:
    """Say of another person's emergency that is over: justified, avoidable or misused."""
    return estate.emergency.review(actor, emergency, outcome=outcome, finding=finding)


def access_review_open(estate: Estate, actor: Actor, *, unit: str = "") -> Review:
    """Begin a review of who may what: of everybody, or of one unit."""
    return estate.reviews.open(actor, unit=unit)


def access_review_decide(
    estate: Estate, actor: Actor, review: str, person: str, *, decision: str, reason: str
) -> Reviewed:
    """Decide about a person in a review: keep, change or revoke; to revoke ends their part."""
    return estate.reviews.decide(actor, review, person, decision=decision, reason=reason)


def access_review_close(estate: Estate, actor: Actor, review: str) -> Review:
    """Close a review in which somebody has decided about everybody."""
    return estate.reviews.close(actor, review)


def access_review_show(estate: Estate, actor: Actor, review: str) -> tuple[Reviewed, ...]:
    """Show everybody in a review, as they were when it began, with what was decided."""
    return estate.reviews.show(actor, review)


def access_review_list(estate: Estate, actor: Actor) -> tuple[Review, ...]:
    """List every review of access, newest first."""
    return estate.reviews.list(actor)


def recovery_show(estate: Estate, actor: Actor) -> tuple[RecoveryStatus, ...]:
    """Show how the keys are recovered when the passphrase is lost, and when that was drilled."""
    return estate.recovery.show(actor)


def recovery_revoke(estate: Estate, actor: Actor, recovery: str) -> None:
    """Let a recovery open the keys no more; another owner must have approved it."""
    estate.recovery.revoke(actor, recovery)
