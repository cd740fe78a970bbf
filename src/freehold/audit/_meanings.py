"""Every code of a finding, with its severity, what it means, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Severity(StrEnum):
    """How grave a finding is, the gravest first."""

    alarm = "alarm"  # somebody changed, replaced or removed evidence, or it is lost
    fault = "fault"  # something is damaged or undone that the estate can make good
    notice = "notice"  # worth knowing; nothing is wrong because of it


@dataclass(frozen=True, slots=True)
class Meaning:
    """What every finding of one code has in common."""

    severity: Severity
    expected: str
    means: str
    next: str


_ALARM, _FAULT, _NOTICE = Severity.alarm, Severity.fault, Severity.notice
_KEEP = "stop the estate, copy its folder aside as evidence, "
_RESTORE = _KEEP + "and compare it with a backup"
_REBUILD = "stop the estate and run `freehold catalog rebuild`; it makes the catalog anew"
_KEYS = "restore custody.json and keyring.db from one backup; opening applies recorded erasures"

MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        # ---- the log's own word
        "ledger.missing": Meaning(
            _ALARM, "a signed checkpoint", "the log's head is gone", _RESTORE
        ),
        "ledger.unsigned": Meaning(
            _ALARM,
            "a checkpoint signed by the log's key",
            "a checkpoint was changed, or signed with another key than the one that is trusted",
            _RESTORE,
        ),
        "ledger.corrupt": Meaning(
            _ALARM,
            "what was hashed into the signed tree",
            "entries or tiles of the ledger were changed or lost after they were written",
            _RESTORE,
        ),
        "ledger.fork": Meaning(
            _ALARM,
            "every checkpoint ever signed to be part of one history",
            "the log's key signed two histories: one of them was rewritten or made up",
            _KEEP + "and ask witnesses and auditors which history they have seen",
        ),
        "ledger.partial": Meaning(
            _FAULT,
            "the beginning of the full tile",
            "a tile that a reader of an older checkpoint gets is damaged; no record is lost",
            "delete the file: the full or larger one beside it takes its place",
        ),
        "ledger.stray": Meaning(
            _NOTICE,
            "only files of the format",
            "a file lies in the ledger's folder that nothing reads",
            "remove it if you know where it comes from",
        ),
        "ledger.unexplained": Meaning(
            _ALARM,
            "exactly those entries to be out that recorded acts of pruning took",
            "entries were removed past the record, or a pruning was interrupted",
            "open the estate once, which ends an interrupted pruning; else compare with a backup",
        ),
        "wal.damaged": Meaning(
            _ALARM,
            "whole frames with their checksums",
            "acknowledged records that are not in the tree yet are damaged",
            _KEEP + "and restore the write-ahead file from a copy",
        ),
        "wal.contradicts": Meaning(
            _ALARM,
            "the records of the tree",
            "the write-ahead file holds other records than the tree at the same places",
            _RESTORE,
        ),
        "promise.broken": Meaning(
            _ALARM,
            "the promised record at its place",
            "the log promised an act to somebody and left it out, or put another in its place",
            _KEEP + "with the promise: it proves that the log broke its word",
        ),
        # ---- what was seen elsewhere
        "pin.rewind": Meaning(
            _ALARM,
            "a log at least as long as the one that was seen",
            "the log is shorter than it was: acts were taken back, or an old copy was put in place",
            _KEEP + "and restore the newest backup; keep the pin",
        ),
        "pin.fork": Meaning(
            _ALARM,
            "the history that was seen",
            "the log's key signed another history than the one that was seen: it was rewritten,"
            " or different people are shown different histories (a split view)",
            _KEEP + "and compare both histories from the pinned size back",
        ),
        "pin.other_log": Meaning(
            _ALARM,
            "a checkpoint of this log",
            "the pin is of another log, or another log was put in place of this one",
            "check that pin and estate belong together; if they do, treat the estate as replaced",
        ),
        "pin.other_key": Meaning(
            _ALARM,
            "a checkpoint signed by this log's key",
            "the pin was not signed by the key that signs now: one of them is not genuine",
            "compare the log's vkey with the one that was handed out when the estate was made",
        ),
        "witness.silent": Meaning(
            _FAULT,
            "the newest checkpoint that the witness cosigned",
            "the log could not be held against what the witness saw",
            "find out why it does not answer; it may be kept from answering",
        ),
        # ---- records
        "record.faulty": Meaning(
            _ALARM,
            "a record as docs/formats/record.md has it",
            "the ledger holds what no Freehold writes: somebody else wrote into the log",
            _KEEP + "and find out who had the log's key",
        ),
        "record.repeated": Meaning(
            _ALARM,
            "an id for one record alone",
            "a record was replayed or made up",
            _KEEP + "and find out who had the log's key",
        ),
        "record.unfinished": Meaning(
            _NOTICE,
            "an end of what was started",
            "work was begun and neither done nor failed: it is under way, or a crash ended it",
            "nothing, if it is under way",
        ),
        "approval.use": Meaning(
            _ALARM,
            "earlier, unexpired approvals by others of exactly this, used once",
            "an act went through on approvals that do not count",
            "treat the act as not approved; find out how it was let through",
        ),
        "approval.signature": Meaning(
            _ALARM,
            "a statement that says what its record says, signed by the approver's enrolled key",
            "an approval or ratification was made up",
            "treat what it approved as not approved; find out who had the log's key",
        ),
        "approval.unknown_key": Meaning(
            _NOTICE,
            "the key of the approver",
            "the key that an approval was signed with is erased with its person",
            "check it with the allowed_signers file that you keep",
        ),
        "policy.unknown": Meaning(
            _ALARM,
            "a policy set that was ratified or activated before",
            "acts were decided by policies that nobody put in force",
            "look at these acts, and at who could change the catalog or the software",
        ),
        # ---- bodies and blobs
        "body.misplaced": Meaning(
            _ALARM,
            "the frame of its record at its place",
            "bodies were cut off, overwritten or swapped; what they said is lost",
            _KEEP + "and restore the vault's segments from a backup",
        ),
        "body.faulty": Meaning(
            _ALARM,
            "a body that opens and is what its record committed to",
            "bodies were changed; what they said is lost",
            _KEEP + "and restore the vault's segments from a backup",
        ),
        "body.trailing": Meaning(
            _NOTICE,
            "frames of records only",
            "bytes in the segments belong to no record: what a crash or a refused act left",
            "nothing",
        ),
        "segment.header": Meaning(
            _ALARM,
            "the first line of a segment",
            "a segment of bodies is damaged at its beginning",
            _KEEP + "and restore the vault's segments from a backup",
        ),
        "blob.missing": Meaning(
            _ALARM,
            "a blob that an act recorded and nobody erased",
            "data, weights or a document are lost",
            "restore the blob from a backup or from another site",
        ),
        "blob.changed": Meaning(
            _ALARM,
            "the sealed bytes that the ledger recorded",
            "a blob was damaged, swapped or replaced by an older one",
            "restore the blob from a backup or from another site",
        ),
        "blob.unreferenced": Meaning(
            _NOTICE,
            "only blobs that acts recorded",
            "sealed bytes that no act names: what a failed act left, or what is being recorded",
            "`freehold estate collect` removes them once they are old enough",
        ),
        # ---- keys
        "keyring.faulty": Meaning(
            _ALARM,
            "two files of one moment, sound, in which all that is wrapped unwraps",
            "keys are damaged, swapped or of different moments; what they open may be lost",
            _KEYS,
        ),
        "domain.missing": Meaning(
            _ALARM,
            "a key, or the tombstone of one",
            "the keyring never heard of domains that records name: it is older than the ledger",
            _KEYS,
        ),
        "domain.destroyed": Meaning(
            _ALARM,
            "a record of the erasure",
            "keys were destroyed without an act: what they opened is lost, and nobody decided it",
            _KEYS,
        ),
        "domain.not_erased": Meaning(
            _ALARM,
            "no key any more",
            "what the ledger says is erased can still be opened: a crash came between, or an older"
            " keyring was put in place",
            "open the estate once, which destroys the key; then audit again",
        ),
        "clock.ahead": Meaning(
            _FAULT,
            "a clock that is not ahead of this machine's",
            "the estate goes by a time still to come: what expires does so early",
            "`freehold estate clock` tells why; owners can accept the host's clock again",
        ),
        # ---- the catalog
        "catalog.ahead": Meaning(
            _ALARM,
            "a catalog no further than the ledger",
            "the catalog has seen acts that the ledger does not hold: the ledger was taken back",
            _KEEP + "and restore a newer ledger",
        ),
        "catalog.damaged": Meaning(
            _FAULT, "a sound database", "the catalog is damaged; the ledger is not", _REBUILD
        ),
        "catalog.differs": Meaning(
            _ALARM,
            "what the ledger makes of it",
            "the catalog says what no act did, and policies see the catalog: somebody changed it by"
            " hand, to grant a role or forge an approval for example, or it is damaged",
            _REBUILD + ". Look at the acts since it was last sound",
        ),
        "deep.refused": Meaning(
            _FAULT,
            "an answer of the estate",
            "the estate could not be audited from within",
            "cure what it says, and audit again",
        ),
    }
)
