"""What a test part shares with its training part, and what gives the target away, is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from freehold.data import DataError
from freehold.data.quality import part_leakage, target_leakage

WORDS = "the card was not accepted in any shop of this town although it had been paid".split()


def sentence(number: int) -> str:
    chance = np.random.default_rng(number)
    return " ".join(chance.permutation(WORDS))


def test_planted_copies_are_found_exactly_nearly_and_with_another_target() -> None:
    train = pl.DataFrame({"text": [sentence(n) for n in range(50)], "y": ["a"] * 50})
    test = pl.DataFrame(
        {
            "text": [
                sentence(3),
                sentence(4),
                sentence(5) + "!",
                sentence(6).upper(),
                sentence(100),
            ],
            "y": ["a", "b", "a", "a", "a"],
        }
    )
    found = part_leakage(train, test, target="y", text="text")
    assert found.exact.tolist() == [0, 1]
    assert found.near.tolist() == [0, 1, 2, 3]
    assert found.contradicting.tolist() == [1]


def test_rows_without_a_text_are_compared_by_their_cells() -> None:
    train = pl.DataFrame({name: range(40) for name in "abcdefghij"})
    test = pl.concat([train[:2], train[2:3].with_columns(pl.col("a") + 99), train[:1] + 1_000])
    found = part_leakage(train, test)
    assert (found.exact.tolist(), found.near.tolist()) == ([0, 1], [0, 1, 2])
    assert not len(found.contradicting)


def test_copies_within_one_part_are_no_leak() -> None:
    train = pl.DataFrame({"text": [sentence(1), sentence(1)]})
    test = pl.DataFrame({"text": [sentence(2), sentence(2)]})
    found = part_leakage(train, test, text="text")
    assert not len(found.exact) + len(found.near)


def test_the_parts_of_a_public_table_share_the_rows_that_a_join_finds(shared_data: Path) -> None:
    train, test = (
        pl.read_csv(shared_data / "tabular-adult" / f"adult_{part}.csv")
        for part in ("train", "test")
    )
    features = [name for name in train.columns if name != "target"]
    found = part_leakage(train, test, target="target", threshold=0.95)
    joined = test.with_row_index().join(train.select(features).unique(), on=features, how="semi")
    same = test.with_row_index().join(train.unique(), on=train.columns, how="semi")
    assert found.exact.tolist() == sorted(joined["index"])
    assert found.contradicting.tolist() == sorted(set(joined["index"]) - set(same["index"]))
    assert found.near.tolist() == found.exact.tolist()


def test_questions_to_a_bank_recur_in_the_test_part(shared_data: Path) -> None:
    folder = shared_data / "support-banking77"
    train, test = (pl.read_csv(folder / f"{part}.csv") for part in ("train", "test"))
    found = part_leakage(train, test, target="category", text="text")
    assert (len(found.exact), len(found.contradicting)) == (0, 0)
    assert 90 < len(found.near) < 120


def test_a_column_that_tells_the_target_is_named_whatever_its_kind() -> None:
    chance = np.random.default_rng(1)
    y = chance.integers(0, 3, 600)
    table = pl.DataFrame(
        {
            "id": np.arange(600),
            "name": [f"n{n}" for n in range(600)],
            "noise": chance.normal(size=600),
            "code": [f"k{each}" for each in y],
            "score": y * 10 + chance.random(600),
            "flag": y == 0,
            "y": [f"class {each}" for each in y],
        }
    )
    found = target_leakage(table[:400], table[400:], target="y")
    assert set(found.determining) == {"code", "score"}
    shares = {each.name: each.share for each in found.columns}
    assert shares["code"] == 1
    assert 0.3 < shares["flag"] < 0.8
    assert max(shares["id"], shares["name"], shares["noise"]) < 0.2
    assert [each.share for each in found.columns] == sorted(shares.values(), reverse=True)


def test_a_numeric_target_counts_by_its_tenths() -> None:
    chance = np.random.default_rng(2)
    y = chance.normal(size=2_000)
    table = pl.DataFrame({"double": 2 * y, "noise": chance.normal(size=2_000), "y": y})
    found = target_leakage(table[:1_500], table[1_500:], target="y", share_min=0.8)
    assert found.determining == ("double",)


def test_a_column_of_a_public_table_tells_no_more_than_it_does(shared_data: Path) -> None:
    table = pl.read_csv(shared_data / "tabular-heart" / "heart_disease.csv").sample(
        fraction=1, shuffle=True, seed=1
    )
    table = table.with_columns(diagnosis=pl.col("target") * 3)
    found = target_leakage(table[:200], table[200:], target="target")
    assert found.determining == ("diagnosis",)


def test_a_test_part_of_one_class_leaves_nothing_to_save() -> None:
    table = pl.DataFrame({"a": [1, 2], "y": ["x", "x"]})
    assert target_leakage(table, table, target="y").columns[0].share == 0


def test_gaps_in_feature_and_target_are_passed_over() -> None:
    table = pl.DataFrame({"a": [0.0, 1.0, None] * 50, "y": ["p", "q", None] * 50})
    assert target_leakage(table, table, target="y").determining == ("a",)


REFUSED = {
    "other columns": (pl.DataFrame({"a": [1], "b": [1]}), "a", "data.column", "the first is 'b'"),
    "no such target": (pl.DataFrame({"a": [1]}), "b", "data.column", "no column 'b'"),
    "no target": (
        pl.DataFrame({"a": pl.Series([None], dtype=pl.Int64)}),
        "a",
        "data.too_few_rows",
        "no row with a target",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_compared_is_refused(case: str) -> None:
    test, target, code, words = REFUSED[case]
    with pytest.raises(DataError, match=words) as caught:
        target_leakage(pl.DataFrame({"a": [1]}), test, target=target)
    assert caught.value.code == code
    if case.split()[-1] != "target":
        with pytest.raises(DataError, match=words):
            part_leakage(pl.DataFrame({"a": [1]}), test, target=target)


def test_nothing_to_compare_and_impossible_shares_are_mistakes_of_the_caller() -> None:
    table = pl.DataFrame({"y": [1, 2]})
    with pytest.raises(ValueError, match="no features"):
        part_leakage(table, table, target="y")
    with pytest.raises(ValueError, match="between 0 and 1"):
        target_leakage(table, table, target="y", share_min=0)
