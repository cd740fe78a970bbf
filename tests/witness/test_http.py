"""A witness over HTTP, as a process of its own: what it answers, byte by byte."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from freehold.kernel.keys import INSECURE_TEST_COST, PassphraseCustody
from freehold.kernel.ledger import (
    AddCheckpoint,
    Checkpoint,
    Cosigned,
    CosignerKey,
    Ed25519Signer,
    VerifierKey,
)
from freehold.witness import WitnessFolder
from tests.estate.world import PASSPHRASE
from tests.kernel.ledger import naive
from tests.session.servers import FREEHOLD, environment, self_made_certificate

ORIGIN, SECOND = "estate/one/main", "estate/two/main"
LOG, THIEF = Ed25519Signer(b"\x02" * 32), Ed25519Signer(b"\x03" * 32)
KEY = VerifierKey(ORIGIN, LOG.public_key)
ENTRIES = [b"%d" % n for n in range(200)]
FORK = [*ENTRIES[:20], *(b"fork %d" % n for n in range(180))]


@dataclass
class Served:
    """A witness that is being served."""

    url: str
    key: CosignerKey
    process: subprocess.Popen[str]

    def post(self, body: bytes | str, **more: object) -> httpx.Response:
        return httpx.post(f"{self.url}/add-checkpoint", content=body, timeout=10, **more)  # type: ignore[arg-type]


def made(folder: Path) -> CosignerKey:
    custody = PassphraseCustody(PASSPHRASE, cost=INSECURE_TEST_COST)
    key = WitnessFolder.create(folder / "witness", "witness.example/one", custody)
    with WitnessFolder.open(folder / "witness", custody) as held:
        held.add_log(KEY)
    return key


@contextmanager
def up(folder: Path, key: CosignerKey, *options: str) -> Iterator[Served]:
    """Serve the witness in `folder`/witness on a port of its own choice."""
    listen = () if "--listen" in options else ("--listen", "127.0.0.1:0")
    words = ("witness", "up", str(folder / "witness"), *listen, *options)
    process = subprocess.Popen(
        [*FREEHOLD, *words],
        env={**environment(folder), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert said.startswith("witnessing at http"), said + process.stdout.read()
        url = said.split()[-1]
        wait_for(url)
        yield Served(url, key, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stdout.close()


def wait_for(url: str) -> None:
    """Wait until it answers; the socket is open before the server is."""
    host, port = url.rpartition("//")[2].split(":")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.create_connection((host, int(port)), timeout=10):
            return
    raise AssertionError(f"nothing at {url}")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("witness")
    with up(folder, made(folder)) as witness:
        yield witness


def request(
    size: int, old: int = 0, *, of: list[bytes] = ENTRIES, signer: Ed25519Signer = LOG
) -> str:
    note = Checkpoint(ORIGIN, size, naive.root(of[:size])).sign(signer)
    proof = naive.consistency(old, of[:size]) if 0 < old < size else []
    return AddCheckpoint(old, tuple(proof), note).text()


def newest(served: Served) -> int:
    """The size that the witness has, as it tells whoever starts from a wrong one."""
    answer = served.post(request(200, 199))
    return int(answer.text) if answer.status_code == 409 else 199


@pytest.mark.timeout(60)
def test_a_witness_answers_as_the_protocol_says(served: Served) -> None:
    origin_hash = hashlib.sha256(ORIGIN.encode()).hexdigest()
    assert httpx.get(f"{served.url}/{origin_hash}/checkpoint").status_code == 404

    answer = served.post(request(30))
    assert answer.status_code == 200
    assert answer.text.startswith("\u2014 witness.example/one ")
    assert answer.text.endswith("\n")
    note = request(30).partition("\n\n")[2] + answer.text
    assert Cosigned.open(note, [KEY], [served.key]).checkpoint.size == 30
    assert httpx.get(f"{served.url}/{origin_hash}/checkpoint").text == note

    rewind = served.post(request(25, 10))
    assert (rewind.status_code, rewind.content) == (409, b"30\n")
    assert rewind.headers["content-type"] == "text/x.tlog.size"

    assert served.post(request(30, 40)).status_code == 400
    assert served.post(b"").status_code == 400
    assert served.post(request(40, 30, signer=THIEF)).status_code == 403
    assert served.post(request(40, 30).replace(ORIGIN, SECOND)).status_code == 404
    assert served.post(request(40, 30, of=FORK)).status_code == 422
    assert served.post(request(30, 30, of=FORK)).status_code == 422
    assert served.post(request(40, 30)).status_code == 200
    assert served.post(request(40, 40)).status_code == 200  # asked again for the same


def test_nothing_else_is_there(served: Served) -> None:
    assert httpx.get(f"{served.url}/add-checkpoint").status_code == 405
    assert httpx.get(f"{served.url}/").status_code == 404
    assert httpx.get(f"{served.url}/..%2f..%2fkeys/checkpoint").status_code == 404


def test_a_request_beyond_the_bounds_is_refused_before_it_is_parsed(served: Served) -> None:
    assert served.post(b"old 0\n" * 20_000).status_code == 413
    assert served.post(b"old 0\n" * 2_000_000).status_code == 413


def test_of_many_at_once_one_wins(served: Served) -> None:
    size = newest(served)
    if size == 0:
        served.post(request(50))
        size = 50
    start, answers = threading.Barrier(8), list[tuple[int, str]]()

    def race(larger: int) -> None:
        body = request(larger, size)
        start.wait()
        answer = served.post(body)
        answers.append((answer.status_code, answer.text))

    racers = [threading.Thread(target=race, args=(size + 1 + n,)) for n in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(status for status, _ in answers) == [200, *[409] * 7]
    assert {text for status, text in answers if status == 409} == {f"{newest(served)}\n"}


@pytest.mark.timeout(60)
def test_a_witness_that_was_killed_knows_what_it_cosigned(tmp_path: Path) -> None:
    key = made(tmp_path)
    with up(tmp_path, key) as witness:
        assert witness.post(request(60)).status_code == 200
        os.kill(witness.process.pid, signal.SIGKILL)
        witness.process.wait(10)
    with up(tmp_path, key) as witness:
        assert witness.post(request(50)).text == "60\n"
        assert witness.post(request(61, 60)).status_code == 200


def test_over_tls_it_is_reached_by_who_trusts_its_certificate(tmp_path: Path) -> None:
    key = made(tmp_path)
    certificate, private_key = self_made_certificate(tmp_path)
    options = ("--tls-certificate", str(certificate), "--tls-key", str(private_key))
    with up(tmp_path, key, *options) as witness:
        assert witness.url.startswith("https://")
        with pytest.raises(httpx.ConnectError):
            witness.post(request(30))
        trust = ssl.create_default_context(cafile=str(certificate))
        assert witness.post(request(30), verify=trust).status_code == 200


def test_a_network_address_without_tls_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    words = ("witness", "up", str(tmp_path / "witness"), "--listen", "0.0.0.0:18444")
    done = subprocess.run(
        [*FREEHOLD, *words],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "api.no_tls" in done.stderr
