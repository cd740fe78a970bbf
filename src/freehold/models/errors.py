"""What can be wrong with a model's artifact, or with the rows it is given.

FreeholdError
└── ModelError
    ├── ArtifactError   models.artifact: bytes that are no model artifact, or lie about themselves
    │                   models.untrusted: an artifact that holds a type no recipe makes
    └── InputError      models.column_missing, models.column_unknown, models.column_type,
                        models.value: rows that do not fit what the model expects
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class ModelError(FreeholdError):
    """A model, or what it is to be used on, is not as it must be."""


class ArtifactError(ModelError):
    """Bytes that cannot be opened as a model; nothing of them was executed."""


class InputError(ModelError):
    """Rows that do not fit the features of the model. Messages name columns, never values."""
