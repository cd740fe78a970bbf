"""A model answers from an isolated process."""

from __future__ import annotations

import pytest

from freehold.compute import Job, JobFailed, LocalExecutor
from freehold.models import LoadedModel, dump_model
from freehold.serving import predict
from freehold.training import Recipe, train
from tests.serving.test_predictor import ROW
from tests.training.test_recipes import table


@pytest.fixture(scope="module")
def executor() -> LocalExecutor:
    return LocalExecutor()


def worker_job(model: bytes) -> Job:
    return Job("freehold.serving._worker:main", inputs={"model": model})


def test_a_worker_answers_as_the_model_does_and_survives_a_bad_question(
    executor: LocalExecutor,
) -> None:
    trained = train(Recipe.tabular, table(), label="label", parameters={})
    model = LoadedModel(trained.spec, trained.estimator)
    with executor.start(worker_job(dump_model(trained.estimator, trained.spec))) as worker:
        assert worker.ask({"rows": ROW}, timeout_seconds=30) == predict(model, {"rows": ROW})
        with pytest.raises(JobFailed) as caught:
            worker.ask({"rows": {"number": [1]}}, timeout_seconds=30)
        assert caught.value.code == "models.column_missing"
        assert worker.ask({"rows": ROW}, timeout_seconds=30)["labels"] == ["yes"]


def test_a_worker_for_what_is_no_model_never_starts(executor: LocalExecutor) -> None:
    with pytest.raises(JobFailed) as caught:
        executor.start(worker_job(b"no model"))
    assert caught.value.code == "models.artifact"
