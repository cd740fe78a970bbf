"""The isolated job that judges: `data` and `model` in, a report of measures out.

Parameters: `format` and `options` of the data; `part`, `holdout` for the rows that the training
with this `seed` and this share `holdout` kept out, or `all`.
"""

from __future__ import annotations

from typing import Any

from freehold.compute import Child
from freehold.evaluation._metrics import class_recalls, measure, top_confusions
from freehold.models import Label, load_model
from freehold.training import class_indices, labelled, read_rows, split

_CONFUSIONS_MAX = 20  # what a person reads


def main(child: Child) -> dict[str, Any]:
    """Measure the model on the rows that it has to be measured on.

    Raises:
        ArtifactError, DataError, EvaluationError, InputError, TrainingError: it cannot be done.
    """
    task = child.parameters
    model = load_model(child.inputs["model"].read())
    label = model.spec.label
    frame = read_rows(child.inputs["data"], task)
    if task["part"] == "holdout":
        _, rows = split(frame, label, seed=task["seed"], holdout=task["holdout"])
    else:
        rows = labelled(frame, label)
    classes = model.spec.classes
    actual = class_indices(rows.get_column(label), classes)
    probabilities = model.probabilities(rows)
    predicted = probabilities.argmax(axis=1)
    names: dict[int, Label | None] = {-1: None, **dict(enumerate(classes))}
    return {
        "metrics": measure(actual, probabilities, seed=task["seed"]),
        "rows": rows.height,
        "rows_of_unknown_class": int((actual < 0).sum()),
        "recall": [
            {"class": names[index], "rows": int((actual == index).sum()), "recall": recall}
            for index, recall in class_recalls(actual, predicted).items()
        ],
        "confusions": [
            {"actual": names[right], "predicted": names[given], "rows": count}
            for right, given, count in top_confusions(actual, predicted, limit=_CONFUSIONS_MAX)
        ],
    }
