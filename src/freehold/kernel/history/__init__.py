"""Reading the past: acts, receipts, promises, lineage, and the evidence bundle that a stranger
verifies.

    history.receipt(actor, act_id)                 # a tlog-proof, checkable offline
    history.export(actor, file)                    # docs/formats/evidence-bundle.md

It writes nothing but the act of exporting.
"""

from freehold.kernel.history._history import (
    DECLARATIONS,
    ActSummary,
    Exported,
    History,
    LineageEdge,
)

__all__ = ["DECLARATIONS", "ActSummary", "Exported", "History", "LineageEdge"]
