"""The recipes learn what is there to be learned, and say clearly why when nothing is."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer

from freehold.data import Format, ReadOptions, read_table
from freehold.models import FeatureKind, LoadedModel, dump_model, load_model
from freehold.training import Recipe, Trained, TrainingError, class_indices, split, train


def opened(trained: Trained) -> LoadedModel:
    return load_model(dump_model(trained.estimator, trained.spec))


def accuracy(trained: Trained, rows: pl.DataFrame) -> float:
    model = opened(trained)
    actual = class_indices(rows.get_column(model.spec.label), model.spec.classes)
    return float((model.probabilities(rows).argmax(axis=1) == actual).mean())


def table(rows: int = 300) -> pl.DataFrame:
    """Every kind of column, gaps in each, and a label that follows from two of them."""
    draw = random.Random(5)
    numbers = [draw.uniform(0, 10) for _ in range(rows)]
    colours = [draw.choice(["red", "green", "blue"]) for _ in range(rows)]

    def gaps(values: list[Any]) -> list[Any]:
        return [None if draw.random() < 0.05 else value for value in values]

    return pl.DataFrame(
        {
            "number": gaps(numbers),
            "whole": gaps([draw.randrange(5) for _ in range(rows)]),
            "flag": gaps([draw.random() < 0.5 for _ in range(rows)]),
            "day": gaps([date(2026, 1, 1) + timedelta(draw.randrange(300)) for _ in range(rows)]),
            "colour": gaps(colours),
            "name": [f"person {index}" for index in range(rows)],
            "constant": ["same"] * rows,
            "empty": pl.Series([None] * rows, dtype=pl.Float64),
            "label": [
                "yes" if number > 5 or colour == "red" else "no"
                for number, colour in zip(numbers, colours, strict=True)
            ],
        }
    )


def tabular(frame: pl.DataFrame, label: str = "label", **parameters: str) -> Trained:
    return train(Recipe.tabular, frame, label=label, parameters=parameters)


@pytest.mark.parametrize(("algorithm", "least"), [("linear", 0.85), ("boosting", 0.94)])
def test_a_table_of_every_kind_of_column_is_learned(algorithm: str, least: float) -> None:
    learn, test = split(table(1_500), "label", seed=1, holdout=0.2)
    trained = tabular(learn, algorithm=algorithm)
    assert accuracy(trained, test) > least
    kinds = {feature.name: feature.kind for feature in trained.spec.features}
    assert kinds == {
        "number": FeatureKind.number,
        "whole": FeatureKind.number,
        "flag": FeatureKind.boolean,
        "day": FeatureKind.time,
        "colour": FeatureKind.category,
    }
    assert dict(trained.report.ignored) == {
        "name": "every value is rare",
        "constant": "always the same",
        "empty": "always the same",
    }
    assert trained.spec.classes == ("no", "yes")


@pytest.mark.parametrize("algorithm", ["linear", "boosting"])
def test_unseen_categories_and_missing_values_are_answered(algorithm: str) -> None:
    model = opened(tabular(table(), algorithm=algorithm))
    strange = table(3).with_columns(colour=pl.lit("never seen"), number=None, flag=None)
    probabilities = model.probabilities(strange)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_a_rare_value_never_enters_the_model() -> None:
    frame = table().with_columns(
        colour=pl.Series(["Ada Lovelace", *table().get_column("colour").to_list()[1:]])
    )
    assert b"Ada" not in dump_model(tabular(frame).estimator, tabular(frame).spec)


def test_many_rows_are_boosted_and_few_are_not() -> None:
    assert tabular(table(999)).report.algorithm == "linear"
    assert tabular(table(1_000)).report.algorithm == "boosting"


@pytest.mark.parametrize(
    ("column", "classes"),
    [
        ([True, False] * 150, (False, True)),
        ([3, 1, 2] * 100, (1, 2, 3)),
        ([1.0, 0.0, None] * 100, (0, 1)),
        (["b", "a"] * 150, ("a", "b")),
    ],
)
def test_labels_of_every_kind_keep_their_values(column: list[Any], classes: tuple[Any]) -> None:
    trained = tabular(table().with_columns(label=pl.Series(column)))
    assert trained.spec.classes == classes
    assert trained.report.rows_without_label == column.count(None)
    assert opened(trained).spec.classes == classes


def test_rows_without_a_label_are_counted_and_left_out() -> None:
    frame = table()
    label = [None if index < 20 else v for index, v in enumerate(frame.get_column("label"))]
    report = tabular(frame.with_columns(label=pl.Series(label))).report
    assert (report.rows, report.rows_without_label) == (280, 20)


@pytest.mark.parametrize(
    ("frame", "parameters", "code"),
    [
        (table().drop("label"), {}, "training.label_missing"),
        (
            table().with_columns(label=pl.Series([None] * 300, dtype=pl.String)),
            {},
            "training.label_missing",
        ),
        (table().with_columns(label=pl.lit("same")), {}, "training.label_single"),
        (table().with_columns(label=pl.col("number")), {}, "training.label_continuous"),
        (table().with_columns(label=pl.col("day")), {}, "training.label_continuous"),
        (
            table().with_columns(label=pl.int_range(300) % 101),
            {},
            "training.label_continuous",
        ),
        (table().with_columns(label=pl.col("name")), {}, "training.label_continuous"),
        (table().select("label", "name", "empty"), {}, "training.features"),
        (table().select("label"), {}, "training.features"),
        (table(), {"algorithm": "magic"}, "training.parameters"),
        (table(), {"depth": 3}, "training.parameters"),
    ],
)
def test_data_that_cannot_be_learned_from_is_refused(
    frame: pl.DataFrame, parameters: dict[str, Any], code: str
) -> None:
    with pytest.raises(TrainingError) as caught:
        train(Recipe.tabular, frame, label="label", parameters=parameters)
    assert caught.value.code == code


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(TrainingError, match="tabular, text"):
        Recipe("magic")


def letters(rows: int) -> pl.DataFrame:
    draw = random.Random(7)
    words = {"card": "lost stolen card block".split(), "loan": "loan rate money house".split()}
    labels = [draw.choice(list(words)) for _ in range(rows)]
    text = [" ".join(draw.choices([*words[label], "please", "my"], k=6)) for label in labels]
    return pl.DataFrame({"text": text, "number": list(range(rows)), "label": labels})


@pytest.mark.parametrize("rows", [20, 600])
def test_texts_are_told_apart_by_their_words(rows: int) -> None:
    trained = train(Recipe.text, letters(rows), label="label", parameters={})
    assert accuracy(trained, letters(rows)) > 0.95
    assert [feature.name for feature in trained.spec.features] == ["text"]
    assert dict(trained.report.ignored) == {"number": "not the column of texts"}


def test_one_text_of_several_columns_has_to_be_named() -> None:
    frame = letters(50).with_columns(other=pl.lit("something"))
    with pytest.raises(TrainingError, match="other") as caught:
        train(Recipe.text, frame, label="label", parameters={})
    assert caught.value.code == "training.text"
    trained = train(Recipe.text, frame, label="label", parameters={"text": "text"})
    assert trained.spec.features[0].name == "text"


def test_a_table_without_texts_is_refused_by_the_recipe_for_texts() -> None:
    with pytest.raises(TrainingError) as caught:
        train(Recipe.text, letters(50).drop("text"), label="label", parameters={})
    assert caught.value.code == "training.text"


def test_texts_without_a_word_are_refused() -> None:
    frame = letters(50).with_columns(text=pl.lit("…"))
    with pytest.raises(TrainingError) as caught:
        train(Recipe.text, frame, label="label", parameters={})
    assert caught.value.code == "training.features"


def test_a_word_of_one_text_alone_never_enters_a_larger_model() -> None:
    text = letters(600).get_column("text").to_list()
    frame = letters(600).with_columns(text=pl.Series(["lovelace", *text[1:]]))
    trained = train(Recipe.text, frame, label="label", parameters={})
    assert b"lovelace" not in dump_model(trained.estimator, trained.spec)


def test_held_out_rows_keep_the_shares_of_the_classes() -> None:
    frame = table(400)
    learn, test = split(frame, "label", seed=3, holdout=0.25)
    assert (learn.height, test.height) == (300, 100)
    share = (frame["label"] == "yes").mean()
    assert (test["label"] == "yes").mean() == pytest.approx(share, abs=0.01)
    assert not set(learn["name"]) & set(test["name"])


def test_breast_cancer_is_recognised() -> None:
    data = load_breast_cancer()
    frame = pl.DataFrame(data.data, schema=list(data.feature_names)).with_columns(
        label=pl.Series(data.target_names[data.target])
    )
    learn, test = split(frame, "label", seed=0, holdout=0.2)
    assert accuracy(tabular(learn), test) > 0.95


def read_csv(path: Path) -> pl.DataFrame:
    with path.open("rb") as stream:
        return read_table(stream, Format.CSV, ReadOptions(formulas="text"))


def test_income_is_predicted_as_well_as_measured_before(shared_data: Path) -> None:
    learn, test = (
        read_csv(shared_data / f"tabular-adult/adult_{part}.csv") for part in ("train", "test")
    )
    assert accuracy(tabular(learn, "target"), test) > 0.865


def test_intents_are_recognised_as_well_as_measured_before(shared_data: Path) -> None:
    learn, test = (
        read_csv(shared_data / f"support-banking77/{part}.csv") for part in ("train", "test")
    )
    trained = train(Recipe.text, learn, label="category", parameters={})
    assert accuracy(trained, test) > 0.89
