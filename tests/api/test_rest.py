"""Every verb over REST: who calls, what is refused in which shape, what is sent and received."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from typing import Any

import pytest

from freehold.api import Listen
from freehold.listening import ListenError
from freehold.verbs import VERBS
from tests.estate.world import PURPOSE, table, verify_bundle

PROBLEM = "application/problem+json"
SOME = "00000000-0000-7000-8000-000000000000"


def ingest(client: Any, name: str = "patients", content: bytes = b"", **more: Any) -> Any:
    arguments = {"name": name, "format": "csv", "data_class": "health", "purpose": [PURPOSE]}
    return client.post(
        "/v1/data/ingest",
        params={"arguments": json.dumps({**arguments, **more})},
        content=content or table(),
    )


def test_every_verb_has_a_route_and_nothing_else_does(asking):
    paths = asking().get("/openapi.json").json()["paths"]
    verbs = {f"/v1/{verb.noun}/{verb.name}" for verb in VERBS.values()}
    assert {path for path in paths if path.startswith("/v1/")} == verbs | {
        "/v1/decisions/{decision}/receipt"
    }
    assert {path for path in paths if not path.startswith("/v1/")} == {
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/{name}",
        "/v2/models/{name}/ready",
        "/v2/models/{name}/infer",
    }


def test_a_verb_answers_with_its_result(asking):
    answer = asking("ada").post("/v1/estate/status", json={})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["organisation"], told["is_trial"], told["is_ratified"]) == (
        "Example Clinic",
        True,
        True,
    )


# ---- who calls


@pytest.mark.parametrize("path", [path for path, verb in VERBS.items() if verb.needs_actor])
def test_a_verb_without_a_token_is_401(asking, path):
    verb = VERBS[path]
    values: dict[str, Any] = {"purpose": PURPOSE, "role": ["owner"], "format": "csv"}
    arguments = {
        p.name: values.get(p.name, 1 if p.type is int else SOME)
        for p in verb.parameters
        if p.is_required
    }
    if path in ("data.clear", "data.ingest"):
        arguments["purpose"] = [PURPOSE]
    if path == "access.request":
        arguments["role"] = "steward"
    client, url = asking(), f"/v1/{verb.noun}/{verb.name}"
    if verb.upload is None:
        answer = client.post(url, json=arguments)
    else:
        answer = client.post(url, params={"arguments": json.dumps(arguments)}, content=b"x")
    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert answer.json()["code"] == "party.unauthenticated"


@pytest.mark.parametrize("header", ["Bearer", "Bearer fh_nobody", "Basic YTpi", "x"])
def test_a_header_that_is_nobodys_token_is_401(asking, header):
    answer = asking().post("/v1/data/list", json={}, headers={"Authorization": header})
    assert answer.status_code == 401


def test_calls_without_a_token_are_counted_and_few_records(client_of, deployed):
    client, log = client_of(deployed), deployed.estate.pipeline.stores.log
    size = log.size
    for _ in range(20):
        client.post("/v1/data/list", json={})
        client.get("/v2/models/triage")
        client.post("/v1/people/login", json={"statement": unsigned(client), "signature": "x"})
    assert log.size == size + 1
    deployed.estate.refusals.record()
    records = [deployed.estate.pipeline.record(index) for index in range(size, log.size)]
    assert [record.facts["count"] for record in records] == [1, 59]


def unsigned(client: Any) -> str:
    return str(client.post("/v1/people/challenge", json={"person": "ravi"}).json())


def test_nothing_of_an_upload_is_kept_for_a_stranger(client_of, world):
    answer = client_of(world).post(
        "/v1/data/ingest", params={"arguments": "{}"}, content=iter([b"a,b\n1,2\n"])
    )
    assert answer.status_code == 401


# ---- the shape of errors


def expected(client: Any, verb: str, arguments: dict[str, Any]) -> Any:
    return client.post(f"/v1/{verb.replace('.', '/')}", json=arguments)


STATUSES: dict[str, tuple[str, str, dict[str, Any], int, str | None]] = {
    "policy refuses": ("dana", "data.show", {"dataset": "patients"}, 403, "policy.denied"),
    "no such dataset": ("stella", "data.show", {"dataset": "none"}, 404, "data.unknown"),
    "no such model": ("clara", "models.show", {"model": "none"}, 404, "models.unknown"),
    "no such person": ("olivia", "people.token", {"person": "none"}, 404, "party.unknown"),
    "no such act": ("ada", "ledger.show", {"act": "none"}, 404, "act.unknown"),
    "no such kind of thing": ("clara", "training.show", {"run": "x:y"}, 404, "thing.unknown"),
    "a name where an id belongs": ("ada", "training.show", {"run": "run:x"}, 404, "thing.unknown"),
    "no reference at all": ("clara", "training.show", {"run": "No Ref"}, 422, "kernel.ref"),
    "a code that is taken": (
        "olivia",
        "people.enrol",
        {"code": "dana", "name": "D", "role": ["auditor"]},
        409,
        "party.exists",
    ),
    "a model in another state": (
        "clara",
        "models.submit",
        {"model": "triage"},
        409,
        "models.status",
    ),
    "a ratified charter": (
        "",
        "charter.statement",
        {"owner": "olivia"},
        409,
        "charter.ratified",
    ),
    "a purpose of no charter": (
        "stella",
        "data.clear",
        {"dataset": "patients", "purpose": ["none"]},
        422,
        "data.purpose",
    ),
    "no signature": ("", "people.login", {"statement": "{}", "signature": ""}, 422, None),
    "too many days": ("olivia", "people.token", {"person": "dana", "days": 999}, 422, "party.days"),
    "an argument too many": ("ada", "data.list", {"more": 1}, 422, "verb.arguments"),
    "an argument of another type": ("ada", "ledger.acts", {"limit": "x"}, 422, "verb.arguments"),
    "an argument that is missing": ("ada", "data.show", {}, 422, "verb.arguments"),
}


@pytest.mark.parametrize("case", STATUSES)
def test_an_error_is_a_problem_with_its_status_and_code(asking, case):
    person, verb, arguments, status, code = STATUSES[case]
    answer = expected(asking(person), verb, arguments)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    told = answer.json()
    assert told.keys() == {"type", "title", "status", "detail", "code", "hint"}
    assert told["status"] == status
    assert code in (None, told["code"])
    assert told["type"] == f"urn:freehold:{told['code']}"
    assert told["detail"]


def test_an_unknown_address_is_a_problem_too(asking):
    client = asking("ada")
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/data/list", 405),
        ("POST", "/docs", 404),
    ):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b"\xff", b'{"a": 1, "a": 2}'])
def test_a_body_that_is_no_object_is_a_problem(asking, body):
    answer = asking("ada").post(
        "/v1/data/show", content=body, headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)


@pytest.mark.parametrize("arguments", ["", "{", "[]", "3", "null", '{"name": 3}'])
def test_arguments_of_an_upload_that_are_no_object_are_a_problem(asking, arguments):
    answer = asking("stella").post(
        "/v1/data/ingest", params={"arguments": arguments}, content=b"a\n1\n"
    )
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)


def test_what_was_typed_wrongly_does_not_come_back(asking):
    answer = asking("ada").post("/v1/ledger/acts", json={"limit": "my-secret-token"})
    assert "my-secret-token" not in answer.text


# ---- files


def test_a_file_is_sent_as_it_is_and_ingested(client_of, world):
    answer = ingest(client_of(world, "stella"))
    assert (answer.status_code, answer.json()["rows"]) == (200, 60)
    again = ingest(client_of(world, "stella"))
    assert (again.json()["ref"], again.json()["is_new"]) == (answer.json()["ref"], False)


def test_a_file_in_pieces_is_one_file(client_of, world):
    content = table(2_000)
    pieces = (content[at : at + 1_000] for at in range(0, len(content), 1_000))
    arguments = {"name": "p", "format": "csv", "data_class": "health", "purpose": [PURPOSE]}
    answer = client_of(world, "stella").post(
        "/v1/data/ingest", params={"arguments": json.dumps(arguments)}, content=pieces
    )
    assert answer.json()["rows"] == 2_000


def test_a_malformed_file_is_a_problem_that_says_where(client_of, world):
    answer = ingest(client_of(world, "stella"), content=b"a,b\n1,2\n3\n")
    assert (answer.status_code, answer.json()["code"]) == (422, "data.ragged")
    assert "3" in answer.json()["detail"]


def test_a_model_is_handed_out_to_the_byte(client_of, deployed):
    answer = client_of(deployed, "otto").post("/v1/models/fetch", json={"model": "triage"})
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["freehold-name"] == "model.skops"
    assert json.loads(answer.headers["freehold-summary"])["name"] == "triage"
    assert answer.content == deployed.estate.models.weights(deployed.actor("otto"), "triage")


def test_an_evidence_bundle_from_the_server_verifies(client_of, deployed):
    client = client_of(deployed, "ada")
    answer = client.post("/v1/ledger/export", json={})
    assert "log/checkpoint" in zipfile.ZipFile(BytesIO(answer.content)).namelist()
    signers = client.post("/v1/people/signers", json={}).json()
    vkey = client.post("/v1/estate/status", json={}).json()["vkey"]
    verify_bundle(answer.content, vkey=vkey, signers=signers)


def test_a_decision_has_its_receipt_by_address(client_of, deployed):
    client = client_of(deployed, "dana")
    rows = json.dumps({"age": [50], "pressure": [150], "ward": ["north"]})
    decision = client.post("/v1/serving/ask", json={"name": "triage", "rows": rows}).json()
    answer = client.get(f"/v1/decisions/{decision['decision']}/receipt")
    assert answer.text.startswith("c2sp.org/tlog-proof@v1\n")
    assert client.get(f"/v1/decisions/{SOME}/receipt").status_code == 404
    assert client_of(deployed).get(f"/v1/decisions/{SOME}/receipt").status_code == 401


# ---- where it listens


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org", "127.0.0.1.example"])  # noqa: S104
def test_a_network_address_without_tls_is_refused(tmp_path, host):
    with pytest.raises(ListenError) as refused:
        Listen(tmp_path / "socket", host, 1).check()
    assert refused.value.code == "api.no_tls"


@pytest.mark.parametrize("host", ["", "127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_alone_needs_no_tls(tmp_path, host):
    Listen(tmp_path / "socket", host, 1).check()


def test_a_network_address_with_tls_is_allowed(tmp_path):
    Listen(tmp_path / "s", "192.0.2.1", 1, tmp_path / "certificate", tmp_path / "key").check()
