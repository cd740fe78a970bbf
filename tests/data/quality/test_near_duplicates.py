"""Near duplicates are those that a comparison of all pairs finds, at any size."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from datasketch import MinHash, MinHashLSH  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from freehold.data import DataError
from freehold.data.quality import (
    NearDuplicates,
    QualityLimits,
    near_duplicate_rows,
    near_duplicates,
)


def naive_set(text: str, characters: int = 5) -> set[str]:
    evened = " ".join(text.lower().split())
    return {
        evened[i : i + characters] for i in range(max(1, len(evened) - characters + 1)) if evened
    }


def jaccard(left: set, right: set) -> float:
    return len(left & right) / len(left | right)


def groups(found: NearDuplicates) -> set[tuple[int, ...]]:
    return {tuple(group.rows.tolist()) for group in found.groups}


def joined(rows: int, pairs: list[tuple[int, int]]) -> set[tuple[int, ...]]:
    """The groups that pairs make, by the plainest way."""
    group = {row: {row} for row in range(rows)}
    for left, right in pairs:
        if group[left] is not group[right]:
            group[left] |= group[right]
            for row in group[right]:
                group[row] = group[left]
    return {tuple(sorted(each)) for each in group.values() if len(each) > 1}


WORDS = st.sampled_from(["the card", "was", "not", "accepted", "at ", "größer", "日本語", "x", " "])
TEXTS = st.one_of(st.none(), st.just(""), st.lists(WORDS, max_size=9).map(" ".join))


@given(st.lists(TEXTS, max_size=25), st.sampled_from([0.5, 0.7, 0.8, 0.95, 1.0]))
def test_groups_are_those_of_a_comparison_of_all_pairs(
    texts: list[str | None], threshold: float
) -> None:
    found = near_duplicates(pl.Series(texts, dtype=pl.String), threshold=threshold)
    sets = [naive_set(text) if text else set() for text in texts]
    pairs = [
        (left, right)
        for left, right in combinations(range(len(texts)), 2)
        if sets[left] and sets[right] and jaccard(sets[left], sets[right]) >= threshold
    ]
    assert found.missing == sum(not each for each in sets)
    true = {row: group for group in joined(len(texts), pairs) for row in group}
    assert all(set(group) <= set(true.get(group[0], ())) for group in groups(found))
    clear = [pair for pair in pairs if jaccard(sets[pair[0]], sets[pair[1]]) > threshold + 0.15]
    together = {row: group for group in groups(found) for row in group}
    assert all(right in together.get(left, ()) for left, right in clear)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=1, max_size=20))
def test_every_text_is_found_equal_to_itself(texts: list[str]) -> None:
    found = near_duplicates(pl.Series([*texts, *texts]), threshold=1.0)
    together = {row: group for group in groups(found) for row in group}
    for row in range(len(texts)):
        if row in together:
            assert row + len(texts) in together[row]
        else:
            assert not naive_set(texts[row])


def test_case_and_white_space_do_not_count() -> None:
    texts = pl.Series(["My card  was NOT accepted", " my card was\tnot accepted ", "Another text"])
    found = near_duplicates(texts)
    assert groups(found) == {(0, 1)}
    assert (found.redundant, found.groups[0].similarity) == (1, 1.0)


def alike_pairs(sets: list[set[str]], threshold: float) -> list[tuple[int, int]]:
    """All pairs, by one product of matrices; quick enough for a few thousand texts."""
    occurs = CountVectorizer(analyzer=list, dtype=np.int32).fit_transform(sets)
    sizes = np.array([len(each) for each in sets])
    shared = (occurs @ occurs.T).tocoo()
    likeness = shared.data / (sizes[shared.row] + sizes[shared.col] - shared.data)
    is_pair = (likeness >= threshold) & (shared.row < shared.col)
    return list(zip(shared.row[is_pair].tolist(), shared.col[is_pair].tolist(), strict=True))


def share_met(found: NearDuplicates, pairs: list[tuple[int, int]]) -> float:
    together = {row: group for group in groups(found) for row in group}
    return sum(right in together.get(left, ()) for left, right in pairs) / len(pairs)


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.7, 0.8, 0.9])
def test_questions_to_a_bank_are_grouped_as_by_all_pairs(
    shared_data: Path, threshold: float
) -> None:
    texts = pl.read_csv(shared_data / "support-banking77" / "test.csv")["text"]
    pairs = alike_pairs([naive_set(text) for text in texts], threshold)
    found = near_duplicates(texts, threshold=threshold)
    assert share_met(found, pairs) > 0.98
    true = {row: group for group in joined(len(texts), pairs) for row in group}
    assert all(set(group) <= set(true.get(group[0], ())) for group in groups(found))


def test_what_datasketch_finds_is_found(shared_data: Path) -> None:
    texts = pl.read_csv(shared_data / "support-banking77" / "train.csv")["text"][5_000:6_200]
    sets = [naive_set(text) for text in texts]
    index = MinHashLSH(threshold=0.8, num_perm=128)
    met = []
    for row, each in enumerate(sets):
        sketch = MinHash(num_perm=128)
        sketch.update_batch([shingle.encode() for shingle in each])
        met += [(other, row) for other in index.query(sketch)]
        index.insert(row, sketch)
    true = [pair for pair in met if jaccard(sets[pair[0]], sets[pair[1]]) >= 0.8]
    assert len(true) > 5
    assert share_met(near_duplicates(texts), true) > 0.98


def test_the_similarity_of_a_group_is_the_least_that_joins_it() -> None:
    texts = ["my card was not accepted in the shop", "my card was not accepted in the shops"]
    (group,) = near_duplicates(pl.Series(texts)).groups
    assert group.similarity == jaccard(*map(naive_set, texts))


def test_a_chain_of_near_texts_is_one_group_though_its_ends_are_far_apart() -> None:
    words = [str(1_000_000 + 7_919 * n) for n in range(30)]
    texts = [" ".join(words[start : start + 20]) for start in range(0, 10)]
    assert jaccard(naive_set(texts[0]), naive_set(texts[-1])) < 0.5
    assert groups(near_duplicates(pl.Series(texts))) == {tuple(range(10))}


def test_a_million_equal_texts_are_one_group() -> None:
    found = near_duplicates(pl.Series(["the very same text"]).new_from_index(0, 1_000_000))
    assert found.redundant == 999_999
    assert len(found.as_json()["groups"][0]["rows"]) == 20


def test_many_near_equal_texts_are_one_group() -> None:
    """All pairs of them would be 450 million, and their comparison take an hour."""
    text = "dear customer, your invoice is ready for you today, please pay number {}"
    found = near_duplicates(pl.Series([text.format(number) for number in range(30_000)]))
    assert [len(group.rows) for group in found.groups] == [30_000]


def test_many_short_texts_of_one_run_and_a_long_one_stay_quick() -> None:
    """They all share one sketch; only sizes tell them apart from the long text."""
    texts = pl.Series(["a" * length for length in range(6, 3_000)] + ["ab" * 1_000_000])
    found = near_duplicates(texts)
    assert [len(group.rows) for group in found.groups] == [2_994]


def test_a_seed_is_repeatable_and_finds_the_same_in_all_but_edge_cases(shared_data: Path) -> None:
    texts = pl.read_csv(shared_data / "support-banking77" / "test.csv")["text"]
    once, again, other = (groups(near_duplicates(texts, seed=seed)) for seed in (3, 3, 4))
    assert once == again
    assert len(once ^ other) <= 2


def test_bounds_change_no_result(shared_data: Path) -> None:
    texts = pl.read_csv(shared_data / "support-banking77" / "test.csv")["text"]
    tight = QualityLimits(chunk_tokens=2_000, pairs_at_a_time=20, pair_tokens_at_a_time=1_000)
    assert groups(near_duplicates(texts, limits=tight)) == groups(near_duplicates(texts))


CELLS = st.one_of(st.none(), st.integers(0, 2))


@given(st.lists(st.tuples(*[CELLS] * 6), max_size=20), st.sampled_from([0.5, 0.7, 1.0]))
def test_rows_are_grouped_by_the_cells_they_share(rows, threshold: float) -> None:
    names = list("abcdef")
    table = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Int64), orient="row")
    sets = [set(zip(names, row, strict=True)) for row in rows]
    pairs = [
        (left, right)
        for left, right in combinations(range(len(rows)), 2)
        if jaccard(sets[left], sets[right]) >= threshold
    ]
    found = near_duplicate_rows(table, threshold=threshold)
    true = {row: group for group in joined(len(rows), pairs) for row in group}
    assert all(set(group) <= set(true.get(group[0], ())) for group in groups(found))
    equal = {(left, right) for left, right in pairs if rows[left] == rows[right]}
    together = {row: group for group in groups(found) for row in group}
    assert all(right in together[left] for left, right in equal)


def test_a_row_with_one_other_cell_is_near(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "tabular-adult" / "adult_test.csv")
    copies = table[100:150].with_columns(age=pl.col("age") + 90)
    found = near_duplicate_rows(pl.concat([table, copies]))
    together = {row: group for group in groups(found) for row in group}
    assert sum(100 + n in together.get(table.height + n, ()) for n in range(50)) == 50


def test_a_column_of_numbers_has_no_texts() -> None:
    with pytest.raises(DataError, match="column of text") as caught:
        near_duplicates(pl.Series([1, 2]))
    assert caught.value.code == "data.column"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": 0.4}, "threshold"),
        ({"threshold": 1.1}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"characters": 1}, "characters"),
        ({"characters": 65}, "characters"),
        ({"seed": -1}, "32-bit"),
        ({"seed": 2**32}, "32-bit"),
    ],
)
def test_options_out_of_range_are_a_mistake_of_the_caller(options, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        near_duplicates(pl.Series(["text"]), **options)
    if "characters" not in options:
        with pytest.raises(ValueError, match=words):
            near_duplicate_rows(pl.DataFrame({"a": [1]}), **options)


def test_a_table_without_columns_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="without columns"):
        near_duplicate_rows(pl.DataFrame())
