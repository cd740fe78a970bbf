"""AES-256 key wrap with padding (RFC 5649) of named secrets.

The name of what a secret belongs to is wrapped together with it, so that a wrapped secret which
somebody copied to another row (to let it survive an erasure, or to sign with another key) is
refused.
"""

from __future__ import annotations

import os

from cryptography.hazmat.primitives import keywrap

from freehold.kernel.keys.errors import KeysError

KEY_BYTES = 32


def new_key() -> bytes:
    """Make a random AES-256 key."""
    return os.urandom(KEY_BYTES)


def wrap(secret: bytes, *, name: str, key: bytes) -> bytes:
    """Wrap `secret` as that of `name`: RFC 5649 over `name ‖ 0x00 ‖ secret`."""
    return keywrap.aes_key_wrap_with_padding(key, name.encode() + b"\x00" + secret)


def unwrap(wrapped: bytes, *, name: str, key: bytes) -> bytes:
    """Give the secret of `name` back.

    Raises:
        KeysError: `keys.corrupt`: wrapped under another key, for another name, or changed.
    """
    try:
        label, _, secret = keywrap.aes_key_unwrap_with_padding(key, wrapped).partition(b"\x00")
    except keywrap.InvalidUnwrap:
        raise _refused(name) from None
    if label != name.encode():
        raise _refused(name)
    return secret


def _refused(name: str) -> KeysError:
    return KeysError(
        "keys.corrupt",
        f"the wrapped secret of {name} does not belong to this keyring or was changed",
        "restore keyring.db and custody.json from one backup, then apply the recorded erasures",
    )
