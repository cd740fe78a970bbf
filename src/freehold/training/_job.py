"""The isolated job that trains: `data` in, `model` out, and a report without any value of the data.

Parameters: `recipe`, `label`, `parameters` of the recipe, `seed`, `holdout` (the share that is kept
out of training, 0 for none), `format` and `options` of the data.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from freehold.compute import Child
from freehold.models import dump_model
from freehold.training._recipes import Recipe, train
from freehold.training._rows import read_rows, split


def main(child: Child) -> dict[str, Any]:
    """Train on the rows that are not held out, and write the artifact.

    Raises:
        DataError, TrainingError: the data does not allow it.
    """
    task = child.parameters
    label, seed, holdout = task["label"], task["seed"], task["holdout"]
    frame = read_rows(child.inputs["data"], task)
    learn, held_out = (
        split(frame, label, seed=seed, holdout=holdout) if holdout else (frame, frame.clear())
    )
    trained = train(
        Recipe(task["recipe"]), learn, label=label, parameters=task["parameters"], seed=seed
    )
    child.outputs["model"].write(dump_model(trained.estimator, trained.spec))
    report = asdict(trained.report)
    if holdout:
        report["rows_without_label"] = frame.height - learn.height - held_out.height
    return {**report, "rows_held_out": held_out.height}
