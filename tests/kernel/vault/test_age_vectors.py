"""The age format's own test vectors (C2SP/CCTV), held against the vault.

Each file lies in the place of a blob, and the vault has the identity that belongs to it. What the
vault refuses although the format allows it, is named here and counted.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest

from freehold.kernel.keys import Keyring
from freehold.kernel.vault import Vault, VaultError
from tests.kernel.vault.strangers import Strangers

HYBRID = "AGE-SECRET-KEY-PQ-"
SUCCESS = ["success"]


def load(shared_data: Path) -> list[dict[str, Any]]:
    text = (shared_data / "vectors-age" / "age_vectors.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def file_of(vector: dict[str, Any]) -> bytes:
    body = base64.b64decode(vector["body_base64"])
    return zlib.decompress(body) if "compressed" in vector["header"] else body


def x25519_identities(vector: dict[str, Any]) -> list[str]:
    identities = vector["header"].get("identity", [])
    return [each for each in identities if not each.startswith(HYBRID)]


def why_refused(vector: dict[str, Any]) -> str | None:
    """Why the vault opens none of these, whatever they hold."""
    if "armored" in vector["header"]:
        return "blobs are never armored"
    if not x25519_identities(vector):
        return "the secret of a domain is an X25519 identity"
    return None


def content_of(vector: dict[str, Any], identity: str) -> bytes:
    """What another reader of the format finds in a file that opens."""
    content: bytes = pyrage.decrypt(file_of(vector), [pyrage.x25519.Identity.from_str(identity)])
    assert hashlib.sha256(content).hexdigest() == vector["header"]["payload"][0]
    return content


def test_every_vector_is_decided_as_the_format_says_or_refused_for_a_reason(
    shared_data: Path, tmp_path: Path
) -> None:
    counts: Counter[str] = Counter()
    unused = str(pyrage.x25519.Identity.generate())
    for vector in load(shared_data):
        identity, *others = x25519_identities(vector) or [unused]
        assert not others
        strangers = Strangers(tmp_path / "vault", identity)
        reason, is_sound = why_refused(vector), vector["header"]["expect"] == SUCCESS
        if is_sound and reason is None:
            content = content_of(vector, identity)
            assert strangers.open(file_of(vector), content) == content, vector["name"]
            counts["opened"] += 1
            continue
        with pytest.raises(VaultError) as caught:
            strangers.open(file_of(vector), b"")
        assert caught.value.code == "vault.corrupt", vector["name"]
        assert "another name" not in caught.value.message, vector["name"]
        counts[reason if is_sound and reason else "refused"] += 1
    assert counts == {
        "opened": 14,
        "refused": 117,
        "blobs are never armored": 7,
        "the secret of a domain is an X25519 identity": 5,
    }
    assert counts.total() == 143


def test_the_vault_refuses_every_vector_that_must_fail(
    shared_data: Path, folder: Path, keyring: Keyring, vault: Vault
) -> None:
    """Put each failing file in a blob's place: no stream over it ever ends well."""
    domain = keyring.new_domain()
    name = vault.seal(domain, io.BytesIO(b"content")).name
    failing = [each for each in load(shared_data) if each["header"]["expect"] != SUCCESS]
    for vector in failing:
        (folder / "blobs" / name[:2] / name).write_bytes(file_of(vector))
        with pytest.raises(VaultError) as caught, vault.unseal(domain, name) as stream:
            stream.read()
        assert caught.value.code == "vault.corrupt", vector["name"]
    assert len(failing) == 117
