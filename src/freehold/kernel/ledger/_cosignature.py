"""What witnesses say of a checkpoint (C2SP tlog-cosignature v1.0.1, Ed25519, key type 0x04).

A cosignature is a line in the note of a checkpoint: *as of this time, this is the largest tree of
the log that I have seen, and it contains every smaller one*. Pure: which witnesses are known, and
how many are enough, is for the caller to say.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from freehold.kernel import DEFAULT_LIMITS, Limits
from freehold.kernel.ledger._note import (
    DASH,
    NoteKey,
    Signer,
    VerifierKey,
    known_signatures,
    signature_lines,
)
from freehold.kernel.ledger._statements import Checkpoint
from freehold.kernel.ledger.errors import NoteError

_TIME_BYTES = 8
_SIGNATURE_BYTES = 64
_SECONDS_MAX = 253_402_300_799  # the end of the year 9999, the last that a `datetime` can say


@dataclass(frozen=True, slots=True)
class CosignerKey(NoteKey):
    """The key of a witness, which signs what it saw of a log together with the time."""

    type: ClassVar[bytes] = b"\x04"
    what: ClassVar[str] = "an Ed25519 key of a cosigner (type 4)"


def cosign(checkpoint: Checkpoint, name: str, *, signer: Signer, moment: datetime) -> str:
    """Sign a checkpoint as the witness `name`, as of `moment` to the second: a line to be added to
    its note.

    Raises:
        ValueError: a time before 1970, which no cosignature can say.
    """
    seconds = int(moment.timestamp())
    if seconds <= 0:
        raise ValueError(f"a cosignature needs a time after 1970, got {moment}")
    key = CosignerKey(name, signer.public_key)
    signature = signer.sign(_cosigned(seconds, checkpoint.text()))
    signed = key.key_id + seconds.to_bytes(_TIME_BYTES, "big") + signature
    return f"{DASH}{name} {base64.b64encode(signed).decode()}\n"


def cosignatures(
    note: str | bytes, keys: Iterable[CosignerKey], *, limits: Limits = DEFAULT_LIMITS
) -> dict[CosignerKey, datetime]:
    """Verify the cosignatures of known witnesses, and tell when each was made; none is no error.

    Raises:
        NoteError: malformed, or a known witness's signature is wrong.
    """
    text, signed = known_signatures(note, keys, limits)
    times = {}
    for key, signature in signed.items():
        seconds = int.from_bytes(signature[:_TIME_BYTES], "big")
        if len(signature) != _TIME_BYTES + _SIGNATURE_BYTES or not 0 < seconds <= _SECONDS_MAX:
            raise NoteError("ledger.signature", f"the cosignature of {key.name} has no time")
        key.verify(_cosigned(seconds, text), signature[_TIME_BYTES:])
        times[key] = datetime.fromtimestamp(seconds, UTC)
    return times


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint that its log signed, with what witnesses that are known say of it.

    Args:
        note: the signed note, with all its signatures.
        times: when each witness that cosigned saw this as the largest tree of the log, by its name.
    """

    checkpoint: Checkpoint
    note: str
    times: Mapping[str, datetime]

    @classmethod
    def open(
        cls,
        note: str | bytes,
        keys: Iterable[VerifierKey],
        witnesses: Iterable[CosignerKey],
        *,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Cosigned:
        """Verify and read a checkpoint with its cosignatures; those of unknown keys are ignored.

        Whether enough witnesses cosigned is for the caller to say. One name with two keys, an old
        and a new one, is one witness.

        Raises:
            NoteError: malformed, not signed by the log's key among `keys`, or the signature of a
                known witness is wrong.
        """
        checkpoint = Checkpoint.open(note, keys, limits=limits)
        times: dict[str, datetime] = {}
        for key, moment in cosignatures(note, witnesses, limits=limits).items():
            times[key.name] = max(moment, times.get(key.name, moment))
        return cls(checkpoint, note if isinstance(note, str) else note.decode(), times)

    def accept(
        self, lines: str, key: VerifierKey, witness: CosignerKey, *, limits: Limits = DEFAULT_LIMITS
    ) -> Cosigned:
        """Take over what `witness` answered: its one line, in place of an earlier one of it.

        Raises:
            NoteError: the witness did not cosign this checkpoint, or not rightly.
        """
        answered, _ = signature_lines(lines, witness)
        if not answered:
            raise NoteError(
                "ledger.signature",
                f"the answer has no cosignature of {witness.name}",
                "it is the answer of another witness, or of one whose key was changed",
            )
        head = self.checkpoint.text() + "\n"
        _, kept = signature_lines(self.note.removeprefix(head), witness)
        note = "".join([head, *kept, answered[0]])
        opened = Cosigned.open(note, [key], [witness], limits=limits)
        return Cosigned(self.checkpoint, note, {**self.times, **opened.times})


def _cosigned(seconds: int, text: str) -> bytes:
    """What a cosigner signs of a note's text."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
