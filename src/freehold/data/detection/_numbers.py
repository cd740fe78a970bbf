"""What a run of digits is: a card, a national id, a phone, a date, an address, or nothing.

The form comes first. The words around lower a right checksum where they speak of an order or a
version, and make a shape without a checksum a finding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from freehold.data.detection import _checksums as checks
from freehold.data.detection._context import Topic
from freehold.data.detection._dates import DATE, date_hit, is_ip
from freehold.data.detection._kinds import Kind, Level
from freehold.data.detection._page import Hit, Page

# Country calling codes of ITU-T E.164 by their first digits; the rest is not assigned.
CALLING = (
    rb"1[2-9]|7|2[07]|2[1234569]\d|3[0123469]|3[578]\d|4[0134-9]|42\d|5[1-8]|5[09]\d|6[0-6]|6[789]\d|"
    rb"8[1246]|8[058]\d|9[0-58]|9[679]\d"
)
FORMS = (
    rb"(?P<ssn>\d{3}([- ])\d\d\2\d{4})|"
    rb"(?P<ip>\d{1,3}(?:\.\d{1,3}){3})(?![.\d])|"
    rb"(?P<mac>\d\d([:-])\d\d(?:\5\d\d){4})|"
    rb"(?P<card>\d{4}([ -])\d{4}\7\d{4}\7\d{1,4}(?:\7\d{1,3})?|\d{4}[ -]\d{6}[ -]\d{4,5})|"
    rb"(?P<nass>\d\d[ /-]\d{8}[ /-]\d\d|\d\d[ /-]\d{10})|"
    rb"(?P<nir>[1-478] \d\d \d\d \d\d \d{3} \d{3}[ -]\d\d)|"
    rb"(?P<nip>\d{3}-\d{3}-\d\d-\d\d|\d{3}-\d\d-\d\d-\d{3})|"
    rb"(?P<tax>\d\d \d{3} \d{3} \d{3})|"
    rb"(?P<nhs>\d{3}([ -])\d{3}\13\d{4})"
)
DNI = rb"(\d{1,2})(\.?)(\d{3})\2(\d{3})[- ]?([A-Za-z])(?![A-Za-z0-9])"
NIE = rb"([XYZxyz])-?(\d{7})-?([A-Za-z])(?![A-Za-z0-9])"
EXTENSION = rb" ?(?:x|ext\.?) ?\d{1,6}(?!\d)"
AMERICAN = rb"(?:1[ .-]?)?\(?[2-9]\d\d\)?[ .-]?[2-9]\d\d[ .-]\d{4}"
FRENCH = rb"0[1-9](?:([ .-])\d\d)(?:\1\d\d){3}"
# A fraction, two years, an ISBN.
NO_PHONE = rb"\d+\.\d+|(?:1[89]|20)\d\d[-/ ](?:1[89]|20)\d\d|97[89][ -]?\d.*"
PATTERNS = (CALLING, FORMS, DNI, NIE, EXTENSION, AMERICAN, FRENCH, NO_PHONE)
_CALLING = re.compile(CALLING)
_FORMS = re.compile(FORMS)
_DNI = re.compile(DNI)
_NIE = re.compile(NIE)
_EXTENSION = re.compile(EXTENSION)
_AMERICAN = re.compile(AMERICAN)
_FRENCH = re.compile(FRENCH)
_NO_PHONE = re.compile(NO_PHONE)
_SEPARATORS = b" .-/()+:T"
_FIGURES = b"0123456789"
_DATE_MARKS = frozenset(
    mark * 2 + time for mark in (b"/", b"-", b".") for time in (b"", b" ", b" :", b"T:", b" ::")
)
_NONE: tuple[Hit, ...] = ()
_WEAK = frozenset({"nip", "tax", "nhs"})  # checks modulo 10 or 11, in forms that phones have too
_IDS: Mapping[str, tuple[Kind, int]] = MappingProxyType(
    {
        "nass": (Kind.ES_NASS, Topic.NATIONAL),
        "nir": (Kind.FR_NIR, Topic.NATIONAL),
        "nip": (Kind.PL_NIP, Topic.TAX),
        "tax": (Kind.DE_TAX_ID, Topic.TAX),
        "nhs": (Kind.UK_NHS, Topic.HEALTH),
    }
)


def read_number(page: Page, start: int, end: int) -> Sequence[Hit]:
    """Tell what `page.data[start:end]`, digits with separators, is; mostly one hit or none."""
    raw = page.data[start:end]
    if len(raw) > page.limits.number_bytes_max:
        raw = raw[: page.limits.number_bytes_max]
    if raw.isdigit():
        return _plain(page, start, end, raw)
    return _formed(page, start, end, raw)


def _plain(page: Page, start: int, end: int, digits: bytes) -> Sequence[Hit]:
    size = len(digits)
    if page.is_lettered(start, end):
        return _lettered(page, start, end, size)
    if size == 15 and digits[0] in b"12" and checks.nir(digits):
        return ((start, end, Kind.FR_NIR, believed(page, start, end)),)
    if 12 <= size <= 19:
        return _card(page, start, end, digits)
    if size > 19:
        return _NONE
    if size == 8 and (spaced := _lettered(page, start, end, size)):
        return spaced
    near = page.topics(start, end)
    if size == 11:
        for check, kind, topic in (
            (checks.pesel, Kind.PL_PESEL, Topic.NATIONAL),
            (checks.de_tax_id, Kind.DE_TAX_ID, Topic.TAX),
        ):
            if check(digits) and not near & (Topic.PHONE | Topic.OTHER):
                return ((start, end, kind, Level.VALID if near & topic else Level.SHAPE),)
    if size == 10:
        if near & Topic.HEALTH and checks.nhs(digits):
            return ((start, end, Kind.UK_NHS, Level.VALID),)
        if near & Topic.TAX and checks.nip(digits):
            return ((start, end, Kind.PL_NIP, Level.VALID),)
    return _by_words(page, start, end, near)


def _by_words(page: Page, start: int, end: int, near: int) -> Sequence[Hit]:
    """Plain digits that only the words around can tell."""
    size = end - start
    if near & Topic.OTHER:
        return _NONE
    if near & Topic.DRIVING:
        return ((start, end, Kind.DRIVING_LICENCE, Level.SHAPE),)
    if size == 9 and near & Topic.SSN:
        return _social(page, start, end, near)
    if near & Topic.PASSPORT and size in (8, 9):
        return ((start, end, Kind.PASSPORT, Level.SHAPE),)
    if near & Topic.PHONE and not near & Topic.CARD and size <= 13:
        return (_phone_hit(page, start, end, Level.SHAPE),)
    return _NONE


def _card(page: Page, start: int, end: int, digits: bytes) -> Sequence[Hit]:
    if checks.luhn(digits) and checks.is_issued(digits):
        return ((start, end, Kind.PAYMENT_CARD, believed(page, start, end)),)
    near = page.topics(start, end)
    if near & Topic.OTHER:
        return _NONE
    if near & Topic.CARD:
        return ((start, end, Kind.PAYMENT_CARD, Level.SHAPE),)
    if len(digits) == 12 and near & Topic.NATIONAL:
        level = Level.VALID if checks.nass(digits) else Level.SHAPE
        return ((start, end, Kind.ES_NASS, level),)
    return _by_words(page, start, end, near)


def _lettered(page: Page, start: int, end: int, size: int) -> Sequence[Hit]:
    """Spanish ids, and phones with an extension."""
    data = page.data
    if size == 7 and start and data[max(0, start - 2) : start].rstrip(b"-")[-1:] in b"XYZxyz":
        first = start - (2 if data[start - 1] == 45 else 1)
        found = _NIE.match(data, first)
        if found is None or not page.stands_alone(first, found.end()):
            return _NONE
        if checks.nie(b"".join(found.groups()).upper()):
            return ((first, found.end(), Kind.ES_NIE, believed(page, first, found.end())),)
        return _NONE
    found = _DNI.match(data, start)
    if found and page.stands_alone(start, found.end()):
        whole = b"".join(found.group(1, 3, 4, 5)).upper()
        near = page.topics(start, found.end())
        if len(whole) == 9 and checks.dni(whole):
            level = Level.SHAPE if near & Topic.OTHER else Level.VALID
            return ((start, found.end(), Kind.ES_DNI, level),)
        if near & Topic.NATIONAL:
            return ((start, found.end(), Kind.ES_DNI, Level.SHAPE),)
    if size >= 7 and _EXTENSION.match(data, end) and page.topics(start, end) & Topic.PHONE:
        return (_phone_hit(page, start, end, Level.SHAPE),)
    return _NONE


def _formed(page: Page, start: int, end: int, raw: bytes) -> Sequence[Hit]:
    marks = raw.translate(None, _FIGURES)
    if marks in _DATE_MARKS:
        found = DATE.match(raw)
        hit = date_hit(page, found, start) if found else None
        if hit:
            return (hit,)
    elif len(marks) > 4:
        dates = [each for at in DATE.finditer(raw) if (each := date_hit(page, at, start))]
        if dates:
            return dates
    near = page.topics(start, end)
    form = _FORMS.match(raw) if len(marks) > 1 else None
    if form and form.lastgroup and (form.end() == len(raw) or form.lastgroup == "ip"):
        hits = _form(page, (start, start + form.end()), form=form.lastgroup, near=near)
        if hits:
            return hits
    if b":" in marks or b"T" in marks:
        return _NONE
    return _phone(page, (start, end), raw=raw, near=near)


def _form(page: Page, span: tuple[int, int], *, form: str, near: int) -> Sequence[Hit]:
    start, end = span
    if not page.stands_alone(start, end):
        return _NONE
    raw = page.data[start:end]
    digits = raw.translate(None, _SEPARATORS)
    if form == "ssn":
        return _social(page, start, end, near)
    if form == "ip":
        if is_ip(raw) and page.data[max(0, start - 1) : start] != b".":
            return ((start, end, Kind.IP_ADDRESS, believed(page, start, end)),)
        return _NONE
    if form == "mac":
        return ((start, end, Kind.MAC_ADDRESS, Level.VALID),)
    if form == "card":
        return _card(page, start, end, digits)
    kind, topic = _IDS[form]
    if form in _WEAK:
        if near & topic and not near & Topic.OTHER and _CHECKS[form](digits):
            return ((start, end, kind, Level.VALID),)
        return _NONE
    if not near & Topic.OTHER and _CHECKS[form](digits):
        return ((start, end, kind, Level.VALID),)
    return ((start, end, kind, Level.SHAPE),) if near & topic else _NONE


_CHECKS = MappingProxyType(
    {
        "nass": checks.nass,
        "nir": checks.nir,
        "nip": checks.nip,
        "tax": checks.de_tax_id,
        "nhs": checks.nhs,
    }
)


def _social(page: Page, start: int, end: int, near: int) -> Sequence[Hit]:
    """United States: SSN and ITIN, which have ranges but no checksum."""
    digits = page.data[start:end].translate(None, b" -")
    area, group, serial = digits[:3], int(digits[3:5]), digits[5:]
    if near & Topic.OTHER or serial == b"0000" or not group:
        return _NONE
    is_named = near & (Topic.SSN | Topic.TAX)
    if not is_named and b" " in page.data[start:end]:
        return _NONE
    level = Level.VALID if is_named else Level.SHAPE
    if area[:1] == b"9":
        issued = 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or group >= 94
        return ((start, end, Kind.US_ITIN, level),) if issued else _NONE
    if area in (b"000", b"666"):
        return _NONE
    return ((start, end, Kind.US_SSN, level),)


def _phone(page: Page, span: tuple[int, int], *, raw: bytes, near: int) -> Sequence[Hit]:
    start, end = span
    digits = raw.translate(None, _SEPARATORS)
    if not 6 <= len(digits) <= 15 or _NO_PHONE.fullmatch(raw):
        return _NONE
    if start and page.data[start - 1 : start].isalnum():
        return _NONE
    if near & Topic.OTHER:
        return _NONE
    if raw[:1] == b"+" and len(digits) >= 8 and _CALLING.match(digits):
        return (_phone_hit(page, start, end, Level.VALID),)
    if near & Topic.PHONE or _AMERICAN.fullmatch(raw) or _FRENCH.fullmatch(raw):
        return (_phone_hit(page, start, end, Level.SHAPE),)
    if len(digits) <= 9 and (spaced := _lettered(page, start, end, len(digits))):
        return spaced
    if near & Topic.CARD and len(digits) >= 12:
        return ((start, end, Kind.PAYMENT_CARD, Level.SHAPE),)
    return _by_words(page, start, end, near) if near & (Topic.DRIVING | Topic.PASSPORT) else _NONE


def _phone_hit(page: Page, start: int, end: int, level: Level) -> Hit:
    extension = _EXTENSION.match(page.data, end)
    return (start, extension.end() if extension else end, Kind.PHONE, level)


def believed(page: Page, start: int, end: int) -> Level:
    """What a right checksum is worth here: less, where the words speak of something else."""
    return Level.SHAPE if page.topics(start, end) & Topic.OTHER else Level.VALID
