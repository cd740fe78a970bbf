"""Seal and open one large file in a new folder, and print the most memory this process took, in MB.

python seal_large.py FOLDER SIZE_MB
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

from freehold.kernel.keys import INSECURE_TEST_COST, Keyring, PassphraseCustody
from freehold.kernel.vault import Vault


class Large(io.RawIOBase):
    """A stream of so many bytes that holds none of them."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size
        self._piece = os.urandom(1_048_576)

    def read(self, size: int = -1) -> bytes:
        size = min(self._left, len(self._piece), size)
        self._left -= size
        return self._piece[:size]


def main() -> None:
    """Seal, open, print."""
    folder, size = Path(sys.argv[1]), int(sys.argv[2]) * 1_000_000
    folder.mkdir()
    custody = PassphraseCustody("benchmark", cost=INSECURE_TEST_COST)
    with (
        Keyring.create(folder / "keys", custody) as keyring,
        Vault.create(folder / "vault", keyring) as vault,
    ):
        domain = keyring.new_domain()
        name = vault.seal(domain, Large(size)).name
        sealed, left = most_memory_mb(), size
        with vault.unseal(domain, name) as stream:
            while piece := stream.read(1_048_576):
                left -= len(piece)
        if left:
            raise SystemExit("what came out is not what went in")
        print(json.dumps([sealed, most_memory_mb()]))


def most_memory_mb() -> float:
    """The most memory that this process has had so far.

    From Linux's own account: `ru_maxrss` begins with what the process had that started this one.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    kib = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kib) * 1024 / 1_000_000


if __name__ == "__main__":
    main()
