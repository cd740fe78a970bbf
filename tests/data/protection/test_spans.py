"""Spans become their kind or a pseudonym, and the text around them stays."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.protection import Plan, Pseudonym, Span, apply_plan, mask_spans

KEY = bytes(range(32))
TEXTS = pl.Series("note", ["Ann met Bob.", None, "größe: 5", ""])


def test_a_span_becomes_its_kind():
    spans = [Span(0, 8, 11, "person"), Span(2, 7, 8, "NUMBER"), Span(0, 0, 3, "PERSON")]
    masked = mask_spans(TEXTS, spans)
    assert masked.to_list() == ["[PERSON] met [PERSON].", None, "größe: [NUMBER]", ""]
    assert masked.name == "note"


def test_no_span_changes_nothing():
    assert mask_spans(TEXTS, []).to_list() == TEXTS.to_list()


def test_a_pseudonym_is_that_of_a_column_of_the_kind():
    plan = Plan({"name": Pseudonym("person", length=20)})
    column, _ = apply_plan(plan, pl.DataFrame({"name": ["ann", "BOB"]}), key=KEY)
    ann, bob = column.get_column("name")
    spans = [(0, 0, 3, "PERSON"), (0, 8, 11, "PERSON")]
    masked = mask_spans(TEXTS, spans, style="pseudonym", key=KEY, length=20)
    assert masked[0] == f"[{ann}] met [{bob}]."


def test_a_blank_span_has_no_pseudonym():
    masked = mask_spans(TEXTS, [(0, 3, 4, "GAP")], style="pseudonym", key=KEY)
    assert masked[0] == "Ann[GAP]met Bob."


OVERLAPS = {
    "the longest gives the kind": ([(0, 0, 3, "A"), (0, 2, 8, "B")], "[B]Bob."),
    "the first of two as long": ([(0, 1, 4, "B"), (0, 0, 3, "A")], "[A]met Bob."),
    "one within another": ([(0, 0, 7, "A"), (0, 2, 4, "B")], "[A] Bob."),
    "a chain": ([(0, 0, 3, "A"), (0, 2, 5, "B"), (0, 4, 11, "C")], "[C]."),
    "the same twice": ([(0, 0, 3, "A"), (0, 0, 3, "A")], "[A] met Bob."),
    "side by side": ([(0, 0, 3, "A"), (0, 3, 4, "B")], "[A][B]met Bob."),
}


@pytest.mark.parametrize(("spans", "expected"), OVERLAPS.values(), ids=OVERLAPS.keys())
def test_of_overlapping_spans(spans, expected):
    assert mask_spans(TEXTS, spans)[0] == expected


@given(
    st.lists(st.text("abcdefé ", max_size=12), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(1, 6)), max_size=12),
)
def test_what_no_span_covers_stays_and_the_rest_goes(texts, places):
    spans = [
        (row, start, min(start + size, len(texts[row])), "X")
        for row, start, size in places
        if row < len(texts) and start < len(texts[row])
    ]
    masked = mask_spans(pl.Series(texts, dtype=pl.String), spans)
    for row, (text, found) in enumerate(zip(texts, masked, strict=True)):
        covered = {at for r, start, end, _ in spans if r == row for at in range(start, end)}
        kept = "".join(char for at, char in enumerate(text) if at not in covered)
        assert found.replace("[X]", "") == kept
        assert bool(covered) == ("[X]" in found)


REFUSED = {
    "a row that is not there": [(4, 0, 1, "A")],
    "a negative row": [(-1, 0, 1, "A")],
    "an end beyond the text": [(0, 8, 13, "A")],
    "a negative start": [(0, -3, 2, "A")],
    "nothing": [(0, 3, 3, "A")],
    "backwards": [(0, 5, 3, "A")],
    "a missing text": [(1, 0, 1, "A")],
    "an empty text": [(3, 0, 1, "A")],
    "a kind with brackets": [(0, 0, 3, "]x[")],
    "no kind": [(0, 0, 3, "")],
}


@pytest.mark.parametrize("spans", REFUSED.values(), ids=REFUSED.keys())
def test_a_span_is_refused_that_covers(spans):
    with pytest.raises(DataError) as refused:
        mask_spans(TEXTS, spans)
    assert refused.value.code == "data.spans"


def test_pseudonyms_need_a_key_and_texts_are_text():
    with pytest.raises(DataError) as refused:
        mask_spans(TEXTS, [], style="pseudonym")
    assert refused.value.code == "data.pseudonym_key"
    with pytest.raises(DataError, match="length: expected 20"):
        mask_spans(TEXTS, [], style="pseudonym", key=KEY, length=5)
    with pytest.raises(TypeError, match="column of text"):
        mask_spans(pl.Series([1]), [])


def test_gold_spans_of_real_notes_are_gone(shared_data: Path):
    path = shared_data / "pii-presidio-synth" / "synth_dataset_v2.json"
    notes = json.loads(path.read_text(encoding="utf-8"))
    spans = [
        (row, each["start_position"], each["end_position"], each["entity_type"])
        for row, note in enumerate(notes)
        for each in note["spans"]
    ]
    texts = pl.Series([note["full_text"] for note in notes])
    masked = mask_spans(texts, spans)
    for note, text in zip(notes, masked, strict=True):
        kept, at = "", 0
        for each in sorted(note["spans"], key=lambda span: span["start_position"]):
            kept += note["full_text"][at : each["start_position"]] + f"[{each['entity_type']}]"
            at = each["end_position"]
        assert text == kept + note["full_text"][at:]
