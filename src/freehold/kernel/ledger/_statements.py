"""What a log says and proves: checkpoint, promise, receipt.

Values that are written, parsed and verified; nothing here reads a log. Whoever opens one brings the
keys that they trust, and is refused unless the log's own key signed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from freehold.kernel import (
    DEFAULT_LIMITS,
    Limits,
    MalformedError,
    format_time,
    parse_time,
)
from freehold.kernel.ledger._note import Signer, VerifierKey, is_key_name, open_note, sign_note
from freehold.kernel.ledger._tree import HASH_BYTES, Hash, leaf_hash, verify_inclusion
from freehold.kernel.ledger.errors import NoteError, ProofError

_PROMISE = "freehold/promise/v1"
_RECEIPT = "c2sp.org/tlog-proof@v1"
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_SIZE_MAX = 2**63 - 1  # what every implementation of tlog-tiles can count
_PATH_MAX = 63  # levels of a tree of _SIZE_MAX


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its origin, size and root (C2SP tlog-checkpoint, no extension lines)."""

    origin: str
    size: int
    root: Hash

    def text(self) -> str:
        """The body of the note."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    def sign(self, signer: Signer) -> str:
        """The checkpoint as a note signed by the log's key, whose name is the origin."""
        return sign_note(self.text(), self.origin, signer=signer)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the body of a note.

        Raises:
            NoteError: any other shape.
        """
        origin, size, root = _lines(text, 3, what="a checkpoint")
        return cls(_origin(origin), parse_number(size), parse_hash(root))

    @classmethod
    def open(
        cls, note: str | bytes, keys: Iterable[VerifierKey], *, limits: Limits = DEFAULT_LIMITS
    ) -> Checkpoint:
        """Verify and read a signed checkpoint; the key named by its origin must have signed.

        Raises:
            NoteError: malformed, or not signed by the log's key among `keys`.
        """
        return cls.parse(open_note(note, keys, signed_by=_line(note, 0), limits=limits))


@dataclass(frozen=True, slots=True)
class Promise:
    """The log's word that the record at `index` will be under a checkpoint by `deadline`."""

    origin: str
    index: int
    leaf: Hash
    deadline: datetime

    def text(self) -> str:
        """The body of the note."""
        return (
            f"{_PROMISE}\n{self.origin}\n{self.index}\n{_base64(self.leaf)}\n"
            f"{format_time(self.deadline)}\n"
        )

    def sign(self, signer: Signer) -> str:
        """The promise as a note signed by the log's key."""
        return sign_note(self.text(), self.origin, signer=signer)

    @classmethod
    def parse(cls, text: str) -> Promise:
        """Read the body of a note.

        Raises:
            NoteError: any other shape.
        """
        head, origin, index, leaf, deadline = _lines(text, 5, what="a promise")
        if head != _PROMISE:
            raise NoteError("ledger.note", f"expected {_PROMISE}, got {head!r:.60}")
        try:
            moment = parse_time(deadline)
        except MalformedError as error:
            raise NoteError("ledger.note", f"the deadline is no time: {deadline!r:.60}") from error
        return cls(_origin(origin), parse_number(index), parse_hash(leaf), moment)

    @classmethod
    def open(
        cls, note: str | bytes, keys: Iterable[VerifierKey], *, limits: Limits = DEFAULT_LIMITS
    ) -> Promise:
        """Verify and read a signed promise; the key named by its origin must have signed.

        Raises:
            NoteError: malformed, or not signed by the log's key among `keys`.
        """
        return cls.parse(open_note(note, keys, signed_by=_line(note, 1), limits=limits))

    def verify(self, entry: bytes) -> None:
        """Check that `entry` is what was promised.

        Raises:
            ProofError: it is another entry.
        """
        if leaf_hash(entry) != self.leaf:
            raise ProofError("ledger.proof", f"the promise for {self.index} is of another entry")


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that one entry is in the log, checkable offline (C2SP tlog-proof).

    Args:
        path: inclusion path, from the leaf's sibling up.
        checkpoint: the signed note, verbatim, with whatever cosignatures it has.
        extra: opaque data that the proof does not authenticate.
    """

    index: int
    path: Sequence[Hash]
    checkpoint: str
    extra: bytes = b""

    def text(self) -> str:
        """The content of a `.tlog-proof` file."""
        lines = [_RECEIPT]
        if self.extra:
            lines.append(f"extra {_base64(self.extra)}")
        lines += [f"index {self.index}", *map(_base64, self.path), "", self.checkpoint]
        return "\n".join(lines)

    @classmethod
    def parse(cls, text: str, limits: Limits = DEFAULT_LIMITS) -> Receipt:
        """Read the content of a `.tlog-proof` file.

        Raises:
            NoteError: any other shape, or more bytes than a note may have.
        """
        if len(text) > limits.note_bytes_max:
            raise NoteError("ledger.note", f"a receipt has at most {limits.note_bytes_max} bytes")
        head, _, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if lines.pop(0) != _RECEIPT or not checkpoint:
            raise NoteError("ledger.note", f"expected {_RECEIPT}, got {text!r:.60}")
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = _bytes(lines.pop(0).removeprefix("extra "))
        if not lines or not lines[0].startswith("index ") or len(lines) > 1 + _PATH_MAX:
            raise NoteError("ledger.note", "expected an index and at most 63 hashes")
        index = parse_number(lines.pop(0).removeprefix("index "))
        return cls(index, tuple(map(parse_hash, lines)), checkpoint, extra)

    def verify(self, entry: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
        """Check that `entry` is in the log, and return the checkpoint that says so.

        Raises:
            NoteError: the checkpoint is not signed by the log's key among `keys`.
            ProofError: the path does not lead from this entry to the checkpoint's root.
        """
        checkpoint = Checkpoint.open(self.checkpoint, keys)
        verify_inclusion(
            leaf_hash(entry),
            self.index,
            size=checkpoint.size,
            path=self.path,
            root=checkpoint.root,
        )
        return checkpoint


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _line(note: str | bytes, number: int) -> str:
    """One line of a note that is still unverified: where the origin stands."""
    text = note if isinstance(note, str) else note.decode(errors="replace")
    return [*text.split("\n", number + 1), "", ""][number]


def _lines(text: str, count: int, *, what: str) -> list[str]:
    lines = text.split("\n")
    if len(lines) != count + 1 or lines[-1]:
        raise NoteError("ledger.note", f"{what} has {count} lines, got {text!r:.200}")
    return lines[:-1]


def _origin(text: str) -> str:
    if not is_key_name(text):
        raise NoteError("ledger.note", f"expected the origin of a log, got {text!r:.100}")
    return text


def parse_number(text: str) -> int:
    """Read a size or an index.

    Raises:
        NoteError: no decimal without leading zeroes, or more than any tree can have.
    """
    if _DECIMAL.fullmatch(text) is None or int(text) > _SIZE_MAX:
        raise NoteError("ledger.note", f"expected a decimal without leading 0, got {text!r:.60}")
    return int(text)


def parse_hash(text: str) -> Hash:
    """Read a hash in base64.

    Raises:
        NoteError: any other shape.
    """
    value = _bytes(text)
    if len(value) != HASH_BYTES:
        raise NoteError("ledger.note", f"expected the base64 of 32 bytes, got {text!r:.60}")
    return value


def _bytes(text: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("ledger.note", f"expected base64, got {text!r:.60}") from error
    if _base64(value) != text:  # one spelling per value, so that a text cannot be altered unnoticed
        raise NoteError("ledger.note", f"expected canonical base64, got {text!r:.60}")
    return value
