"""What a name, an identity and a text may be made of.

An identity (a row, an annotator, a time) is opaque: it is compared and kept, never interpreted.
"""

from __future__ import annotations

import re

# Spaces at the ends and control characters make two identities look alike. The same pattern is
# given to Polars, whose `\s` and `\p{Cc}` are spelled out here for Python.
UNFIT = r"^\s|\s$|[\x00-\x1f\x7f-\x9f]|^$"
SEPARATOR = "|"  # between the labels of one row, where several are allowed

_UNFIT = re.compile(UNFIT)


def problem_of(text: str, chars_max: int) -> str:
    """Say what is wrong with an identity or a name, or nothing; the text is never repeated."""
    if not text:
        return "it is empty"
    if len(text) > chars_max:
        return f"it has {len(text)} characters; expected at most {chars_max}"
    if _UNFIT.search(text):
        return "it has space at an end or control characters"
    return "" if is_unicode(text) else "it has a lone surrogate"


def is_unicode(text: str) -> bool:
    """Tell whether the text can be written in UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
