"""A tagger finds names in sentences that it never met, and always the same ones."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.tagging import (
    EMPTY_LEXICON,
    Span,
    Tagger,
    TaggerOptions,
    TaggingLimits,
    check_spans,
    learn_lexicon,
    train_tagger,
)
from tests.data.tagging.world import SPANS, TEXTS, trained

HAND_MADE = Tagger(
    kinds=("a", "b"),
    many_lines=frozenset(),
    features={"p=B": 0, "p=I": 1},
    weights=np.array([[0, 0, 0, 1, 0], [0, 0, 0, 0, 1]], np.float32),
    transitions=np.zeros((5, 5), np.float32),
    names={},
    lexicon=EMPTY_LEXICON,
)
QUICK = TaggerOptions(copies=3, iterations=10)


def values(tagger: Tagger, text: str) -> list[tuple[str, str]]:
    """What is found in a text, by value."""
    return [(kind, text[start:end]) for kind, start, end in tagger.tag([text])[0]]


def test_names_are_found_in_sentences_that_were_not_trained_on():
    text = "I heard that Eve Stone is in Turin at 12 Elm Street"
    assert values(trained(), text) == [
        ("person", "Eve Stone"),
        ("place", "Turin"),
        ("address", "12 Elm Street"),
    ]


def test_names_that_were_never_met_are_found():
    assert values(trained(), "My name is Ole Brandt.") == [("person", "Ole Brandt")]
    assert values(trained(), "Send it to 45 Pine Street please") == [("address", "45 Pine Street")]


def test_what_a_lexicon_knows_reaches_the_scores():
    with_place, without = (
        replace(HAND_MADE, lexicon=learn_lexicon(places=places)) for places in (["b c"], [])
    )
    assert with_place.tag(["a b c a"]) == [[Span("b", 2, 5)]]
    assert without.tag(["a b c a"]) == [[]]


def test_texts_without_capitals_are_read_as_well():
    assert values(trained(), "my name is eve stone.") == [("person", "eve stone")]


def test_only_kinds_that_learned_it_go_on_over_the_end_of_a_line():
    assert trained().many_lines == {"address"}
    for text in ("Ann Lee\nBo Quill", "Ann\nLee", "Paris\nOslo\nTurin"):
        assert not any("\n" in value for _, value in values(trained(), text))
    assert ("address", "90 Park Lane\nFlat 2") in values(trained(), "Ann Lee\n90 Park Lane\nFlat 2")


@given(st.lists(st.text(max_size=60) | st.sampled_from(TEXTS), max_size=8))
def test_any_texts_give_sound_spans_and_none_depends_on_its_neighbours(texts: list[str]):
    found = trained().tag(texts)
    check_spans(texts, found)
    assert found == [trained().tag([text])[0] for text in texts]


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=20))
def test_texts_are_tagged_alike_in_small_batches(texts: list[str]):
    assert trained().tag(texts, limits=TaggingLimits(batch_tokens=5)) == trained().tag(texts)


def test_a_long_text_is_cut_at_lines_and_tagged_like_its_lines():
    lines = ["My name is Ann Lee."] * 100
    text = "\n".join(lines)
    found = trained().tag([text], limits=TaggingLimits(piece_tokens_max=32))[0]
    assert [text[span.start : span.end] for span in found] == ["Ann Lee"] * 100
    unbroken = "x " * 1000
    check_spans([unbroken], trained().tag([unbroken]))


def test_a_token_beyond_the_bound_does_no_harm():
    assert trained().tag(["a" * 100_000])[0] in ([], [Span("person", 0, 100_000)])


def naive_features(tokens: list[str], starts: list[bool], i: int) -> list[str]:
    """The features of one small word that a hand-made tagger has weights for."""
    named = [f"w={tokens[i]}"]
    for offset in (-2, -1, 1, 2):
        inside = 0 <= i + offset < len(tokens)
        named.append(f"{offset}w={tokens[i + offset]}" if inside else f"{offset}edge")
    if starts[i]:
        named.append("line")
    if i + 1 < len(tokens) and starts[i + 1]:
        named.append("next-line")
    return named


NAMED = sorted(
    {"line", "next-line"}
    | {f"w={word}" for word in "abc"}
    | {f"{offset}w={word}" for offset in (-2, -1, 1, 2) for word in "abc"}
    | {f"{offset}edge" for offset in (-2, -1, 1, 2)}
)


def naive_spans(tagger: Tagger, text: str) -> list[Span]:
    """Try every sequence of labels that is allowed, and read the spans of the best one."""
    tokens = text.split()
    places = [2 * i for i in range(len(tokens))]
    starts = [at == 0 or text[at - 1] == "\n" for at in places]
    scores = [
        sum(tagger.weights[tagger.features[each]] for each in naive_features(tokens, starts, i))
        for i in range(len(tokens))
    ]
    best, chosen = -np.inf, tuple[int, ...]()
    for path in product(range(5), repeat=len(tokens)):
        total = sum(score[label] for score, label in zip(scores, path, strict=True))
        for i, label in enumerate(path):
            before = path[i - 1] if i else 0
            goes_on = label in (2, 4)
            if goes_on and (before not in (label - 1, label) or (label == 4 and starts[i])):
                break
            total += tagger.transitions[before, label] if i else 0
        else:
            if total > best:
                best, chosen = total, path
    spans: list[Span] = []
    for at, label in zip(places, chosen, strict=True):
        if label in (1, 3):
            spans.append(Span("ab"[label // 2], at, at + 1))
        elif label:
            spans[-1] = spans[-1]._replace(end=at + 1)
    return spans


@given(
    seed=st.integers(0, 2**32),
    texts=st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(" \n")), max_size=4), max_size=4
    ),
)
def test_tagging_finds_what_trying_every_sequence_finds(
    seed: int, texts: list[list[tuple[str, str]]]
):
    draw = np.random.default_rng(seed)
    tagger = Tagger(
        kinds=("a", "b"),
        many_lines=frozenset({"a"}),
        features={name: row for row, name in enumerate(NAMED)},
        weights=draw.normal(size=(len(NAMED), 5)).astype(np.float32),
        transitions=draw.normal(size=(5, 5)).astype(np.float32),
        names={},
        lexicon=EMPTY_LEXICON,
    )
    written = ["".join(word + space for word, space in pairs).strip() for pairs in texts]
    assert tagger.tag(written) == [naive_spans(tagger, text) for text in written]


def test_the_same_seed_gives_the_same_bytes_and_another_one_others():
    first, again, other = (
        train_tagger(TEXTS, SPANS, seed=seed, options=QUICK).to_bytes() for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_templates_may_be_given_and_are_counted():
    tagger = train_tagger(TEXTS, SPANS, seed=1, templates=TEXTS, options=QUICK)
    assert tagger.facts["templates"] == len(set(TEXTS))
    with pytest.raises(ValueError, match="zip"):
        train_tagger(TEXTS, SPANS, seed=1, templates=TEXTS[1:], options=QUICK)


def test_nothing_is_learned_from_nothing():
    for texts in ([], ["no name"]):
        with pytest.raises(DataError, match="no span") as caught:
            train_tagger(texts, [[] for _ in texts], seed=1)
        assert caught.value.code == "data.spans"
    with pytest.raises(ValueError, match="seed"):
        train_tagger(TEXTS, SPANS, seed=-1)


def test_too_many_kinds_are_refused():
    text = "a " * 17
    spans = [Span(f"kind_{chr(97 + n)}", 2 * n, 2 * n + 1) for n in range(17)]
    with pytest.raises(DataError) as caught:
        train_tagger([text], [spans], seed=1)
    assert caught.value.code == "data.too_large"


def test_too_much_to_train_on_is_refused():
    many = replace(QUICK, copies=10_000_000 // len(TEXTS))
    text = "My name is Ann Lee. " + "and more " * 30_000
    with pytest.raises(DataError) as caught:
        train_tagger([text], [[Span("person", 11, 18)]], seed=1, options=replace(many, copies=400))
    assert caught.value.code == "data.too_large"
