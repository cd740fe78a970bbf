"""What ran: digests of Freehold's own code and of the environment, so that a run can be compared
with another.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from importlib import metadata
from pathlib import Path

from freehold.kernel import canonical, digest


def code_digest() -> str:
    """SHA-256 over the names and contents of all Python files of the installed package."""
    root = Path(__file__).resolve().parents[1]
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(root).as_posix()}\0{content}\n".encode())
    return "sha256:" + total.hexdigest()


def environment() -> dict[str, str]:
    """Interpreter, machine type and the version of every installed distribution."""
    versions = {
        f"package:{distribution.metadata['Name']}": distribution.version
        for distribution in metadata.distributions()
    }
    return {
        "python": sys.version.split()[0],
        "machine": platform.machine(),
        "system": platform.system(),
        **versions,
    }


def environment_digest(found: dict[str, str]) -> str:
    """Digest of an environment as `environment` describes it."""
    return digest(canonical(found))
