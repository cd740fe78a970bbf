"""A guideline is read strictly, and the same guideline has the same digest."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from freehold.data import DataError
from freehold.data.labelling import (
    DEFAULT_LABEL_LIMITS,
    AllowedLabel,
    Guideline,
    Scale,
    guideline_of,
    read_guideline,
)
from freehold.kernel import canonical

TOML = """
version = 3
question = "How satisfied is the customer?"
scale = "interval"

[[label]]
name = "not at all"
description = "They complain."
number = 1

[[label]]
name = "very"
description = "They thank somebody."
number = 2.5
"""


def test_a_guideline_is_read_in_its_order():
    assert read_guideline(TOML) == Guideline(
        version=3,
        question="How satisfied is the customer?",
        labels=(
            AllowedLabel("not at all", "They complain.", 1.0),
            AllowedLabel("very", "They thank somebody.", 2.5),
        ),
        scale=Scale.INTERVAL,
    )
    assert read_guideline(TOML.encode()).numbers == (1.0, 2.5)


def test_a_guideline_goes_to_json_and_back():
    guideline = read_guideline(TOML)
    again = guideline_of(json.loads(canonical(guideline.as_json())))
    assert again == guideline
    assert again.digest == guideline.digest


def test_every_part_counts_for_the_digest():
    guideline = read_guideline(TOML)
    others = [
        replace(guideline, version=4),
        replace(guideline, question="How?"),
        replace(guideline, scale=Scale.RATIO),
        replace(guideline, labels=guideline.labels[::-1]),
    ]
    assert len({each.digest for each in [guideline, *others]}) == 5


NAMED = '[[label]]\nname = "{}"\ndescription = "x"\n'
GOOD = 'version = 1\nquestion = "x"\n' + NAMED.format("a") + NAMED.format("b")
REFUSED = {
    "no TOML": ("version = ", "expected TOML"),
    "no version": (GOOD.replace("version = 1\n", ""), "version is missing"),
    "a version that is text": (GOOD.replace("= 1", '= "1"'), "version: expected int, got str"),
    "a version that is true": (GOOD.replace("= 1", "= true"), "version: expected int, got bool"),
    "version 0": (GOOD.replace("= 1", "= 0"), "whole number from 1"),
    "a blank question": (GOOD.replace('question = "x"', 'question = " "'), "not blank"),
    "a question that rings": (GOOD.replace('question = "x"', r'question = "\u0007"'), "control"),
    "an unknown key": ("several = true\n" + GOOD, "unknown key 'several'"),
    "an unknown key of a label": (GOOD + "colour = 1\n", "label 2: unknown key 'colour'"),
    "an unknown scale": ('scale = "likert"\n' + GOOD, "expected one of nominal, ordinal"),
    "one label": (GOOD[: GOOD.rindex("[[")], "expected 2 to 1000 labels, got 1"),
    "labels that are no tables": (GOOD[: GOOD.index("[[")] + "label = [1, 2]", "label 1: expected"),
    "two labels of one name": (GOOD.replace('"b"', '"a"'), "labels 1 and 2 have the same name"),
    "a name with a separator": (GOOD.replace('"b"', '"b|c"'), r"label 2: .* '\|'"),
    "a name with space at its end": (GOOD.replace('"b"', '"b "'), "label 2: .* space at an end"),
    "an empty name": (GOOD.replace('"b"', '""'), "label 2: .* empty"),
    "a name over the limit": (GOOD.replace('"b"', f'"{"b" * 129}"'), "129 characters"),
    "no description": (GOOD.replace('description = "x"', "", 1), "label 1: description is missing"),
    "a number without a scale": (GOOD + "number = 1\n", "label 2: number: a scale that is nominal"),
    "a scale without numbers": ('scale = "ratio"\n' + GOOD, "label 1: number: expected a finite"),
    "a number that is text": (GOOD + 'number = "1"\n', "label 2: number: expected a number"),
    "an endless number": (GOOD + f"number = 1{'0' * 400}\n", "that a float holds"),
    "a number that no float holds": (GOOD + f"number = {2**53 + 1}\n", "a float holds exactly"),
    "several labels on a scale": (
        'allows_several = true\nscale = "ordinal"\n' + GOOD,
        "have no place on a scale",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_guideline_that_cannot_be_used_is_refused_by_key(case):
    text, words = REFUSED[case]
    with pytest.raises(DataError, match=words) as caught:
        read_guideline(text)
    assert caught.value.code == "data.guideline"


def test_numbers_are_finite_apart_and_not_below_zero_where_they_are_ratios():
    guideline = read_guideline(TOML)
    for number, scale, words in (
        (float("inf"), Scale.INTERVAL, "finite"),
        (1.0, Scale.INTERVAL, "another one for each"),
        (-1.0, Scale.RATIO, "none below 0"),
    ):
        labels = (guideline.labels[0], AllowedLabel("very", "x", number))
        with pytest.raises(DataError, match=words):
            replace(guideline, labels=labels, scale=scale)


def test_a_guideline_is_bounded_and_unicode():
    large = replace(DEFAULT_LABEL_LIMITS, guideline_bytes_max=10)
    with pytest.raises(DataError, match="at most 10"):
        read_guideline(TOML, limits=large)
    with pytest.raises(DataError, match="expected TOML in UTF-8"):
        read_guideline(b'question = "\xff"')
    with pytest.raises(DataError, match="control characters"):
        replace(read_guideline(TOML), question="\ud800")
    with pytest.raises(DataError, match="lone surrogate"):
        replace(read_guideline(GOOD), labels=(AllowedLabel("\ud800", "x"), AllowedLabel("b", "x")))


def test_a_guideline_that_is_not_read_tells_no_value():
    with pytest.raises(DataError) as caught:
        read_guideline(GOOD.replace('"b"', '"sécret name "'))
    assert "cret" not in str(caught.value)
