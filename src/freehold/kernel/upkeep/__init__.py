"""Upkeep of the estate's own stores, as acts: rotate the custody of its keys, keep them
recoverable, collect what nothing refers to, audit.

None of it changes what is known. How an audit looks is the business of `freehold.audit`.
"""

from freehold.kernel.acts import Declarations, Query
from freehold.kernel.upkeep import _recovery, _upkeep
from freehold.kernel.upkeep._recovery import Drilled, RecoveryService, RecoveryStatus
from freehold.kernel.upkeep._upkeep import AuditEstate, Upkeep

__all__ = ["DECLARATIONS", "AuditEstate", "Drilled", "RecoveryService", "RecoveryStatus", "Upkeep"]

DECLARATIONS = Declarations(
    acts=(*_upkeep.ACTS, *_recovery.ACTS),
    queries=(Query("recovery.show", "Estate"),),
    tables=(_recovery.TABLES,),
)
