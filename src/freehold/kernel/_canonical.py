"""Canonical JSON (RFC 8785) and digests: one byte string for one value.

The `rfc8785` library defines the encoding. Values without floats and with ASCII keys, which is
nearly every record, go through the standard library's encoder, which gives the same bytes for them
(a property test holds the two together).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeAlias

import rfc8785

from freehold.kernel._limits import DEFAULT_LIMITS, Limits
from freehold.kernel.errors import LimitError, MalformedError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_SAFE_INTEGER = 2**53 - 1  # RFC 7493, 2.2: what every JSON reader holds exactly
_fast_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def canonical(value: Any) -> bytes:
    """Encode `value` by RFC 8785, in UTF-8.

    Raises:
        ValueError: a value that has no canonical form (NaN, an integer beyond 2^53, a lone
            surrogate, other types).
    """
    try:
        if _is_plain(value):
            return _fast_encode(value).encode()
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise ValueError(f"no canonical JSON for this value: {error}") from error


def _is_plain(value: Any) -> bool:
    """Tell whether the standard encoder gives RFC 8785's bytes for `value`."""
    kind = type(value)
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                return False
            if type(item) is not str and not _is_plain(item):  # most are text: no call for them
                return False
        return True
    if kind is list or kind is tuple:
        return all(type(item) is str or _is_plain(item) for item in value)
    if kind is int:
        return bool(-_SAFE_INTEGER <= value <= _SAFE_INTEGER)
    if kind is float:  # written alike by Python and ECMAScript where neither needs an exponent
        return bool(1e-4 <= abs(value) < 1e16 and not value.is_integer())
    return kind is str or kind is bool or value is None


def parse_json(text: bytes | str, limits: Limits = DEFAULT_LIMITS) -> Any:
    """Read strict JSON (RFC 8259, I-JSON): no duplicate keys, no NaN, no lone surrogates, bounded
    size and depth.

    Raises:
        LimitError: more bytes or deeper than `limits` allow.
        MalformedError: not JSON, with the position where that is known.
    """
    if len(text) > limits.json_bytes_max:
        raise LimitError(
            "kernel.json_too_large",
            f"{len(text)} bytes of JSON, at most {limits.json_bytes_max} are read",
        )
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise MalformedError("kernel.json", f"not UTF-8 at byte {error.start}") from error
    _refuse_depth(decoded, limits.json_depth_max)
    try:
        value = json.loads(
            decoded, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
        )
        decoded.encode()
        if "\\u" in decoded:
            _fast_encode(value).encode()  # an escaped lone surrogate has no UTF-8
    except (ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise MalformedError("kernel.json", f"not JSON: {error}") from error
    return value


def _refuse_depth(text: str, depth_max: int) -> None:
    if text.count("[") + text.count("{") <= depth_max:  # nearly always: no need to look closer
        return
    depth, in_string, escaped = 0, False, False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > depth_max:
                raise LimitError("kernel.json_too_deep", f"JSON nested deeper than {depth_max}")
        elif char in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object has the same key twice")
    return value


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text:.40} is out of range")
    return value


def digest(data: bytes) -> str:
    """`sha256:` and the hexadecimal SHA-256 of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
