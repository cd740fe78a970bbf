"""What is found in a text, where, how surely; and what only looks like it."""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data.detection import (
    CATEGORIES,
    RULES_DIGEST,
    RULES_VERSION,
    Category,
    Detector,
    Finding,
    Kind,
    Level,
)

# The span stands in ⟦⟧. Numbers and keys are published examples, or made up with right checksums.
VALID = {
    "write to ⟦ann.o'neil+x@mail.example.co.uk⟧.": Kind.EMAIL,
    "in quotes '⟦ann@example.org⟧'": Kind.EMAIL,
    "correo: ⟦urología@hospital.example⟧": Kind.EMAIL,
    "call ⟦+44 20 7946 0958⟧ now": Kind.PHONE,
    "tel ⟦+33 6 12 34 56 78 ext 12⟧": Kind.PHONE,
    "see ⟦https://example.org/a(b)?c=1⟧).": Kind.URL,
    "at ⟦www.example.org/path⟧, and": Kind.URL,
    "server ⟦192.168.1.254⟧ up": Kind.IP_ADDRESS,
    "from ⟦2001:0db8:85a3:0000:0000:8a2e:0370:7334⟧": Kind.IP_ADDRESS,
    "from ⟦fe80::1ff:fe23:4567:890a⟧": Kind.IP_ADDRESS,
    "card by ⟦00:1B:44:11:3A:B7⟧": Kind.MAC_ADDRESS,
    "all digits ⟦00-11-22-33-44-55⟧": Kind.MAC_ADDRESS,
    "on ⟦1992-02-20 22:50:54⟧": Kind.DATE,
    "on ⟦31/12/1999⟧": Kind.DATE,
    "el ⟦12 de octubre de 2005⟧": Kind.DATE,
    "on ⟦May 5, 2005⟧": Kind.DATE,
    "born on ⟦2/7/1961⟧": Kind.BIRTH_DATE,
    "Fecha de nacimiento: ⟦15/05/1984⟧": Kind.BIRTH_DATE,
    "née le ⟦12 mai 1984⟧": Kind.BIRTH_DATE,
    "geb. ⟦12.05.1984⟧": Kind.BIRTH_DATE,
    "data urodzenia ⟦1984-05-12⟧": Kind.BIRTH_DATE,
    "nata il ⟦12/05/1984⟧": Kind.BIRTH_DATE,
    "SSN ⟦219-09-9999⟧": Kind.US_SSN,
    "ITIN ⟦912-70-1234⟧": Kind.US_ITIN,
    "el ⟦12345678Z⟧": Kind.ES_DNI,
    "dni ⟦12.345.678-Z⟧": Kind.ES_DNI,
    "NIE ⟦X1234567L⟧": Kind.ES_NIE,
    "pesel ⟦44051401359⟧": Kind.PL_PESEL,
    "NIP ⟦123-456-32-18⟧": Kind.PL_NIP,
    "Steuer-ID ⟦86095742719⟧": Kind.DE_TAX_ID,
    "Identifikationsnummer ⟦86 095 742 719⟧": Kind.DE_TAX_ID,
    "code ⟦2 55 08 14 168 025 38⟧": Kind.FR_NIR,
    "code ⟦255081416802538⟧": Kind.FR_NIR,
    "C.F. ⟦RSSMRA85T10A562S⟧": Kind.IT_TAX_CODE,
    "NINO ⟦AB123456C⟧": Kind.UK_NINO,
    "NHS number ⟦943 476 5919⟧": Kind.UK_NHS,
    "⟦4111 1111 1111 1111⟧": Kind.PAYMENT_CARD,
    "⟦3782 822463 10005⟧": Kind.PAYMENT_CARD,
    "⟦5555555555554444⟧": Kind.PAYMENT_CARD,
    "⟦DE89370400440532013000⟧": Kind.IBAN,
    "iban ⟦es91 2100 0418 4502 0005 1332⟧, gracias": Kind.IBAN,
    "⟦1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa⟧": Kind.CRYPTO_WALLET,
    "⟦bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq⟧": Kind.CRYPTO_WALLET,
    "ethereum ⟦0x52908400098527886E0F7030069857D2E4169EE7⟧": Kind.CRYPTO_WALLET,
    "key ⟦AKIAIOSFODNN7EXAMPLE⟧": Kind.API_TOKEN,
    "⟦ghp_abcdefghijklmnopqrstuvwxyz0123456789⟧": Kind.API_TOKEN,
    "⟦xoxb-123456789012-abcdefABCDEF⟧": Kind.API_TOKEN,
    "Bearer ⟦eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP⟧": Kind.API_TOKEN,
    "⟦-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----⟧": (
        Kind.PRIVATE_KEY
    ),
}
SHAPE = {
    "call me at ⟦541-714-1388⟧": Kind.PHONE,
    "Rufnummer ⟦030/12345678⟧": Kind.PHONE,
    "appelez le ⟦06 12 34 56 78⟧": Kind.PHONE,
    "Teléfono: ⟦917277336⟧": Kind.PHONE,
    "cellulare ⟦347 1234567⟧": Kind.PHONE,
    "zadzwoń ⟦501 234 567⟧": Kind.PHONE,
    "⟦(978) 645-9740⟧": Kind.PHONE,
    "⟦219-09-9999⟧": Kind.US_SSN,
    "⟦44051401359⟧": Kind.PL_PESEL,
    "card ⟦4111111111111112⟧": Kind.PAYMENT_CARD,
    "order number ⟦4111111111111111⟧": Kind.PAYMENT_CARD,
    "IBAN ⟦DE88370400440532013000⟧": Kind.IBAN,
    "DNI ⟦12345678A⟧": Kind.ES_DNI,
    "NASS: ⟦70 41234567 11⟧": Kind.ES_NASS,
    "Passport No: ⟦123456789⟧": Kind.PASSPORT,
    "My driver's license number is ⟦281211981⟧": Kind.DRIVING_LICENCE,
    "Kennzeichen: ⟦B-AB 1234⟧": Kind.VEHICLE_PLATE,
    "CP: ⟦28029⟧.": Kind.POSTCODE,
    "Postcode: ⟦SW1A 1AA⟧": Kind.POSTCODE,
    "NHC: ⟦7803564⟧.": Kind.MEDICAL_RECORD,
    "NºCol: ⟦28 28 57974⟧.": Kind.PROFESSIONAL_LICENCE,
    "since ⟦2/7/61⟧": Kind.DATE,
    '"password": "⟦s3cretPass⟧"': Kind.PASSWORD,
    "api_key = ⟦9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c⟧": Kind.API_TOKEN,
}
NOTHING = {
    "an order": "order 12345678 has shipped",
    "an order with a checksum like a phone's": "part no. 123-456-7890",
    "an ISBN": "ISBN 978-3-16-148410-0",
    "an ISBN without words": "9783161484100",
    "years": "in 1999 and 2000, or 2010-2015, 2020/2021",
    "a decimal": "pi is 3.14159265",
    "an amount": "a sum of 1,234,567.89 dollars",
    "a hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "a UUID": "550e8400-e29b-41d4-a716-446655440000",
    "a moment in seconds": "1700000000",
    "a time": "12:30:45.123456",
    "a sum": "1234567 + 7654321",
    "a parcel": "tracking 1Z999AA10123456784",
    "no day of any calendar": "31/02/2020 and 2021-02-29",
    "a version": "release 1.2.3 of 10.4.11",
    "an address out of range": "300.1.2.3 and 1.2.3.4.5",
    "a card of no issuer": "9111111111111111",
    "a card with a wrong checksum": "4111111111111112",
    "a name of C++": "std::add::f4",
    "a placeholder": 'password: "<your password>", token = ${TOKEN}, api_key=changeme',
    "prose on passwords": "the password is required",
    "a name of a project": "pip install sk-learn-contrib-extra-things",
    "a wallet with a wrong checksum": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
    "a handle": "@ann wrote @bob",
    "a DNI with a wrong letter": "12345678A",
    "digits within letters": "abc4111111111111111",
}
ONLY_LOW = ("version 1.2.3.4", "version 10.12.2024", "invoice 5555555555554444")
MARKED = re.compile("(.*)⟦(.*)⟧(.*)", re.S)
# What is found at each version of the rules. If it changes on purpose, raise RULES_VERSION.
FOUND = {"1": "8fc0943b7a9bdad2726bc4b3efc4c5735ab2fecfc371240559fa2db43d4ef5a4"}


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


def marked(text: str) -> tuple[str, int, int]:
    parts = MARKED.fullmatch(text)
    assert parts
    before, value, after = parts.groups()
    return before + value + after, len(before), len(before + value)


@pytest.mark.parametrize("text", VALID)
def test_a_right_checksum_or_a_fixed_form_is_valid(detector: Detector, text: str) -> None:
    whole, start, end = marked(text)
    assert detector.scan(whole) == [Finding(VALID[text], start, end, Level.VALID)]


@pytest.mark.parametrize("text", SHAPE)
def test_a_shape_that_words_bear_out_is_a_shape(detector: Detector, text: str) -> None:
    whole, start, end = marked(text)
    assert detector.scan(whole) == [Finding(SHAPE[text], start, end, Level.SHAPE)]


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_what_only_looks_like_it_is_not_found(detector: Detector, text: str) -> None:
    assert detector.scan(text) == []


@pytest.mark.parametrize("text", ONLY_LOW)
def test_words_that_speak_against_it_lower_the_level(detector: Detector, text: str) -> None:
    assert [each.level for each in detector.scan(text)] == [Level.SHAPE]


def test_every_kind_is_found_somewhere_and_has_a_category() -> None:
    assert {*VALID.values(), *SHAPE.values()} == set(Kind)
    assert CATEGORIES.keys() == set(Kind)
    assert Finding(Kind.IBAN, 0, 22, Level.VALID).category is Category.PAYMENT
    assert Finding(Kind.UK_NHS, 0, 10, Level.VALID).category is Category.HEALTH
    assert Finding(Kind.API_TOKEN, 0, 20, Level.VALID).category is Category.SECRET


def test_places_are_told_in_characters(detector: Detector) -> None:
    text = "Größe 😀 ünd ann@example.org, 日本 +44 20 7946 0958"
    found = [text[each.start : each.end] for each in detector.scan(text)]
    assert found == ["ann@example.org", "+44 20 7946 0958"]


def test_words_of_another_line_do_not_count(detector: Detector) -> None:
    assert detector.scan("call me\n917277336") == []
    assert detector.scan("917277336\nmobile") == []


def test_the_nearest_word_decides(detector: Detector) -> None:
    assert detector.scan("by phone, order 917277336") == []
    (found,) = detector.scan("about the order, phone 917277336")
    assert found.kind is Kind.PHONE


def test_a_url_may_hold_what_matters_more(detector: Detector) -> None:
    text = "https://ann:hunter22@example.org/pay?card=4111111111111111&on=2024-01-31"
    found = [(each.kind, text[each.start : each.end]) for each in detector.scan(text)]
    assert found == [
        (Kind.URL, text),
        (Kind.PASSWORD, "hunter22"),
        (Kind.PAYMENT_CARD, "4111111111111111"),
    ]


def test_many_cards_are_read_as_few_are(detector: Detector) -> None:
    cards = ("4111111111111111", "378282246310005", "30569309025904", "6011111111111117")
    decoys = ("4111111111111112", "9111111111111111", "411111111111111", "x4111111111111111")
    found = detector.scan_many([*cards, *decoys] * 10)
    expected = [[Finding(Kind.PAYMENT_CARD, 0, len(each), Level.VALID)] for each in cards]
    assert list(found) == (expected + [[]] * len(decoys)) * 10


@given(st.lists(st.sampled_from([*VALID, *SHAPE, *NOTHING.values(), "", "ü"]), max_size=30))
def test_many_texts_are_read_as_each_alone(texts: list[str]) -> None:
    detector = Detector()
    plain = [text.replace("⟦", "").replace("⟧", "") for text in texts]
    assert list(detector.scan_many(plain)) == [detector.scan(text) for text in plain]


ALPHABET = "0123456789 .-/:()+@=_abcdefxyzABCXYZé\n\x1e\ud800"
FRAGMENTS = ["https://", "www.", "password: ", "-----BEGIN ", "iban DE89 ", "eyJ", "tel. ", "may "]


@given(st.lists(st.one_of(st.text(ALPHABET, max_size=12), st.sampled_from(FRAGMENTS))))
def test_any_text_is_read_and_findings_lie_in_order_within_it(parts: list[str]) -> None:
    text = "".join(parts)
    found = Detector().scan(text)
    assert all(0 <= each.start < each.end <= len(text) for each in found)
    assert found == sorted(found, key=lambda each: each.start)
    outer = [each for each in found if each.kind is Kind.URL]
    flat = [
        each
        for each in found
        if not any(o.start <= each.start and each.end <= o.end and o != each for o in outer)
    ]
    assert all(one.end <= two.start for one, two in pairwise(flat))


def test_nothing_that_was_found_is_shown(detector: Detector) -> None:
    text = "ann@example.org pays with 4111111111111111"
    shown = repr(detector.scan(text)) + str(detector.scan(text)) + repr(detector)
    assert "ann@" not in shown
    assert "4111" not in shown


def test_a_change_of_what_is_found_is_a_new_version_of_the_rules(detector: Detector) -> None:
    texts = [*VALID, *SHAPE, *NOTHING.values(), *ONLY_LOW]
    found = [detector.scan(text.replace("⟦", "").replace("⟧", "")) for text in texts]
    told = repr([[(str(f.kind), f.start, f.end, str(f.level)) for f in each] for each in found])
    assert FOUND[RULES_VERSION] == hashlib.sha256(told.encode()).hexdigest()
    assert re.fullmatch("[0-9a-f]{64}", RULES_DIGEST)
