"""Bringing an estate back from a bundle, and checking that a bundle would.

    restore(bundle, folder, custody, With())            # a place that is empty becomes an estate
    check(estate, actor, place)                         # restored aside, compared, removed

It stands on the estate, since it opens what it restored. What a bundle is lies in the kernel.
"""

from freehold.transfer._check import BackupCheck, check
from freehold.transfer._restore import RestoredEstate, With, restore

__all__ = ["BackupCheck", "RestoredEstate", "With", "check", "restore"]
