"""The ledger: an append-only, signed, Merkle-hashed record that a stranger can verify.

C2SP tlog-tiles on disk, RFC 6962 hashing, Ed25519-signed checkpoints; see `docs/formats/ledger.md`.
It knows nothing of what the records say.
"""

from freehold.kernel.ledger._apart import VerifyingApart
from freehold.kernel.ledger._cosignature import Cosigned, CosignerKey, cosign, cosignatures
from freehold.kernel.ledger._cosigned_folder import CosignedFolder
from freehold.kernel.ledger._files import Disk, LocalDisk, WriterLock
from freehold.kernel.ledger._journal import has_records, read_journal
from freehold.kernel.ledger._log import Appended, Log, LogConfig
from freehold.kernel.ledger._note import (
    Ed25519Signer,
    Signer,
    VerifierKey,
    open_note,
    sign_note,
    vkey,
)
from freehold.kernel.ledger._reader import LogReader
from freehold.kernel.ledger._restored import settle_restored
from freehold.kernel.ledger._statements import Checkpoint, Promise, Receipt
from freehold.kernel.ledger._tiles import (
    PRUNED,
    PublishedTree,
    TileSource,
    bundle_path,
    kept_path,
    tile_path,
)
from freehold.kernel.ledger._tree import (
    EMPTY_ROOT,
    Hash,
    Tile,
    Tree,
    inclusion_root,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from freehold.kernel.ledger._witness import AddCheckpoint, Cosignature, Witness, WitnessMemory
from freehold.kernel.ledger.errors import (
    CorruptLogError,
    ForkError,
    LedgerError,
    LogRefusedError,
    LogStoppedError,
    NoteError,
    ProofError,
    PrunedError,
    RewindError,
    WitnessConflict,
    WitnessRefusal,
)

__all__ = [
    "EMPTY_ROOT",
    "PRUNED",
    "AddCheckpoint",
    "Appended",
    "Checkpoint",
    "CorruptLogError",
    "Cosignature",
    "Cosigned",
    "CosignedFolder",
    "CosignerKey",
    "Disk",
    "Ed25519Signer",
    "ForkError",
    "Hash",
    "LedgerError",
    "LocalDisk",
    "Log",
    "LogConfig",
    "LogReader",
    "LogRefusedError",
    "LogStoppedError",
    "NoteError",
    "Promise",
    "ProofError",
    "PrunedError",
    "PublishedTree",
    "Receipt",
    "RewindError",
    "Signer",
    "Tile",
    "TileSource",
    "Tree",
    "VerifierKey",
    "VerifyingApart",
    "Witness",
    "WitnessConflict",
    "WitnessMemory",
    "WitnessRefusal",
    "WriterLock",
    "bundle_path",
    "cosign",
    "cosignatures",
    "has_records",
    "inclusion_root",
    "kept_path",
    "leaf_hash",
    "node_hash",
    "open_note",
    "read_journal",
    "settle_restored",
    "sign_note",
    "tile_path",
    "verify_consistency",
    "verify_inclusion",
    "vkey",
]
