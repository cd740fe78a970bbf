"""The age format's own test vectors (C2SP/CCTV), held against the library that the vault stands on.

Which vectors do not apply, and where the library differs from them, is written down here and
counted, so that a new release of it cannot change either unnoticed.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zlib
from pathlib import Path
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest

from freehold.kernel.keys import Keyring
from freehold.kernel.vault import Vault, VaultError

HYBRID = (
    "AGE-SECRET-KEY-PQ-"  # pyrage reads no hybrid (post-quantum) identities; domains are X25519
)
OTHER = {
    "scrypt_work_factor_23": "the library measures the machine before it refuses; we read no scrypt"
}
DIFFERENT = {
    "armor_whitespace_outside": "refused, the vectors accept it; the vault holds no armored files",
    "stanza_missing_body": "accepted, the vectors refuse it; its header is authenticated",
    "stanza_missing_final_line": "accepted, as above",
}


def load(shared_data: Path) -> list[dict[str, Any]]:
    text = (shared_data / "vectors-age" / "age_vectors.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def file_of(vector: dict[str, Any]) -> bytes:
    body = base64.b64decode(vector["body_base64"])
    return zlib.decompress(body) if "compressed" in vector["header"] else body


def why_not_applicable(vector: dict[str, Any]) -> str | None:
    identities = vector["header"].get("identity", [])
    if identities and all(each.startswith(HYBRID) for each in identities):
        return "hybrid identity"
    return OTHER.get(vector["name"])


def decrypt(vector: dict[str, Any]) -> tuple[bool, bytes]:
    """Whether the file opens, and all plain bytes that came out before that was known."""
    header = vector["header"]
    out = io.BytesIO()
    identities = [
        pyrage.x25519.Identity.from_str(each)
        for each in header.get("identity", [])
        if not each.startswith(HYBRID)
    ]
    try:
        if "passphrase" in header and not identities:
            out.write(pyrage.passphrase.decrypt(file_of(vector), header["passphrase"][0]))
        else:
            pyrage.decrypt_io(io.BytesIO(file_of(vector)), out, identities)
    except (pyrage.DecryptError, OSError):
        return False, out.getvalue()
    return True, out.getvalue()


def test_every_vector_that_applies_is_decided_as_the_format_says(shared_data: Path) -> None:
    vectors = load(shared_data)
    counts = {"as expected": 0, "different": 0, "hybrid identity": 0, "other": 0}
    for vector in vectors:
        name, header = vector["name"], vector["header"]
        reason = why_not_applicable(vector)
        if reason is not None:
            counts[reason if reason in counts else "other"] += 1
            continue
        is_open, plain = decrypt(vector)
        is_right = is_open == (header["expect"] == ["success"])
        if is_right and "payload" in header:
            assert hashlib.sha256(plain).hexdigest() == header["payload"][0], name
        assert is_right == (name not in DIFFERENT), (name, header["expect"])
        counts["as expected" if is_right else "different"] += 1
    assert len(vectors) == 143
    assert counts == {"as expected": 121, "different": 3, "hybrid identity": 18, "other": 1}


def test_the_vault_refuses_every_vector_that_must_fail(
    shared_data: Path, folder: Path, keyring: Keyring, vault: Vault
) -> None:
    """Put each failing file in a blob's place: no stream over it ever ends well."""
    domain = keyring.new_domain()
    name = vault.seal(domain, io.BytesIO(b"content")).name
    failing = [each for each in load(shared_data) if each["header"]["expect"] != ["success"]]
    for vector in failing:
        (folder / "blobs" / name[:2] / name).write_bytes(file_of(vector))
        with pytest.raises(VaultError) as caught, vault.unseal(domain, name) as stream:
            stream.read()
        assert caught.value.code == "vault.corrupt", vector["name"]
    assert len(failing) == 117
