"""Canonical JSON equals RFC 8785's library; strict parsing agrees with a public suite."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from freehold.kernel import (
    LimitError,
    Limits,
    MalformedError,
    canonical,
    digest,
    parse_json,
)

SAFE_INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
OTHERS = st.none() | st.booleans() | SAFE_INTEGERS | TEXT


def values_of(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20
    )


VALUES = values_of(OTHERS | FLOATS)
# RFC 8785 writes floats from 2^53 to 1e21 without a point; JSON readers take them for integers.
SAFE_VALUES = values_of(OTHERS | FLOATS.filter(lambda x: not 2**53 <= abs(x) < 1e21))

# Accepted by the suite, refused here: I-JSON (RFC 7493, 2.3) forbids the same key twice.
DUPLICATE_KEYS = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
}


def suite(shared_data: Path) -> list[tuple[str, str, bytes]]:
    lines = (shared_data / "adversarial-json" / "test_parsing.jsonl").read_text().splitlines()
    cases = [json.loads(line) for line in lines]
    return [(c["name"], c["expect"], base64.b64decode(c["content_base64"])) for c in cases]


@given(VALUES)
def test_the_encoding_is_that_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(SAFE_VALUES)
def test_what_was_encoded_is_read_back_equal(value: Any) -> None:
    assert parse_json(canonical(value)) == value


@given(SAFE_VALUES)
def test_encoding_again_what_was_read_gives_the_same_bytes(value: Any) -> None:
    once = canonical(value)
    assert canonical(parse_json(once)) == once


@given(st.dictionaries(TEXT, OTHERS | FLOATS))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical(backwards) == canonical(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None]}, b'{"a":[true,null],"b":1}'),
        ('\x00\x1f\x7f"\\\b\f\n\r\t/', b'"\\u0000\\u001f\x7f\\"\\\\\\b\\f\\n\\r\\t/"'),
        (
            {"€": 1, "\r": 2, "\ufb33": 3, "😀": 4, "1": 5},
            '{"\\r":2,"1":5,"€":1,"😀":4,"\ufb33":3}'.encode(),
        ),
        ([1e21, 1.0, -0.0, 1e-7, 333333333.33333329], b"[1e+21,1,0,1e-7,333333333.3333333]"),
        ((1, 2), b"[1,2]"),
    ],
)
def test_examples_of_the_standard_come_out_byte_for_byte(value: Any, expected: bytes) -> None:
    assert canonical(value) == expected


def test_keys_are_sorted_by_utf_16_units_and_not_by_code_points() -> None:
    assert canonical({"\ufb33": 1, "😀": 2}) == '{"😀":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        2**53,
        -(2**53),
        [{"n": 2**70}],
        "\ud800",
        {"\udfff": 1},
        {"\udfff": 1.5},
        b"bytes",
        {1: 2},
        {"a": object()},
        {1, 2},
    ],
    ids=repr,
)
def test_a_value_without_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="no canonical JSON"):
        canonical(value)


def test_a_value_nested_beyond_the_stack_is_refused() -> None:
    value: Any = []
    for _ in range(200_000):
        value = [value]
    with pytest.raises(ValueError, match="no canonical JSON"):
        canonical(value)


def test_every_accepted_case_of_the_public_suite_is_parsed(shared_data: Path) -> None:
    cases = [(n, c) for n, expect, c in suite(shared_data) if expect == "accept"]
    assert len(cases) == 95
    for name, content in cases:
        if name in DUPLICATE_KEYS:
            with pytest.raises(MalformedError, match="same key"):
                parse_json(content)
        else:
            assert parse_json(content) == json.loads(content), name


def test_every_rejected_case_of_the_public_suite_is_refused(shared_data: Path) -> None:
    cases = [(n, c) for n, expect, c in suite(shared_data) if expect == "reject"]
    assert len(cases) == 188
    for name, content in cases:
        with pytest.raises((MalformedError, LimitError)):
            pytest.fail(f"{name} was read as {parse_json(content)!r:.80}")


def test_no_doubtful_case_of_the_public_suite_crashes(shared_data: Path) -> None:
    cases = [(n, c) for n, expect, c in suite(shared_data) if expect == "either"]
    assert len(cases) == 35
    for _, content in cases:
        with suppress(MalformedError, LimitError):
            json.dumps(parse_json(content), ensure_ascii=False, allow_nan=False).encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(content: bytes) -> None:
    try:
        value = parse_json(content)
    except (MalformedError, LimitError):
        return
    assert value == json.loads(content)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a":1,"a":1}', "same key"),
        (b'[{"a":{"b":1,"b":2}}]', "same key"),
        (b'{"a":1,"\\u0061":2}', "same key"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"1e400", "out of range"),
        (b"-1e999", "out of range"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00x":1}', "surrogate"),
        ('"\ud800"', "surrogate"),
        (b"\xff", "byte 0"),
        (b'"\xc3', "byte 1"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"", "not JSON"),
        (b"1" * 5_000, "not JSON"),
        (b'{"a":1}{"b":2}', "Extra data"),
        (b"[1,]", "not JSON"),
        (b"'a'", "not JSON"),
    ],
    ids=lambda case: repr(case)[:40],
)
def test_what_is_not_strict_json_is_refused_with_its_reason(text: bytes | str, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_json(text)


def test_a_pair_of_escaped_surrogates_is_one_character() -> None:
    assert parse_json(b'"\\ud83d\\ude00"') == "😀"


def test_nesting_is_allowed_up_to_the_limit_and_refused_beyond() -> None:
    limits = Limits(json_depth_max=5)
    assert parse_json(b"[" * 5 + b"]" * 5, limits) == [[[[[]]]]]
    with pytest.raises(LimitError, match="deeper than 5"):
        parse_json(b"[" * 6 + b"]" * 6, limits)
    with pytest.raises(LimitError):
        parse_json(b'{"a":' * 1_000_000)


def test_brackets_within_text_are_not_nesting() -> None:
    text = '["' + "[{" * 500 + '\\"[[", [], {}]'
    assert parse_json(text) == ["[{" * 500 + '"[[', [], {}]


def test_more_bytes_than_the_limit_are_not_even_parsed() -> None:
    with pytest.raises(LimitError, match="at most 10"):
        parse_json(b"{" * 11, Limits(json_bytes_max=10))


def test_a_digest_names_its_algorithm() -> None:
    assert digest(b"abc") == "sha256:" + hashlib.sha256(b"abc").hexdigest()
