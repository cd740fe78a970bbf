"""The vault: files sealed and opened, bodies put and got.

The raw limits are age itself in memory, a plain write with its SHA-256, and the bare cipher.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from measure import Case, Run

from freehold.kernel import new_id
from freehold.kernel.keys import INSECURE_TEST_COST, Keyring, PassphraseCustody
from freehold.kernel.vault import Vault

FILE_MB, BODY_BYTES, BODIES = 64, 1_400, 2_000


def main() -> None:
    """Measure and print."""
    run = Run(__doc__)
    with run.scratch() as folder:
        keyring_folder, vault_folder = folder / "keys", folder / "vault"
        custody = PassphraseCustody("benchmark", cost=INSECURE_TEST_COST)
        with (
            Keyring.create(keyring_folder, custody) as keyring,
            Vault.create(vault_folder, keyring) as vault,
        ):
            domain = keyring.new_domain()
            files(run, vault, domain=domain, folder=folder)
            bodies(run, vault, domain=domain)
    run.finish()


def files(run: Run, vault: Vault, *, domain: str, folder: Path) -> None:
    """Measure blobs."""
    data, numbers = os.urandom(FILE_MB * 1_000_000), count()
    identity = pyrage.x25519.Identity.generate()
    recipients, sealed_raw = [identity.to_public()], io.BytesIO()
    pyrage.encrypt_io(io.BytesIO(data), sealed_raw, recipients)
    name = vault.seal(domain, io.BytesIO(data)).name

    def new_data() -> io.BytesIO:
        return io.BytesIO(next(numbers).to_bytes(8) + data[8:])  # else it would be the same blob

    def age_seal() -> float:
        pyrage.encrypt_io(new_data(), io.BytesIO(), recipients)
        return FILE_MB

    def age_open() -> float:
        pyrage.decrypt_io(io.BytesIO(sealed_raw.getvalue()), io.BytesIO(), [identity])
        return FILE_MB

    def hash_and_write() -> float:
        hashlib.sha256(data)
        with (folder / "plain").open("wb") as file:
            file.write(data)
            os.fdatasync(file.fileno())
        return FILE_MB

    def seal() -> float:
        vault.delete_blobs([vault.seal(domain, new_data()).name])
        return FILE_MB

    def unseal() -> float:
        with vault.unseal(domain, name) as stream:
            while stream.read(1_048_576):
                pass
        return FILE_MB

    run.compare(
        f"A file of {FILE_MB} MB",
        Case("raw: SHA-256, write, fdatasync", hash_and_write, "MB"),
        Case("raw: age sealing in memory", age_seal, "MB"),
        Case("raw: age opening in memory", age_open, "MB"),
        Case("sealed, against age", seal, "MB", beside="raw: age sealing in memory"),
        Case("sealed, against a plain write", seal, "MB", beside="raw: SHA-256, write, fdatasync"),
        Case("opened", unseal, "MB", beside="raw: age opening in memory"),
    )


def bodies(run: Run, vault: Vault, *, domain: str) -> None:
    """Measure the bodies of acts."""
    body, record, cipher = os.urandom(BODY_BYTES), new_id(), ChaCha20Poly1305(os.urandom(32))
    at = vault.put_body(domain, record, body)
    run.compare(
        f"Bodies of {BODY_BYTES:,} bytes, not synced",
        Case(
            "raw: ChaCha20-Poly1305 alone",
            lambda: repeat(lambda: cipher.encrypt(os.urandom(12), body, None)),
            "bodies",
        ),
        Case(
            "put",
            lambda: repeat(lambda: vault.put_body(domain, record, body)),
            "bodies",
            beside="raw: ChaCha20-Poly1305 alone",
        ),
        Case(
            "got",
            lambda: repeat(lambda: vault.get_body(domain, record, at)),
            "bodies",
            beside="raw: ChaCha20-Poly1305 alone",
        ),
    )


def repeat(work: Callable[[], object]) -> int:
    """Do the work `BODIES` times."""
    for _ in range(BODIES):
        work()
    return BODIES


if __name__ == "__main__":
    main()
