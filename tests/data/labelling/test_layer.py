"""A layer keeps what was said, is the same in whichever order it was said, and reads back."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.labelling import (
    DEFAULT_LABEL_LIMITS,
    Label,
    LabelLayer,
    read_label_layer,
)
from tests.data.labelling.examples import DATASET, NOW, THREE, TOPICS, label, layer

# Opaque texts of all kinds that are allowed: no control characters, no space at an end.
IDENTITIES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=6
)
NAMES = st.sampled_from(THREE.names)
SETS = st.lists(st.sampled_from(TOPICS.names), min_size=1, max_size=3, unique=True).map(tuple)
LABELS = st.one_of(
    st.builds(Label, IDENTITIES, st.tuples(NAMES), IDENTITIES, st.just(1), IDENTITIES),
    st.builds(Label, IDENTITIES, SETS, IDENTITIES, st.just(2), IDENTITIES),
)

# Few identities, so that layers meet and often contradict each other.
FEW = st.builds(
    Label, st.sampled_from("12"), st.tuples(NAMES), st.sampled_from("uv"), st.just(1), st.just("t")
)


def said(labels: list[Label]) -> LabelLayer:
    """Say each in turn: added at first, then replaced."""
    found = layer((), THREE, TOPICS)
    seen = set()
    for each in labels:
        key = (each.row, each.annotator)
        found = found.replace([each]) if key in seen else found.add([each])
        seen.add(key)
    return found


def refused(code: str, words: str) -> Any:
    return pytest.raises(DataError, match=words, check=lambda error: error.code == code)


@given(st.lists(LABELS, max_size=8))
def test_the_history_and_what_holds_are_those_of_a_naive_reference(labels: list[Label]):
    histories: dict[tuple[str, str], list[Label]] = {}
    for each in labels:
        ordered = sorted(each.labels, key=(*THREE.names, *TOPICS.names).index)
        histories.setdefault((each.row, each.annotator), []).append(
            replace(each, labels=tuple(ordered))
        )
    found = said(labels)
    assert len(found) == len(labels)
    for (row, annotator), history in histories.items():
        assert found.history(row, annotator) == tuple(history)
    current = {(r["row"], r["annotator"]): r for r in found.current().iter_rows(named=True)}
    assert current.keys() == histories.keys()
    for key, history in histories.items():
        assert tuple(current[key]["labels"]) == history[-1].labels
        assert current[key]["revision"] == len(history)
    by_row = dict(found.counts_by_row().iter_rows())
    assert by_row == {
        row: sum(key[0] == row for key in histories) for row in {key[0] for key in histories}
    }
    for annotator, guideline, rows, revisions in found.counts_by_annotator().iter_rows():
        mine = [history for key, history in histories.items() if key[1] == annotator]
        assert rows == sum(history[-1].guideline == guideline for history in mine)
        assert revisions == sum(each.guideline == guideline for h in mine for each in h)


@given(st.lists(LABELS, max_size=8), st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_the_order_between_rows_and_annotators(labels, random):
    one = said(labels)
    keys = [(each.row, each.annotator) for each in labels]
    random.shuffle(keys)
    queues = {key: [each for each in labels if (each.row, each.annotator) == key] for key in keys}
    other = said([queues[key].pop(0) for key in keys])
    assert one == other
    assert one.to_bytes() == other.to_bytes()
    assert one.digest == other.digest == "sha256:" + hashlib.sha256(one.to_bytes()).hexdigest()


@given(st.lists(LABELS, max_size=8))
def test_the_bytes_read_back(labels):
    one = said(labels)
    assert read_label_layer(one.to_bytes()) == one


@given(st.lists(FEW, max_size=3), st.lists(FEW, max_size=3), st.lists(FEW, max_size=3))
def test_merging_does_not_depend_on_the_order(first, second, third):
    layers = [said(each) for each in (first, second, third)]
    results = set()
    for order in ((0, 1, 2), (1, 0, 2), (2, 1, 0)):
        try:
            merged = layers[order[0]].merge(layers[order[1]]).merge(layers[order[2]])
        except DataError as error:
            results.add(error.code)
        else:
            results.add(merged.digest)
    assert len(results) == 1
    assert results == {"data.label_conflict"} or results.pop().startswith("sha256:")
    assert layers[0].merge(layers[0]) == layers[0]


def test_a_layer_is_not_changed_by_adding_to_it():
    one = layer([label("1", "no")])
    before = one.to_bytes()
    two = one.add([label("2", "yes")]).replace([label("1", "yes")])
    assert one.to_bytes() == before
    assert one.digest != two.digest
    assert [each.labels for each in two.history("1", "user:1")] == [("no",), ("yes",)]
    one.entries().replace_column(1, pl.Series("annotator", ["user:2"]))
    assert one.to_bytes() == before


def test_every_part_counts_for_the_digest():
    layers = [
        layer([label("1", "no")]),
        layer([label("1", "yes")]),
        layer([label("2", "no")]),
        layer([label("1", "no", "user:2")]),
        layer([replace(label("1", "no"), at="later")]),
        layer([label("1", "no")], THREE, TOPICS),
        LabelLayer("dataset:other@1", (THREE,)).add([label("1", "no")]),
        layer([label("1", "no")]).replace([label("1", "no")]),
        layer(),
    ]
    assert len({each.digest for each in layers}) == len(set(layers)) == len(layers)


def test_a_set_of_labels_is_the_same_in_any_order():
    one = layer([label("1", "fee+card", guideline=2)], TOPICS)
    other = layer([label("1", "card+fee", guideline=2)], TOPICS)
    assert one.digest == other.digest
    assert one.history("1", "user:1")[0].labels == ("card", "fee")


REFUSED = {
    "an unknown label": (label("1", "maybe"), "label 2 of those given, labels: .* not allow"),
    "two labels of one": (label("1", "no+yes"), "labels: .* the guideline allows one"),
    "no label": (Label("1", (), "user:1", 1, NOW), "labels: .* not allow"),
    "the same label twice": (label("1", "fee+fee", guideline=2), "the same label twice"),
    "a separator in a label": (label("1", "fee|card", guideline=2), "labels: .* not allow"),
    "an unknown guideline": (label("1", "no", guideline=3), "none of the versions 1, 2"),
    "an empty row": (label("", "no"), "label 2 of those given, row: it has space at an end"),
    "a row with a line end": (label("1\n2", "no"), "row: it has space .* or has control"),
    "an annotator with space": (label("1", "no", " user"), "annotator: it has space"),
    "a row over the limit": (label("1" * 257, "no"), "row: it has more than 256 characters"),
    "a surrogate": (label("\ud800", "no"), "lone surrogate"),
    "an empty time": (replace(label("1", "no"), at=""), "at: it has space at an end"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_label_that_cannot_be_one_is_refused_with_its_place(case):
    wrong, words = REFUSED[case]
    start = layer((), THREE, TOPICS)
    with refused("data.label", words):
        start.add([label("0", "yes"), wrong])
    assert len(start) == 0


def test_adding_and_replacing_are_not_the_same():
    one = layer([label("1", "no")])
    with refused("data.label_conflict", "labelled this row already"):
        one.add([label("2", "no"), label("1", "yes")])
    with refused("data.label_conflict", "label 2 of those given, row: .* not labelled this row"):
        one.replace([label("1", "yes"), label("2", "no")])
    with refused("data.label_conflict", "label 1 of those given, row: .* twice among them"):
        one.add([label("2", "no"), label("2", "yes")])
    with pytest.raises(TypeError, match="a tuple of text, got str"):
        Label("1", "no", "user:1", 1, NOW)  # type: ignore[arg-type]


def test_layers_that_contradict_each_other_are_not_merged():
    base = layer([label("1", "no")])
    with refused("data.label_conflict", "1 rows have labels by one annotator that differ"):
        base.replace([label("1", "yes")]).merge(base.replace([label("1", "so")]))
    with refused("data.label_conflict", "two dataset versions"):
        base.merge(LabelLayer("dataset:other@1", (THREE,)))
    with refused("data.label_conflict", "different guidelines of version 1"):
        base.merge(LabelLayer(DATASET, (replace(THREE, question="Is it bad?"),)))
    newer = base.replace([label("1", "yes")])
    assert base.merge(newer) == newer.merge(base) == newer


def test_a_layer_has_guidelines_each_version_once():
    with refused("data.guideline", "at least one"):
        LabelLayer(DATASET, ())
    with refused("data.guideline", r"versions \[1, 1\]"):
        layer().with_guideline(replace(THREE, question="Is it bad?"))
    with refused("data.label", "dataset cannot be named so"):
        LabelLayer("", (THREE,))
    assert layer().with_guideline(TOPICS).newest == TOPICS
    assert layer((), TOPICS, THREE).guidelines == (THREE, TOPICS)


def test_a_layer_is_bounded():
    few = replace(DEFAULT_LABEL_LIMITS, entries_max=2)
    one = LabelLayer(DATASET, (THREE,), few).add([label("1", "no"), label("2", "no")])
    with refused("data.too_large", "at most 2"):
        one.add([label("3", "no")])
    with refused("data.too_large", "at most 2"):
        one.merge(LabelLayer(DATASET, (THREE,), few).add([label("3", "no")]))
    with refused("data.too_large", "at most 1"):
        read_label_layer(one.to_bytes(), limits=replace(few, entries_max=1))


GOOD = layer([label("1", "no"), label("2", "yes")]).replace([label("1", "so")]).to_bytes()
HEADER, *ENTRIES = GOOD.decode().splitlines()


def lines(*entries: str, header: str = HEADER) -> bytes:
    return "\n".join(
        [header.replace('"entries":3', f'"entries":{len(entries)}'), *entries, ""]
    ).encode()


MALFORMED = {
    "no bytes": (b"", "data.label_layer", "line 1"),
    "a line without end": (GOOD[:-1], "data.label_layer", "line 4 .* cut off"),
    "fewer lines than promised": (
        GOOD[: GOOD[:-1].rindex(b"\n") + 1],
        "data.label_layer",
        "line 1",
    ),
    "a header that is a list": (b"[]\n", "data.label_layer", "line 1 .* expected an object"),
    "another version": (GOOD.replace(b'"v":1', b'"v":2'), "data.label_layer", "expected version 1"),
    "no JSON": (lines(*ENTRIES[:2], "["), "data.label_layer", "line 4"),
    "a number as row": (lines('[1,"u",1,1,["no"],"t"]'), "data.label_layer", "line 2 .* `str`"),
    "revision 0": (lines('["1","u",0,1,["no"],"t"]'), "data.label_layer", "line 2"),
    "a field too few": (lines('["1","u",1,1,["no"]]'), "data.label_layer", "line 2"),
    "no UTF-8": (lines(*ENTRIES).replace(b'"2"', b'"\xff"'), "data.label_layer", "line 4"),
    "another order": (lines(*ENTRIES[::-1]), "data.label_layer", "order or spelling"),
    "another spelling": (
        lines(*ENTRIES).replace(b'"no"', b'"n\\u006f"'),
        "data.label_layer",
        "spell",
    ),
    "spaces": (lines(*ENTRIES).replace(b",1,", b", 1,"), "data.label_layer", "spelling"),
    "an unknown label": (lines('["1","u",1,1,["x"],"t"]'), "data.label", "line 2, labels"),
    "a gap in the revisions": (lines(ENTRIES[1], ENTRIES[2]), "data.label_conflict", "1, 2, 3"),
    "an entry twice": (lines(ENTRIES[2], ENTRIES[2]), "data.label_conflict", "each once"),
    "a guideline without labels": (
        GOOD.replace(b'"label":[', b'"labels":['),
        "data.guideline",
        "unknown key",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_bytes_that_no_layer_has_are_refused(case):
    data, code, words = MALFORMED[case]
    assert data != GOOD
    with refused(code, words):
        read_label_layer(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_one_changed_byte_is_refused_or_another_layer(at: int, byte: int):
    changed = GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
    codes = {"data.label_layer", "data.label", "data.guideline", "data.label_conflict"}
    try:
        found = read_label_layer(changed).to_bytes()
    except DataError as error:
        found = error.code.encode()
    assert found == changed or found.decode() in codes
