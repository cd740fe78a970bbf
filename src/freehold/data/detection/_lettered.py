"""What has letters of its own: IBAN, codice fiscale, NINO, wallets, addresses of machines.

And what has too little form of its own, so that a label before it must name it: a postcode, a
passport, a licence, a plate, a patient's number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv6Address
from types import MappingProxyType

from freehold.data.detection import _checksums as checks
from freehold.data.detection._candidates import LABELS, LINK
from freehold.data.detection._context import Topic
from freehold.data.detection._kinds import Kind, Level
from freehold.data.detection._page import Hit, Page

# Lengths of the IBAN registry (SWIFT, release 99), by country.
IBAN_LENGTHS: Mapping[bytes, int] = MappingProxyType(
    {
        each[:2].encode(): int(each[2:])
        for each in """
        AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27
        DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28
        IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22
        MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24
        SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
        """.split()
    }
)
IBAN = rb"[A-Za-z]{2}\d\d(?: ?[A-Za-z0-9]){11,30}"
NINO = rb"([A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]) ?\d\d ?\d\d ?\d\d ?[A-D](?![A-Z0-9])"
TAX_CODE = (
    rb"[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z](?![A-Z0-9])"
)
CORSICAN = rb"[1-478] ?\d\d ?\d\d ?2[ABab] ?\d{3} ?\d{3}[ -]?\d\d(?!\d)"
MAC = rb"[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}(?![:-]?[0-9A-Fa-f])"
ETHEREUM = rb"0x[0-9a-fA-F]{40}(?![0-9A-Za-z])"
BITCOIN = rb"[13][1-9A-HJ-NP-Za-km-z]{25,34}(?![0-9A-Za-z])"
SEGWIT = rb"bc1[02-9ac-hj-np-z]{39,59}(?![0-9A-Za-z])"
VALUES: Mapping[Kind, bytes] = MappingProxyType(
    {
        Kind.POSTCODE: (
            rb"\d{2}[- ]\d{3}(?!\d)|\d{4} ?[A-Z]{2}(?![A-Za-z])|\d{4}-\d{3,4}(?!\d)|"
            rb"\d{5}(?:-\d{3,4})?(?!\d)|\d{3} \d{2,3}(?!\d)|\d{6}(?!\d)|\d{4}(?!\d)|"
            rb"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}(?![A-Za-z])|[A-Z]\d[A-Z] ?\d[A-Z]\d(?!\d)"
        ),
        Kind.MEDICAL_RECORD: rb"[A-Z]{0,3}-?\d{4,12}(?:/\d{1,2})?(?![.,/]?\d)",
        Kind.PROFESSIONAL_LICENCE: rb"\d\d[ -]\d\d(?:[ -]\d{3,6})?(?!\d)|\d{5,9}(?!\d)",
        Kind.ES_NASS: rb"\d(?:[ /-]?\d){5,13}(?![ /-]?\d)",
        Kind.PASSPORT: (
            rb"(?:[A-Z]{1,3}\d{6,7}|\d{8,9}|\d\d[A-Z]{2}\d{5}|[CFGHJK][0-9CFGHJKLMNPRTVWXYZ]{8})"
            rb"(?![A-Z0-9])"
        ),
        Kind.DRIVING_LICENCE: (
            rb"(?=[A-Z0-9-]{0,18}\d{3})[A-Z0-9][A-Z0-9-]{4,17}[A-Z0-9](?![A-Z0-9])"
        ),
        Kind.VEHICLE_PLATE: (
            rb"(?=[A-Z -]{0,7}\d)[A-Z0-9]{1,4}[ -]?[A-Z0-9]{1,4}(?:[ -]?[A-Z0-9]{1,4})?(?![A-Z0-9])"
        ),
    }
)
IPV6 = rb"[0-9A-Fa-f:]{2,39}(?:\.\d{1,3}){0,3}"
PATTERNS = (
    *(IBAN_LENGTHS, IBAN, NINO, TAX_CODE, CORSICAN, MAC, IPV6),
    *(ETHEREUM, BITCOIN, SEGWIT, VALUES),
)
_IBAN = re.compile(IBAN)
_NINO = re.compile(NINO, re.IGNORECASE)
_TAX_CODE = re.compile(TAX_CODE, re.IGNORECASE)
_CORSICAN = re.compile(CORSICAN)
_MAC = re.compile(MAC)
_WALLET = re.compile(
    b"(?P<eth>" + ETHEREUM + b")|(?P<old>" + BITCOIN + b")|(?P<new>" + SEGWIT + b")"
)
_IPV6 = re.compile(IPV6)
_LABEL = re.compile(
    "|".join(f"(?P<{name}>{LABELS[name]})" for name in LABELS).encode(), re.IGNORECASE
)
_LINK = re.compile(bytes(LINK, "utf-8"), re.IGNORECASE)
_VALUES = MappingProxyType({kind: re.compile(form, re.IGNORECASE) for kind, form in VALUES.items()})
_NO_NINO = frozenset(b"BG GB KN NK NT TN ZZ".split())
_HEX = b"0123456789abcdefABCDEF:"


def read_iban(page: Page, start: int) -> Hit | None:
    """Read an IBAN with or without single spaces, or else an id that starts like one."""
    return _iban(page, start) or read_id(page, start)


def _iban(page: Page, start: int) -> Hit | None:
    found = _IBAN.match(page.data, start)
    size = IBAN_LENGTHS.get(page.data[start : start + 2].upper())
    if found is None or size is None:
        return None
    raw = found[0]
    compact = raw.replace(b" ", b"")
    if len(compact) < size:
        return None
    end = start + size
    while end - start - raw.count(b" ", 0, end - start) < size:
        end += 1
    if not page.stands_alone(start, end):
        return None
    if checks.mod97(compact[:size].upper()):
        return (start, end, Kind.IBAN, Level.VALID)
    is_named = b"iban" in page.words[max(0, start - page.limits.before_bytes) : start]
    return (start, end, Kind.IBAN, Level.SHAPE) if is_named else None


def read_id(page: Page, start: int) -> Hit | None:
    """Read a national id that holds letters."""
    data = page.data
    if (found := _NINO.match(data, start)) and page.stands_alone(start, found.end()):
        if found[1].upper() in _NO_NINO:
            return None
        near = page.topics(start, found.end())
        if near & Topic.OTHER:
            return None
        level = Level.VALID if near & Topic.NATIONAL else Level.SHAPE
        return (start, found.end(), Kind.UK_NINO, level)
    first = max(0, start - 5)
    found = _TAX_CODE.match(data, first)
    if found and page.stands_alone(first, found.end()):
        level = Level.VALID if checks.it_tax_code(found[0].upper()) else Level.SHAPE
        return (first, found.end(), Kind.IT_TAX_CODE, level)
    for back in (5, 3):
        first = start - back
        found = _CORSICAN.match(data, first) if first >= 0 else None
        if found and page.stands_alone(first, found.end()):
            number = found[0].upper().translate(None, b" -")
            if checks.nir(number):
                return (first, found.end(), Kind.FR_NIR, Level.VALID)
    return None


def read_wallet(page: Page, start: int) -> Hit | None:
    """Read the address of a Bitcoin or Ethereum wallet."""
    found = _WALLET.match(page.data, start)
    if found is None or not page.stands_alone(start, found.end()):
        return None
    if found["eth"]:
        is_named = page.topics(start, found.end()) & Topic.WALLET
        level = Level.VALID if is_named else Level.SHAPE
        return (start, found.end(), Kind.CRYPTO_WALLET, level)
    is_right = checks.base58check(found[0]) if found["old"] else checks.bech32(found[0])
    return (start, found.end(), Kind.CRYPTO_WALLET, Level.VALID) if is_right else None


def read_machine(page: Page, start: int) -> Hit | None:
    """Read a MAC address, or an IPv6 address around `start`."""
    data = page.data
    found = _MAC.match(data, start)
    if found and page.stands_alone(start, found.end()):
        return (start, found.end(), Kind.MAC_ADDRESS, Level.VALID)
    before = data[max(0, start - 39) : start]
    first = start - len(before) + len(before.rstrip(_HEX))
    found = _IPV6.match(data, first)
    if found is None or not page.stands_alone(first, found.end()):
        return None
    text = found[0].decode().rstrip(".")
    if text.endswith(":") and not text.endswith("::"):
        text = text[:-1]
    try:
        IPv6Address(text)
    except AddressValueError:
        return None
    if sum(map(str.isdigit, text)) < 2 or (text.count(":") < 3 and text[:1] not in "fF"):
        return None  # a name in C++, such as add::f4
    return (first, first + len(text), Kind.IP_ADDRESS, Level.VALID)


def read_labelled(page: Page, start: int) -> Hit | None:
    """Read the value that the label at `start` names."""
    label = _LABEL.match(page.data, start)
    if label is None or label.lastgroup is None:
        return None
    link = _LINK.match(page.data, label.end())
    first = link.end() if link else label.end()
    kind = Kind(label.lastgroup)
    value = _VALUES[kind].match(page.data, first)
    if value is None or first == label.end() or not page.stands_alone(first, value.end()):
        return None
    level = Level.SHAPE
    if kind is Kind.ES_NASS:
        digits = value[0].translate(None, b" /-")
        level = Level.VALID if len(digits) == 12 and checks.nass(digits) else Level.SHAPE
    return (first, value.end(), kind, level)


def label_kind(name: str) -> Kind | None:
    """Tell the kind that the name of a column labels, such as `zip_code`."""
    label = _LABEL.search(re.sub(r"[_\W]+", " ", name).strip().encode())
    return Kind(label.lastgroup) if label and label.lastgroup else None


def fits_label(kind: Kind, value: bytes) -> bool:
    """Tell whether a whole value has the form that a label of `kind` asks for."""
    return _VALUES[kind].fullmatch(value.strip()) is not None
