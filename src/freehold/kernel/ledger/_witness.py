"""The rules of a witness (C2SP tlog-witness v1.0.0): cosign what continues what was cosigned
before, and nothing else.

Pure but for `WitnessMemory`, which keeps one checkpoint for each log that the witness knows. The
order is the promise: check and keep, with nobody in between, and only then answer.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Protocol

from freehold.kernel import Clock, Limits
from freehold.kernel.ledger._cosignature import CosignerKey, cosign, cosignatures
from freehold.kernel.ledger._note import Signer, VerifierKey, signature_lines
from freehold.kernel.ledger._statements import Checkpoint, parse_hash, parse_number
from freehold.kernel.ledger._tree import EMPTY_ROOT, Hash, verify_consistency
from freehold.kernel.ledger.errors import NoteError, ProofError, WitnessConflict, WitnessRefusal

_PROOF_MAX = 63  # what the protocol allows
_HEAD_BYTES_MAX = 4_096  # the line of the old size, 63 hashes, the empty line


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """What a log asks of a witness: to cosign a checkpoint that continues the one of `old_size`.

    Args:
        note: the checkpoint as the log signed it.
    """

    old_size: int
    proof: tuple[Hash, ...]
    note: str

    def text(self) -> str:
        """The body of the request."""
        hashes = [base64.b64encode(value).decode() for value in self.proof]
        return "\n".join([f"old {self.old_size}", *hashes, "", self.note])

    @classmethod
    def parse(cls, body: bytes, limits: Limits) -> AddCheckpoint:
        """Read the body of a request; its note is still unverified.

        Raises:
            NoteError: any other shape.
        """
        if len(body) > _HEAD_BYTES_MAX + limits.note_bytes_max:
            raise NoteError("ledger.note", f"a request has no {len(body)} bytes")
        try:
            head, _, note = body.decode().partition("\n\n")
        except UnicodeDecodeError as error:
            raise NoteError("ledger.note", "a request is UTF-8") from error
        first, *hashes = head.split("\n")
        if not first.startswith("old ") or len(hashes) > _PROOF_MAX or not note:
            raise NoteError("ledger.note", "expected 'old', a size, at most 63 hashes and a note")
        size = parse_number(first.removeprefix("old "))
        return cls(size, tuple(map(parse_hash, hashes)), note)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """What a witness answers: its line, and the whole note as it keeps it, log's signature and
    own.
    """

    line: str
    note: str


class WitnessMemory(Protocol):
    """What a witness knows of logs. May be slow; must not return from `keep` before the note is
    durable, and after an error of it answers nothing more.
    """

    def key(self, origin: str) -> VerifierKey | None: ...  # None: a log that it does not know
    def newest(self, origin: str) -> str | None: ...  # the note that was kept last
    def keep(self, origin: str, note: str) -> None: ...


class Witness:
    """Cosigns checkpoints of the logs that it knows. Thread-safe; the only user of its memory."""

    def __init__(
        self, name: str, signer: Signer, memory: WitnessMemory, *, clock: Clock, limits: Limits
    ) -> None:
        self._signer = signer
        self._memory = memory
        self._clock = clock
        self._limits = limits
        self._key = CosignerKey(name, signer.public_key)
        # Held from reading what was cosigned last until the next is kept: two requests that both
        # continue the same checkpoint must not both be answered.
        self._deciding = Lock()

    @property
    def key(self) -> CosignerKey:
        """The witness's public key; `str` of it is the vkey to be handed to logs and verifiers."""
        return self._key

    def newest(self, origin: str) -> str | None:
        """The checkpoint of a log that was cosigned last, with log's and own signature."""
        return self._memory.newest(origin)

    def add_checkpoint(self, body: bytes) -> Cosignature:
        """Check a request, keep the checkpoint, and only then answer.

        Raises:
            WitnessRefusal: malformed, of an unknown log, not signed by it, no continuation, or at a
                time before that of the last.
            WitnessConflict: it does not start from what was cosigned last; tells the size of that.
        """
        try:
            request = AddCheckpoint.parse(body, self._limits)
            claimed = Checkpoint.parse(request.note.partition("\n\n")[0] + "\n")
        except NoteError as error:
            raise WitnessRefusal("witness.request", error.message) from error
        key = self._memory.key(claimed.origin)
        if key is None:
            raise WitnessRefusal(
                "witness.unknown_log",
                "this witness does not know that log",
                "its operator adds it with `freehold witness add-log`",
            )
        try:
            checkpoint = Checkpoint.open(request.note, [key], limits=self._limits)
        except NoteError as error:
            code = "witness.request" if error.code == "ledger.note" else "witness.signature"
            raise WitnessRefusal(code, error.message, error.hint) from error
        if request.old_size > checkpoint.size:
            raise WitnessRefusal(
                "witness.request", f"old {request.old_size} is larger than {checkpoint.size}"
            )
        with self._deciding:
            self._check(request, checkpoint)
            moment = self._moment(checkpoint.origin)
            line = cosign(checkpoint, self._key.name, signer=self._signer, moment=moment)
            note = _note(checkpoint, request.note, key) + line
            self._memory.keep(checkpoint.origin, note)
        return Cosignature(line, note)

    def _moment(self, origin: str) -> datetime:
        """Tell the time; a cosignature that is older than a smaller tree's would contradict it."""
        now, note = self._clock.now(), self._memory.newest(origin)
        last = cosignatures(note, [self._key], limits=self._limits) if note else {}
        if any(moment > now for moment in last.values()):
            raise WitnessRefusal(
                "witness.clock",
                "the clock of this witness is behind what it cosigned last",
                "set its clock; nothing is cosigned until then",
            )
        return now

    def _check(self, request: AddCheckpoint, checkpoint: Checkpoint) -> None:
        """Hold a checkpoint against the one that was cosigned last."""
        note = self._memory.newest(checkpoint.origin)
        last = None if note is None else Checkpoint.parse(note.partition("\n\n")[0] + "\n")
        size = last.size if last else 0
        if request.old_size != size:
            raise WitnessConflict(size)
        try:
            if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
                raise ProofError("ledger.proof", "the empty tree has another root")
            if size:
                verify_consistency(
                    size,
                    checkpoint.size,
                    proof=request.proof,
                    old_root=last.root if last else EMPTY_ROOT,
                    new_root=checkpoint.root,
                )
            elif request.proof:
                raise ProofError("ledger.proof", "the empty tree needs no proof")
        except ProofError as error:
            raise WitnessRefusal(
                "witness.inconsistent",
                f"this does not continue the checkpoint of size {size}: {error.message}",
                "the log was rewound or forked; keep both checkpoints and investigate",
            ) from error


def _note(checkpoint: Checkpoint, note: str, key: VerifierKey) -> str:
    """The checkpoint with the signature of its log alone: others were not verified."""
    head = checkpoint.text() + "\n"
    own, _ = signature_lines(note.removeprefix(head), key)
    return head + own[0]
