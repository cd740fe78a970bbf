"""The Open Inference Protocol, version 2, as its published description has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from freehold.verbs import VERBS
from tests.estate.world import make_world

INPUTS = [
    {"name": "age", "shape": [2], "datatype": "INT64", "data": [50, 30]},
    {"name": "pressure", "shape": [2, 1], "datatype": "FP64", "data": [[150.0], [115.0]]},
    {"name": "ward", "shape": [2], "datatype": "BYTES", "data": ["north", "south"]},
]


def request(**changes: Any) -> dict[str, Any]:
    return {"id": "42", "inputs": INPUTS, **changes}


def one(index: int, **changes: Any) -> dict[str, Any]:
    """A request with one input changed."""
    inputs = [dict(each) for each in INPUTS]
    inputs[index] |= changes
    return request(inputs=inputs)


# ---- the published description, in the subset of YAML that it is written in


def read_yaml(text: str) -> Any:
    """Read block mappings, block lists and one-line scalars."""
    lines = [
        (len(line) - len(line.lstrip()), line.strip())
        for line in text.splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    value, rest = _block(lines)
    assert not rest
    return value


_Lines = list[tuple[int, str]]


def _block(lines: _Lines) -> tuple[Any, _Lines]:
    indent = lines[0][0]
    if lines[0][1].startswith("- "):
        items = []
        while lines and lines[0][0] == indent and lines[0][1].startswith("- "):
            rest = lines[0][1][2:]
            inner = [(indent + 2, rest), *lines[1:]]
            if ": " in rest or rest.endswith(":"):
                value, lines = _block(inner)
            else:
                value, lines = _scalar(rest), lines[1:]
            items.append(value)
        return items, lines
    found = {}
    while lines and lines[0][0] == indent and not lines[0][1].startswith("- "):
        name, _, rest = lines[0][1].partition(":")
        lines = lines[1:]
        if rest.strip():
            found[_scalar(name)] = _scalar(rest)
        elif lines and (lines[0][0] > indent or lines[0][1].startswith("- ")):
            found[_scalar(name)], lines = _block(lines)
    return found, lines


def _scalar(text: str) -> Any:
    text = text.strip()
    if text[:1] in "'\"":
        return text[1:-1]
    return {"true": True, "false": False, "{}": {}, "[]": []}.get(text, text)


@pytest.fixture(scope="module")
def described(shared_data: Path) -> Any:
    path = shared_data / "api-open-inference" / "open_inference_rest.yaml"
    return read_yaml(path.read_text())


def fits(described: Any, name: str, value: Any) -> None:
    """Hold a value to a schema of the description."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    jsonschema.validate(value, schema)


def test_the_description_is_read_with_its_teeth(described):
    for name in ("inference_response", "metadata_model_response", "metadata_model_error_response"):
        with pytest.raises(jsonschema.ValidationError):
            fits(described, name, {})
    with pytest.raises(jsonschema.ValidationError):
        fits(described, "inference_response", {"model_name": 3, "outputs": []})


# ---- health and metadata


def test_health_is_told_to_anybody(asking):
    assert asking().get("/v2/health/live").json() == {"live": True}
    assert asking().get("/v2/health/ready").json() == {"ready": True}


def test_the_server_tells_its_metadata(asking, described):
    fits(described, "metadata_server_response", asking().get("/v2").json())
    assert asking().get("/v2").json()["name"] == "freehold"


def test_a_deployment_tells_what_it_takes_and_gives(asking, described):
    told = asking("dana").get("/v2/models/triage").json()
    fits(described, "metadata_model_response", told)
    assert {(each["name"], each["datatype"]) for each in told["inputs"]} == {
        ("age", "FP64"),
        ("pressure", "FP64"),
        ("ward", "BYTES"),
    }
    assert [each["shape"] for each in told["outputs"]] == [[-1], [-1, 2]]


@pytest.mark.parametrize(("name", "is_ready"), [("triage", True), ("none", False)])
def test_a_model_is_ready_or_not(asking, name, is_ready):
    told = asking("dana").get(f"/v2/models/{name}/ready")
    assert (told.status_code, told.json()["ready"]) == (200, is_ready)


# ---- infer


def test_an_answer_has_the_shape_of_the_protocol(asking, described):
    fits(described, "inference_request", request())
    answer = asking("dana").post("/v2/models/triage/infer", json=request())
    assert answer.status_code == 200
    told = answer.json()
    fits(described, "inference_response", told)
    assert (told["id"], told["model_name"], told["model_version"]) == ("42", "triage", "1")
    label, probabilities = told["outputs"]
    assert (label["name"], label["datatype"], label["shape"]) == ("label", "BYTES", [2])
    assert label["data"] == ["ill", "well"]
    assert (probabilities["datatype"], probabilities["shape"]) == ("FP64", [2, 2])
    assert len(probabilities["data"]) == 4
    assert told["parameters"]["classes"] == ["ill", "well"]


def test_an_answer_names_its_decision_and_carries_the_logs_word(asking):
    told = asking("dana").post("/v2/models/triage/infer", json=request()).json()["parameters"]
    assert told["promise"].startswith("freehold/promise/v1\n")
    receipt = asking("dana").get(f"/v1/decisions/{told['decision']}/receipt")
    assert receipt.text.startswith("c2sp.org/tlog-proof@v1\n")


def test_a_missing_value_and_unknown_members_are_no_error(asking):
    body = one(0, data=[None, 30], parameters={"x": 1}) | {"outputs": [{"name": "label"}], "y": 2}
    assert asking("dana").post("/v2/models/triage/infer", json=body).status_code == 200


def test_a_subject_is_named_by_pseudonym(client_of, deployed):
    client, pipeline = client_of(deployed, "dana"), deployed.estate.pipeline

    def domain(subject: str) -> str:
        body = request(parameters={"subject": subject})
        assert client.post("/v2/models/triage/infer", json=body).status_code == 200
        return str(pipeline.record(pipeline.stores.log.size - 1).body.domain)

    assert domain("case-1") == domain("case-1") != domain("case-2")


REFUSED = {
    "a shape of other length": (one(0, shape=[3]), "api.shape"),
    "a shape of a matrix": (one(0, shape=[1, 2]), "api.shape"),
    "no shape": (one(0, shape=[]), "api.shape"),
    "a shape below nothing": (one(0, shape=[-1]), "api.shape"),
    "an unknown datatype": (one(0, datatype="INT7"), "api.datatype"),
    "a datatype that the data are not of": (one(0, data=["x", "y"]), "api.datatype"),
    "truth values where numbers are said": (one(0, data=[True, False]), "api.datatype"),
    "numbers where texts are said": (one(2, data=[1, 2]), "api.datatype"),
    "a number that JSON does not hold": (one(0, data=[2**60, 1]), "serving.value"),
    "a text where the model reads a number": (
        one(0, data=["x", "y"], datatype="BYTES"),
        "serving.value",
    ),
    "a column the model does not read": (one(0, name="height"), "models.column_missing"),
    "an input twice": (request(inputs=[*INPUTS, INPUTS[0]]), "api.inference"),
    "no inputs": (request(inputs=[]), "api.inference"),
    "inputs that are no list": (request(inputs={}), "api.inference"),
    "rows of different number": (one(0, shape=[1], data=[50]), "serving.request"),
    "a subject that is no text": (request(parameters={"subject": {"a": 1}}), "api.inference"),
    "no object": ([], "api.inference"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_that_does_not_fit_is_an_error_of_the_protocol(asking, described, case):
    body, code = REFUSED[case]
    answer = asking("dana").post("/v2/models/triage/infer", json=body)
    assert answer.status_code == 422
    fits(described, "metadata_model_error_response", answer.json())
    assert answer.json()["code"] == code


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"inputs": NaN}', b'{"a":1,"a":2}'])
def test_a_body_that_is_no_json_is_an_error_of_the_protocol(asking, described, body):
    answer = asking("dana").post("/v2/models/triage/infer", content=body)
    assert answer.status_code == 422
    fits(described, "metadata_model_error_response", answer.json())


def test_an_unknown_model_is_404(asking, described):
    for method, path in (("GET", ""), ("POST", "/infer")):
        answer = asking("dana").request(method, f"/v2/models/none{path}", json=request())
        assert answer.status_code == 404
        fits(described, "metadata_model_error_response", answer.json())


def test_a_body_without_end_is_413(asking, described):
    answer = asking("dana").post("/v2/models/triage/infer", content=b" " * 9_000_000)
    assert answer.status_code == 413
    fits(described, "metadata_model_error_response", answer.json())


def test_whoever_may_not_ask_is_403_and_a_stranger_401(asking, described):
    for person, status in (("ada", 403), ("", 401)):
        answer = asking(person).post("/v2/models/triage/infer", json=request())
        assert answer.status_code == status
        fits(described, "metadata_model_error_response", answer.json())
    assert asking().get("/v2/models/triage").status_code == 401
    assert asking().get("/v2/models/triage/ready").status_code == 401


def test_a_stopped_deployment_is_503_and_not_ready(client_of, deployed):
    deployed.estate.serving.stop(deployed.actor("otto"), "triage")
    client = client_of(deployed, "dana")
    assert client.post("/v2/models/triage/infer", json=request()).status_code == 503
    assert client.get("/v2/models/triage/ready").json()["ready"] is False


def test_without_a_ratified_charter_the_server_is_not_ready(client_of, tmp_path):
    world = make_world(tmp_path / "world", is_ratified=False)
    assert client_of(world).get("/v2/health/ready").json() == {"ready": False}
    world.close()


def test_asking_by_verb_is_the_same_answer(asking):
    assert "serving.ask" in VERBS
    rows = '{"age": [50, 30], "pressure": [150, 115], "ward": ["north", "south"]}'
    verb = asking("dana").post("/v1/serving/ask", json={"name": "triage", "rows": rows}).json()
    protocol = asking("dana").post("/v2/models/triage/infer", json=request()).json()
    assert verb["labels"] == protocol["outputs"][0]["data"]
