"""Serving: a model answers questions about rows, from a process of its own."""

from freehold.serving._acts import DECLARATIONS
from freehold.serving._predictor import predict, rows_frame
from freehold.serving._service import Columns, Decision, Deployment, ServingService
from freehold.serving.errors import ServingError

__all__ = [
    "DECLARATIONS",
    "Columns",
    "Decision",
    "Deployment",
    "ServingError",
    "ServingService",
    "predict",
    "rows_frame",
]
