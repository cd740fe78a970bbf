"""A real time-stamp authority: `openssl ts`, with certificates made on the spot."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.32473.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
"""


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    is_root: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
    )
    if not is_root:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def self_signed(name: str) -> str:
    """A root certificate that signed nothing, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _pem(_certificate(name, key, issuer=name, issuer_key=key, is_root=True))


class Authority:
    """An authority in a folder: `root` in PEM, and `stamp`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._config = folder / "tsa.cnf"
        root_key = ec.generate_private_key(ec.SECP256R1())
        key = ec.generate_private_key(ec.SECP256R1())
        root = _certificate("root", root_key, issuer="root", issuer_key=root_key, is_root=True)
        tsa = _certificate("tsa", key, issuer="root", issuer_key=root_key, is_root=False)
        self.root = _pem(root)
        (folder / "root.pem").write_text(self.root)
        (folder / "tsa.pem").write_text(_pem(tsa))
        (folder / "tsa.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        (folder / "serial").write_text("01\n")
        self._config.write_text(CONFIG.format(folder=folder))
        self.folder = folder

    def stamp(self, request: bytes) -> bytes:
        """Answer a request."""
        asked, answer = self.folder / "asked.tsq", self.folder / "answer.tsr"
        asked.write_bytes(request)
        command = ["openssl", "ts", "-reply", "-config", str(self._config), "-section", "one"]
        command += ["-queryfile", str(asked), "-out", str(answer)]
        subprocess.run(command, check=True, capture_output=True)
        return answer.read_bytes()


@contextmanager
def serving(authority: Authority, *, stale: bytes = b"") -> Iterator[str]:
    """Serve an authority on loopback; with `stale`, it always gives that answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            answer = stale or authority.stamp(request)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
