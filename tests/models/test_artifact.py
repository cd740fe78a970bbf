"""An artifact is the same bytes every time, executes nothing, and does not lie about its sizes."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from freehold.models import (
    ArtifactError,
    Feature,
    FeatureKind,
    InputError,
    ModelSpec,
    dump_model,
    load_model,
    read_card,
)

SPEC = ModelSpec(
    "tabular",
    "y",
    (0, 1),
    (Feature("a", FeatureKind.number), Feature("b", FeatureKind.category, ("u", "v"))),
    {"seed": 0},
)
FRAME = pl.DataFrame({"a": [0.0, 1.0, 2.0, None] * 50, "b": ["u", "v", "w", None] * 50})
TARGETS = np.array([0, 1, 1, 0] * 50)


def rows() -> np.ndarray:
    return np.array([[0.0, 0], [1.0, 1], [2.0, 2], [np.nan, np.nan]] * 50)


def boosting() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=3, categorical_features=[1], random_state=0).fit(
        rows(), TARGETS
    )


def members(artifact: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(artifact)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def packed(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as target:
        for name, data in parts.items():
            target.writestr(name, data)
    return buffer.getvalue()


def test_a_model_is_opened_as_it_was_and_predicts_the_same() -> None:
    estimator = boosting()
    loaded = load_model(dump_model(estimator, SPEC))
    assert loaded.spec == SPEC
    expected = estimator.predict_proba(rows())
    assert loaded.probabilities(FRAME).tolist() == expected.tolist()


def test_the_same_model_is_the_same_bytes() -> None:
    assert dump_model(boosting(), SPEC) == dump_model(boosting(), SPEC)


def test_the_bytes_hold_neither_times_nor_memory_addresses_nor_compression() -> None:
    with zipfile.ZipFile(io.BytesIO(dump_model(boosting(), SPEC))) as artifact:
        names = artifact.namelist()
        assert names == sorted(names)
        assert {entry.date_time for entry in artifact.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in artifact.infolist()} == {zipfile.ZIP_STORED}
        assert b"__id__" not in artifact.read("schema.json")


def test_skops_itself_opens_an_artifact() -> None:
    artifact = dump_model(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), SPEC)
    assert skops.io.loads(artifact).predict([[1.0]]).tolist() == [1]


def test_the_card_tells_what_the_model_takes_and_gives() -> None:
    card = read_card(dump_model(boosting(), SPEC))
    assert card == SPEC.to_json()
    assert card["classes"] == [0, 1]
    assert card["features"][1] == {"name": "b", "kind": "category", "categories": ["u", "v"]}


@pytest.mark.parametrize("open_it", [load_model, read_card])
@pytest.mark.parametrize(
    "damage",
    [
        lambda artifact: b"",
        lambda artifact: b"PK\x03\x04 no zip",
        lambda artifact: artifact[:-30],
        lambda artifact: artifact[: len(artifact) // 2],
        lambda artifact: packed({**members(artifact), "model.json": b"{}"}),
        lambda artifact: packed({**members(artifact), "model.json": b"[1]"}),
        lambda artifact: packed({**members(artifact), "model.json": b'{"v":2}'}),
        lambda artifact: packed({n: d for n, d in members(artifact).items() if n != "model.json"}),
        lambda artifact: packed(members(artifact), zipfile.ZIP_DEFLATED),
    ],
)
def test_damaged_bytes_are_refused(
    damage: Callable[[bytes], bytes], open_it: Callable[[bytes], Any]
) -> None:
    with pytest.raises(ArtifactError) as caught:
        open_it(damage(dump_model(boosting(), SPEC)))
    assert caught.value.code == "models.artifact"


def test_any_flipped_byte_is_refused_or_harmless() -> None:
    artifact = dump_model(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), SPEC)
    for position in range(0, len(artifact), 97):
        changed = bytearray(artifact)
        changed[position] ^= 0xFF
        try:
            load_model(bytes(changed))
        except ArtifactError:
            continue


def test_doubled_names_are_refused() -> None:
    artifact = dump_model(boosting(), SPEC)
    buffer = io.BytesIO(artifact)
    with (
        pytest.warns(UserWarning, match="Duplicate"),
        zipfile.ZipFile(buffer, "a") as target,
    ):
        target.writestr("model.json", b"{}")
    with pytest.raises(ArtifactError, match="once"):
        load_model(buffer.getvalue())


def test_an_array_that_lies_about_its_size_is_refused() -> None:
    parts = members(dump_model(boosting(), SPEC))
    name = next(name for name in parts if name.endswith(".npy"))
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    header += b" " * (63 - (len(header) + 10) % 64) + b"\n"
    parts[name] = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"x" * 80
    with pytest.raises(ArtifactError, match="size"):
        load_model(packed(parts))


def test_an_estimator_that_no_recipe_makes_cannot_be_packed() -> None:
    with pytest.raises(ArtifactError, match="DecisionTreeClassifier") as caught:
        dump_model(DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]), SPEC)
    assert caught.value.code == "models.untrusted"


@pytest.mark.parametrize(
    ("module", "name", "loader"),
    [
        ("os", "system", "FunctionNode"),
        ("builtins", "eval", "TypeNode"),
        ("subprocess", "Popen", "ObjectNode"),
        ("sklearn.tree._classes", "DecisionTreeClassifier", "ObjectNode"),
    ],
)
def test_a_foreign_type_is_refused_by_its_name(module: str, name: str, loader: str) -> None:
    parts = members(dump_model(boosting(), SPEC))
    schema = json.loads(parts["schema.json"])
    schema["content"]["content"]["extra"] = {
        "__class__": name,
        "__module__": module,
        "__loader__": loader,
        "content": {"module_path": module, "function": name},
    }
    parts["schema.json"] = json.dumps(schema).encode()
    with pytest.raises(ArtifactError, match=name) as caught:
        load_model(packed(parts))
    assert caught.value.code == "models.untrusted"


@pytest.mark.parametrize(
    ("field", "value"),
    [("left", 0), ("right", 1_000), ("feature_idx", 7), ("feature_idx", -1), ("bitset_idx", 9)],
)
def test_a_tree_that_points_outside_itself_is_refused(field: str, value: int) -> None:
    estimator = boosting()
    nodes = estimator._predictors[0][0].nodes
    inner = nodes["is_leaf"] == 0
    assert inner.any()
    if field == "bitset_idx":
        nodes["is_categorical"][inner] = 1
    nodes[field][inner] = value
    with pytest.raises(ArtifactError, match="damaged"):
        load_model(dump_model(estimator, SPEC))


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (FRAME.drop("a"), "models.column_missing"),
        (FRAME.with_columns(a=pl.lit("x")), "models.column_type"),
        (FRAME.with_columns(b=pl.lit(1)), "models.column_type"),
        (FRAME.with_columns(a=pl.lit(float("inf"))), "models.value"),
    ],
)
def test_rows_that_do_not_fit_are_refused(frame: pl.DataFrame, code: str) -> None:
    model = load_model(dump_model(boosting(), SPEC))
    with pytest.raises(InputError) as caught:
        model.probabilities(frame)
    assert caught.value.code == code
