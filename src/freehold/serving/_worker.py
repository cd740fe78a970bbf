"""The isolated process behind a deployment: `model` in, then one answer per question."""

from __future__ import annotations

from functools import partial

from freehold.compute import Answer, Child
from freehold.models import load_model
from freehold.serving._predictor import predict


def main(child: Child) -> Answer:
    """Open the model and give the function that answers.

    Raises:
        ArtifactError: the bytes are no model that may be opened.
    """
    return partial(predict, load_model(child.inputs["model"].read()))
