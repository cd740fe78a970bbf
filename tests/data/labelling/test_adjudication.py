"""Each row gets one label and says how; ties stay open until somebody decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from freehold.data import DataError
from freehold.data.labelling import (
    Decision,
    How,
    Label,
    Ratings,
    adjudication_queue,
    apply_decisions,
    dawid_skene,
    resolutions_frame,
    resolve_by_estimate,
    resolve_by_votes,
)
from tests.data.labelling.examples import NOW, THREE, TOPICS, label, layer

VOTES = {
    "single": ("no",),
    "unanimous": ("yes", "yes"),
    "majority": ("no", "no", "yes"),
    "plurality": ("no", "no", "yes", "so"),
    "tie": ("no", "yes"),
    "tie of the most": ("no", "no", "yes", "yes", "so"),
}
DECISION = Decision("tie", ("yes",), "user:9", "The guideline's second case.", NOW)


def labels() -> list[Label]:
    return [
        label(row, vote, f"user:{n}")
        for row, votes in VOTES.items()
        for n, vote in enumerate(votes)
    ]


def ratings() -> Ratings:
    return Ratings.of(layer(labels()))


def test_votes_settle_what_they_can():
    found = {each.row: each for each in resolve_by_votes(ratings())}
    assert {row: (each.labels, each.how) for row, each in found.items()} == {
        "single": (("no",), How.SINGLE),
        "unanimous": (("yes",), How.UNANIMOUS),
        "majority": (("no",), How.MAJORITY),
        "plurality": (("no",), How.PLURALITY),
        "tie": ((), How.OPEN),
        "tie of the most": ((), How.OPEN),
    }
    assert found["plurality"].votes == (("no", 2), ("so", 1), ("yes", 1))


def test_the_queue_holds_what_is_disputed_and_not_decided():
    assert [each.row for each in adjudication_queue(ratings())] == [
        "tie",
        "plurality",
        "tie of the most",
        "majority",
    ]
    assert "tie" not in [each.row for each in adjudication_queue(ratings(), [DECISION])]


def test_a_decision_overrides_and_says_who_and_why():
    decisions = [DECISION, replace(DECISION, row="majority")]
    settled = apply_decisions(resolve_by_votes(ratings()), decisions, THREE)
    found = {each.row: each for each in settled}
    assert [each.row for each in settled] == sorted(VOTES)
    for row in ("tie", "majority"):
        assert found[row].labels == ("yes",)
        assert found[row].how == How.ADJUDICATED
        assert (found[row].adjudicator, found[row].at) == ("user:9", NOW)
        assert found[row].reason == DECISION.reason
    assert found["majority"].votes == (("no", 2), ("yes", 1))
    assert found["single"] == resolve_by_votes(ratings())[2]


REFUSED = {
    "a row without labels": (replace(DECISION, row="other"), "no label to decide about"),
    "an unknown label": (replace(DECISION, labels=("maybe",)), "labels that the guideline allows"),
    "no label": (replace(DECISION, labels=()), "labels that the guideline allows"),
    "two labels": (replace(DECISION, labels=("no", "yes")), "allows one label"),
    "no reason": (replace(DECISION, reason=" "), "a reason of 1 to 10000"),
    "no adjudicator": (replace(DECISION, adjudicator=""), "adjudicator cannot be one"),
    "no time": (replace(DECISION, at=""), "time cannot be one"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_decision_that_cannot_be_one_is_refused_with_its_place(case):
    wrong, words = REFUSED[case]
    first = replace(DECISION, row="single")
    with pytest.raises(DataError, match=f"decision 2: .*{words}") as caught:
        apply_decisions(resolve_by_votes(ratings()), [first, wrong], THREE)
    assert caught.value.code == "data.label"


def test_a_row_is_decided_once():
    decisions = [DECISION, replace(DECISION, row="single"), DECISION]
    with pytest.raises(DataError, match="decisions 1 and 3") as caught:
        apply_decisions(resolve_by_votes(ratings()), decisions, THREE)
    assert caught.value.code == "data.label_conflict"


def test_sets_of_labels_are_settled_whole_and_in_order():
    given = [label("1", "fee+card", "u", 2), label("1", "card+fee", "v", 2)]
    found = resolve_by_votes(Ratings.of(layer(given, TOPICS)))
    assert found[0].labels == ("card", "fee")
    assert found[0].how == How.UNANIMOUS
    decided = Decision("1", ("fee", "loan"), "user:9", "Both.", NOW)
    assert apply_decisions(found, [decided], TOPICS)[0].labels == ("loan", "fee")
    with pytest.raises(DataError, match="the same label twice"):
        apply_decisions(found, [replace(decided, labels=("fee", "fee"))], TOPICS)


def test_an_estimate_settles_what_it_is_sure_of():
    estimate = dawid_skene(ratings())
    sure = resolve_by_estimate(ratings(), estimate, at_least=0.9)
    for resolution, chances in zip(sure, estimate.probabilities, strict=True):
        assert resolution.probability == chances.max()
        assert (resolution.how == How.ESTIMATED) == (chances.max() >= 0.9)
        assert bool(resolution.labels) == (chances.max() >= 0.9)
    assert {How.OPEN, How.ESTIMATED} == {each.how for each in sure}
    with pytest.raises(ValueError, match=r"from 0.5 to 1"):
        resolve_by_estimate(ratings(), estimate, at_least=0.4)
    with pytest.raises(ValueError, match="other rows"):
        resolve_by_estimate(ratings().shared(), estimate)


def test_a_table_of_resolutions_tells_all_of_them():
    settled = apply_decisions(resolve_by_votes(ratings()), [DECISION], THREE)
    frame = resolutions_frame(settled)
    assert frame["row"].to_list() == [each.row for each in settled]
    assert [tuple(each) for each in frame["labels"]] == [each.labels for each in settled]
    assert frame["how"].to_list() == [each.how for each in settled]
    assert frame["reason"].drop_nulls().to_list() == [DECISION.reason]
    assert resolutions_frame([]).columns == frame.columns
