"""A stranger checks the log: golang.org/x/mod reads what we wrote, and refuses what was changed."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from freehold.kernel.ledger import Checkpoint, Ed25519Signer, LocalDisk, Log, LogConfig, VerifierKey

SOURCE = Path(__file__).parent / "go" / "main.go"
GOPATH = Path("/usr/share/gocode")  # where Debian's golang-golang-x-mod-dev puts its source
Check = Callable[[Path, str, Path], "subprocess.CompletedProcess[str]"]


class HastyDisk(LocalDisk):
    """Appends without a sync: what is checked here is the format, not the power supply."""

    def append(self, file: int, data: bytes) -> None:
        os.write(file, data)


@pytest.fixture(scope="session")
def check(program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Check:
    """The Go program, built once."""
    go = program("go")
    if not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("not run: golang.org/x/mod is missing (golang-golang-x-mod-dev)")
    built = tmp_path_factory.mktemp("go")
    binary = built / "ledgercheck"
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOCACHE": str(built / "cache"),
        "CGO_ENABLED": "0",
    }
    subprocess.run([go, "build", "-o", binary, SOURCE], check=True, env=environment, timeout=300)

    def run(folder: Path, vkey: str, exchange: Path) -> subprocess.CompletedProcess[str]:
        arguments = [str(binary), str(folder), vkey, str(exchange)]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)

    return run


def write_log(folder: Path, config: LogConfig, size: int) -> Path:
    """Write a log in two publications, and what Freehold proves of it beside it."""
    exchange = folder.with_name("exchange")
    exchange.mkdir(parents=True)
    with Log.create(folder, replace(config, disk=HastyDisk())) as log:
        sizes = []
        for stop in (size // 3 + 1, size):
            while log.size < stop:
                log.append(b"entry %d" % log.size)
            sizes.append(Checkpoint.open(log.publish(), [config.key]).size)
        for index in {0, size // 3, size // 2, size - 1}:
            (exchange / f"{index}.tlog-proof").write_text(log.receipt(index).text())
            (exchange / f"{index}.entry").write_bytes(log.entry(index))
        for old_size in sizes:
            hashes = log.reader().consistency(old_size)
            proof = [base64.b64encode(value).decode() for value in hashes]
            (exchange / f"{old_size}.consistency").write_text("\n".join(proof))
    return exchange


@pytest.mark.parametrize(
    "size", [1, 2, 255, 256, 257, 1000, pytest.param(70_000, marks=pytest.mark.slow)]
)
def test_go_verifies_the_whole_log(
    folder: Path, config: LogConfig, check: Check, size: int
) -> None:
    exchange = write_log(folder, config, size)
    result = check(folder, str(config.key), exchange)
    assert result.stderr == ""
    receipts = len({0, size // 3, size // 2, size - 1})
    older = len({size // 3 + 1, size})
    assert result.stdout == (
        f"size {size} entries {size} proofs 4 receipts {receipts} older {older}\n"
    )


def test_go_refuses_a_log_with_anything_changed(
    folder: Path, config: LogConfig, check: Check
) -> None:
    exchange = write_log(folder, config, 600)
    for name in (
        "checkpoint",
        "tile/entries/001",
        "tile/entries/002.p/88",
        "tile/0/000",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
    ):
        path = folder / name
        whole = path.read_bytes()
        changed = bytearray(whole)
        changed[-20] ^= 1
        path.write_bytes(changed)
        assert check(folder, str(config.key), exchange).returncode == 1, name
        path.write_bytes(whole)
    assert check(folder, str(config.key), exchange).returncode == 0


def test_go_refuses_the_log_of_another_key(folder: Path, config: LogConfig, check: Check) -> None:
    exchange = write_log(folder, config, 3)
    thief = VerifierKey(config.origin, Ed25519Signer(b"\x09" * 32).public_key)
    assert check(folder, str(thief), exchange).returncode == 1
