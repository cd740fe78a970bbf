"""Retention: what is past its time goes, by a recorded act; what proves it was there stays.

    retention.prune(actor, dry_run=True)      # what would go
    retention.hold(actor, ref, reason="…")    # a legal hold: nothing of this thing goes
    verify_pruned(reader)                     # nothing is out that no act took out

Format: docs/formats/ledger.md; why it is so: docs/decisions/0023. It knows no room: acts declare
under which kind of the charter's retention their bodies fall.
"""

from freehold.kernel.retention._acts import DECLARATIONS, PruneEstate
from freehold.kernel.retention._gaps import pruned_digest, verify_pruned
from freehold.kernel.retention._rule import LOGS, Rule
from freehold.kernel.retention._service import Hold, Pruned, Retention, look_again

__all__ = [
    "DECLARATIONS",
    "LOGS",
    "Hold",
    "PruneEstate",
    "Pruned",
    "Retention",
    "Rule",
    "look_again",
    "pruned_digest",
    "verify_pruned",
]
