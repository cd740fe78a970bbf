"""A body frame: one act's details, sealed under its domain (docs/formats/vault.md). Pure functions.

    uint32 BE length of what follows ‖ domain id (16) ‖ record id (16) ‖ nonce (12) ‖ ciphertext ‖
    tag (16)

The two ids are associated data: a frame that was moved to another record or domain is refused.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from freehold.kernel import is_id
from freehold.kernel.keys import DomainKeys
from freehold.kernel.vault.errors import corrupt

SEGMENT_HEADER = b"freehold segment 1\n"
_LENGTH, _IDS, _NONCE, _TAG = 4, 32, 12, 16
FRAME_OVERHEAD = _LENGTH + _IDS + _NONCE + _TAG
IDS_END = _LENGTH + _IDS
NONCE_END = IDS_END + _NONCE


def seal_frame(plaintext: bytes, *, record_id: str, keys: DomainKeys) -> bytes:
    """Seal the body of a record.

    The nonce is random: at 2^32 bodies in one domain, two share one with a chance of 2^-33.
    """
    ids = _ids(keys.domain, record_id)
    nonce = os.urandom(_NONCE)
    sealed = ChaCha20Poly1305(keys.body_key).encrypt(nonce, plaintext, ids)
    length = _IDS + _NONCE + len(sealed)
    return b"".join((length.to_bytes(_LENGTH), ids, nonce, sealed))


def open_frame(frame: bytes, *, record_id: str, keys: DomainKeys) -> bytes:
    """Give the body of a record back.

    Raises:
        VaultError: `vault.corrupt`: another record's or domain's frame, or changed bytes.
    """
    ids = _ids(keys.domain, record_id)
    what = f"the body of record {record_id}"
    if len(frame) < FRAME_OVERHEAD or int.from_bytes(frame[:_LENGTH]) != len(frame) - _LENGTH:
        raise corrupt(what, "its frame has another length")
    if frame[_LENGTH:IDS_END] != ids:
        raise corrupt(what, "its frame belongs to another record or key domain")
    nonce, sealed = frame[IDS_END:NONCE_END], frame[NONCE_END:]
    try:
        return ChaCha20Poly1305(keys.body_key).decrypt(nonce, sealed, ids)
    except InvalidTag:
        raise corrupt(what, "its frame was changed") from None


def _ids(domain_id: str, record_id: str) -> bytes:
    if not is_id(record_id):
        raise ValueError(f"a record's id is a lower-case UUID, got {record_id!r:.80}")
    return bytes.fromhex(domain_id.replace("-", "") + record_id.replace("-", ""))
