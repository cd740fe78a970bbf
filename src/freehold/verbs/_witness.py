"""Verbs about the estate's witnesses."""

from __future__ import annotations

from freehold.estate import Estate
from freehold.kernel.acts import Actor
from freehold.verbs._verb import TextFile
from freehold.witnesses import DeclaredWitness


def witness_declare(
    estate: Estate, actor: Actor, name: str, vkey: str, *, url: str = ""
) -> DeclaredWitness:
    """Declare a witness by its public key, with the address to ask it at; without one it is asked
    by file.
    """
    return estate.witnesses.declare(actor, name, vkey, url=url)


def witness_withdraw(estate: Estate, actor: Actor, name: str) -> DeclaredWitness:
    """Ask a witness no more; what it cosigned stays."""
    return estate.witnesses.withdraw(actor, name)


def witness_list(estate: Estate, actor: Actor) -> tuple[DeclaredWitness, ...]:
    """List the witnesses, what each cosigned last, and what keeps it from doing so."""
    return estate.witnesses.list(actor)


def witness_ask(estate: Estate, actor: Actor, name: str) -> DeclaredWitness:
    """Show a witness the newest checkpoint now, and keep its cosignature."""
    return estate.witnesses.ask(actor, name)


def witness_request(estate: Estate, actor: Actor, name: str, *, since: int = 0) -> str:
    """Write a request for a witness across an air gap; --since where it has another size than this
    estate knows.
    """
    return estate.witnesses.request(actor, name, since=since)


def witness_accept(estate: Estate, actor: Actor, name: str, answer: TextFile) -> DeclaredWitness:
    """Keep the answer that came back across an air gap."""
    return estate.witnesses.accept(actor, name, answer)
