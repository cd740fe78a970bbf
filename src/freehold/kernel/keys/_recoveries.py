"""The recoveries of one keyring: listed, added, removed, tried.

It walks the keyring's own steps, as `Keyring` itself does: whoever writes holds its write lock.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING

from freehold.kernel.keys import _tables as tables
from freehold.kernel.keys._recovery import (
    RECIPIENTS_MAX,
    Recovery,
    RecoveryCustody,
    SealedRoot,
)
from freehold.kernel.keys.errors import KeysError

if TYPE_CHECKING:
    from freehold.kernel.keys._keyring import Keyring


class Recoveries:
    """The recoveries of a keyring: set up, revoked, tried. Made by `Keyring.recoveries` alone."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def list(self) -> tuple[Recovery, ...]:
        """Every recovery that gives the root key in force.

        Raises:
            KeysError: `keys.storage`.
        """
        with self._keyring._reading() as (_, root):
            return root.wrapped.ways

    def add(self, recovery: Recovery) -> None:
        """Seal the root key to the recipients of `recovery` too, and every later one.

        An error leaves the keyring with it or without.

        Raises:
            KeysError: `keys.recipient`, `keys.recipients` (too many, or there already),
                `keys.storage`.
        """
        keyring = self._keyring
        with keyring._writing() as (_, root):
            ways = (*root.wrapped.ways, recovery)
            recipients = [each for way in ways for each in way.recipients]
            if len(recipients) > RECIPIENTS_MAX or len(set(recipients)) < len(recipients):
                raise KeysError(
                    "keys.recipients",
                    f"a keyring has at most {RECIPIENTS_MAX} recovery recipients, each once",
                    "revoke a recovery with `freehold recovery revoke`",
                )
            wrapped = replace(root.wrapped, recovery=SealedRoot.of(root.key, ways))
            keyring._put([wrapped])  # the commit point
            keyring._known = replace(root, wrapped=wrapped)

    def remove(self, recovery_id: str) -> None:
        """Let a recovery give the root key no more, whatever copies of custody.json there are.

        Like an erasure it makes a new root key: what was sealed to its recipients stays readable
        for them, and opens nothing.

        Raises:
            KeysError: `keys.unknown_recovery`, `keys.storage`.
        """
        keyring = self._keyring
        with keyring._writing() as (db, root):
            left = tuple(way for way in root.wrapped.ways if way.id != recovery_id)
            if len(left) == len(root.wrapped.ways):
                raise _unknown_recovery()
            new = keyring._next_root(root, ways=left)
            tables.change_root(db, old_root=root.key, new_root=new.key)
            keyring._take(new)
        keyring._settle()

    def prove(self, custody: RecoveryCustody) -> Recovery:
        """Try a recovery on what lies on the disk, and change nothing: whose it is, if it gives the
        root key in force.

        Raises:
            WrongCustody: it opens nothing here.
            KeysError: `keys.corrupt`: what it opens is not the root key in force.
        """
        keyring = self._keyring
        with keyring._reading() as (_, root):
            found = keyring._lying().get(root.wrapped.generation)
            if found is None or found.recovery is None:
                raise _unknown_recovery()
            opened = custody.unwrap(found.recovery.sealed, {})
            found.recovery.check(opened)
            if not hmac.compare_digest(opened, root.key):
                raise KeysError(
                    "keys.corrupt",
                    "the recovery opens another root key than the one in force",
                    "set up the recovery again, and find out who could write custody.json",
                )
            ways = [way for way in found.ways if custody.recipient in way.recipients]
        return ways[0]


def _unknown_recovery() -> KeysError:
    return KeysError(
        "keys.unknown_recovery",
        "the keyring has no such recovery",
        "see `freehold recovery show`",
    )
