"""age X25519 identities: made, written as Bech32 strings, read again; and their recipients.

The format is that of age (C2SP, age-encryption.org/v1) over BIP 173. It seals nothing.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

_IDENTITY, _RECIPIENT = "age-secret-key-", "age"
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_CHECKSUM_DIGITS = 6
# What the five bits that leave the polynomial of BIP 173 at its top bring back into it.
_REMAINDERS = [
    (top & 1) * 0x3B6A57B2
    ^ (top >> 1 & 1) * 0x26508E6D
    ^ (top >> 2 & 1) * 0x1EA119FA
    ^ (top >> 3 & 1) * 0x3D4233DD
    ^ (top >> 4 & 1) * 0x2A1462B3
    for top in range(32)
]


def new_identity() -> str:
    """Make an age X25519 identity: `AGE-SECRET-KEY-1…`."""
    return _encode(_IDENTITY, X25519PrivateKey.generate().private_bytes_raw()).upper()


def recipient_of(identity: str) -> str:
    """Write the recipient of an identity: `age1…`.

    Raises:
        ValueError: it is no identity.
    """
    return _encode(_RECIPIENT, age_private_key(identity).public_key().public_bytes_raw())


def age_private_key(identity: str) -> X25519PrivateKey:
    """Read an identity, `AGE-SECRET-KEY-1…`.

    Raises:
        ValueError: it is none; the message does not show it.
    """
    return X25519PrivateKey.from_private_bytes(_decode(_IDENTITY, identity))


def _encode(prefix: str, data: bytes) -> str:
    bits = len(data) * 8
    padded = int.from_bytes(data) << -bits % 5
    digits = [padded >> shift & 31 for shift in reversed(range(0, bits + -bits % 5, 5))]
    checksum = _checksum(prefix, [*digits, *[0] * _CHECKSUM_DIGITS]) ^ 1
    digits += [checksum >> 5 * place & 31 for place in reversed(range(_CHECKSUM_DIGITS))]
    return f"{prefix}1{''.join(_ALPHABET[digit] for digit in digits)}"


def _decode(prefix: str, text: str) -> bytes:
    """Read the bytes of a Bech32 string that has this prefix."""
    lower = text.lower()
    found, _, word = lower.rpartition("1")
    digits = [_ALPHABET.find(letter) for letter in word]
    if (
        text not in (lower, text.upper())  # mixed case, BIP 173
        or found != prefix
        or -1 in digits
        or _checksum(prefix, digits) != 1
    ):
        raise ValueError(f"no Bech32 string that begins with {prefix}1, or its checksum is wrong")
    value = 0
    for digit in digits[:-_CHECKSUM_DIGITS]:
        value = value << 5 | digit
    length, padding = divmod(5 * (len(digits) - _CHECKSUM_DIGITS), 8)
    if padding > 4 or value & (1 << padding) - 1:
        raise ValueError(f"a string that begins with {prefix}1 is padded wrongly")
    return (value >> padding).to_bytes(length)


def _checksum(prefix: str, digits: list[int]) -> int:
    """The polynomial of BIP 173 over prefix and digits: 1 where the checksum is right."""
    codes = prefix.encode("ascii")
    checksum = 1
    for digit in (*(code >> 5 for code in codes), 0, *(code & 31 for code in codes), *digits):
        checksum = (checksum & 0x1FFFFFF) << 5 ^ digit ^ _REMAINDERS[checksum >> 25]
    return checksum
