"""Shares: an age identity split into word lists, any `threshold` of which give it back (SLIP-0039).

Fewer tell nothing at all, whatever is known besides: that is the property of Shamir's scheme. The
arithmetic is that of the scheme's authors (`shamir_mnemonic`); here is how its 32 bytes are those
of an identity, and what goes wrong in words. No error ever shows a word of a share.
"""

from __future__ import annotations

from collections.abc import Sequence

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics

from freehold.kernel.keys._recovery import SHARES_MAX, recipient_of
from freehold.kernel.keys.errors import BadShares, KeysError

_PREFIX = "age-secret-key-"
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"  # BIP 173
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6
_SECRET_BYTES = 32


def split_identity(identity: str, *, shares: int, threshold: int) -> tuple[str, ...]:
    """Split an age X25519 identity into word lists of 33 words, one for each holder.

    Raises:
        ValueError: fewer than 2 or more than 16 shares or threshold, or a threshold above shares.
    """
    if not 2 <= threshold <= shares <= SHARES_MAX:
        raise ValueError(f"from 2 of 2 to {SHARES_MAX} of {SHARES_MAX} shares")
    recipient_of(identity)  # that it is one
    # Stretching (`iteration_exponent`) protects weak passphrases; there is none, and 32 random
    # bytes need no protection.
    ((*words,),) = generate_mnemonics(
        1, [(threshold, shares)], _secret(identity), iteration_exponent=0
    )
    return tuple(words)


def combine_shares(word_lists: Sequence[str]) -> str:
    """Give back the identity of which these are shares; more than needed do no harm.

    Raises:
        BadShares: one is no share, they are of different identities, the same twice, or too few.
    """
    if not word_lists:
        raise BadShares("keys.shares_few", "no share was given")
    shares = [_read(number, text) for number, text in enumerate(word_lists, 1)]
    first = shares[0]
    for number, share in enumerate(shares, 1):
        if share.group_parameters() != first.group_parameters():
            raise BadShares(
                "keys.shares_mixed", f"share {number} is of another recovery than share 1"
            )
    distinct = {share.index: share for share in shares}
    if any(distinct[share.index] != share for share in shares):
        raise BadShares("keys.shares_mixed", "two shares have one number and differ")
    if len(distinct) < first.member_threshold:
        raise BadShares(
            "keys.shares_few",
            f"{len(distinct)} different shares were given, {first.member_threshold} are needed",
        )
    chosen = list(distinct.values())[: first.member_threshold]
    try:
        secret = combine_mnemonics([share.mnemonic() for share in chosen])
    except MnemonicError:
        raise BadShares("keys.shares_mixed", "these shares do not belong together") from None
    if len(secret) != _SECRET_BYTES:
        raise BadShares("keys.shares_mixed", "these are shares of something else")
    return _identity(secret)


def _read(number: int, text: str) -> Share:
    try:
        share: Share = Share.from_mnemonic(" ".join(text.lower().split()))
    except MnemonicError:
        raise BadShares(
            "keys.share", f"share {number} is not readable: a word of it is wrong or missing"
        ) from None
    if (share.group_count, share.group_threshold) != (1, 1):
        raise BadShares("keys.share", f"share {number} was not made by Freehold")
    return share


def _secret(identity: str) -> bytes:
    """The 32 bytes of an identity, whose checksum somebody has looked at."""
    values = [_ALPHABET.index(char) for char in identity.lower().removeprefix(_PREFIX + "1")]
    number = 0
    for value in values[:-_CHECKSUM]:
        number = number << 5 | value
    return (number >> 4).to_bytes(_SECRET_BYTES)  # 52 letters hold 260 bits


def _identity(secret: bytes) -> str:
    """Write 32 bytes as an age identity (Bech32, BIP 173)."""
    number = int.from_bytes(secret) << 4
    values = [number >> shift & 31 for shift in range(255, -1, -5)]
    prefix = [ord(char) >> 5 for char in _PREFIX] + [0] + [ord(char) & 31 for char in _PREFIX]
    check = _polymod([*prefix, *values, *[0] * _CHECKSUM]) ^ 1
    values += [check >> 5 * (_CHECKSUM - 1 - place) & 31 for place in range(_CHECKSUM)]
    identity = f"{_PREFIX}1{''.join(_ALPHABET[value] for value in values)}".upper()
    try:
        recipient_of(identity)
    except KeysError:  # 32 bytes always give one
        raise BadShares("keys.shares_mixed", "these are shares of something else") from None
    return identity


def _polymod(values: Sequence[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATOR):
            checksum ^= generator if top >> place & 1 else 0
    return checksum
