"""Dates, in figures and with the month in words, and dotted addresses, which look alike."""

from __future__ import annotations

import re

from freehold.data.detection._candidates import MONTHS
from freehold.data.detection._context import Topic
from freehold.data.detection._kinds import Kind, Level
from freehold.data.detection._page import Hit, Page

FIGURES = (
    rb"(?<![\d.])(?<!\d[/-])(?:(?P<iso>(?:1[89]|20)\d\d([-/.])\d{1,2}\2\d{1,2})|"
    rb"(?P<day>\d{1,2})(?P<by>[/.-])(?P<month>\d{1,2})(?P=by)(?P<year>(?:1[89]|20)\d\d|\d\d))(?!\d)"
    rb"(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?(?!\d))?"
)
BEFORE = rb"(?<!\d)\d{1,2}(?:st|nd|rd|th|\.|\xc2\xba)?[ -](?:de |of )?$"
MONTH = (
    rb"(?:"
    + bytes(MONTHS, "utf-8")
    + rb")(?![a-z\x80-\xff])(?P<day>[ .]{1,2}\d{1,2}(?:st|nd|rd|th)?(?!\d),?)?"
    + rb"(?P<year>[ .,-]{1,2}(?:del? )?(?:1[89]|20)\d\d(?!\d))?"
)
PATTERNS = (FIGURES, BEFORE, MONTH)
DATE = re.compile(FIGURES)
_BEFORE = re.compile(BEFORE, re.IGNORECASE)
_MONTH = re.compile(MONTH, re.IGNORECASE)
_DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def date_hit(page: Page, found: re.Match[bytes], offset: int = 0) -> Hit | None:
    """Tell whether figures that look like a date are one in the calendar, and whose."""
    start, end = found.start() + offset, found.end() + offset
    if not page.stands_alone(start, end):
        return None
    level = Level.VALID
    iso, _, day, by, month, year = found.groups()
    if iso:
        if not _is_date(*map(int, re.split(rb"[-/.]", iso))):
            return None
    else:
        first, second, of = int(day), int(month), int(year)
        if len(year) == 2:
            if by != b"/":  # 1.2.10 is a version, 01-02-03 anything
                return None
            of, level = of + 2000, Level.SHAPE
        if not (_is_date(of, second, first) or _is_date(of, first, second)):
            return None
    near = page.topics(start, end)
    if near & Topic.OTHER and not iso and by == b".":  # version 10.12.2024
        level = Level.SHAPE
    return (start, end, Kind.BIRTH_DATE if near & Topic.BIRTH else Kind.DATE, level)


def read_month(page: Page, start: int) -> Hit | None:
    """Read a date around the name of a month that starts at `start`."""
    month = _MONTH.match(page.data, start)
    if month is None:
        return None
    before = page.data[max(0, start - 12) : start]
    day = _BEFORE.search(before)
    first = start - len(before) + day.start() if day else start
    if not month["year"] and not day:
        return None
    end = month.end() if month["year"] or not month["day"] else month.start("day")
    if not page.stands_alone(first, end):
        return None
    is_whole = month["year"] and (day or month["day"])
    kind = Kind.BIRTH_DATE if page.topics(first, end) & Topic.BIRTH else Kind.DATE
    return (first, end, kind, Level.VALID if is_whole else Level.SHAPE)


def is_ip(raw: bytes) -> bool:
    """Tell whether four numbers with dots are an IPv4 address."""
    return all(int(each) < 256 and (each[:1] != b"0" or each == b"0") for each in raw.split(b"."))


def _is_date(year: int, month: int, day: int) -> bool:
    if not (0 < month < 13 and 0 < day <= _DAYS[month]):
        return False
    return (month, day) != (2, 29) or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
