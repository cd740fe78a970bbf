"""The age identities of domains, held against a library that we did not write."""

from __future__ import annotations

import pyrage  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.kernel.keys import DomainKeys, Keyring, age_private_key

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
IDENTITY = "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0"


def keys_of(identity: str) -> DomainKeys:
    return DomainKeys("a domain", identity, naming_key=bytes(32), body_key=bytes(32))


def test_the_secret_of_a_domain_is_an_identity_that_others_read(keyring: Keyring) -> None:
    keys = keyring.domain(keyring.new_domain())
    theirs = pyrage.x25519.Identity.from_str(keys.identity)
    assert str(theirs) == keys.identity
    assert str(theirs.to_public()) == keys.recipient


@pytest.mark.parametrize("_", range(20))
def test_identities_that_others_made_have_the_recipient_that_others_give_them(_: int) -> None:
    theirs = pyrage.x25519.Identity.generate()
    assert keys_of(str(theirs)).recipient == str(theirs.to_public())
    assert keys_of(str(theirs).lower()).recipient == str(theirs.to_public())


@given(place=st.integers(16, len(IDENTITY) - 1), letter=st.sampled_from(LETTERS.upper()))
def test_one_other_letter_is_refused(place: int, letter: str) -> None:
    changed = IDENTITY[:place] + letter + IDENTITY[place + 1 :]
    if changed == IDENTITY:
        return
    with pytest.raises(ValueError, match="checksum is wrong") as caught:
        age_private_key(changed)
    assert changed not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "AGE-SECRET-KEY-1", IDENTITY[:-1], IDENTITY + "Q", " " + IDENTITY,
        IDENTITY[:30] + "B" + IDENTITY[31:], IDENTITY[:30] + IDENTITY[30:].lower(),
        keys_of(IDENTITY).recipient,
    ],
)  # fmt: skip
def test_what_is_no_identity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="checksum is wrong"):
        age_private_key(text)


def bech32(digits: list[int]) -> str:
    """Write digits under the prefix of an identity, with a checksum by the letter of BIP 173."""
    prefix, checksum = b"age-secret-key-", 1
    for digit in [*(c >> 5 for c in prefix), 0, *(c & 31 for c in prefix), *digits, *[0] * 6]:
        top, checksum = checksum >> 25, (checksum & 0x1FFFFFF) << 5 ^ digit
        for bit, generator in enumerate(
            (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
        ):
            checksum ^= generator if top >> bit & 1 else 0
    word = [*digits, *((checksum ^ 1) >> 5 * (5 - place) & 31 for place in range(6))]
    return f"{prefix.decode()}1{''.join(LETTERS[digit] for digit in word)}"


def test_only_32_bytes_that_are_padded_with_zeros_are_a_key() -> None:
    assert age_private_key(bech32([0] * 52)).private_bytes_raw() == bytes(32)
    for digits in ([0] * 51 + [1], [0] * 51 + [8], [0] * 53, [0] * 51, [0] * 54, []):
        with pytest.raises(ValueError, match=r"padded wrongly|32 bytes"):
            age_private_key(bech32(digits))
