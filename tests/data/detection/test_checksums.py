"""A number counts as valid exactly where a naive reading of its standard says so."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data.detection import Detector, Kind, Level

DIGITS = st.sampled_from(string.digits)


def numbers(size: int) -> st.SearchStrategy[str]:
    return st.text(DIGITS, min_size=size, max_size=size)


def levels(text: str, kind: Kind) -> list[Level]:
    return [each.level for each in Detector().scan(text) if each.kind is kind]


def luhn(number: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


@given(st.sampled_from(["4", "51", "2221", "34", "6011", "36"]), numbers(14), st.integers(1, 60))
def test_a_card_is_valid_where_its_luhn_sum_is(prefix: str, rest: str, copies: int) -> None:
    size = {"34": 15, "36": 14}.get(prefix, 16)
    number = (prefix + rest + "0")[:size]
    expected = [Level.VALID] if luhn(number) else []
    found = Detector().scan_many([number] * copies)  # by whole arrays where there are many
    assert [[each.level for each in one if each.kind is Kind.PAYMENT_CARD] for one in found] == [
        expected
    ] * copies


def mod97(iban: str) -> int:
    return int("".join(str(int(each, 36)) for each in iban[4:] + iban[:4])) % 97


@given(st.text(string.ascii_uppercase, min_size=4, max_size=4), numbers(14), st.integers(0, 99))
def test_an_iban_is_valid_where_its_remainder_is_one(bank: str, rest: str, check: int) -> None:
    right = 98 - mod97(f"GB00{bank}{rest}")
    number = f"GB{check:02}{bank}{rest}"
    assert levels(f"GB{right:02}{bank}{rest}", Kind.IBAN) == [Level.VALID]
    assert (levels(number, Kind.IBAN) == [Level.VALID]) == (mod97(number) == 1)


@given(numbers(8), st.sampled_from(string.ascii_uppercase))
def test_a_dni_has_one_right_letter(number: str, letter: str) -> None:
    right = "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]
    expected = Level.VALID if letter == right else Level.SHAPE
    assert levels(f"dni {number}{letter}", Kind.ES_DNI) == [expected]


@given(numbers(9), st.integers(0, 9))
def test_an_nhs_number_is_checked_modulo_eleven(number: str, last: int) -> None:
    total = sum(int(digit) * (10 - place) for place, digit in enumerate(number))
    is_right = (11 - total % 11) % 11 == last and len({*number, str(last)}) > 2
    expected = [Level.VALID] if is_right else []
    assert levels(f"nhs {number}{last}", Kind.UK_NHS) == expected


@given(numbers(9), st.integers(0, 9))
def test_a_nip_is_checked_modulo_eleven(number: str, last: int) -> None:
    total = sum(int(a) * b for a, b in zip(number, (6, 5, 7, 2, 3, 4, 5, 6, 7), strict=True))
    is_right = total % 11 == last and number[:3] != "000"
    assert levels(f"nip {number}{last}", Kind.PL_NIP) == ([Level.VALID] if is_right else [])


ONE_DIGIT_OFF = {
    "pesel 44051401358": Kind.PL_PESEL,
    "Steuer-ID 86095742718": Kind.DE_TAX_ID,
    "2 55 08 14 168 025 39": Kind.FR_NIR,
    "RSSMRA85T10A562T": Kind.IT_TAX_CODE,
    "NIE X1234567M": Kind.ES_NIE,
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp": Kind.CRYPTO_WALLET,
    "NASS: 28 12345678 41": Kind.ES_NASS,
    "1 84 12 2A 451 089 47": Kind.FR_NIR,
}


@pytest.mark.parametrize("text", ONE_DIGIT_OFF)
def test_one_wrong_digit_is_noticed(text: str) -> None:
    assert Level.VALID not in levels(text, ONE_DIGIT_OFF[text])


def test_a_spanish_insurance_number_is_valid_modulo_97() -> None:
    number = 2812345678
    assert levels(f"NASS: 28 12345678 {number % 97:02}", Kind.ES_NASS) == [Level.VALID]


@pytest.mark.parametrize(("department", "counts_as"), [("2A", "19"), ("2B", "18")])
def test_a_number_of_corsica_is_valid(department: str, counts_as: str) -> None:
    body = f"18412{department}451089"
    key = 97 - int(body.replace(department, counts_as)) % 97
    spaced = f"1 84 12 {department} 451 089 {key:02}"
    assert levels(spaced, Kind.FR_NIR) == [Level.VALID]
    assert levels(f"{body}{key:02}", Kind.FR_NIR) == [Level.VALID]
