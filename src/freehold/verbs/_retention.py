"""Verbs of retention: what is past its time goes, what is under a legal hold stays."""

from __future__ import annotations

from dataclasses import replace

from freehold.estate import Estate
from freehold.kernel.acts import Actor
from freehold.kernel.retention import Hold, Pruned


def estate_prune(estate: Estate, actor: Actor, *, dry_run: bool = False) -> tuple[Pruned, ...]:
    """Remove what is past its retention; with --dry-run only count it.

    Not an erasure: a backup made before still holds it.
    """
    return estate.retention.prune(actor, dry_run=dry_run)


def estate_hold(estate: Estate, actor: Actor, thing: str, *, reason: str) -> Hold:
    """Put a thing under a legal hold: nothing that names it is removed."""
    return _named(estate, estate.retention.hold(actor, estate.resolve(thing), reason=reason))


def estate_release(estate: Estate, actor: Actor, thing: str, *, reason: str) -> None:
    """End the legal hold of a thing."""
    estate.retention.release(actor, estate.resolve(thing), reason=reason)


def estate_holds(estate: Estate, actor: Actor) -> tuple[Hold, ...]:
    """List what is under a legal hold, and why."""
    return tuple(_named(estate, each) for each in estate.retention.holds(actor))


def _named(estate: Estate, hold: Hold) -> Hold:
    return replace(hold, thing=estate.name_of(hold.thing))
