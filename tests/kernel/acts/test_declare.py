"""Declarations: what may be a fact is decided once, and what is no fact never enters the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, make_dataclass
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.kernel import canonical, new_id
from freehold.kernel.acts import (
    ANY,
    Act,
    ActError,
    Blob,
    Code,
    Codes,
    Declarations,
    Digest,
    FactField,
    Id,
    Ids,
    InvalidFact,
    Metrics,
    Moment,
    Nonce,
    Query,
    Reference,
    Registry,
    ResourceType,
    VKey,
    fact_fields,
    found,
)
from tests.kernel.acts.lab import ROOM

THING = ResourceType("Thing", "thing")


def declared(hint: Any, *, is_found: bool = False) -> type[Act]:
    """An act type with one fact, `value`, of this type."""
    members = [("value", hint, found())] if is_found else [("value", hint)]
    return make_dataclass(
        "Declared",
        members,
        bases=(Act,),
        namespace={"name": "thing.try", "on": "Thing", "exclusive": True},
        frozen=True,
        kw_only=True,
    )


def registry(*acts: type[Act], queries: tuple[Query, ...] = ()) -> Registry:
    return Registry([Declarations(acts=acts, queries=queries, resources=(THING,))])


ASKED_REFUSED = {
    "plain text": str,
    "bytes": bytes,
    "anything": Any,
    "a mapping of text": Mapping[str, str],
    "a list of integers": list[int],
    "a tuple of text": tuple[str, ...],
    "text or nothing": str | None,
    "a code or nothing": Code | None,
    "a code or nothing, the old way": Optional[Code],  # noqa: UP045
    "an integer or nothing": int | None,
    "an integer or a code": int | Code,
}
FOUND_REFUSED = {
    name: hint
    for name, hint in ASKED_REFUSED.items()
    if "or nothing" not in name or hint == str | None
}


@pytest.mark.parametrize("hint", ASKED_REFUSED.values(), ids=ASKED_REFUSED.keys())
def test_an_asked_fact_cannot_be(hint: Any):
    with pytest.raises(TypeError, match="value"):
        fact_fields(declared(hint))


@pytest.mark.parametrize("hint", FOUND_REFUSED.values(), ids=FOUND_REFUSED.keys())
def test_a_found_fact_cannot_be(hint: Any):
    with pytest.raises(TypeError, match="value"):
        fact_fields(declared(hint, is_found=True))


def test_a_found_fact_may_be_missing_and_is_then_not_recorded():
    kind = declared(Code | None, is_found=True)
    assert fact_fields(kind) == (FactField("value", "code", True, is_optional=True),)
    known = registry(kind)
    assert known.found(kind()) == {}
    assert known.asked(kind()) == {}


def test_a_found_fact_that_is_not_optional_cannot_be_missing():
    kind = declared(Code, is_found=True)
    with pytest.raises(InvalidFact, match="value must be of kind code"):
        registry(kind).found(kind())


def test_facts_are_checked_when_the_rooms_are_put_together():
    with pytest.raises(TypeError, match="no kind"):
        registry(declared(str))


@dataclass(frozen=True, slots=True, kw_only=True)
class One(Act, name="thing.one", on="Thing"):
    """One."""

    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Another(Act, name="thing.one", on="Thing"):
    """Another of the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere(Act, name="cat.feed", on="Cat"):
    """Done to what no room declares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Everywhere(Act, name="any.do", on=ANY):
    """Done to anything."""


def test_two_acts_of_one_name_are_refused():
    with pytest.raises(ActError) as error:
        registry(One, Another)
    assert error.value.code == "act.declared_twice"


def test_two_acts_of_one_name_in_different_rooms_are_refused():
    rooms = [Declarations(acts=(One,), resources=(THING,)), Declarations(acts=(Another,))]
    with pytest.raises(ActError):
        Registry(rooms)


def test_an_act_and_a_query_of_one_name_are_refused():
    with pytest.raises(ActError):
        registry(One, queries=(Query("thing.one", "Thing"),))


def test_an_act_on_what_no_room_declares_is_refused():
    with pytest.raises(ActError) as error:
        registry(Elsewhere)
    assert error.value.code == "act.resource"
    assert "Cat" in error.value.message


def test_the_schema_has_every_act_with_what_policy_is_asked_and_nothing_found():
    schema = Registry([ROOM]).schema
    make = next(line for line in schema.splitlines() if line.startswith('action "thing.make"'))
    assert "colour: String" in make
    assert "weight: Long" in make
    assert "count" not in make
    assert 'action "thing.show"' in schema


def test_an_act_on_anything_applies_to_every_resource():
    known = Registry(
        [Declarations(acts=(Everywhere,), resources=(THING, ResourceType("Cat", "cat")))]
    )
    assert 'action "any.do"' in known.schema
    assert "resource: [Cat, Thing]" in known.schema


A_UUID = "0192f0c4-0000-7000-8000-000000000000"
A_DIGEST = "sha256:" + 64 * "0"

GOOD: dict[str, tuple[Any, list[Any]]] = {
    "Code": (Code, ["claims", "a.b-c_d", "1", "NL", "", "x" * 64]),
    "Codes": (Codes, [(), ("b", "a"), ["b"]]),
    "Digest": (Digest, [A_DIGEST]),
    "Id": (Id, [A_UUID]),
    "Ids": (Ids, [(), (A_UUID,)]),
    "Reference": (Reference, [f"dataset:{A_UUID}", f"dataset:{A_UUID}@3"]),
    "Moment": (Moment, ["2026-11-24T06:02:49.123456Z"]),
    "Nonce": (Nonce, [32 * "0"]),
    "VKey": (VKey, [f"estate/{A_UUID}/main+01234567+{43 * 'A'}="]),
    "Blob": (Blob, [64 * "f"]),
    "Metrics": (Metrics, [{}, {"accuracy": 0.5, "rows": 3}]),
    "int": (int, [0, -1, 2**53 - 1]),
    "bool": (bool, [True, False]),
    "float": (float, [0.5, 3]),
}

BAD: dict[str, tuple[Any, list[Any]]] = {
    "Code": (
        Code,
        ["Mr Smith", "Smith", "a b", "ä", "x" * 65, "-a", "a\n", "NLD", None, 1, True, ["a"]],
    ),
    "Codes": (Codes, ["abc", ("a b",), (None,), {"a"}, None, {"a": "b"}]),
    "Digest": (Digest, ["", "sha256:", A_DIGEST.upper(), A_DIGEST + "0", 64 * "0", None]),
    "Id": (Id, ["", "claims", A_UUID.upper(), f"user:{A_UUID}", A_UUID + "\n", None]),
    "Ids": (Ids, [A_UUID, ("claims",), None]),
    "Reference": (
        Reference,
        ["dataset:claims", "dataset:claims@3", A_UUID, f"{A_UUID}:x", f"user:{A_UUID}@0", "", None],
    ),
    "Moment": (Moment, ["yesterday", "2026-11-24", "2026-11-24T06:02:49Z", "", None, 5]),
    "Nonce": (Nonce, ["", 32 * "g", 31 * "0", 32 * "A", None]),
    "VKey": (VKey, ["", "estate/me", f"estate/{A_UUID}/main+01234567+AA", None]),
    "Blob": (Blob, ["", 64 * "F", "claims", None]),
    "Metrics": (
        Metrics,
        [
            {"Mr Smith": 1},
            {"a": "b"},
            {"a": True},
            {"a": None},
            {"a": float("nan")},
            {"a": float("inf")},
            {"a": 10**400},
            [1],
            None,
        ],
    ),
    "int": (int, [True, 1.0, "1", None, 2**53, -(2**53), 2**70]),
    "bool": (bool, [0, 1, "true", None]),
    "float": (float, [True, "0.5", None, float("nan"), float("-inf")]),
}


@pytest.mark.parametrize(("hint", "values"), GOOD.values(), ids=GOOD.keys())
def test_a_fact_of_its_kind_is_recorded_canonically(hint: Any, values: list[Any]):
    kind = declared(hint)
    known = registry(kind)
    for value in values:
        facts = known.asked(kind(value=value))  # type: ignore[call-arg]
        assert canonical(facts), value


@pytest.mark.parametrize(("hint", "values"), BAD.values(), ids=BAD.keys())
def test_a_value_that_is_not_of_the_kind_is_refused_without_repeating_it(
    hint: Any, values: list[Any]
):
    kind = declared(hint)
    known = registry(kind)
    for value in values:
        with pytest.raises(InvalidFact) as error:
            known.asked(kind(value=value))  # type: ignore[call-arg]
        assert error.value.code == "act.fact"
        assert "value" in error.value.message
        assert "Smith" not in str(error.value)


TEXT_KINDS = [Code, Digest, Id, Reference, Moment, Nonce, VKey, Blob]


@given(st.sampled_from(TEXT_KINDS), st.text(max_size=40))
def test_no_kind_of_fact_carries_words(hint: Any, text: str):
    """Whatever text is accepted has neither spaces nor letters beyond ASCII."""
    kind = declared(hint)
    try:
        registry(kind).asked(kind(value=text))  # type: ignore[call-arg]
    except InvalidFact:
        return
    assert text.isascii()
    assert not any(char.isspace() for char in text)


def test_codes_are_recorded_as_a_sorted_set():
    kind = declared(Codes)
    assert registry(kind).asked(kind(value=("b", "a", "b")))["value"] == ["a", "b"]  # type: ignore[call-arg]


def test_an_act_is_a_frozen_value():
    act = One(size=1)
    with pytest.raises(AttributeError):
        act.size = 2  # type: ignore[misc]
    assert [each.name for each in fields(act)] == ["size"]
    assert (One.name, One.on, One.exclusive) == ("thing.one", "Thing", True)
    assert new_id() != new_id()
