"""Keys, tokens and passwords: what opens something, and must be replaced once it has been read.

Tokens are told by the prefixes that their issuers gave them for this purpose; what follows a name
such as `api_key =` only by how random it looks.
"""

from __future__ import annotations

import re
from collections import Counter
from math import log2

from freehold.data.detection._candidates import NAMES_OF_SECRETS
from freehold.data.detection._kinds import Kind, Level
from freehold.data.detection._page import Hit, Page

TOKEN = (
    rb"(?:(?:AKIA|ASIA)[A-Z2-7]{16}|gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{36,255}|"
    rb"glpat-[A-Za-z0-9_-]{20,64}|xox[abeoprs]-[A-Za-z0-9-]{10,250}|sk-[A-Za-z0-9_-]{20,250}|"
    rb"[srp]k_(?:live|test)_[A-Za-z0-9]{16,250}|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,250}|"
    rb"npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{30,40}|pypi-AgE[A-Za-z0-9_-]{50,250}|"
    rb"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}|dop_v1_[0-9a-f]{64}|"
    rb"eyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{0,1000})(?![A-Za-z0-9])"
)
KEY = rb"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----"
AGE_KEY = rb"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}(?![A-Z0-9])"
ASSIGNED = (
    rb"(?P<name>"
    + bytes(NAMES_OF_SECRETS, "utf-8")
    + rb")[\"']?[ \t]?(?P<by>[:=]|is |ist |es |est )[:=>]?[ \t]{0,3}"
    rb"(?P<quote>[\"'`]?)(?P<value>[^\s\"'`,;<>(){}\x1e]{6,256})"
)
PLACEHOLDER = (
    rb"[*x.\-_?#]+|\$.*|%.*|[\[].*|(?:your|my|example|changeme|none|null|true|false|required|string|"
    rb"redacted|placeholder|secret|password|token)[\w\-]*|[a-z_]+\.[a-z_.]+"
)
PATTERNS = (TOKEN, KEY, AGE_KEY, ASSIGNED, PLACEHOLDER)
_TOKEN = re.compile(TOKEN)
_DIGIT = re.compile(rb"\d")
_KEY = re.compile(KEY)
_AGE_KEY = re.compile(AGE_KEY)
_KEY_END = re.compile(rb"-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
_ASSIGNED = re.compile(ASSIGNED, re.IGNORECASE)
_PLACEHOLDER = re.compile(PLACEHOLDER, re.IGNORECASE)
_BITS_MIN = 3.0  # per character; English words stay below, random base64 of 20 is near 4
_PASSWORD_NAMES = (b"pass", b"pwd", b"kenn", b"contra", b"mot", b"has")


def read_token(page: Page, start: int) -> Hit | None:
    """Read a token or a key of a known issuer."""
    data = page.data
    if found := _KEY.match(data, start):
        stop = min(len(data), start + page.limits.key_bytes_max)
        cut = data.find(b"\x1e", start, stop)
        stop = stop if cut < 0 else cut
        end = _KEY_END.search(data, found.end(), stop)
        return (start, end.end() if end else found.end(), Kind.PRIVATE_KEY, Level.VALID)
    if start and data[start - 1 : start].isalnum():
        return None
    if found := _AGE_KEY.match(data, start):
        return (start, found.end(), Kind.PRIVATE_KEY, Level.VALID)
    found = _TOKEN.match(data, start)
    if found is None:
        return None
    if found[0].startswith(b"sk-") and not _DIGIT.search(found[0]):
        return None  # sk-learn-and-other-names-of-projects
    return (start, found.end(), Kind.API_TOKEN, Level.VALID)


def read_assigned(page: Page, start: int) -> Hit | None:
    """Read the value that a name such as `password` is given."""
    found = _ASSIGNED.match(page.data, start)
    if found is None:
        return None
    value = found["value"].rstrip(b".")
    first = found.start("value")
    last = first + len(value)
    if len(value) < 6 or _PLACEHOLDER.fullmatch(value):
        return None
    token = _TOKEN.match(page.data, first)
    if token:
        return (first, token.end(), Kind.API_TOKEN, Level.VALID)
    is_mixed = not value.isalpha()
    if found["name"].lower().startswith(_PASSWORD_NAMES):
        is_said = found["by"] in (b":", b"=") and (found["quote"] or is_mixed)
        is_told = is_said or (is_mixed and not value.isdigit())
        return (first, last, Kind.PASSWORD, Level.SHAPE) if is_told else None
    if len(value) >= 16 and is_mixed and not value.isdigit() and _bits(value) >= _BITS_MIN:
        return (first, last, Kind.API_TOKEN, Level.SHAPE)
    return None


def _bits(value: bytes) -> float:
    """Entropy of the bytes of `value` by their own frequencies, per byte (Shannon)."""
    size = len(value)
    return -sum(n / size * log2(n / size) for n in Counter(value).values())
