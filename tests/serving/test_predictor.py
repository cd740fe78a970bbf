"""Questions are checked against what the model reads before it sees them."""

from __future__ import annotations

from typing import Any

import pytest

from freehold.kernel import FreeholdError
from freehold.models import LoadedModel, dump_model, load_model
from freehold.serving import predict
from freehold.training import Recipe, train
from tests.training.test_recipes import letters, table

ROW: dict[str, list[Any]] = {
    "number": [7.5],
    "whole": [2],
    "flag": [True],
    "day": ["2026-03-01"],
    "colour": ["red"],
}


@pytest.fixture(scope="module")
def tabular() -> LoadedModel:
    trained = train(Recipe.tabular, table(), label="label", parameters={})
    return load_model(dump_model(trained.estimator, trained.spec))


@pytest.fixture(scope="module")
def text() -> LoadedModel:
    trained = train(Recipe.text, letters(100), label="label", parameters={})
    return load_model(dump_model(trained.estimator, trained.spec))


def test_a_row_is_answered_with_label_probabilities_and_classes(tabular: LoadedModel) -> None:
    answer = predict(tabular, {"rows": ROW})
    assert answer["labels"] == ["yes"]
    assert answer["classes"] == ["no", "yes"]
    [[no, yes]] = answer["probabilities"]
    assert no + yes == pytest.approx(1)
    assert yes > 0.5


def test_a_served_row_is_answered_as_in_evaluation(tabular: LoadedModel) -> None:
    frame = table().head(50)
    columns = {name: frame.get_column(name).to_list() for name in ROW}
    columns["day"] = [day and day.isoformat() for day in columns["day"]]
    answer = predict(tabular, {"rows": columns})
    assert answer["probabilities"] == tabular.probabilities(frame).tolist()


def test_what_is_not_known_may_be_null(tabular: LoadedModel) -> None:
    answer = predict(tabular, {"rows": {name: [None, None] for name in ROW}})
    assert len(answer["labels"]) == 2


def test_a_text_is_answered(text: LoadedModel) -> None:
    answer = predict(text, {"rows": {"text": ["my card is lost", "rate of a loan", None]}})
    assert answer["labels"][:2] == ["card", "loan"]


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({}, "serving.request"),
        ({"rows": {}}, "serving.request"),
        ({"rows": [1]}, "serving.request"),
        ({"rows": ROW, "more": 1}, "serving.request"),
        ({"rows": {**ROW, "whole": 2}}, "serving.request"),
        ({"rows": {**ROW, "whole": [2, 3]}}, "serving.request"),
        ({"rows": {name: [] for name in ROW}}, "serving.request"),
        ({"rows": {name: [None] * 10_001 for name in ROW}}, "serving.too_many_rows"),
        ({"rows": {n: v for n, v in ROW.items() if n != "flag"}}, "models.column_missing"),
        ({"rows": {**ROW, "surprise": [1]}}, "models.column_unknown"),
        ({"rows": {**ROW, "number": ["7.5"]}}, "serving.value"),
        ({"rows": {**ROW, "number": [True]}}, "serving.value"),
        ({"rows": {**ROW, "number": [10**400]}}, "serving.value"),
        ({"rows": {**ROW, "flag": [1]}}, "serving.value"),
        ({"rows": {**ROW, "colour": [3]}}, "serving.value"),
        ({"rows": {**ROW, "day": ["soon"]}}, "serving.value"),
        ({"rows": {**ROW, "day": [20260301]}}, "serving.value"),
    ],
)
def test_a_question_that_does_not_fit_is_refused(
    tabular: LoadedModel, question: dict[str, Any], code: str
) -> None:
    with pytest.raises(FreeholdError) as caught:
        predict(tabular, question)
    assert caught.value.code == code


def test_a_refusal_names_the_column_and_never_the_value(tabular: LoadedModel) -> None:
    with pytest.raises(FreeholdError, match="'day', row 0") as caught:
        predict(tabular, {"rows": {**ROW, "day": ["Ada Lovelace"]}})
    assert "Ada" not in str(caught.value)
