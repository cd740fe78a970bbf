"""Auditing an estate: ledger, vault, keyring and catalog held against each other, and against what
was seen of them elsewhere. Says what it found in words that a person can act on.

    audit = FolderAudit(folder, registry, trust=Trust(key=read_key(vkey)))   # without any key
    report = audit.round()
    report = audit_estate(estate, actor)              # within an open estate: every body is opened

It changes nothing and cures nothing. What it can and cannot find: docs/threat-model.md.
"""

from freehold.audit._deep import audit_estate
from freehold.audit._findings import Counts, Finding, Report, Result
from freehold.audit._folder import PARTS, FolderAudit
from freehold.audit._meanings import MEANINGS, Meaning, Severity
from freehold.audit._memory import Memory, read_memory, write_memory
from freehold.audit._pins import Pin, Trust, read_key, read_note, read_witness
from freehold.audit.errors import AuditError

__all__ = [
    "MEANINGS",
    "PARTS",
    "AuditError",
    "Counts",
    "Finding",
    "FolderAudit",
    "Meaning",
    "Memory",
    "Pin",
    "Report",
    "Result",
    "Severity",
    "Trust",
    "audit_estate",
    "read_key",
    "read_memory",
    "read_note",
    "read_witness",
    "write_memory",
]
