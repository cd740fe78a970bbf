"""`freehold audit` as it is typed: what it says, and its exit status."""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from freehold.cli import build_app
from tests.audit.test_rounds import WITNESS_KEY, cosigned
from tests.session.servers import environment, up
from tests.tamper.victim import Victim


class Shell:
    """An auditor's shell beside an estate."""

    def __init__(self, victim: Victim, token: str = "") -> None:
        self.victim = victim
        given = environment(victim.folder) | {"FREEHOLD_ESTATE": str(victim.home)}
        if token:
            path = victim.folder / "token"
            path.write_text(token)
            path.chmod(0o600)
            given["FREEHOLD_TOKEN_FILE"] = str(path)
        self.environment = given

    def run(self, *words: str) -> Result:
        cleared = dict.fromkeys(name for name in os.environ if name.startswith("XDG_"))
        return CliRunner().invoke(
            build_app(), ["audit", *words], env={**cleared, **self.environment}
        )

    def report(self, *words: str, status: int = 0) -> dict[str, Any]:
        result = self.run(*words, "--json")
        assert result.exit_code == status, result.output
        report: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
        return report


@pytest.fixture
def shell(victim: Victim) -> Shell:
    with victim.opened() as estate:
        ref = estate.people.find("ada")
        from freehold.kernel.acts import Actor

        owner = Actor(estate.people.find("olivia"))
        assert ref
        token = estate.people.token(owner, "ada").token
    return Shell(victim, token)


def test_a_sound_estate_has_status_0_and_says_what_vouches_for_it(shell: Shell):
    said = shell.run()
    assert said.exit_code == 0, said.output
    assert "INTERNALLY CONSISTENT ONLY" in said.output
    key = str(shell.victim.thief().key)
    assert shell.report("--vkey", key)["result"] == "holds"


def test_a_broken_one_has_status_1_and_says_what_to_do(shell: Shell):
    blob = next((shell.victim.home / "vault" / "blobs").glob("*/*"))
    blob.write_bytes(b"something else")
    said = shell.run()
    assert said.exit_code == 1
    for words in (
        "alarm blob.changed",
        blob.name,
        "means: a blob was damaged",
        "→ restore",
        "BROKEN",
    ):
        assert words in said.output
    assert shell.report(status=1)["findings"][0]["code"] == "blob.changed"


@pytest.mark.parametrize(
    "words",
    [
        ("--vkey", "nonsense"),
        ("--pin", "missing"),
        ("--witness-note", "x"),
        ("--rounds", "many"),
        ("--state", "{home}/memory"),
        ("--witness", "nonsense"),
    ],
)
def test_wrong_usage_has_status_2(shell: Shell, words: tuple[str, ...]):
    given = [word.format(home=shell.victim.home) for word in words]
    assert shell.run(*given).exit_code == 2


def test_a_pin_of_another_auditor_is_compared(shell: Shell, tmp_path: Path):
    victim = shell.victim
    pin = tmp_path / "pin"
    pin.write_bytes(victim.checkpoint)
    assert shell.report("--pin", str(pin))["result"] == "holds"
    victim.thief().rewrite(victim, victim.entries()[:-1])
    report = shell.report("--pin", str(pin), status=1)
    assert report["findings"][0]["code"] == "pin.rewind"


def test_the_memory_is_kept_between_two_audits_and_catches_a_rollback(shell: Shell, tmp_path: Path):
    victim, memory = shell.victim, str(tmp_path / "memory")
    assert shell.report("--state", memory)["result"] == "internally-consistent"
    assert shell.report("--state", memory)["result"] == "holds"
    victim.thief().rewrite(victim, victim.entries()[:-1])
    for _ in range(2):
        report = shell.report("--state", memory, status=1)
        assert report["findings"][0]["code"] == "pin.rewind"


def test_watching_makes_rounds_and_tells_of_each(shell: Shell):
    result = shell.run("--watch", "0.05", "--rounds", "3", "--json")
    assert result.exit_code == 0
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(reports) == 3
    assert [report["result"] for report in reports] == ["internally-consistent", "holds", "holds"]
    assert "(+0)" in shell.run("--watch", "0.05", "--rounds", "2").output


def test_deep_opens_the_estate_where_nobody_holds_it(shell: Shell):
    report = shell.report("--deep")
    assert report["depth"] == "deep"
    assert report["counts"]["bodies"] > 0
    shell.victim.sql("catalog.db", ("UPDATE person SET roles = 'owner' WHERE code = 'dana'", ()))
    assert "catalog.differs" in {
        each["code"] for each in shell.report("--deep", status=1)["findings"]
    }


def test_deep_asks_the_server_that_holds_it_and_a_refusal_has_status_3(shell: Shell):
    with up(shell.victim.folder):
        assert shell.report()["depth"] == "folder", "from outside, beside the server"
        assert shell.report("--deep")["depth"] == "deep"
        (shell.victim.folder / "token").write_text("")
        assert shell.run("--deep", "--json").exit_code == 1
    acts = [record.act for record in shell.victim.records()]
    assert acts.count("estate.audit") == 1


# ---- a witness that is asked


@pytest.fixture
def witness(shell: Shell) -> Iterator[tuple[str, dict[str, bytes]]]:
    """A server that shows what it has for each path."""
    shown: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in shown else 404)
            self.end_headers()
            self.wfile.write(shown.get(self.path, b""))

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", shown
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_witness_is_asked_what_it_saw(shell: Shell, witness):
    url, shown = witness
    key = shell.victim.thief().key
    path = f"/{sha256(key.name.encode()).hexdigest()}/checkpoint"
    words = ("--witness", str(WITNESS_KEY), "--witness-url", url)
    silent = shell.report(*words, status=1)
    assert silent["findings"][0]["code"] == "witness.silent"
    shown[path] = cosigned(shell.victim.checkpoint, key)
    report = shell.report(*words)
    assert report["result"] == "holds"
    assert "cosigned by witness.example/one" in report["trust"][0]
    shell.victim.thief().rewrite(shell.victim, shell.victim.entries()[:-1])
    assert shell.report(*words, status=1)["findings"][0]["code"] == "pin.rewind"
