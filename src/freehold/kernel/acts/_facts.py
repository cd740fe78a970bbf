"""Facts: the only values that may enter the ledger beside references, and each of a kind that
cannot carry free text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Annotated, Any, TypeAlias

from freehold.kernel import FreeholdError, Ref, format_time, is_id, parse_time
from freehold.kernel.acts.errors import InvalidFact

Code: TypeAlias = Annotated[str, "code"]
"""A code of the charter or of the software: `[a-z0-9][a-z0-9._-]{0,63}`, a jurisdiction `[A-Z]{2}`,
or empty.
"""
Codes: TypeAlias = Annotated[tuple[str, ...], "codes"]
"""A sorted set of codes."""
Digest: TypeAlias = Annotated[str, "digest"]
"""`sha256:` and 64 hexadecimal digits."""
Id: TypeAlias = Annotated[str, "id"]
"""A UUID."""
Ids: TypeAlias = Annotated[tuple[str, ...], "ids"]
Reference: TypeAlias = Annotated[str, "reference"]
"""A reference by id."""
Moment: TypeAlias = Annotated[str, "moment"]
"""RFC 3339 UTC with microseconds."""
Nonce: TypeAlias = Annotated[str, "nonce"]
"""32 hexadecimal digits."""
VKey: TypeAlias = Annotated[str, "vkey"]
"""A C2SP verifier key."""
Blob: TypeAlias = Annotated[str, "blob"]
"""The name of a blob: 64 hexadecimal digits, keyed by its domain and so telling nothing after
erasure.
"""
Metrics: TypeAlias = Annotated[Mapping[str, float], "metrics"]
"""Numbers by code."""

_CODE = re.compile(r"(?:[a-z0-9][a-z0-9._-]{0,63}|[A-Z]{2})?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_INTEGER_MAX = 2**53 - 1  # RFC 7493, 2.2: beyond, canonical JSON has no form for it
_BLOB = re.compile(r"[0-9a-f]{64}")
_NONCE = re.compile(r"[0-9a-f]{32}")
_VKEY = re.compile(r"(?:estate|trial)/[0-9a-f-]{36}/[a-z]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}")


def found(default: Any = None) -> Any:
    """Declare a fact that is known only once the work is done: set by `conclude`, no part of what
    policy is asked.
    """
    return field(default=default, metadata={"found": True})


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _is_reference(value: Any) -> bool:
    try:
        return isinstance(value, str) and Ref.parse(value).is_opaque
    except FreeholdError:
        return False


def _is_moment(value: Any) -> bool:
    try:
        return isinstance(value, str) and format_time(parse_time(value)) == value
    except FreeholdError:
        return False


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _INTEGER_MAX


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and is_id(value)


CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "code": _is_code,
    "codes": lambda value: isinstance(value, tuple | list) and all(map(_is_code, value)),
    "digest": lambda value: isinstance(value, str) and _DIGEST.fullmatch(value) is not None,
    "id": _is_id,
    "ids": lambda value: isinstance(value, tuple | list) and all(map(_is_id, value)),
    "reference": _is_reference,
    "moment": _is_moment,
    "nonce": lambda value: isinstance(value, str) and _NONCE.fullmatch(value) is not None,
    "vkey": lambda value: isinstance(value, str) and _VKEY.fullmatch(value) is not None,
    "blob": lambda value: isinstance(value, str) and _BLOB.fullmatch(value) is not None,
    "metrics": lambda value: (
        isinstance(value, Mapping)
        and all(_is_code(name) and _is_number(number) for name, number in value.items())
    ),
    "integer": _is_integer,
    "number": _is_number,
    "flag": lambda value: isinstance(value, bool),
}
"""What each kind of fact may be."""

CEDAR_KINDS: Mapping[str, type | str] = {
    "code": str,
    "codes": "set",
    "digest": str,
    "id": str,
    "ids": "set",
    "reference": str,
    "moment": str,
    "nonce": str,
    "integer": int,
    "flag": bool,
}
"""How a fact appears in the context of a policy; kinds that are missing here are not shown to
policies.
"""


def check_fact(act: str, name: str, kind: str, value: Any) -> Any:
    """Return the fact as it is recorded.

    Raises:
        InvalidFact: the value is not of its kind. The message names the kind and not the value.
    """
    if not CHECKS[kind](value):
        raise InvalidFact(
            "act.fact",
            f"{act}: {name} must be of kind {kind}, got another {type(value).__name__}",
            "codes are lower-case letters, digits, '.', '_' and '-'; words belong into details",
        )
    if kind in ("codes", "ids"):
        return sorted(set(value)) if kind == "codes" else list(value)
    return dict(value) if kind == "metrics" else value
