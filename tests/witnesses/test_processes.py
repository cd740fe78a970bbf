"""Estate and witness as processes of their own: over HTTP, over TLS, by file, through crashes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from freehold.cli import build_app
from freehold.kernel.ledger import CosignerKey, VerifierKey
from freehold.session import connect
from freehold.witness import WitnessFolder
from freehold.witnesses import WitnessTrouble
from tests.estate.world import VERIFIER, World, custody
from tests.session.servers import environment, self_made_certificate
from tests.session.servers import up as estate_up
from tests.witness.test_http import Served
from tests.witness.test_http import up as witness_up


@dataclass
class Place:
    """A folder with a closed estate, a witness that knows its log, and tokens."""

    folder: Path
    log: VerifierKey
    witness: CosignerKey
    tokens: dict[str, str]

    def freehold(self, *words: str, who: str = "otto") -> str:
        """Run a command as a person, and give what it prints."""
        token = self.folder / f"token-{who}"
        token.write_text(self.tokens[who])
        token.chmod(0o600)
        variables: dict[str, str | None] = dict.fromkeys(n for n in os.environ if n[:4] == "XDG_")
        variables |= environment(self.folder) | {"FREEHOLD_TOKEN_FILE": str(token)}
        words = ("--estate", str(self.folder / "estate"), *words)
        done = CliRunner().invoke(build_app(), words, env=variables)
        assert done.exit_code == 0, done.output
        return done.stdout

    def json(self, *words: str, who: str = "otto") -> Any:
        return json.loads(self.freehold(*words, "--json", who=who))

    def known(self) -> dict[str, Any]:
        """What a server that holds the estate knows of its one witness."""

        def never() -> str:
            pytest.fail("no server holds the estate")

        with connect(self.folder / "estate", token=self.tokens["otto"], passphrase=never) as held:
            (found,) = held.witness.list()
            return dict(found)

    def until(self, size: int) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while (found := self.known())["size"] is None or found["size"] < size:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        return found


@pytest.fixture
def place(world: World) -> Place:
    estate = world.estate
    owner = world.actor("olivia")
    tokens = {who: estate.people.token(owner, who).token for who in ("otto", "stella", "ada")}
    signers = estate.people.allowed_signers(world.actor("ada"))
    log = estate.pipeline.stores.log.key
    world.close()
    (world.folder / "signers").write_text(signers)
    witness = WitnessFolder.create(world.folder / "witness", "witness.example/one", custody())
    with WitnessFolder.open(world.folder / "witness", custody()) as held:
        held.add_log(log)
    return Place(world.folder, log, witness, tokens)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_served_estate_asks_its_witness_and_goes_on_after_both_were_killed(place: Place) -> None:
    with witness_up(place.folder, place.witness) as witness:
        place.freehold("witness", "declare", "town", str(place.witness), "--url", witness.url)
        with estate_up(place.folder) as estate:
            first = place.until(1)
            assert (first["name"], first["trouble"]) == ("town", "")
            asked = place.json("witness", "ask", "town")
            assert asked["size"] > first["size"]
            os.kill(estate.pid, signal.SIGKILL)
            estate.wait(10)
        os.kill(witness.process.pid, signal.SIGKILL)
        witness.process.wait(10)
        port = witness.url.rpartition(":")[2]
    options = ("--listen", f"127.0.0.1:{port}")
    with witness_up(place.folder, place.witness, *options), estate_up(place.folder):
        again = place.until(asked["size"] + 1)
        assert again["trouble"] == ""


def unanswered(served: Served, body: str) -> None:
    """Ask, and be gone before the answer: as after a crash between the two."""
    host, port = served.url.rpartition("//")[2].split(":")
    head = f"POST /add-checkpoint HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body.encode())}"
    with socket.create_connection((host, int(port)), timeout=10) as gone:
        gone.sendall(f"{head}\r\n\r\n{body}".encode())


@pytest.mark.timeout(120)
def test_an_answer_that_was_lost_is_asked_for_again(place: Place) -> None:
    with witness_up(place.folder, place.witness) as witness:
        place.freehold("witness", "declare", "town", str(place.witness), "--url", witness.url)
        unanswered(witness, place.freehold("witness", "request", "town"))
        place.freehold("estate", "status")
        assert place.json("witness", "ask", "town")["trouble"] == ""
        assert place.json("witness", "ask", "town")["trouble"] == ""


@pytest.mark.timeout(120)
def test_over_an_air_gap_and_to_a_stranger(place: Place) -> None:
    files = {name: str(place.folder / name) for name in ("request", "answer", "bundle.zip")}
    place.freehold("witness", "declare", "cellar", str(place.witness))
    Path(files["request"]).write_text(place.freehold("witness", "request", "cellar"))
    cellar = str(place.folder / "witness")
    place.freehold("witness", "cosign", cellar, files["request"], files["answer"])
    accepted = place.json("witness", "accept", "cellar", files["answer"])
    shown = place.json("witness", "show", cellar)
    assert shown["logs"][0]["size"] == accepted["size"] > 0
    assert shown["vkey"] == str(place.witness)
    place.freehold("ledger", "export", "--out", files["bundle.zip"], who="ada")
    command = [sys.executable, "-I", "-S", str(VERIFIER), files["bundle.zip"]]
    command += ["--vkey", str(place.log), "--allowed-signers", str(place.folder / "signers")]
    done = subprocess.run(
        [*command, "--witness", str(place.witness)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"1 of the 1 witnesses saw the first {accepted['size']} of" in done.stdout


def test_a_file_that_is_answered_twice_is_a_conflict_that_says_what_to_do(place: Place) -> None:
    place.freehold("witness", "declare", "cellar", str(place.witness))
    request, answer = place.folder / "request", place.folder / "answer"
    request.write_text(place.freehold("witness", "request", "cellar"))
    words = ("witness", "cosign", str(place.folder / "witness"), str(request), str(answer))
    place.freehold(*words)
    answer.unlink()  # lost on the way
    with pytest.raises(AssertionError, match=r"witness\.conflict"):
        place.freehold(*words)
    assert not answer.exists()
    (log,) = place.json("witness", "show", str(place.folder / "witness"))["logs"]
    since = ("--since", str(log["size"]))
    request.write_text(place.freehold("witness", "request", "cellar", *since))
    place.freehold(*words)
    assert place.json("witness", "accept", "cellar", str(answer))["size"] >= log["size"]


@pytest.mark.timeout(120)
def test_over_tls_the_certificate_is_verified(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = WitnessFolder.create(tmp_path / "witness", "witness.example/one", custody())
    with WitnessFolder.open(tmp_path / "witness", custody()) as held:
        held.add_log(world.estate.pipeline.stores.log.key)
    certificate, private_key = self_made_certificate(tmp_path)
    options = ("--tls-certificate", str(certificate), "--tls-key", str(private_key))
    otto = world.actor("otto")
    with witness_up(tmp_path, key, *options) as witness:
        world.estate.witnesses.declare(otto, "town", str(key), url=witness.url)
        with pytest.raises(WitnessTrouble, match="certificate") as refused:
            world.estate.witnesses.ask(otto, "town")
        assert refused.value.code == "witness.unreachable"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert world.estate.witnesses.ask(otto, "town").trouble == ""
