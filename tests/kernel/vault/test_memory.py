"""Sealing and unsealing take constant memory, measured in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import io, resource, sys
from pathlib import Path
from freehold.kernel.keys import INSECURE_TEST_COST, Keyring, PassphraseCustody
from freehold.kernel.vault import Vault

class Zeros(io.RawIOBase):
    left = int(sys.argv[2])
    def read(self, size=-1):
        size = min(size, self.left)
        self.left -= size
        return bytes(size)

def most_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

folder = Path(sys.argv[1])
keyring = Keyring.create(folder / "keys", PassphraseCustody("x", cost=INSECURE_TEST_COST))
vault = Vault.create(folder / "vault", keyring)
domain = keyring.new_domain()
vault.seal(domain, io.BytesIO(bytes(1_000_000)))
before = most_memory()
sealed = vault.seal(domain, Zeros())
size = 0
with vault.unseal(domain, sealed.name) as stream:
    while piece := stream.read(100_000):
        size += len(piece)
assert size == sealed.size == int(sys.argv[2])
print(most_memory() - before)
"""


def test_200_mb_are_sealed_and_unsealed_in_under_100_mb(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), "200000000"]
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert int(done.stdout) < 100
