"""A naive writer of evidence bundles: recursive Merkle hashing, signatures by `cryptography`.

It shares no code with the verifier or with Freehold, so that a mistake of one is not a mistake of
the other. Every bundle has two approvals, an act on them, receipts, promises, a body and an earlier
checkpoint.
"""

from __future__ import annotations

import base64
import hashlib
import json
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ESTATE = "0192f6a0-0000-7000-8000-00000000e57a"
ORIGIN = f"trial/{ESTATE}/main"
MODEL = "model:0192f6a0-0000-7000-8000-000000000a0d@4"
OWNER, ADA, BOB, EVE = (f"user:0192f6a0-0000-7000-8000-00000000000{n}" for n in range(1, 5))
POLICY_SET, EVIDENCE = "sha256:" + "a" * 64, "sha256:" + "b" * 64
UPGRADED = 3  # the first record of schema version 2, in a log that began with version 1
MADE = "2026-11-24T09:00:00.000000Z"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, as it is written there."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"")
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:]))


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1, as it is written there."""
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if index < k:
        return [*path(index, leaves[:k]), root(leaves[k:])]
    return [*path(index - k, leaves[k:]), root(leaves[:k])]


def key_of(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(bytes([seed])))


def vkey(key: Ed25519PrivateKey, name: str = ORIGIN) -> str:
    public = b"\x01" + key.public_key().public_bytes_raw()
    key_id = sha256(name.encode() + b"\n" + public)[:4]
    return f"{name}+{key_id.hex()}+{b64(public)}"


def note(text: str, key: Ed25519PrivateKey, name: str = ORIGIN) -> bytes:
    key_id = bytes.fromhex(vkey(key, name).split("+")[1])
    signature = b64(key_id + key.sign(text.encode()))
    return f"{text}\n\u2014 {name} {signature}\n".encode()


def pack(*strings: bytes) -> bytes:
    return b"".join(len(string).to_bytes(4, "big") + string for string in strings)


def ssh_public(key: Ed25519PrivateKey) -> bytes:
    return pack(b"ssh-ed25519", key.public_key().public_bytes_raw())


def ssh_sign(message: bytes, key: Ed25519PrivateKey, namespace: bytes) -> bytes:
    hashed = hashlib.sha512(message).digest()
    signature = key.sign(b"SSHSIG" + pack(namespace, b"", b"sha512", hashed))
    parts = (ssh_public(key), namespace, b"", b"sha512", pack(b"ssh-ed25519", signature))
    blob = b64(b"SSHSIG" + (1).to_bytes(4, "big") + pack(*parts))
    lines = "\n".join(textwrap.wrap(blob, 70))
    return f"-----BEGIN SSH SIGNATURE-----\n{lines}\n-----END SSH SIGNATURE-----\n".encode()


PEOPLE = {OWNER: key_of(1), ADA: key_of(2), BOB: key_of(3), EVE: key_of(4)}
SIGNERS = "# approvers\n\n" + "".join(
    f'{who} namespaces="freehold-approval" ssh-ed25519 {b64(ssh_public(key))} a comment\n'
    for who, key in PEOPLE.items()
)


@dataclass
class Writer:
    """Collects records, and writes them as a bundle; change anything in between."""

    log_key: Ed25519PrivateKey = field(default_factory=lambda: key_of(9))
    trial: bool = True
    records: list[dict[str, Any]] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    signed_by: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    namespace: bytes = b"freehold-approval"

    @property
    def origin(self) -> str:
        return ORIGIN if self.trial else ORIGIN.replace("trial", "estate")

    def add(self, act: str, *, by: str = OWNER, on: str = MODEL, **more: Any) -> str:
        """Add a record with a body; `more` replaces its keys. Returns its id."""
        index = len(self.records)
        record_id = f"0192f6a0-{index:04x}-7000-8000-0000000000ff"
        salt = sha256(b"salt" + record_id.encode())
        content: dict[str, Any] = {
            "details": {"weights": [0.1, 1e-7, 1e21, -2]},
            "request": {"n": index},
        }
        request = b"freehold/request/v1\0" + salt + rfc8785.dumps(content["request"])
        self.bodies[record_id] = salt + rfc8785.dumps(content)
        commitment = sha256(b"freehold/body/v1\0" + self.bodies[record_id]).hex()
        record: dict[str, Any] = {
            "v": 1,
            "id": record_id,
            "time": f"2026-11-24T06:{index // 60 % 60:02}:{index % 60:02}.000000Z",
            "log": self.origin,
            "principal": by,
            "on_behalf": None,
            "act": act,
            "phase": "done",
            "continues": None,
            "resource": on,
            "inputs": ["dataset:0192f6a0-0000-7000-8000-00000000da7a@1"],
            "outputs": [{"ref": MODEL, "sealed": None, "digest": EVIDENCE}],
            "purpose": "claims.triage",
            "decision": {
                "result": "allow",
                "policies": ["base-1"],
                "policy_set": POLICY_SET,
                "request": "sha256:" + sha256(request).hex(),
            },
            "facts": {},
            "error": None,
            "body": {
                "domain": ESTATE,
                "commitment": "sha256:" + commitment,
                "at": [0, 20, 1],
            },
        }
        if index >= UPGRADED:
            record |= {"v": 2, "clock": {"error_ms": 12, "state": "synchronized"}}
        self.records.append({**record, **more})
        return record_id

    def approve(
        self, by: str, *, act: str = "model.promote", nonce: str | None = None, **changes: Any
    ) -> str:
        """Add an approval of `act`, or a ratification; `changes` are made to what is signed."""
        expires = changes.pop("until", "2026-12-01T00:00:00.000000Z")
        nonce = nonce or sha256(str(len(self.records)).encode()).hex()[:32]
        facts = {"evidence": EVIDENCE, "nonce": nonce, "expires": expires}
        if act == "charter.ratify":
            record_id = self.add(act, by=by, facts=facts)
        else:
            facts |= {"for_act": act, "policy_set": POLICY_SET}
            record_id = self.add("approval.give", by=by, facts=facts)
        message = {"v": 1, "estate": ESTATE, "approver": by, "act": act, "resource": MODEL}
        message |= {"evidence": EVIDENCE, "policy_set": POLICY_SET}
        self.messages[record_id] = {**message, "nonce": nonce, "expires": expires, **changes}
        self.signed_by[record_id] = PEOPLE[by]
        return record_id

    def entries(self) -> list[bytes]:
        return [rfc8785.dumps(record) for record in self.records]

    def leaves(self) -> list[bytes]:
        return [sha256(b"\0" + entry) for entry in self.entries()]

    def checkpoint(self, size: int | None = None, leaves: list[bytes] | None = None) -> bytes:
        leaves = (leaves or self.leaves())[:size]
        text = f"{self.origin}\n{len(leaves)}\n{b64(root(leaves))}\n"
        return note(text, self.log_key, self.origin)

    def files(self) -> dict[str, bytes]:
        """The bundle, by name: two receipts, two promises, one disclosed body."""
        leaves, entries, size = self.leaves(), self.entries(), len(self.records)
        ids = [record["id"] for record in self.records]
        files = {"log/checkpoint": self.checkpoint(leaves=leaves)}
        for earlier in {1, size // 2, size} - {0}:
            name = f"log/checkpoints/{earlier:020}"
            files[name] = self.checkpoint(earlier, leaves)
        files |= {
            tile("entries", n, part): b"".join(map(framed, part)) for n, part in by256(entries)
        }
        level, row = 0, leaves
        while row:
            files |= {tile(str(level), n, part): b"".join(part) for n, part in by256(row)}
            row = [root(part) for _, part in by256(row) if len(part) == 256]
            level += 1
        for index in {0, size - 1}:
            proof = [b64(step) for step in path(index, leaves)]
            lines = ["c2sp.org/tlog-proof@v1", f"index {index}", *proof, "", ""]
            files[f"receipts/{ids[index]}.tlog-proof"] = (
                "\n".join(lines).encode() + files["log/checkpoint"]
            )
            files[f"promises/{ids[index]}.note"] = self.promise(index)
        files[f"bodies/{ids[1]}.bin"] = self.bodies[ids[1]]
        for record_id, message in self.messages.items():
            text = rfc8785.dumps(message)
            signature = ssh_sign(text, self.signed_by[record_id], self.namespace)
            files[f"approvals/{record_id}.json"] = text
            files[f"approvals/{record_id}.sig"] = signature
        about = {"v": 1, "estate": ESTATE, "trial": self.trial, "origin": self.origin}
        about |= {"size": size, "made": MADE, "disclosed": [ids[1]]}
        return files | {"bundle.json": json.dumps(about, indent=2).encode()}

    def promise(self, index: int, deadline: str = "2026-11-24T06:00:01.000000Z") -> bytes:
        leaf = b64(self.leaves()[index]) if index < len(self.records) else b64(sha256(b"lost"))
        text = f"freehold/promise/v1\n{self.origin}\n{index}\n{leaf}\n{deadline}\n"
        return note(text, self.log_key, self.origin)


def framed(entry: bytes) -> bytes:
    return len(entry).to_bytes(2, "big") + entry


def by256(items: list[bytes]) -> list[tuple[int, list[bytes]]]:
    return [(n // 256, items[n : n + 256]) for n in range(0, len(items), 256)]


def tile(level: str, n: int, part: list[bytes]) -> str:
    tail = "" if len(part) == 256 else f".p/{len(part)}"
    name = f"{n:03}" if n < 1000 else f"x{n // 1000:03}/{n % 1000:03}"
    return f"log/tile/{level}/{name}{tail}"


def history(**more: Any) -> Writer:
    """A trial estate: ratified, a model trained, promoted with two approvals, one refusal."""
    writer = Writer(**more)
    estate = f"estate:{ESTATE}"
    writer.add("estate.create", on=estate, facts={"trial": writer.trial}, inputs=[], outputs=[])
    writer.approve(OWNER, act="charter.ratify")
    begun = writer.add("model.train", by=EVE, phase="started", facts={"rate": 0.001})
    writer.add("model.train", by=EVE, continues=begun, on_behalf=OWNER)
    approvals = [writer.approve(ADA), writer.approve(BOB)]
    writer.add("model.promote", by=EVE, facts={"approvals": approvals, "evidence": EVIDENCE})
    denied = {"result": "deny", "policies": [], "policy_set": POLICY_SET, "request": EVIDENCE}
    writer.add("model.promote", phase="denied", decision=denied, error="policy.denied", body=None)
    return writer


def write(files: dict[str, bytes], folder: Path) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def cosigned(checkpoint: bytes, key: Ed25519PrivateKey, name: str, seconds: int) -> bytes:
    """A note with the line of a witness (C2SP tlog-cosignature)."""
    text = checkpoint.rpartition(b"\n\n")[0] + b"\n"
    signature = key.sign(b"cosignature/v1\ntime %d\n" % seconds + text)
    key_id = bytes.fromhex(witness_vkey(key, name).split("+")[1])
    blob = b64(key_id + seconds.to_bytes(8, "big") + signature)
    return checkpoint + f"\u2014 {name} {blob}\n".encode()


def witness_vkey(key: Ed25519PrivateKey, name: str) -> str:
    public = b"\x04" + key.public_key().public_bytes_raw()
    key_id = sha256(name.encode() + b"\n" + public)[:4]
    return f"{name}+{key_id.hex()}+{b64(public)}"
