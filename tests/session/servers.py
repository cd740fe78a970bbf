"""Servers of an estate, each a process of its own, as `freehold up` starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.estate.world import PASSPHRASE, ROOT

FREEHOLD = (sys.executable, "-c", "from freehold.cli import main; main()")
START_SECONDS_MAX = 30.0


def environment(folder: Path) -> dict[str, str]:
    """Everything that a command may see of its surroundings; the passphrase lies in a file."""
    secret = folder / "passphrase"
    if not secret.exists():
        descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(descriptor, PASSPHRASE.encode() + b"\n")
        os.close(descriptor)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT / "src"),
        "FREEHOLD_PASSPHRASE_FILE": str(secret),
    }


@contextmanager
def up(folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the estate in `folder`/estate until the block ends; its output lies in `folder`/log."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*FREEHOLD, "--estate", str(folder / "estate"), "up", *options],
            env=environment(folder),
            stdout=log,
            stderr=log,
        )
        try:
            _wait(process, folder)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(folder / "estate" / "socket")) == 0:
                return
        said = (folder / "log").read_text()
        assert process.poll() is None, f"the server ended: {said}"
        assert time.monotonic() < deadline, f"the server did not start: {said}"
        time.sleep(0.05)


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def self_made_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that only who is given it trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    paths[1].chmod(0o600)
    return paths
