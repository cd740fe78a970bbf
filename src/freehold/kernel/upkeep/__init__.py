"""Upkeep of the estate's own stores, as acts: rotate the custody of its keys, keep them
recoverable, collect what nothing refers to.

None of it changes what is known.
"""

from freehold.kernel.acts import Declarations, Query
from freehold.kernel.upkeep import _recovery, _upkeep
from freehold.kernel.upkeep._recovery import Drilled, RecoveryService, RecoveryStatus
from freehold.kernel.upkeep._upkeep import Upkeep

__all__ = ["DECLARATIONS", "Drilled", "RecoveryService", "RecoveryStatus", "Upkeep"]

DECLARATIONS = Declarations(
    acts=(*_upkeep.ACTS, *_recovery.ACTS),
    queries=(Query("recovery.show", "Estate"),),
    tables=(_recovery.TABLES,),
)
