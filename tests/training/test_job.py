"""Training runs isolated, and twice the same is the same model."""

from __future__ import annotations

import io

import polars as pl
import pytest

from freehold.compute import Job, JobFailed, LocalExecutor
from freehold.models import load_model
from tests.training.test_recipes import letters, table


@pytest.fixture(scope="module")
def executor() -> LocalExecutor:
    return LocalExecutor()


def training_job(frame: pl.DataFrame, recipe: str, **changes: object) -> Job:
    buffer = io.BytesIO()
    frame.write_csv(buffer)
    parameters = {
        "recipe": recipe,
        "label": "label",
        "parameters": {},
        "seed": 7,
        "holdout": 0.2,
        "format": "csv",
        "options": {"formulas": "text", "missing": []},
        **changes,
    }
    return Job("freehold.training._job:main", parameters, {"data": buffer.getvalue()}, ("model",))


@pytest.mark.parametrize(
    ("recipe", "frame"),
    [("tabular", table(300)), ("tabular", table(1_200)), ("text", letters(600))],
    ids=["linear", "boosting", "text"],
)
def test_two_processes_make_the_same_model(
    executor: LocalExecutor, recipe: str, frame: pl.DataFrame
) -> None:
    first, second = (executor.run(training_job(frame, recipe)) for _ in range(2))
    assert first.outputs["model"] == second.outputs["model"]
    assert load_model(first.outputs["model"]).spec.recipe == recipe
    assert first.report["rows"] == frame.height - round(frame.height * 0.2)
    assert first.report["rows_held_out"] == round(frame.height * 0.2)
    assert first.report["features"] > 0


def test_another_seed_holds_out_other_rows(executor: LocalExecutor) -> None:
    first = executor.run(training_job(table(), "tabular"))
    second = executor.run(training_job(table(), "tabular", seed=8))
    assert first.outputs["model"] != second.outputs["model"]


def test_without_a_holdout_every_labelled_row_is_learned_from(executor: LocalExecutor) -> None:
    label = [None, *table().get_column("label").to_list()[1:]]
    frame = table().with_columns(label=pl.Series(label))
    for holdout, rows in ((0, 299), (0.5, 149)):
        report = executor.run(training_job(frame, "tabular", holdout=holdout)).report
        assert report["rows"] == rows
        assert report["rows_without_label"] == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"label": "nothing"}, "training.label_missing"),
        ({"recipe": "magic"}, "training.recipe"),
        ({"format": "jsonl"}, "data.json"),
    ],
)
def test_what_is_wrong_arrives_with_its_code(
    executor: LocalExecutor, change: dict[str, str], code: str
) -> None:
    with pytest.raises(JobFailed) as caught:
        executor.run(training_job(table(), **{"recipe": "tabular", **change}))
    assert caught.value.code == code
