"""Acts: the only way anything changes. Declared once; one pipeline performs them all.

    with pipeline.perform(actor, ClearDataset(purposes=("research",)), on=dataset) as act:
        act.describe(name="claims")       # words lie in the erasable body
        act.conclude()                    # policy came first: a refusal is recorded and raised
    act.recorded.index                    # durable in the ledger before the block ends

It does not know what any act means.
"""

from freehold.kernel.acts._alarms import Concern
from freehold.kernel.acts._check import Fault, Found, RecordCheck
from freehold.kernel.acts._declare import (
    ANY,
    Act,
    Attributes,
    Declarations,
    FactField,
    Query,
    Registry,
    ResourceType,
    Standing,
    fact_fields,
)
from freehold.kernel.acts._facts import (
    CHECKS,
    Blob,
    Code,
    Codes,
    Digest,
    Id,
    Ids,
    Metrics,
    Moment,
    Nonce,
    Reference,
    VKey,
    found,
)
from freehold.kernel.acts._performance import Performance
from freehold.kernel.acts._pipeline import Pipeline, shadow
from freehold.kernel.acts._record import (
    SCHEMA_VERSION,
    Body,
    Output,
    Phase,
    Record,
    RecordedDecision,
    SealedBody,
    commit_body,
    commit_request,
    open_body,
)
from freehold.kernel.acts._trace import ACCEPT_CLOCK, retract
from freehold.kernel.acts._values import (
    Actor,
    Approvals,
    Circumstances,
    Principals,
    Recorded,
    Stores,
)
from freehold.kernel.acts.errors import ActError, Conflict, InvalidFact, InvalidRecord, NotFound

__all__ = [
    "ACCEPT_CLOCK",
    "ANY",
    "CHECKS",
    "SCHEMA_VERSION",
    "Act",
    "ActError",
    "Actor",
    "Approvals",
    "Attributes",
    "Blob",
    "Body",
    "Circumstances",
    "Code",
    "Codes",
    "Concern",
    "Conflict",
    "Declarations",
    "Digest",
    "FactField",
    "Fault",
    "Found",
    "Id",
    "Ids",
    "InvalidFact",
    "InvalidRecord",
    "Metrics",
    "Moment",
    "Nonce",
    "NotFound",
    "Output",
    "Performance",
    "Phase",
    "Pipeline",
    "Principals",
    "Query",
    "Record",
    "RecordCheck",
    "Recorded",
    "RecordedDecision",
    "Reference",
    "Registry",
    "ResourceType",
    "SealedBody",
    "Standing",
    "Stores",
    "VKey",
    "commit_body",
    "commit_request",
    "fact_fields",
    "found",
    "open_body",
    "retract",
    "shadow",
]
