"""Errors of upgrading.

FreeholdError
└── UpgradeError    upgrade.current       there is nothing to upgrade
                    upgrade.differs       the upgraded copy is not the same estate
                    upgrade.unratified    nobody can act in it yet
                    upgrade.moved         the estate was used between copying and upgrading
                    upgrade.written       an undo would lose what was written since
                    upgrade.no_return     the former state is not kept any more
                    upgrade.key           the key that signed is not the person's
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class UpgradeError(FreeholdError):
    """The upgrade cannot be made or undone."""
