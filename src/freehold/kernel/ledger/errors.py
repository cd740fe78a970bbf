"""What can go wrong in the ledger.

FreeholdError
└── LedgerError
    ├── ProofError       ledger.proof           a Merkle proof or receipt does not hold
    ├── NoteError        ledger.note            a note or receipt does not follow its format
    │                    ledger.signature       not signed by a known key, or wrongly
    ├── LogRefusedError  ledger.missing         there is no log to open
    │                    ledger.exists          there is one already
    │                    ledger.locked          another process writes to it
    │                    ledger.key             it is another log, or signed with another key
    │                    ledger.storage         the disk did not let it be opened
    │                    ledger.thread          the machine gives no thread to publish with
    ├── CorruptLogError  ledger.corrupt         the folder contradicts itself
    ├── PrunedError      ledger.pruned          retention took this record out; its proof stays
    ├── RewindError      ledger.rewind          shorter than a checkpoint already trusted
    ├── ForkError        ledger.fork            does not contain a checkpoint already trusted
    ├── LedgerError      ledger.prune_failed    pruning was interrupted by an error of the disk
    ├── LogStoppedError  ledger.closed          closed by its owner
    │                    ledger.sync_failed     a write failed; nothing of it was acknowledged
    │                    ledger.commit_failed   the records are durable, `on_commit` failed
    │                    ledger.publish_failed  the records are durable, publishing failed
    └── WitnessRefusal   witness.request        what is asked of a witness is malformed
        │                witness.unknown_log    it does not know the log
        │                witness.signature      the log did not sign the checkpoint
        │                witness.inconsistent   the checkpoint does not continue the last one
        │                witness.clock          the clock is behind what was cosigned last
        └── WitnessConflict  witness.conflict   the request does not start from the last one
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class LedgerError(FreeholdError):
    """Root of the ledger's errors."""


class ProofError(LedgerError):
    """A Merkle proof or a receipt does not prove what it claims."""


class NoteError(LedgerError):
    """A signed note is malformed or not signed by a key that is known."""


class LogRefusedError(LedgerError):
    """A log was not opened or created; nothing was changed."""


class CorruptLogError(LedgerError):
    """The bytes of a log contradict each other; nothing is skipped or guessed."""


class PrunedError(LedgerError):
    """The record was pruned: its place, leaf hash and proofs are kept, what it said is not."""

    def __init__(self, index: int) -> None:
        super().__init__(
            "ledger.pruned",
            f"record {index} was pruned: its retention was over",
            "`freehold ledger receipt` still proves that it was there",
        )


class RewindError(LedgerError):
    """The log is older than what was already trusted."""


class ForkError(LedgerError):
    """The log has another history than the one already trusted."""


class LogStoppedError(LedgerError):
    """The log takes no more records until it is opened again."""


class WitnessRefusal(LedgerError):
    """A witness did not cosign; it keeps what it cosigned before."""


class WitnessConflict(WitnessRefusal):
    """The request does not start from what the witness cosigned last, which has `size`."""

    def __init__(self, size: int) -> None:
        super().__init__(
            "witness.conflict",
            f"the checkpoint that was cosigned last has size {size}",
            "prove the consistency from that size",
        )
        self.size = size
