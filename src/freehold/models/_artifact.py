"""Pack a trained estimator into bytes and open it again, without ever executing what lies in them.

The artifact is a zip file that skops' own `load` reads as well, with one more member:

    model.json           the `ModelSpec`, canonical JSON (RFC 8785)
    schema.json          skops' description of the objects
    000000.npy, …        the arrays, in the order in which the schema names them

The same estimator always gives the same bytes: skops' memory addresses are left out, members are
named by order, sorted, dated 1980 and *stored*. Nothing is compressed, so the bytes depend on no
compressor, and nothing can unfold on opening: a member's size is the size it takes in the file.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.kernel import FreeholdError, canonical, parse_json
from freehold.models._audit import TRUSTED, refuse_untrusted, refuse_wild_indices
from freehold.models._features import matrix, texts
from freehold.models._spec import FeatureKind, ModelSpec
from freehold.models.errors import ArtifactError

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip file can hold
_ARTIFACT_BYTES_MAX = 1_073_741_824  # what a job may give back
_MEMBERS_MAX = 1_000_000  # a large boosting model has some 20,000 arrays
_SPEC, _SCHEMA = "model.json", "schema.json"
# what zipfile, json, numpy and skops raise for content that is not as it must be
_DAMAGE = (
    zipfile.BadZipFile,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    NotImplementedError,
    EOFError,
    OSError,
)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready to predict."""

    spec: ModelSpec
    estimator: Any

    def probabilities(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """Give the probability of each class for each row: (rows, classes).

        Raises:
            InputError: the rows do not fit the model's features.
        """
        features = self.spec.features
        is_text = len(features) == 1 and features[0].kind is FeatureKind.text
        inputs = texts(frame, features[0]) if is_text else matrix(frame, features)
        given: NDArray[np.float64] = self.estimator.predict_proba(inputs)
        return given


def dump_model(estimator: Any, spec: ModelSpec) -> bytes:
    """Pack a fitted estimator of a recipe; the same estimator and spec give the same bytes.

    Raises:
        ArtifactError: the estimator holds a type that `load_model` would refuse.
    """
    import skops.io  # takes two seconds, which only a process that trains or predicts should pay

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator))) as packed:
        names: dict[str, str] = {}
        schema = _canonical_schema(json.loads(packed.read(_SCHEMA)), names)
        refuse_untrusted(schema)
        members = {new: packed.read(old) for old, new in names.items()}
    members[_SCHEMA] = json.dumps(schema, separators=(",", ":")).encode()
    members[_SPEC] = canonical(spec.to_json())
    return _pack(members)


def load_model(artifact: bytes) -> LoadedModel:
    """Open an artifact.

    Raises:
        ArtifactError: it is damaged, lies about its sizes, or holds a type that no recipe makes.
    """
    import skops.io  # as in `dump_model`

    members, spec = _opened(artifact)
    try:
        refuse_untrusted(json.loads(members[_SCHEMA]))
        for name, data in members.items():
            if name not in (_SPEC, _SCHEMA):
                _check_array(name, data)
        estimator = skops.io.loads(artifact, trusted=sorted(TRUSTED))
        refuse_wild_indices(estimator)
    except ArtifactError:
        raise
    except _DAMAGE as error:
        raise _damaged(error) from error
    return LoadedModel(spec, estimator)


def read_card(artifact: bytes) -> dict[str, Any]:
    """Read what a model expects and gives, without opening its estimator.

    Raises:
        ArtifactError: the bytes are no artifact.
    """
    return _opened(artifact)[1].to_json()


def _opened(artifact: bytes) -> tuple[dict[str, bytes], ModelSpec]:
    try:
        members = _members(artifact)
        return members, ModelSpec.from_json(parse_json(members[_SPEC]))
    except ArtifactError:
        raise
    except (FreeholdError, *_DAMAGE) as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> ArtifactError:
    return ArtifactError(
        "models.artifact",
        f"these bytes are no model artifact: {type(error).__name__}",
        "give the artifact as it was made; it may have been cut off or edited",
    )


def _canonical_schema(node: Any, names: dict[str, str]) -> Any:
    """Copy a schema without memory addresses; `names` collects old file names and new ones."""
    if isinstance(node, list):
        return [_canonical_schema(part, names) for part in node]
    if not isinstance(node, dict):
        return node
    copy = {}
    for key, value in node.items():
        if key == "__id__":
            continue
        if key == "file" and "__loader__" in node:
            if not value.endswith(".npy"):
                raise ArtifactError("models.untrusted", f"no recipe makes a file {value[-20:]!r}")
            value = names.setdefault(value, f"{len(names):06d}.npy")
        copy[key] = _canonical_schema(value, names)
    return copy


def _pack(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, members[name])
    return buffer.getvalue()


def _members(artifact: bytes) -> dict[str, bytes]:
    """Read all members of a zip file in which nothing is compressed, doubled or hidden."""
    if len(artifact) > _ARTIFACT_BYTES_MAX:
        raise ArtifactError(
            "models.artifact",
            f"{len(artifact)} bytes, at most {_ARTIFACT_BYTES_MAX} are opened",
        )
    with zipfile.ZipFile(io.BytesIO(artifact)) as packed:
        entries = packed.infolist()
        stored = all(
            entry.compress_type == zipfile.ZIP_STORED and entry.file_size == entry.compress_size
            for entry in entries
        )
        if not stored or len(entries) > _MEMBERS_MAX:
            raise ArtifactError("models.artifact", "an artifact holds stored members alone")
        if len({entry.filename for entry in entries}) != len(entries):
            raise ArtifactError("models.artifact", "an artifact holds each name once")
        if sum(entry.file_size for entry in entries) > len(artifact):
            raise ArtifactError("models.artifact", "members overlap: their sizes are a lie")
        return {entry.filename: packed.read(entry) for entry in entries}


def _check_array(name: str, data: bytes) -> None:
    """Refuse an array whose header claims another size than its bytes have."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ArtifactError("models.artifact", f"{name:.40}: expected an array of format 1.0")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    size = dtype.itemsize
    for length in shape:
        size *= length
    if dtype.hasobject or min(shape, default=0) < 0 or size != len(data) - stream.tell():
        raise ArtifactError("models.artifact", f"{name:.40}: an array lies about its size")
