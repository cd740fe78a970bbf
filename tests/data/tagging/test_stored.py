"""A stored tagger reads back as it was, and no other bytes are taken for one."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.tagging import Tagger, TaggingLimits
from tests.data.tagging.world import TEXTS, trained

START = len(b"freehold tagger 1\n") + 8


def remade(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The bytes of a tagger with another head."""
    data = trained().to_bytes()
    end = START + int.from_bytes(data[START - 8 : START])
    head = json.loads(data[START:end])
    change(head)
    text = json.dumps(head).encode()
    return data[: START - 8] + len(text).to_bytes(8) + text + data[end:]


def with_weight(value: float) -> bytes:
    """The bytes of a tagger with another last weight."""
    return trained().to_bytes()[:-4] + np.float32(value).tobytes()


def test_a_stored_tagger_reads_back_and_finds_the_same():
    data = trained().to_bytes()
    read = Tagger.from_bytes(data)
    assert read.to_bytes() == data
    assert read.tag(TEXTS) == trained().tag(TEXTS)
    assert read.lexicon == trained().lexicon
    assert read.facts == trained().facts


DAMAGED: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "another mark": lambda: b"x" + trained().to_bytes()[1:],
    "cut off in its head": lambda: trained().to_bytes()[: START + 10],
    "cut off in its arrays": lambda: trained().to_bytes()[:-1],
    "one byte too many": lambda: trained().to_bytes() + b"\0",
    "a head longer than the file": lambda: trained().to_bytes()[: START - 8] + b"\xff" * 8,
    "a head that is no JSON": lambda: trained().to_bytes()[: START - 8] + (1).to_bytes(8) + b"{",
    "a head nested without end": lambda: (
        trained().to_bytes()[: START - 8] + (200_000).to_bytes(8) + b"[" * 200_000
    ),
    "a head that is a list": lambda: trained().to_bytes()[: START - 8] + (2).to_bytes(8) + b"[]",
    "a part missing": lambda: remade(lambda head: head.pop("places")),
    "a part too many": lambda: remade(lambda head: head.update(more=1)),
    "a feature that is a number": lambda: remade(lambda head: head["features"].append(1)),
    "a feature more": lambda: remade(lambda head: head["features"].append("more")),
    "a feature twice": lambda: remade(lambda head: head["features"].__setitem__(0, "line")),
    "no kinds": lambda: remade(lambda head: head.update(kinds=[])),
    "a kind twice": lambda: remade(lambda head: head["kinds"].__setitem__(0, "place")),
    "another kind over lines": lambda: remade(lambda head: head.update(many_lines=["x"])),
    "a frequency of its own": lambda: remade(lambda head: head["words"].update(word="9z")),
    "a name of no kind": lambda: remade(lambda head: head["names"].update(ann="")),
    "a weight that is no number": lambda: with_weight(float("nan")),
    "a weight without end": lambda: with_weight(float("inf")),
    "a weight beyond sense": lambda: with_weight(1e30),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_bytes_are_refused(case: str):
    with pytest.raises(DataError) as caught:
        Tagger.from_bytes(DAMAGED[case]())
    assert caught.value.code == "data.tagger"


@pytest.mark.parametrize(
    "limits",
    [TaggingLimits(model_bytes_max=100), TaggingLimits(features_max=5), TaggingLimits(kinds_max=2)],
    ids=["bytes", "features", "kinds"],
)
def test_a_tagger_beyond_the_bounds_is_refused(limits: TaggingLimits):
    with pytest.raises(DataError):
        Tagger.from_bytes(trained().to_bytes(), limits=limits)


@given(st.integers(0, 2**32), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_still_a_tagger(at: int, change: int):
    data = bytearray(trained().to_bytes())
    data[at % len(data)] ^= change
    with suppress(DataError):  # any other error fails the test
        Tagger.from_bytes(bytes(data)).tag(TEXTS[:12])
