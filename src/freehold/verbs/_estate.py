"""Verbs about the estate itself, its charter, people and policies."""

from __future__ import annotations

from typing import Any

from freehold.charter import (
    CaseResult,
    CharterStatus,
    Explanation,
    Simulation,
)
from freehold.estate import Estate, EstateStatus
from freehold.kernel.acts import Actor
from freehold.kernel.vault import Collected
from freehold.parties import IssuedToken, NewPerson, Person
from freehold.verbs._verb import TextFile


def estate_status(estate: Estate, actor: Actor) -> EstateStatus:
    """Show the estate at a glance."""
    return estate.status(actor)


def estate_collect(estate: Estate, actor: Actor) -> Collected:
    """Remove sealed blobs that no act refers to."""
    return estate.upkeep.collect(actor)


def charter_show(estate: Estate, actor: Actor) -> dict[str, Any]:
    """Show the newest charter and who has ratified it."""
    return estate.charter.show(actor)


def charter_status(estate: Estate) -> CharterStatus:
    """Tell how far the ratification of the newest charter is."""
    return estate.charter.status()


def charter_propose(estate: Estate, actor: Actor, text: TextFile) -> CharterStatus:
    """Propose a new charter; the one in force stays until owners have ratified it."""
    return estate.charter.propose(actor, text.encode())


def charter_statement(estate: Estate, owner: str) -> str:
    """Write the statement that an owner signs to ratify the newest charter."""
    return estate.charter.statement(owner).message().decode()


def charter_ratify(estate: Estate, statement: str, signature: str) -> CharterStatus:
    """Count an owner's signed ratification; the last one needed puts the charter in force and
    enrols its people.
    """
    status = estate.charter.ratify(statement.encode(), signature)
    if status.is_ratified:
        estate.adopt_charter()
    return status


def people_list(estate: Estate, actor: Actor) -> tuple[Person, ...]:
    """List everybody with roles and clearances."""
    return estate.people.list(actor)


def people_enrol(
    estate: Estate,
    actor: Actor,
    code: str,
    name: str,
    *,
    role: tuple[str, ...],
    clearance: tuple[str, ...] = (),
    unit: str = "",
    ssh_key: str = "",
    service: bool = False,
) -> Person:
    """Enrol a person, or with --service an application."""
    kind = "service" if service else "user"
    person = NewPerson(code, name, role, clearance, unit, ssh_key, kind)
    return estate.people.enrol(actor, person)


def people_assign(
    estate: Estate,
    actor: Actor,
    person: str,
    *,
    role: tuple[str, ...],
    clearance: tuple[str, ...] = (),
    unit: str = "",
) -> Person:
    """Give a person other roles and clearances."""
    return estate.people.assign(actor, person, roles=role, clearances=clearance, unit=unit)


def people_revoke(estate: Estate, actor: Actor, person: str) -> Person:
    """End a person's part in the estate."""
    return estate.people.revoke(actor, person)


def people_token(estate: Estate, actor: Actor, person: str, *, days: int = 30) -> IssuedToken:
    """Issue an API token to a person or service; it is shown this once."""
    return estate.people.token(actor, person, days=days)


def people_revoke_token(estate: Estate, actor: Actor, person: str, token_id: str) -> None:
    """Revoke one token."""
    estate.people.revoke_token(actor, person, token_id)


def people_challenge(estate: Estate, person: str) -> str:
    """Write the statement that a person signs to log in."""
    return estate.people.statement(person, "token.login").message().decode()


def people_statement(estate: Estate, actor: Actor, person: str, act: str, *, resource: str) -> str:
    """Write the statement that a person signs to approve an act."""
    return estate.people.prepare(actor, person, act, estate.resolve(resource)).message().decode()


def people_login(estate: Estate, statement: str, signature: str) -> IssuedToken:
    """Issue a token to whoever signed for themselves."""
    return estate.people.login(statement.encode(), signature)


def people_approve(estate: Estate, statement: str, signature: str) -> str:
    """Record a signed approval of another person's act."""
    return estate.people.approve(statement.encode(), signature)


def people_signers(estate: Estate, actor: Actor) -> str:
    """Write the public keys of all who sign, in OpenSSH's allowed_signers format."""
    return estate.people.allowed_signers(actor)


def policy_show(estate: Estate, actor: Actor, policy: str = "") -> dict[str, Any]:
    """Show the policies in force, or proposed ones: their digest, text and schema."""
    return estate.policy.show(actor, policy)


def policy_explain(estate: Estate, actor: Actor, act: str) -> Explanation:
    """Say which policies determined a recorded act, and why."""
    return estate.policy.explain(actor, act)


def policy_test(
    estate: Estate, actor: Actor, cases: TextFile, *, policies: TextFile = ""
) -> tuple[CaseResult, ...]:
    """Decide the cases of a TOML file, by the policies in force or by other ones beside the
    charter's.
    """
    return estate.policy.test(actor, cases, policies=policies)


def policy_simulate(estate: Estate, actor: Actor, policies: TextFile) -> Simulation:
    """Decide the recorded history again by other policies; list what would differ."""
    return estate.policy.simulate(actor, policies)


def policy_propose(estate: Estate, actor: Actor, policies: TextFile) -> str:
    """Lay down policies of the organisation's own, to be approved and activated."""
    return estate.policy.propose(actor, policies)


def policy_activate(estate: Estate, actor: Actor, policy: str) -> str:
    """Put proposed policies in force; a second person must have approved them."""
    return estate.policy.activate(actor, policy)
