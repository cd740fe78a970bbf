"""What a recipe gives back, and what all recipes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from freehold.models import ModelSpec
from freehold.training.errors import TrainingError


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What was learned from, in numbers and names of columns."""

    rows: int
    rows_without_label: int
    features: int
    classes: int
    algorithm: str
    ignored: Mapping[str, str]  # columns left out, with the reason
    seconds: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted estimator, what it expects and gives, and how it came about."""

    estimator: Any
    spec: ModelSpec
    report: TrainingReport


def setting(
    parameters: Mapping[str, Any], name: str, *, allowed: tuple[str, ...] = ()
) -> str | None:
    """Give the recipe's one setting, or None; refuse every other."""
    for given in parameters:
        if given != name:
            raise TrainingError(
                "training.parameters", f"there is no setting {given!r:.40}; there is {name!r}"
            )
    value = parameters.get(name)
    if value is not None and (not isinstance(value, str) or (allowed and value not in allowed)):
        expected = f"one of {', '.join(allowed)}" if allowed else "a text"
        raise TrainingError("training.parameters", f"{name}: expected {expected}")
    return value


def details(algorithm: str, seed: int) -> dict[str, Any]:
    """Tell how a model was made, for its `ModelSpec`."""
    libraries = {name: version(name) for name in ("numpy", "scikit-learn", "skops")}
    return {"algorithm": algorithm, "seed": seed, "libraries": libraries}
