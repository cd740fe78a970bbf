"""A witness written down from the specifications alone (C2SP tlog-witness, tlog-cosignature): it
shares no code with Freehold. It can also be told to misbehave.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Answer = tuple[int, str, bytes]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def largest_power_of_two_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def roots(m: int, n: int, proof: list[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    """The two roots that a consistency proof claims: RFC 6962, 2.1.2, read backwards."""
    if m == n:
        root = known if known is not None else proof.pop()
        return root, root
    k = largest_power_of_two_below(n)
    other = proof.pop()
    if m <= k:
        old, new = roots(m, k, proof, known)
        return old, sha256(b"\x01" + new + other)
    old, new = roots(m - k, n - k, proof, None)
    return sha256(b"\x01" + other + old), sha256(b"\x01" + other + new)


def is_consistent(m: int, n: int, proof: list[bytes], old: bytes, new: bytes) -> bool:
    rest = list(proof)
    try:
        return (old, new) == roots(m, n, rest, old) and not rest
    except IndexError:
        return False


class NaiveWitness:
    """Keeps size and root of each log in memory; `says` overrules what it would answer."""

    def __init__(self, name: str, seed: bytes, logs: dict[str, str], time: int = 1_800_000_000):
        self.name, self.logs, self.time = name, logs, time  # logs: vkey by origin
        self.key = Ed25519PrivateKey.from_private_bytes(seed)
        self.seen: dict[str, tuple[int, bytes]] = {}
        self.requests: list[bytes] = []
        self.says: Callable[[bytes], Answer] | None = None
        self.lock = threading.Lock()

    @property
    def public(self) -> bytes:
        return b"\x04" + self.key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + self.public)[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.public).decode()}"

    def answer(self, body: bytes) -> Answer:
        with self.lock:
            self.requests.append(body)
            return self.says(body) if self.says else self.judge(body)

    def judge(self, body: bytes) -> Answer:
        head, text, signatures = body.decode().split("\n\n")
        first, *lines = head.split("\n")
        old_size, proof = int(first.removeprefix("old ")), list(map(base64.b64decode, lines))
        origin, size_line, root_line = text.split("\n")
        size, root, text = int(size_line), base64.b64decode(root_line), text + "\n"
        if origin not in self.logs:
            return 404, "text/plain", b"unknown log"
        if not self.is_signed(text, signatures, self.logs[origin]):
            return 403, "text/plain", b"not signed"
        if old_size > size:
            return 400, "text/plain", b"old is larger"
        seen_size, seen_root = self.seen.get(origin, (0, sha256(b"")))
        if old_size != seen_size:
            return 409, "text/x.tlog.size", b"%d\n" % seen_size
        if old_size == 0:
            is_good = not proof
        else:
            is_good = is_consistent(old_size, size, proof, seen_root, root)
        if not is_good:
            return 422, "text/plain", b"inconsistent"
        self.seen[origin] = size, root
        return 200, "text/plain", self.line(text).encode()

    def line(self, text: str) -> str:
        self.time += 1
        signature = self.key.sign(f"cosignature/v1\ntime {self.time}\n{text}".encode())
        blob = base64.b64encode(self.key_id + struct.pack(">Q", self.time) + signature).decode()
        return f"\u2014 {self.name} {blob}\n"

    @staticmethod
    def is_signed(text: str, signatures: str, vkey: str) -> bool:
        name, key_id, encoded = vkey.split("+", 2)
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded)[1:])
        for found, blob in re.findall("\u2014 ([^ ]+) ([^ \n]+)\n", signatures):
            data = base64.b64decode(blob)
            if (found, data[:4].hex()) == (name, key_id):
                try:
                    public.verify(data[4:], text.encode())
                except InvalidSignature:
                    return False
                return True
        return False


@contextmanager
def listening(witness: NaiveWitness) -> Iterator[str]:
    """Serve it on a port of this machine; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        """Hands each request to the witness."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found = self.path == "/prefix/add-checkpoint"
            status, kind, answer = witness.answer(body) if found else (404, "text/plain", b"")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Location", "/elsewhere")  # where nobody should go
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:  # only who follows a redirect comes here
            witness.answer(b"")
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/prefix"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
