"""A model is judged, isolated, on exactly the rows that it did not learn from."""

from __future__ import annotations

import io

import polars as pl
import pytest

from freehold.compute import Job, JobFailed, LocalExecutor
from freehold.models import load_model
from freehold.training import class_indices, split
from tests.training.test_job import training_job
from tests.training.test_recipes import table


@pytest.fixture(scope="module")
def executor() -> LocalExecutor:
    return LocalExecutor()


@pytest.fixture(scope="module")
def model(executor: LocalExecutor) -> bytes:
    return executor.run(training_job(table(), "tabular")).outputs["model"]


def judging_job(frame: pl.DataFrame, model: bytes, part: str) -> Job:
    buffer = io.BytesIO()
    frame.write_csv(buffer)
    parameters = {"format": "csv", "options": {}, "part": part, "seed": 7, "holdout": 0.2}
    return Job(
        "freehold.evaluation._job:main", parameters, {"data": buffer.getvalue(), "model": model}
    )


def test_the_rows_held_out_of_training_are_judged(executor: LocalExecutor, model: bytes) -> None:
    report = executor.run(judging_job(table(), model, "holdout")).report
    _, test = split(table(), "label", seed=7, holdout=0.2)
    opened = load_model(model)
    actual = class_indices(test.get_column("label"), opened.spec.classes)
    expected = (opened.probabilities(test).argmax(axis=1) == actual).mean()
    assert report["rows"] == 60
    assert report["metrics"]["accuracy"] == pytest.approx(expected)
    assert {entry["class"] for entry in report["recall"]} == {"no", "yes"}
    assert sum(entry["rows"] for entry in report["recall"]) == 60


def test_a_dataset_of_its_own_is_judged_whole(executor: LocalExecutor, model: bytes) -> None:
    frame = table().with_columns(label=pl.Series(["new", *table()["label"].to_list()[1:]]))
    report = executor.run(judging_job(frame, model, "all")).report
    assert report["rows"] == 300
    assert report["rows_of_unknown_class"] == 1
    assert None in {entry["class"] for entry in report["recall"]}
    again = executor.run(judging_job(frame, model, "all")).report
    assert again == report


def test_what_is_no_model_is_refused(executor: LocalExecutor) -> None:
    with pytest.raises(JobFailed) as caught:
        executor.run(judging_job(table(), b"no model", "all"))
    assert caught.value.code == "models.artifact"
