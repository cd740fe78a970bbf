"""The same verbs give the same, whether this process opens the estate or a server holds it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from freehold.kernel import FreeholdError
from freehold.session import Session, SessionError, connect
from freehold.verbs import VERBS
from tests.estate.world import PASSPHRASE, PURPOSE, copy_world, table
from tests.session.servers import free_port, self_made_certificate, up

SOME = "00000000-0000-7000-8000-000000000000"
ROWS = '{"age": [50], "pressure": [150], "ward": ["north"]}'

READING: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "the estate": ("estate.status", (), {}),
    "the charter": ("charter.show", (), {}),
    "how far it is ratified": ("charter.status", (), {}),
    "the people": ("people.list", (), {}),
    "their keys": ("people.signers", (), {}),
    "the policies": ("policy.show", (), {}),
    "the datasets": ("data.list", (), {}),
    "one dataset": ("data.show", ("patients",), {}),
    "the runs": ("training.list", (), {}),
    "the models": ("models.list", (), {}),
    "one model": ("models.show", ("triage",), {}),
    "the deployments": ("serving.list", (), {}),
    "what one takes": ("serving.inputs", ("triage",), {}),
    "some acts": ("ledger.acts", (), {"limit": 5}),
    "acts on one thing": ("ledger.acts", (), {"resource": "dataset:patients"}),
    "a lineage": ("ledger.lineage", ("model:triage@1",), {}),
    "a checkpoint": ("ledger.checkpoint", (), {}),
    "a case": ("policy.test", ("case = []",), {}),
    "what never was": ("data.show", ("nothing",), {}),
    "no reference": ("training.show", ("No Ref",), {}),
    "no kind": ("training.show", ("x:y",), {}),
    "an argument of another type": ("ledger.acts", (), {"limit": "many"}),
    "an argument too many": ("data.list", (), {"more": 1}),
    "no thresholds": (
        "evaluation.plan",
        ("patients",),
        {"purpose": PURPOSE, "part": "none"},
    ),
}


def told(session: Session, case: str) -> Any:
    """The result of a case, or its error in full."""
    path, positional, options = READING[case]
    try:
        return session.call(path, *positional, **options)
    except FreeholdError as error:
        return {"code": error.code, "message": error.message, "hint": error.hint}


@pytest.fixture(scope="module")
def folder(founded_deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An estate that nobody holds, where `olivia` has every role, with tokens beside it."""
    folder = tmp_path_factory.mktemp("s")
    world = copy_world(founded_deployed, folder / "w")
    owner = world.actor("olivia")
    roles = ("owner", "steward", "scientist", "reviewer", "operator", "developer", "auditor")
    world.estate.people.assign(owner, "olivia", roles=roles, clearances=("health", "public"))
    tokens = {
        person: world.estate.people.token(owner, person).token for person in ("olivia", "ada")
    }
    world.close()
    for name in ("estate", "people"):
        (folder / "w" / name).rename(folder / name)
    for person, token in tokens.items():
        (folder / f"token-{person}").write_text(token)
    return folder


def token(folder: Path, person: str = "olivia") -> str:
    return (folder / f"token-{person}").read_text()


def opened(folder: Path, person: str = "olivia") -> Session:
    return connect(folder / "estate", token=token(folder, person), passphrase=lambda: PASSPHRASE)


def never() -> str:
    pytest.fail("the passphrase was asked for, though a server holds the estate")


@pytest.fixture(scope="module")
def here(folder: Path) -> dict[str, Any]:
    """What this process is told, alone with the estate."""
    with opened(folder) as session:
        return {case: told(session, case) for case in READING}


@pytest.fixture(scope="module")
def server(folder: Path, here: dict[str, Any]) -> Iterator[Callable[..., Session]]:
    """A server with a local socket and an address with TLS; gives sessions by either."""
    certificate, key = self_made_certificate(folder)
    port = free_port()
    options = ("--tls-certificate", str(certificate), "--tls-key", str(key))

    def session(person: str = "olivia", *, is_remote: bool = False) -> Session:
        where = f"https://127.0.0.1:{port}" if is_remote else folder / "estate"
        return connect(where, token=token(folder, person) if person else "", passphrase=never)

    with up(folder, "--listen", f"127.0.0.1:{port}", *options) as process:
        yield session
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not (folder / "estate" / "socket").exists()


@pytest.fixture
def trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the certificate that the server made for itself."""
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "certificate.pem"))


@pytest.mark.parametrize("case", READING)
def test_a_server_tells_the_same_over_its_local_socket(here, server, case):
    with server() as session:
        assert told(session, case) == here[case]


@pytest.mark.parametrize("case", ["the estate", "one dataset", "what never was", "some acts"])
@pytest.mark.usefixtures("trusted")
def test_a_server_tells_the_same_over_tls(here, server, case):
    with server(is_remote=True) as session:
        assert told(session, case) == here[case]


def test_most_cases_are_answers_and_some_are_errors(here):
    errors = [
        case for case, result in here.items() if isinstance(result, dict) and "code" in result
    ]
    assert 5 <= len(errors) <= 8, errors


def test_a_certificate_that_this_machine_does_not_trust_is_refused(server):
    with server(is_remote=True) as session, pytest.raises(SessionError) as refused:
        session.estate.status()
    assert refused.value.code == "session.unreachable"


def test_a_url_without_tls_is_refused_before_the_token_is_sent():
    for url in ("http://192.0.2.1:8080", "http://example.org", "http://127.0.0.1.example.org"):
        with pytest.raises(SessionError) as refused:
            connect(url, token="fh_x", passphrase=never)
        assert refused.value.code == "session.no_tls"


def test_a_server_that_is_not_there_is_told_so():
    with (
        connect(f"http://127.0.0.1:{free_port()}", token="x", passphrase=never) as session,
        pytest.raises(SessionError) as refused,
    ):
        session.estate.status()
    assert refused.value.code == "session.unreachable"


def test_without_a_token_a_server_lets_only_signatures_through(server):
    with server("") as session:
        assert session.charter.status()["is_ratified"]
        with pytest.raises(FreeholdError) as refused:
            session.data.list()
    assert refused.value.code == "party.unauthenticated"


def test_files_go_to_a_server_and_come_back(server, tmp_path):
    source = tmp_path / "claims.csv"
    source.write_bytes(table(200))
    with server() as session:
        made = session.data.ingest("claims", source, data_class="health", purpose=[PURPOSE])
        assert (made["rows"], made["format"]) == (200, "csv")
        texts = tmp_path / "letters"
        texts.mkdir()
        (texts / "a.txt").write_text("a letter")
        packed = session.data.ingest("letters", texts, data_class="health", purpose=[PURPOSE])
        assert (packed["rows"], packed["format"]) == (1, "text")
        model = session.download("models.fetch", tmp_path / "model.skops", "triage")
        assert model["name"] == "triage"
        assert (tmp_path / "model.skops").stat().st_size > 1_000
        evidence = session.download("ledger.export", tmp_path / "evidence.zip")
        assert evidence["size"] > 30


def test_a_download_overwrites_nothing_and_hands_nothing_out(server, tmp_path):
    target = tmp_path / "evidence.zip"
    target.write_text("mine")
    with server() as session:
        before = session.ledger.acts(limit=1)
        with pytest.raises(SessionError) as refused:
            session.download("ledger.export", target)
        assert refused.value.code == "session.file"
        assert session.ledger.acts(limit=1) == before
    assert target.read_text() == "mine"


def test_a_refused_download_leaves_no_file(server, tmp_path):
    with server("ada") as session, pytest.raises(FreeholdError) as refused:
        session.download("models.fetch", tmp_path / "model.skops", "triage")
    assert refused.value.code == "policy.denied"
    assert not (tmp_path / "model.skops").exists()


def test_a_deployment_answers_through_a_server(server):
    with server() as session:
        answer = session.serving.ask("triage", ROWS, subject="case-1")
        assert answer["labels"] == ["ill"]
        assert session.serving.decision(answer["decision"])["details"]["columns"]["age"] == [50]


def test_a_second_process_goes_through_the_server_that_holds_the_estate(folder, server):
    with opened(folder) as session:  # its passphrase is right, and not needed
        assert session.estate.status()["is_ratified"]


def test_a_file_that_is_not_there_is_told_before_anything_is_sent(server, tmp_path):
    with server() as session, pytest.raises(SessionError) as refused:
        session.data.ingest("x", tmp_path / "none.csv", data_class="health", purpose=[PURPOSE])
    assert refused.value.code == "session.file"


def test_the_servers_output_holds_no_request_and_no_token(folder, server):
    with server() as session:
        session.estate.status()
    said = (folder / "log").read_text()
    assert "serving" in said
    for secret in (token(folder), token(folder, "ada"), PASSPHRASE, "patients", "/v1/", "claims"):
        assert secret not in said


# ---- a session itself


class Echo:
    """A transport that gives back what it was asked."""

    is_trial = False

    def call(self, verb: Any, arguments: Any, upload: Any) -> Any:
        return verb.path, dict(arguments), upload

    def close(self) -> None:
        pass


def test_verbs_are_reached_by_noun_and_by_path():
    session = Session(Echo())
    assert session.data.show("claims") == ("data.show", {"dataset": "claims"}, None)
    assert session.call("data.show", "claims") == session.data.show(dataset="claims")
    assert session.data.show.__doc__ == VERBS["data.show"].help


@pytest.mark.parametrize("wrong", ["data.shwo", "data", "", "datashow"])
def test_a_verb_that_does_not_exist_is_a_mistake_of_the_caller(wrong):
    with pytest.raises(TypeError):
        Session(Echo()).call(wrong)
    with pytest.raises(AttributeError):
        getattr(Session(Echo()).data, wrong or "nothing")


def test_too_many_arguments_and_no_file_are_mistakes_of_the_caller():
    with pytest.raises(TypeError, match="takes 1 arguments"):
        Session(Echo()).data.show("a", "b")
    with pytest.raises(TypeError, match="source"):
        Session(Echo()).data.ingest("name")
