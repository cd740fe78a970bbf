"""Checksums of numbers that people and payments have; pure functions over ASCII bytes.

Each takes digits (and letters) without separators and tells whether the check fits. None knows the
text around; a right checksum may still be chance, one in 10 or 11 for the weaker ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_DOUBLED = bytes(b"0246813579"[n - 48] if 48 <= n < 58 else n for n in range(256))
_DNI = b"TRWAGMYFPDXBNJZSQVHLCKE"
_PESEL = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
_NIP = (6, 5, 7, 2, 3, 4, 5, 6, 7)
_NHS = (10, 9, 8, 7, 6, 5, 4, 3, 2)
_CF_ODD = dict(
    zip(
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21),
            *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25),
            *(24, 23),
        ),
        strict=True,
    )
)
# The first four digits of payment cards, from and to, and how long their numbers are (ISO/IEC 7812;
# the ranges that the schemes publish).
ISSUERS: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (1800, 1800, (15,)),  # JCB, of old
    (2131, 2131, (15,)),
    (2200, 2204, (16,)),  # Mir
    (2221, 2720, (16,)),  # Mastercard
    (3000, 3059, (14,)),  # Diners Club
    (3400, 3499, (15,)),  # American Express
    (3528, 3589, (16, 17, 18, 19)),  # JCB
    (3600, 3699, (14,)),  # Diners Club
    (3700, 3799, (15,)),  # American Express
    (3800, 3999, (14,)),  # Diners Club
    (4000, 4999, (13, 16, 19)),  # Visa
    (5000, 5099, (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (5100, 5599, (16,)),  # Mastercard
    (5600, 5899, (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (6000, 6999, (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro, Discover, UnionPay
)
_IBAN_DIGITS = {ord(each): str(int(each, 36)) for each in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_TERMS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_ENDS = (1, 0x2BC830A3)  # bech32 (BIP 173), bech32m (BIP 350)


def luhn(digits: bytes) -> bool:
    """Payment cards (ISO/IEC 7812-1, annex B)."""
    total = sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED))
    return (total - 48 * len(digits)) % 10 == 0


def is_issued(digits: bytes) -> bool:
    """Whether some scheme issues cards that start so and are so long."""
    start, size = int(digits[:4]), len(digits)
    return any(low <= start <= high and size in sizes for low, high, sizes in ISSUERS)


def mod97(iban: bytes) -> bool:
    """IBAN (ISO 13616, ISO 7064 MOD 97-10), in upper case."""
    return int("".join([_IBAN_DIGITS[each] for each in iban[4:] + iban[:4]])) % 97 == 1


def dni(number: bytes) -> bool:
    """Spanish DNI: eight digits and a letter."""
    return number[8] == _DNI[int(number[:8]) % 23]


def nie(number: bytes) -> bool:
    """Spanish NIE: X, Y or Z, seven digits and a letter."""
    return dni(b"%d" % b"XYZ".index(number[0]) + number[1:])


def nass(digits: bytes) -> bool:
    """Spanish social security number: province, eight digits, two check digits."""
    province, number = int(digits[:2]), int(digits[2:10])
    whole = province * 10_000_000 + number if number < 10_000_000 else int(digits[:10])
    return whole % 97 == int(digits[10:])


def pesel(digits: bytes) -> bool:
    """Polish PESEL: date of birth, with its century in the month, serial, check digit."""
    month, day = int(digits[2:4]), int(digits[4:6])
    is_date = 1 <= month % 20 <= 12 and month < 100 and 1 <= day <= 31
    return is_date and -_weighted(digits, _PESEL) % 10 == digits[10] - 48


def nip(digits: bytes) -> bool:
    """Polish NIP: ten digits, weighted, modulo 11."""
    return digits[:3] != b"000" and _weighted(digits, _NIP) % 11 == digits[9] - 48


def nhs(digits: bytes) -> bool:
    """NHS number of England: ten digits, weighted, modulo 11."""
    return (11 - _weighted(digits, _NHS) % 11) % 11 == digits[9] - 48 and len(set(digits)) > 2


def de_tax_id(digits: bytes) -> bool:
    """German tax identifier: ISO 7064 MOD 11,10; of its first ten digits one comes 2 or 3 times."""
    counts = sorted(digits[:10].count(each) for each in set(digits[:10]))
    if digits[0] == 48 or counts[-1] not in (2, 3) or (len(counts) > 1 and counts[-2] > 1):
        return False
    product = 10
    for each in digits[:10]:
        product = ((each - 48 + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == digits[10] - 48


def nir(number: bytes) -> bool:
    """French NIR: thirteen digits (2A and 2B for Corsica) and a key modulo 97."""
    month = int(number[3:5])
    if number[0] not in b"123478" or not (1 <= month <= 12 or 20 <= month <= 42 or month >= 50):
        return False
    body = number[:13].replace(b"2A", b"19").replace(b"2B", b"18")
    return body.isdigit() and 97 - int(body) % 97 == int(number[13:])


def it_tax_code(code: bytes) -> bool:
    """Italian codice fiscale, in upper case: the last letter checks the fifteen before it."""
    odd = sum(_CF_ODD[each] for each in code[0:15:2])
    even = sum(each - 48 if each < 65 else each - 65 for each in code[1:15:2])
    return (odd + even) % 26 == code[15] - 65


def base58check(address: bytes) -> bool:
    """Bitcoin address of the older form: 25 bytes that end in a double SHA-256."""
    number = 0
    for each in address:
        number = number * 58 + _BASE58.index(each)
    if number.bit_length() > 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def bech32(address: bytes) -> bool:
    """Bitcoin address of the newer form, in lower case (BIP 173 and BIP 350)."""
    prefix, _, data = address.rpartition(b"1")
    check = 1
    for value in (
        *(each >> 5 for each in prefix),
        0,
        *(each & 31 for each in prefix),
        *map(_BECH32.index, data),
    ):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(_BECH32_TERMS):
            check ^= term if top >> bit & 1 else 0
    return check in _BECH32_ENDS


def _weighted(digits: bytes, weights: Sequence[int]) -> int:
    return sum(each * weight for each, weight in zip(digits, weights, strict=False)) - 48 * sum(
        weights
    )
