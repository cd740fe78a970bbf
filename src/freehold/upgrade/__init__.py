"""Upgrading an estate of an earlier format: rehearsed, compared, carried out, and undone.

    rehearsal = rehearse(folder, custody, by_signature("olivia", key))
    upgraded = upgrade(folder, custody, by_signature("olivia", key))
    undo(folder, custody)      # as long as nothing else was recorded since

The estate is closed meanwhile. What each version of the format means: docs/guides/upgrades.md.
"""

from freehold.upgrade._acting import Acting, ActingAs, by_signature, by_token
from freehold.upgrade._figures import Compared
from freehold.upgrade._undoing import Undone, undo
from freehold.upgrade._upgrade import Rehearsal, Upgraded, differs, rehearse, upgrade
from freehold.upgrade.errors import UpgradeError

__all__ = [
    "Acting",
    "ActingAs",
    "Compared",
    "Rehearsal",
    "Undone",
    "UpgradeError",
    "Upgraded",
    "by_signature",
    "by_token",
    "differs",
    "rehearse",
    "undo",
    "upgrade",
]
