"""Scores count exact spans as a naive count does, and a card says where a tagger is weak."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from freehold.data import DataError
from freehold.data.tagging import (
    Score,
    Span,
    evaluate,
    model_card,
    overall,
    train_tagger,
    whole_addresses,
)
from tests.data.tagging.world import SPANS, TEXTS, trained

KINDS = {"PERSON": "person", "STREET_ADDRESS": "address", "GPE": "place", "ORGANIZATION": "unit"}


def test_what_it_learned_from_is_found():
    assert overall(evaluate(trained(), TEXTS, SPANS)).f1 > 0.95


def test_a_span_counts_only_if_kind_start_and_end_are_right():
    truth = [[Span("place", 11, 18)], [Span("person", 11, 14)], [], [Span("unit", 0, 2)]]
    texts = ["My name is Ann Lee.", "My name is Ann Lee.", "My name is Ann Lee.", "We go"]
    scores = evaluate(trained(), texts, truth)
    assert scores["person"] == Score(found=0, wrong=3, missed=1)
    assert scores["place"] == Score(found=0, wrong=0, missed=1)
    assert scores["unit"] == Score(found=0, wrong=0, missed=1)
    with pytest.raises(DataError):
        evaluate(trained(), texts, truth[1:])


def test_shares_follow_from_the_counts():
    score = Score(found=3, wrong=1, missed=2)
    assert (score.precision, score.recall) == (0.75, 0.6)
    assert score.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert Score().f1 == Score().precision == Score().recall == 0
    assert overall({"one": score, "other": Score(1, 1, 1)}) == Score(4, 2, 3)


def test_a_card_names_what_is_weak_and_what_was_not_measured():
    card = model_card(
        trained(),
        {
            "letters": {"person": Score(9, 1, 1), "place": Score(1, 5, 5)},
            "small letters": {"person": Score(8, 2, 2)},
        },
    )
    assert "| letters | person | 10 | 0.90 | 0.90 | 0.90 |" in card
    assert "place in letters (0.17)" in card
    assert "person in letters" not in card
    assert "were not measured" in card
    assert "never the proof" in card


@pytest.mark.slow
def test_names_are_found_in_public_texts_of_other_templates(shared_data: Path):
    path = shared_data / "pii-presidio-synth" / "synth_dataset_v2.json"
    rows = json.loads(path.read_bytes())
    marked = []
    for row in rows:
        raw = sorted(row["spans"], key=lambda span: span["start_position"])
        spans = [
            Span(KINDS[each["entity_type"]], each["start_position"], each["end_position"])
            for each in raw
            if each["entity_type"] in KINDS and each["entity_value"].strip() == each["entity_value"]
        ]
        marked.append((row["full_text"], whole_addresses(row["full_text"], spans), row))
    known = [each for each in marked if each[2]["template_id"] % 4]
    unknown = [each for each in marked if each[2]["template_id"] % 4 == 0]
    tagger = train_tagger([each[0] for each in known], [each[1] for each in known], seed=1)
    scores = evaluate(tagger, [each[0] for each in unknown], [each[1] for each in unknown])
    assert overall(scores).f1 > 0.4  # far above what marking every capital letter reaches
