"""E-mail addresses and URLs, each found by the sign that it cannot be without."""

from __future__ import annotations

import re
from collections.abc import Iterator

from freehold.data.detection._kinds import Kind, Level
from freehold.data.detection._page import Hit, Page

_NAME = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+'-"
LOCAL = _NAME + bytes(range(0x80, 0x100))  # RFC 6531; quotation marks are sorted out after
DOMAIN = rb"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
URL = rb"[A-Za-z0-9\[\x80-\xff][^\s<>\"'`|\\^{}\x00-\x1f]{2,}"
SCHEMES = frozenset(
    b"http https ftp ftps sftp ws wss ssh git s3 postgres postgresql mysql mongodb redis".split()
)
PATTERNS = (LOCAL, DOMAIN, URL, sorted(SCHEMES))
_DOMAIN = re.compile(DOMAIN)
_URL = re.compile(URL)
_USERINFO = re.compile(rb"[^/@:]{0,128}:([^/@]{1,128})@")
_UNICODE_LOCAL = re.compile(r"[\w.%+'-]+\Z")
_ALPHA = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def emails(page: Page) -> Iterator[Hit]:
    """Every e-mail address of an ordinary form (RFC 5321, without quotes and comments)."""
    data = page.data
    bound = page.limits.local_part_bytes_max
    at = data.find(b"@")
    while at >= 0:
        before = data[max(0, at - bound) : at]
        local = before[len(before.rstrip(LOCAL)) :].lstrip(b".'-")
        if not local.isascii():
            local = _unicode_local(local)
        domain = _DOMAIN.match(data, at + 1)
        if local and domain and local[-1:] != b".":
            yield (at - len(local), domain.end(), Kind.EMAIL, Level.VALID)
        at = data.find(b"@", at + 1)


def urls(page: Page) -> Iterator[Hit]:
    """Every URL with a scheme, and a password in it as a hit of its own."""
    data = page.data
    sign = data.find(b"://")
    while sign >= 0:
        before = data[max(0, sign - 12) : sign]
        scheme = before[len(before.rstrip(_ALPHA)) :].lower()
        found = _URL.match(data, sign + 3, sign + 3 + page.limits.url_bytes_max)
        end = sign + 3
        if found and scheme in SCHEMES:
            end = _without_tail(data, sign + 3, found.end())
            user = _USERINFO.match(data, sign + 3, end)
            if user:
                yield (*user.span(1), Kind.PASSWORD, Level.VALID)
            yield (sign - len(scheme), end, Kind.URL, Level.VALID)
        sign = data.find(b"://", end)


def domains(page: Page) -> Iterator[Hit]:
    """Every host that starts with `www.` and has no scheme, with its path."""
    data = page.data
    at = data.find(b"www.")
    while at >= 0:
        found = _DOMAIN.match(data, at)
        end = at + 4
        if (
            found
            and not data[max(0, at - 1) : at].isalnum()
            and data[max(0, at - 3) : at] != b"://"
        ):
            end = found.end()
            if data[end : end + 1] == b"/":
                rest = _URL.match(data, at, at + page.limits.url_bytes_max)
                end = _without_tail(data, at, rest.end()) if rest else end
            yield (at, end, Kind.URL, Level.VALID)
        at = data.find(b"www.", end)


def _unicode_local(local: bytes) -> bytes:
    found = _UNICODE_LOCAL.search(local.decode(errors="ignore"))
    return found[0].lstrip(".'-").encode() if found else b""


def _without_tail(data: bytes, start: int, end: int) -> int:
    """Leave out the punctuation that ends the sentence and not the URL."""
    kept = data[start:end].rstrip(b".,;:!?*_")
    while kept.endswith((b")", b"]")) and kept.count(kept[-1:]) > kept.count(
        b"(" if kept.endswith(b")") else b"["
    ):
        kept = kept[:-1].rstrip(b".,;:!?*_")
    return start + len(kept)
