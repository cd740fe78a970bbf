"""Who upgrades: by a token, or by a signature, since a token may have run out with the software.

A signature covers what was compared, and is kept with the act; it gives no token.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

from freehold.charter import UpgradeEstate
from freehold.estate import Estate
from freehold.kernel import format_time
from freehold.kernel.acts import Actor
from freehold.kernel.signatures import InvalidSignatureError, Statement, sign, verify
from freehold.parties import enrolled_key
from freehold.upgrade.errors import UpgradeError

SIGNED_DAYS = 1


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, and how that was shown: the details of the act's body."""

    actor: Actor
    shown: Mapping[str, str]


ActingAs: TypeAlias = Callable[[Estate, str], Acting]
"""Tells who acts in an open estate; the digest is that of what was compared."""


def by_token(token: str) -> ActingAs:
    """Act as whoever has this token."""

    def acting(estate: Estate, _comparison: str) -> Acting:
        return Acting(estate.people.authenticate(token), {})

    return acting


def by_signature(person: str, key: Path) -> ActingAs:
    """Act as a person who signs with their enrolled key."""

    def acting(estate: Estate, comparison: str) -> Acting:
        pipeline = estate.pipeline
        ref = estate.people.find(person)
        statement = Statement(
            estate=pipeline.circumstances.estate.id,
            approver=str(ref),
            act=UpgradeEstate.name,
            resource=str(pipeline.circumstances.estate),
            evidence=comparison,
            policy_set=pipeline.policies.digest,
            nonce=secrets.token_hex(16),
            expires=format_time(pipeline.clock.now() + timedelta(days=SIGNED_DAYS)),
        ).message()
        signature = sign(statement, key)
        try:
            verify(statement, signature, enrolled_key(pipeline.stores.catalog, ref.id) or "")
        except InvalidSignatureError as error:
            raise UpgradeError(
                "upgrade.key",
                f"the key in {key} is not the one that is enrolled for {person}",
                "sign with your own key (--key), as yourself (--as)",
            ) from error
        return Acting(Actor(ref), {"statement": statement.decode(), "signature": signature})

    return acting
