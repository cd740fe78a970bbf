"""Training: recipes that turn governed rows into a model, in a process of their own."""

from freehold.training._acts import DECLARATIONS
from freehold.training._labels import class_indices, labelled
from freehold.training._recipes import Recipe, train
from freehold.training._rows import read_rows, split
from freehold.training._service import Run, Task, TrainingService
from freehold.training._trained import Trained, TrainingReport
from freehold.training.errors import TrainingError

__all__ = [
    "DECLARATIONS",
    "Recipe",
    "Run",
    "Task",
    "Trained",
    "TrainingError",
    "TrainingReport",
    "TrainingService",
    "class_indices",
    "labelled",
    "read_rows",
    "split",
    "train",
]
