"""What can be found, what category it falls in, and how sure a finding is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, unique
from types import MappingProxyType
from typing import NamedTuple


@unique
class Category(StrEnum):
    """What a kind is to the law and to its owner.

    `SPECIAL` (GDPR, article 9) has no structured kind of its own yet; health has one apart, since
    it is handled apart.
    """

    PERSONAL = "personal"
    SPECIAL = "special"
    HEALTH = "health"
    PAYMENT = "payment"
    SECRET = "secret"  # noqa: S105 (a name, not a secret)


@unique
class Level(StrEnum):
    """How sure a finding is.

    `VALID`: its checksum is right, or its form is fixed and nothing near speaks against it.
    `SHAPE`: it looks like its kind, and mostly a word near it says so; a person should look.
    """

    VALID = "valid"
    SHAPE = "shape"


@unique
class Kind(StrEnum):
    """What a finding is. The names are kept in reports; they are never renamed."""

    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    IP_ADDRESS = "ip_address"
    MAC_ADDRESS = "mac_address"
    DATE = "date"
    BIRTH_DATE = "birth_date"
    POSTCODE = "postcode"
    PASSPORT = "passport"
    DRIVING_LICENCE = "driving_licence"
    VEHICLE_PLATE = "vehicle_plate"
    PROFESSIONAL_LICENCE = "professional_licence"
    US_SSN = "us_ssn"
    US_ITIN = "us_itin"
    ES_DNI = "es_dni"
    ES_NIE = "es_nie"
    ES_NASS = "es_nass"
    PL_PESEL = "pl_pesel"
    PL_NIP = "pl_nip"
    DE_TAX_ID = "de_tax_id"
    FR_NIR = "fr_nir"
    IT_TAX_CODE = "it_tax_code"
    UK_NINO = "uk_nino"
    UK_NHS = "uk_nhs"
    MEDICAL_RECORD = "medical_record"
    PAYMENT_CARD = "payment_card"
    IBAN = "iban"
    CRYPTO_WALLET = "crypto_wallet"
    PRIVATE_KEY = "private_key"
    API_TOKEN = "api_token"  # noqa: S105
    PASSWORD = "password"  # noqa: S105


CATEGORIES: Mapping[Kind, Category] = MappingProxyType(
    {
        **dict.fromkeys(Kind, Category.PERSONAL),
        Kind.UK_NHS: Category.HEALTH,
        Kind.MEDICAL_RECORD: Category.HEALTH,
        Kind.PAYMENT_CARD: Category.PAYMENT,
        Kind.IBAN: Category.PAYMENT,
        Kind.CRYPTO_WALLET: Category.PAYMENT,
        Kind.PRIVATE_KEY: Category.SECRET,
        Kind.API_TOKEN: Category.SECRET,
        Kind.PASSWORD: Category.SECRET,
    }
)


class Finding(NamedTuple):
    """One span of a text, `text[start:end]` in characters. It never holds the value itself.

    A tuple, because a dense text has millions of them.
    """

    kind: Kind
    start: int
    end: int
    level: Level

    @property
    def category(self) -> Category:
        """What its kind is to the law and to its owner."""
        return CATEGORIES[self.kind]
