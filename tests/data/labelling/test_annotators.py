"""Who agrees with the rest, and which rows are hardest, as a naive count finds them."""

from __future__ import annotations

import math
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError
from freehold.data.labelling import (
    Disagreement,
    Ratings,
    Scale,
    agreement_by_annotator,
    hardest_rows,
    krippendorff_alpha,
)
from tests.data.labelling.examples import THREE, TOPICS, krippendorff, label, layer

TABLE = st.dictionaries(
    st.tuples(st.sampled_from("12345"), st.sampled_from("uvw")), st.sampled_from("abc"), min_size=1
)


def ratings_of(table: dict[tuple[str, str], str]) -> Ratings:
    return Ratings.from_triples([(*key, value) for key, value in table.items()], "abc")


@given(TABLE)
def test_each_annotator_is_compared_with_the_others(table: dict[tuple[str, str], str]):
    for found in agreement_by_annotator(ratings_of(table)):
        me = found.annotator
        shares = []
        for row, value in [(row, value) for (row, who), value in table.items() if who == me]:
            others = [v for (r, who), v in table.items() if r == row and who != me]
            if others:
                shares.append(mean(v == value for v in others))
        assert found.ratings == sum(who == me for _, who in table)
        assert found.shared == len(shares)
        expected = mean(shares) if shares else math.nan
        assert found.agreement == pytest.approx(expected, nan_ok=True)
        rest = {key: value for key, value in table.items() if key[1] != me}
        alpha = krippendorff_alpha(ratings_of(rest)) if rest else math.nan
        assert found.alpha_without == pytest.approx(alpha, nan_ok=True)


@given(TABLE)
def test_the_hardest_rows_come_first(table: dict[tuple[str, str], str]):
    found = hardest_rows(ratings_of(table))
    expected = {}
    for row in {row for row, _ in table}:
        given = [value for (r, _), value in table.items() if r == row]
        pairs = [(n, m) for n in range(len(given)) for m in range(n)]
        apart = sum(given[n] != given[m] for n, m in pairs)
        if apart:
            expected[row] = apart / len(pairs)
    assert {each.row: each.disagreement for each in found} == pytest.approx(expected)
    order = [(-each.disagreement, -sum(n for _, n in each.votes), each.row) for each in found]
    assert order == sorted(order)


def test_votes_are_told_the_most_frequent_first():
    table = {("1", "u"): "c", ("1", "v"): "c", ("1", "w"): "a", ("2", "u"): "b", ("2", "v"): "a"}
    ratings = ratings_of(table)
    assert hardest_rows(ratings) == (
        Disagreement("2", (("a", 1), ("b", 1)), 1.0),
        Disagreement("1", (("c", 2), ("a", 1)), 1 - 2 / 6),
    )
    assert [each.row for each in hardest_rows(ratings, 1)] == ["2"]


def test_the_one_who_differs_is_found():
    labels = [label(str(n), name, who) for n, name in enumerate(["no", "yes"] * 5) for who in "uv"]
    labels += [label(str(n), "so", "w") for n in range(10)]
    by_name = {each.annotator: each for each in agreement_by_annotator(Ratings.of(layer(labels)))}
    assert by_name["w"].agreement == 0
    assert by_name["u"].agreement == 0.5
    assert by_name["w"].alpha_without == 1
    assert by_name["u"].alpha_without < 0


def test_ratings_are_what_holds_in_a_layer_under_its_scale():
    one = layer([label("1", "no"), label("1", "so", "user:2"), label("2", "yes")])
    one = one.replace([label("1", "yes")])
    ratings = Ratings.of(one)
    assert (ratings.rows, ratings.annotators) == (("1", "2"), ("user:1", "user:2"))
    assert ratings.values == THREE.names
    assert ratings.counts().tolist() == [[0, 1, 1], [0, 0, 1]]
    assert ratings.shared().rows == ("1",)


def test_ratings_are_of_the_versions_that_are_named():
    one = layer([label("1", "no"), label("1", "card", "user:2", 2)], THREE, TOPICS)
    assert len(Ratings.of(one, versions=[1])) == 1
    assert Ratings.of(one, versions=[2]).values == ("card",)
    newer = (
        layer()
        .with_guideline(type(THREE)(3, "Is it good?", THREE.labels[:2]))
        .add([label("1", "yes"), label("1", "no", "user:2", 3)])
    )
    with pytest.raises(DataError, match="1 labels are not allowed by version 3"):
        Ratings.of(newer)
    with pytest.raises(ValueError, match=r"versions \[1, 3\]"):
        Ratings.of(newer, versions=[2])
    with pytest.raises(DataError, match="no row has a label"):
        Ratings.of(layer())


def test_sets_of_labels_are_compared_whole_or_label_by_label():
    one = layer(
        [label("1", "card+fee", "u", 2), label("1", "card", "v", 2), label("2", "fee", "u", 2)],
        TOPICS,
    )
    whole = Ratings.of(one)
    assert whole.values == ("card", "card|fee", "fee")
    assert hardest_rows(whole)[0].disagreement == 1
    card = Ratings.of_label(one, "card")
    assert card.values == ("absent", "present")
    assert card.counts().tolist() == [[0, 2], [1, 0]]
    assert Ratings.of_label(one, "loan").counts().tolist() == [[2, 0], [1, 0]]
    with pytest.raises(ValueError, match="no such label"):
        Ratings.of_label(one, "ca")


def test_without_an_annotator_the_rows_stay():
    ratings = krippendorff(Scale.NOMINAL)
    rest = ratings.without("observer 2")
    assert rest.rows == ratings.rows
    assert len(ratings) - len(rest) == 11
    with pytest.raises(ValueError, match="by that annotator"):
        ratings.without("observer 9")
