"""Evaluation: how good a model is on rows it has not seen, and whether that is good enough."""

from freehold.evaluation._acts import DECLARATIONS
from freehold.evaluation._metrics import (
    METRICS,
    Threshold,
    Verdict,
    accuracy_interval,
    class_recalls,
    judge,
    measure,
    top_confusions,
)
from freehold.evaluation._service import EvaluationService, Plan, Result
from freehold.evaluation.errors import EvaluationError

__all__ = [
    "DECLARATIONS",
    "METRICS",
    "EvaluationError",
    "EvaluationService",
    "Plan",
    "Result",
    "Threshold",
    "Verdict",
    "accuracy_interval",
    "class_recalls",
    "judge",
    "measure",
    "top_confusions",
]
