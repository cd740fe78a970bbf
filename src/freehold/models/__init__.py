"""Models: what they expect, and their bytes, which are opened without executing anything."""

from freehold.models._acts import DECLARATIONS
from freehold.models._artifact import LoadedModel, dump_model, load_model, read_card
from freehold.models._features import matrix, texts
from freehold.models._service import ModelService, ModelVersion
from freehold.models._spec import Feature, FeatureKind, Label, ModelSpec
from freehold.models.errors import ArtifactError, InputError, ModelError

__all__ = [
    "DECLARATIONS",
    "ArtifactError",
    "Feature",
    "FeatureKind",
    "InputError",
    "Label",
    "LoadedModel",
    "ModelError",
    "ModelService",
    "ModelSpec",
    "ModelVersion",
    "dump_model",
    "load_model",
    "matrix",
    "read_card",
    "texts",
]
