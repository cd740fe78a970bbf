"""The ledger: an append-only, signed, Merkle-hashed record that a stranger can verify.

C2SP tlog-tiles on disk, RFC 6962 hashing, Ed25519-signed checkpoints; see `docs/formats/ledger.md`.
It knows nothing of what the records say.
"""

from freehold.kernel.ledger._files import Disk, LocalDisk, WriterLock
from freehold.kernel.ledger._journal import has_records
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
from freehold.kernel.ledger._statements import Checkpoint, Promise, Receipt
from freehold.kernel.ledger._tiles import PublishedTree, TileSource, bundle_path, tile_path
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
from freehold.kernel.ledger.errors import (
    CorruptLogError,
    ForkError,
    LedgerError,
    LogRefusedError,
    LogStoppedError,
    NoteError,
    ProofError,
    RewindError,
)

__all__ = [
    "EMPTY_ROOT",
    "Appended",
    "Checkpoint",
    "CorruptLogError",
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
    "PublishedTree",
    "Receipt",
    "RewindError",
    "Signer",
    "Tile",
    "TileSource",
    "Tree",
    "VerifierKey",
    "WriterLock",
    "bundle_path",
    "has_records",
    "inclusion_root",
    "leaf_hash",
    "node_hash",
    "open_note",
    "sign_note",
    "tile_path",
    "verify_consistency",
    "verify_inclusion",
    "vkey",
]
