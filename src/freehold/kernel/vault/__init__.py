"""The vault: everything that has bytes, sealed under key domains that can be erased.

Blobs are age files that the stock `age` opens; the bodies of acts are frames in append-only
segments. It knows neither the ledger nor who may read what. Format: docs/formats/vault.md.

    Vault.create(folder, keyring).close()
    with Vault.open(folder, keyring) as vault:
        sealed = vault.seal(domain_id, stream)
        with vault.unseal(domain_id, sealed.name) as content:
            content.read()
"""

from freehold.kernel.vault._age import AgeError, open_age, seal_age
from freehold.kernel.vault._blobs import BlobStore, FolderStore, StoredBlob
from freehold.kernel.vault._bodies import BodyAt
from freehold.kernel.vault._contents import VaultContents
from freehold.kernel.vault._frames import SEGMENT_HEADER
from freehold.kernel.vault._limits import DEFAULT_VAULT_LIMITS, VaultLimits
from freehold.kernel.vault._scan import BodyScan
from freehold.kernel.vault._vault import Collected, Sealed, Vault
from freehold.kernel.vault.errors import MissingBlob, MissingBody, VaultError

__all__ = [
    "DEFAULT_VAULT_LIMITS",
    "SEGMENT_HEADER",
    "AgeError",
    "BlobStore",
    "BodyAt",
    "BodyScan",
    "Collected",
    "FolderStore",
    "MissingBlob",
    "MissingBody",
    "Sealed",
    "StoredBlob",
    "Vault",
    "VaultContents",
    "VaultError",
    "VaultLimits",
    "open_age",
    "seal_age",
]
