"""What a model expects and gives: features, label and classes. Facts only, kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from freehold.models.errors import ArtifactError

Label = str | int | bool


class FeatureKind(StrEnum):
    """What one column of the rows holds."""

    number = "number"
    boolean = "boolean"
    time = "time"
    category = "category"
    text = "text"


@dataclass(frozen=True, slots=True)
class Feature:
    """One column that a model reads.

    Args:
        name: the column's name.
        kind: what it holds.
        categories: the values that a category was learned with; every other one counts as *other*.
    """

    name: str
    kind: FeatureKind
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What whoever serves or evaluates a model has to know about it.

    Args:
        recipe: name of the recipe that trained it.
        label: the column that it predicts.
        classes: the values it chooses among, in the order of its probabilities.
        features: the columns that it reads, in the order of its matrix.
        details: the recipe's settings and the versions of the libraries it was made with.
    """

    recipe: str
    label: str
    classes: tuple[Label, ...]
    features: tuple[Feature, ...]
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Give the content of the artifact's `model.json`."""
        return {
            "v": 1,
            "recipe": self.recipe,
            "label": self.label,
            "classes": list(self.classes),
            "features": [
                {"name": f.name, "kind": f.kind.value, "categories": list(f.categories)}
                for f in self.features
            ],
            "details": dict(self.details),
        }

    @classmethod
    def from_json(cls, value: Any) -> ModelSpec:
        """Read what `to_json` gives.

        Raises:
            ArtifactError: any other shape.
        """
        try:
            if value["v"] != 1:
                raise ArtifactError(
                    "models.artifact",
                    f"model.json has version {value['v']!r:.20}, expected 1",
                    "open it with the version of Freehold that made it",
                )
            features = tuple(
                Feature(
                    _text(f["name"]), FeatureKind(f["kind"]), tuple(map(_text, f["categories"]))
                )
                for f in value["features"]
            )
            classes = tuple(map(_label, value["classes"]))
            details = dict(value["details"])
            return cls(_text(value["recipe"]), _text(value["label"]), classes, features, details)
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(
                "models.artifact", f"model.json is not as it must be: {error!r:.100}"
            ) from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _label(value: Any) -> Label:
    if not isinstance(value, str | int | bool):
        raise TypeError("a class is a text, an integer or a boolean")
    return value
