"""The statement that a person signs."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.kernel import canonical
from freehold.kernel.signatures import SignatureError, Statement, StatementError

USER, MODEL = "0192f6a0-0000-7000-8000-000000000001", "0192f6a0-0000-7000-8000-000000000002"
STATEMENT = Statement(
    estate="0192f6a0-0000-7000-8000-000000000000",
    approver=f"user:{USER}",
    act="model.promote",
    resource=f"model:{MODEL}@4",
    evidence="sha256:" + "0" * 64,
    policy_set="sha256:" + "f" * 64,
    nonce="00112233445566778899aabbccddeeff",
    expires="2026-12-24T06:02:49.123456Z",
)
ODD = {
    "estate": "main",
    "approver": f"service:{USER}",
    "act": "promote",
    "resource": "model:triage@4",
    "evidence": "sha256:0",
    "policy_set": "md5:" + "f" * 64,
    "nonce": "0" * 31,
    "expires": "2026-12-24",
}


def vars_of(statement: Statement) -> dict[str, Any]:
    return {field.name: getattr(statement, field.name) for field in fields(statement)}


def test_the_message_is_canonical_json_with_the_keys_of_the_format():
    message = STATEMENT.message()
    found = json.loads(message)
    assert canonical(found) == message
    assert sorted(found) == sorted([*ODD, "v"])
    assert found["v"] == 1
    assert found["expires"] == "2026-12-24T06:02:49.123456Z"


def test_a_statement_is_read_back_as_it_was_written():
    assert Statement.parse(STATEMENT.message()) == STATEMENT


@pytest.mark.parametrize("name", ODD)
def test_a_message_is_refused_for_an_odd(name):
    found = json.loads(STATEMENT.message())
    values: list[object] = [ODD[name], None, 1, []]
    for value in values:
        with pytest.raises(StatementError, match=name):
            Statement.parse(canonical({**found, name: value}))


@pytest.mark.parametrize("name", ODD)
def test_a_statement_cannot_be_made_with_an_odd(name):
    with pytest.raises(StatementError, match=name):
        Statement(**{**vars_of(STATEMENT), name: ODD[name]})


OTHER_BYTES = {
    "a newline at the end": STATEMENT.message() + b"\n",
    "a space": STATEMENT.message().replace(b":", b": ", 1),
    "another version": STATEMENT.message().replace(b'"v":1', b'"v":2'),
    "a version of another type": STATEMENT.message().replace(b'"v":1', b'"v":true'),
    "an unknown key": STATEMENT.message().replace(b'"v":1', b'"v":1,"w":1'),
    "a missing key": STATEMENT.message().replace(b',"v":1', b""),
    "a list": b"[]",
    "deep nesting": b"[" * 100,
    "too many bytes": b" " * 100_000,
}


@pytest.mark.parametrize("message", OTHER_BYTES.values(), ids=OTHER_BYTES)
def test_a_message_is_refused_with(message):
    with pytest.raises(StatementError):
        Statement.parse(message)


@given(st.binary())
def test_any_bytes_are_a_statement_or_a_signature_error(message):
    with pytest.raises(SignatureError):
        Statement.parse(message)
