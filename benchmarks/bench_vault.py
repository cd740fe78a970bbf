"""The vault: files sealed and opened, what memory a large one takes, bodies put and got.

The raw limits are the hashes and the cipher alone, and a plain write with its SHA-256.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from measure import Amount, Case, Run

from freehold.kernel import new_id
from freehold.kernel.keys import INSECURE_TEST_COST, Keyring, PassphraseCustody
from freehold.kernel.vault import Vault

FILE_MB, CHUNK_BYTES, BODY_BYTES, BODIES = 64, 65_536, 1_400, 2_000


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
        memory(run, folder)
    run.finish()


def files(run: Run, vault: Vault, *, domain: str, folder: Path) -> None:
    """Measure blobs."""
    data, numbers = os.urandom(FILE_MB * 1_000_000), count()
    source, cipher = folder / "source", ChaCha20Poly1305(os.urandom(32))
    source.write_bytes(data)
    name = vault.seal(domain, io.BytesIO(data)).name

    def pass_over(hashes: int) -> float:
        """Hash so often, and seal in memory in the chunks of the age format, in one core."""
        with memoryview(data) as view:
            for _ in range(hashes):
                hashlib.sha256(view)
            for start in range(0, len(view), CHUNK_BYTES):
                cipher.encrypt(bytes(12), view[start : start + CHUNK_BYTES], None)
        return FILE_MB

    def hash_and_write() -> float:
        hashlib.sha256(data)
        with (folder / "plain").open("wb") as file:
            file.write(data)
            os.fdatasync(file.fileno())
        return FILE_MB

    def seal() -> float:
        with source.open("r+b") as file:
            file.write(next(numbers).to_bytes(8))  # else it would be the same blob
            file.seek(0)
            vault.seal(domain, file)
        return FILE_MB

    def unseal() -> float:
        with vault.unseal(domain, name) as stream:
            while stream.read(1_048_576):
                pass
        return FILE_MB

    seal_limit, open_limit = "raw: SHA-256 thrice, cipher", "raw: SHA-256, cipher"
    run.compare(
        f"A file of {FILE_MB} MB, by the clock",
        Case("raw: SHA-256, write, fdatasync", hash_and_write, "MB"),
        Case("sealed", seal, "MB", beside="raw: SHA-256, write, fdatasync"),
        Case("opened", unseal, "MB"),
    )
    core = time.process_time
    run.compare(
        f"A file of {FILE_MB} MB, in each second of one core",
        Case(seal_limit, lambda: pass_over(3), "MB", clock=core),
        Case(open_limit, lambda: pass_over(1), "MB", clock=core),
        Case("sealed", seal, "MB", beside=seal_limit, aim=300, clock=core),
        Case("opened", unseal, "MB", beside=open_limit, aim=230, clock=core),
    )


def memory(run: Run, folder: Path) -> None:
    """Measure the memory of a large file, sealed and opened in a process of its own."""
    size_mb = 5_000 if run.is_full else 500
    program = [sys.executable, str(Path(__file__).with_name("seal_large.py"))]
    done = subprocess.run(
        [*program, str(folder / "large"), str(size_mb)], stdout=subprocess.PIPE, check=True
    )
    sealed, opened = json.loads(done.stdout)
    run.tell(
        f"A file of {size_mb:,} MB: the most memory of a whole process",
        Amount("sealed", "MB", sealed, at_most=200),
        Amount("sealed, then opened", "MB", opened, at_most=200),
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
