"""Which rules found something, so that a dataset is scanned again once they are better.

`RULES_VERSION` is raised by hand whenever the findings on some text change; a test holds it to what
is found. `RULES_DIGEST` follows from the patterns, words and tables.
"""

from __future__ import annotations

import hashlib

from freehold.data.detection import _dates, _lettered, _numbers, _secrets, _web
from freehold.data.detection._candidates import LABELS, LINK, TRIGGERS
from freehold.data.detection._checksums import ISSUERS
from freehold.data.detection._context import WORDS
from freehold.data.detection._limits import DEFAULT_DETECTION_LIMITS

RULES_VERSION = "1"
_PARTS = (
    RULES_VERSION,
    TRIGGERS,
    LABELS,
    LINK,
    WORDS,
    ISSUERS,
    DEFAULT_DETECTION_LIMITS,
    _dates.PATTERNS,
    _lettered.PATTERNS,
    _numbers.PATTERNS,
    _secrets.PATTERNS,
    _web.PATTERNS,
)
RULES_DIGEST = hashlib.sha256("\n".join([str(each) for each in _PARTS]).encode()).hexdigest()
