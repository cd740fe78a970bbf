"""Upkeep of the estate's own stores, as acts: rotate the custody of its keys, keep them
recoverable, collect what nothing refers to, audit.

None of it changes what is known. How an audit looks is the business of `freehold.audit`.
"""

from freehold.kernel.acts import Declarations, Query
from freehold.kernel.upkeep import _recovery, _upkeep
from freehold.kernel.upkeep._format import (
    ABOUT,
    ASIDE,
    FORMAT,
    IDENTITY,
    UNDOING,
    check_format,
    drop_aside,
    format_of,
    pin_format,
)
from freehold.kernel.upkeep._recovery import Drilled, RecoveryService, RecoveryStatus
from freehold.kernel.upkeep._upkeep import AuditEstate, Upkeep
from freehold.kernel.upkeep.errors import FormatError

__all__ = [
    "ABOUT",
    "ASIDE",
    "DECLARATIONS",
    "FORMAT",
    "IDENTITY",
    "UNDOING",
    "AuditEstate",
    "Drilled",
    "FormatError",
    "RecoveryService",
    "RecoveryStatus",
    "Upkeep",
    "check_format",
    "drop_aside",
    "format_of",
    "pin_format",
]

DECLARATIONS = Declarations(
    acts=(*_upkeep.ACTS, *_recovery.ACTS),
    queries=(Query("recovery.show", "Estate"),),
    tables=(_recovery.TABLES,),
)
