"""Spans are sound or refused; addresses are made whole; a template is what stands around names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.tagging import Span, check_spans, template_of, whole_addresses

TEXT = "Ann Lee, Oslo"
UNSOUND = {
    "beyond the text": [Span("person", 0, 14)],
    "empty": [Span("person", 3, 3)],
    "backwards": [Span("person", 3, 1)],
    "overlapping": [Span("person", 0, 7), Span("person", 4, 8)],
    "not in order": [Span("place", 9, 13), Span("person", 0, 7)],
    "white space": [Span("person", 0, 4)],
    "negative": [Span("person", -3, 2)],
    "a kind with a capital": [Span("Person", 0, 7)],
    "no kind": [Span("", 0, 7)],
}


@pytest.mark.parametrize("case", UNSOUND)
def test_unsound_spans_are_refused_without_telling_a_value(case: str):
    with pytest.raises(DataError, match="of text 2 ") as caught:
        check_spans(["", TEXT], [[], UNSOUND[case]])
    assert caught.value.code == "data.spans"
    assert "Ann" not in str(caught.value)


def test_each_text_needs_its_list():
    with pytest.raises(DataError, match="1 texts and 0 lists"):
        check_spans([TEXT], [])


def test_sound_spans_pass():
    check_spans([TEXT, ""], [[Span("person", 0, 7), Span("place", 9, 13)], []])


WHOLE = {
    "street and number": ("12| |Elm St", "aa", ["address 0 9"]),
    "with its city": ("12 Elm St|, |Oslo", "ap", ["address 0 15"]),
    "the city first": ("Oslo|, |12 Elm St", "pa", ["address 0 15"]),
    "over lines": ("12 Elm St|\n|Oslo|\n> |Norway", "app", ["address 0 23"]),
    "cities alone stay apart": ("Oslo|, |Norway", "pp", ["place 0 4", "place 6 12"]),
    "words between": ("12 Elm St| in |Oslo", "ap", ["address 0 9", "place 13 17"]),
    "persons stay apart": ("Ann|, |12 Elm St", "na", ["person 0 3", "address 5 14"]),
}


@pytest.mark.parametrize("case", WHOLE)
def test_parts_of_an_address_are_joined(case: str):
    marked, letters, expected = WHOLE[case]
    kinds = {"a": "address", "p": "place", "n": "person"}
    names = marked.split("|")[::2]
    text = marked.replace("|", "")
    spans, at = [], 0
    for letter, name in zip(letters, names, strict=True):
        at = text.index(name, at)
        spans.append(Span(kinds[letter], at, at + len(name)))
        at += len(name)
    found = whole_addresses(text, spans)
    assert [f"{kind} {start} {end}" for kind, start, end in found] == expected


def test_texts_that_differ_only_in_names_and_numbers_share_a_template():
    one = template_of("Dr. Ann owes 12 EUR", [Span("person", 4, 7)])
    other = template_of("dr. Bo Quill owes 7 eur!", [Span("person", 4, 12)])
    assert one == other == "dr owes eur"


@given(st.text(max_size=40))
def test_a_text_of_one_name_has_an_empty_template(text: str):
    assert template_of(text, [Span("person", 0, len(text))] if text else []) == ""
