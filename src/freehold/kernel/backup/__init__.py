"""Bundles of an estate: backup, restore, and the moving of an estate (docs/formats/backup.md).

    written = BundleWriter(pipeline, limits=DEFAULT_BACKUP_LIMITS).write(folder, Wanted())
    restoring = Restoring(written.bundle, aside, key=None, facts=blob_facts(registry))
    restoring.run(Unlock(custody=custody), custody)

It knows the four stores and what records say of bodies and blobs, and nothing of what acts mean.
"""

from freehold.kernel.backup._acts import DECLARATIONS, CheckBackup
from freehold.kernel.backup._bundle_key import Unlock
from freehold.kernel.backup._erasures import Arrival, Erasure, open_erasures
from freehold.kernel.backup._holdings import blob_facts
from freehold.kernel.backup._limits import DEFAULT_BACKUP_LIMITS, BackupLimits
from freehold.kernel.backup._reading import Bundle, bundles_in
from freehold.kernel.backup._restoring import Restored, Restoring
from freehold.kernel.backup._service import BackupMade, BackupService, BackupSummary, moved
from freehold.kernel.backup._writing import LOG_SIGNER, BundleWriter, Wanted, Written
from freehold.kernel.backup.errors import BackupError, ChangedBundle

__all__ = [
    "DECLARATIONS",
    "DEFAULT_BACKUP_LIMITS",
    "LOG_SIGNER",
    "Arrival",
    "BackupError",
    "BackupLimits",
    "BackupMade",
    "BackupService",
    "BackupSummary",
    "Bundle",
    "BundleWriter",
    "ChangedBundle",
    "CheckBackup",
    "Erasure",
    "Restored",
    "Restoring",
    "Unlock",
    "Wanted",
    "Written",
    "blob_facts",
    "bundles_in",
    "moved",
    "open_erasures",
]
