"""The age format (C2SP, age-encryption.org/v1) for X25519 recipients, over streams of any length.

Seals and opens in constant memory. It reads no armor and no passphrases; recipients of other kinds
are passed over, as the format has it. Why no library does this: docs/decisions/0010.

    for block in seal_age(blocks, private_key.public_key()):
        file.write(block)
    for block in open_age(file, private_key, block_bytes=1_048_576):
        ...  # authentic and in its place; only the end proves that nothing is missing
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_CHUNK_BYTES = 65_536
_TAG_BYTES = 16
_FILE_KEY_BYTES, _PAYLOAD_NONCE_BYTES, _SHARE_BYTES = 16, 16, 32
_WRAPPED_BYTES = _FILE_KEY_BYTES + _TAG_BYTES
_ONLY_CHUNK = b"\0" * 11 + b"\x01"  # the nonce of a first chunk that is the last
_HEADER_BYTES_MAX = 65_536  # some 600 recipients; else a file of one line would fill the memory

_VERSION, _X25519, _END = b"age-encryption.org/v1", b"X25519", b"---"
_STANZA = re.compile(
    rb"-> ([!-~]+(?: [!-~]+)*)\n"
    rb"((?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n)"  # the first line that is not full ends it
)
_HEADER = re.compile(
    re.escape(_VERSION) + rb"\n(?:" + _STANZA.pattern + rb")+--- (?P<mac>[A-Za-z0-9+/]{43})\n"
)

Block: TypeAlias = bytes | memoryview
_Chunk: TypeAlias = tuple[bytes, memoryview]  # its nonce, and what is sealed or opened under it
_Cipher: TypeAlias = Callable[[bytes, memoryview, None, memoryview], int]


class _Stanza(NamedTuple):
    """One recipient: its type with arguments, and what is meant for it."""

    words: list[bytes]
    body: bytes


class AgeError(Exception):
    """No age file that this key opens: another file, sealed to others, changed, or cut."""


def seal_age(blocks: Iterable[Block], recipient: X25519PublicKey) -> Iterator[Block]:
    """Seal what `blocks` hold together; yield the age file in blocks, each good until the next.

    Blocks of whole chunks are sealed without being copied.
    """
    file_key, nonce = os.urandom(_FILE_KEY_BYTES), os.urandom(_PAYLOAD_NONCE_BYTES)
    yield _header(file_key, recipient) + nonce
    cipher = _payload_cipher(file_key, nonce)
    yield from _pass(cipher.encrypt_into, _chunks(blocks, _CHUNK_BYTES), growth=_TAG_BYTES)


def open_age(stream: BinaryIO, identity: X25519PrivateKey, *, block_bytes: int) -> Iterator[Block]:
    """Open the age file that `stream` holds; yield its content in blocks, each good until the next.

    Raises:
        AgeError: it is none that this identity opens, or it does not end as it was sealed.
        what `stream` raises.
    """
    file_key = _open_header(_read_header(stream), identity)
    nonce = b"".join(_take(stream, _PAYLOAD_NONCE_BYTES))  # shorter: then no chunk follows
    cipher, size = _payload_cipher(file_key, nonce), _CHUNK_BYTES + _TAG_BYTES
    blocks = read_blocks(stream, max(block_bytes // _CHUNK_BYTES, 1) * size)
    try:
        yield from _pass(
            cipher.decrypt_into, _refuse_cut(_chunks(blocks, size)), growth=-_TAG_BYTES
        )
    except InvalidTag:
        raise AgeError("its content was changed or cut") from None


def read_blocks(stream: BinaryIO, block_bytes: int) -> Iterator[bytes]:
    """Yield what `stream` holds, at most `block_bytes` at a time."""
    while block := stream.read(block_bytes):
        yield block


def _take(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the next `size` bytes, however little the stream gives at once; fewer at its end."""
    while size and (piece := stream.read(size)):
        size -= len(piece)
        yield piece


def _chunks(blocks: Iterable[Block], size: int) -> Iterator[Sequence[_Chunk]]:
    """Cut what `blocks` hold together into chunks of `size` bytes, each with its nonce.

    The last one alone may be shorter, and its nonce says that it is the last; content that is empty
    has one empty chunk.
    """
    counter = 0
    for run, is_end in _runs(blocks, size):
        chunks = []
        for start in range(0, max(len(run), 1), size):
            is_last = is_end and start + size >= len(run)
            chunks.append(((counter << 8 | is_last).to_bytes(12), run[start : start + size]))
            counter += 1
        yield chunks


def _runs(blocks: Iterable[Block], size: int) -> Iterator[tuple[memoryview, bool]]:
    """Join `blocks` into runs of whole chunks, and tell of the last run that it is the last.

    Whether a chunk is the last shows when something follows it, so the end is always held back.
    """
    waiting: list[Block] = []
    length = 0
    for block in blocks:
        if whole := length // size * size:
            joined = memoryview(b"".join(waiting))
            yield joined[:whole], False
            waiting = [joined[whole:]] if length > whole else []
            length -= whole
        waiting.append(block)
        length += len(block)
    yield memoryview(b"".join(waiting)), True


def _refuse_cut(runs: Iterable[Sequence[_Chunk]]) -> Iterator[Sequence[_Chunk]]:
    """Pass on what is to be opened, unless its last chunk is shorter than any that was sealed."""
    for chunks in runs:
        nonce, last = chunks[-1]
        # Nothing after a full chunk is refused too: else one content would have two forms.
        if len(last) < _TAG_BYTES + (nonce != _ONLY_CHUNK):
            raise AgeError("its last chunk is cut")
        yield chunks


def _pass(
    cipher: _Cipher, runs: Iterable[Sequence[_Chunk]], *, growth: int
) -> Iterator[memoryview]:
    """Seal or open each run of chunks into one block.

    All blocks lie in the same memory: fresh memory for each would cost a tenth of a sealing.
    """
    room = memoryview(bytearray())
    for chunks in runs:
        size = sum(len(chunk) + growth for _, chunk in chunks)
        if size > len(room):
            room = memoryview(bytearray(size))
        rest = room
        for nonce, chunk in chunks:
            rest = rest[cipher(nonce, chunk, None, rest[: len(chunk) + growth]) :]
        yield room[:size]


def _payload_cipher(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(_hkdf(file_key, salt=nonce, info=b"payload"))


def _header(file_key: bytes, recipient: X25519PublicKey) -> bytes:
    """Write a header that gives `file_key` to one recipient."""
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes_raw()
    wrapping = _wrapping(ephemeral.exchange(recipient), share=share, recipient=recipient)
    wrapped = wrapping.encrypt(bytes(12), file_key, None)
    lines = [_VERSION, b"-> %s %s" % (_X25519, _encode(share)), _encode(wrapped), _END]
    header = b"\n".join(lines)
    return header + b" %s\n" % _encode(_mac(file_key, header))


def _read_header(stream: BinaryIO) -> bytes:
    """Read up to the line that ends a header."""
    header, line = bytearray(), b""
    while not line.startswith(_END):
        line = stream.readline(_HEADER_BYTES_MAX)
        header += line
        if not line.endswith(b"\n") or len(header) > _HEADER_BYTES_MAX:
            raise AgeError("it has no age header, or one that is cut or too long")
    return bytes(header)


def _open_header(header: bytes, identity: X25519PrivateKey) -> bytes:
    """Give the file key that an authentic header holds for `identity`."""
    form = _HEADER.fullmatch(header)
    if form is None:
        raise AgeError("it has no age header")
    stanzas = [
        _Stanza(words.split(b" "), _decode(body.replace(b"\n", b"")))
        for words, body in _STANZA.findall(header)
    ]
    mac = _decode(form["mac"])
    if any(stanza.words[0] == b"scrypt" for stanza in stanzas):
        raise AgeError("it is sealed with a passphrase")
    keys = (_unwrap(stanza, identity) for stanza in stanzas if stanza.words[0] == _X25519)
    file_key = next((key for key in keys if key is not None), None)
    if file_key is None:
        raise AgeError("it is sealed to others")
    if not hmac.compare_digest(_mac(file_key, header[: form.start("mac") - 1]), mac):
        raise AgeError("its header was changed")
    return file_key


def _unwrap(stanza: _Stanza, identity: X25519PrivateKey) -> bytes | None:
    """Give the file key, or None where the stanza is another recipient's."""
    shares = [_decode(word) for word in stanza.words[1:]]
    if [len(share) for share in shares] != [_SHARE_BYTES] or len(stanza.body) != _WRAPPED_BYTES:
        raise AgeError("its header has a recipient of another form")
    try:
        shared = identity.exchange(X25519PublicKey.from_public_bytes(shares[0]))
    except ValueError:  # a point of low order, with which all share the same secret
        raise AgeError("its header has a recipient that is no key") from None
    try:
        wrapping = _wrapping(shared, share=shares[0], recipient=identity.public_key())
        return wrapping.decrypt(bytes(12), stanza.body, None)
    except InvalidTag:
        return None


def _wrapping(shared: bytes, *, share: bytes, recipient: X25519PublicKey) -> ChaCha20Poly1305:
    """The cipher that wraps a file key; it seals one message, so its nonce is zero."""
    salt = share + recipient.public_bytes_raw()
    return ChaCha20Poly1305(_hkdf(shared, salt=salt, info=b"age-encryption.org/v1/X25519"))


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_hkdf(file_key, salt=None, info=b"header"), header, "sha256")


def _hkdf(secret: bytes, *, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(secret)


def _encode(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _decode(text: bytes) -> bytes:
    """Read base64 without padding; only the canonical form is one."""
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise AgeError("its header has base64 that is none") from None
    if _encode(data) != text:
        raise AgeError("its header has base64 of another form")
    return data
