"""The verb that audits an estate from within."""

from __future__ import annotations

from freehold.audit import Report, audit_estate
from freehold.estate import Estate
from freehold.kernel.acts import Actor


def estate_audit(estate: Estate, actor: Actor, *, blobs: bool = True) -> Report:
    """Open every body and hold ledger, vault, keyring and catalog against each other; recorded.

    `freehold audit` does more: it also looks at the folder from outside, and holds the ledger
    against what was seen of it elsewhere. --no-blobs leaves out hashing the sealed blobs.
    """
    return audit_estate(estate, actor, blobs=blobs)
