"""The job by which `probe` finds out what a process behind a level of isolation can reach."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from freehold.compute._child import Child


def run(child: Child) -> dict[str, Any]:
    """Try everything that isolation must prevent and report what went through."""
    folder, port = Path(child.parameters["folder"]), child.parameters["port"]
    attempts: dict[str, Callable[[], object]] = {
        "a listener on the loopback": lambda: _connect(socket.AF_INET, ("127.0.0.1", port)),
        "a socket by its path": lambda: _connect(socket.AF_UNIX, str(folder / "socket")),
        "a file of another place": (folder / "secret").read_bytes,
        "writing to another place": lambda: (folder / "written").write_bytes(b"x"),
        "writing to the root": lambda: Path("/freehold-trial").write_bytes(b"x"),
    }
    reached = [name for name, attempt in attempts.items() if _succeeds(attempt)]
    reached += [
        f"the {name} namespace of its parent"
        for name, outside in child.parameters["namespaces"].items()
        if os.readlink(f"/proc/self/ns/{name}") == outside
    ]
    return {"reached": reached}


def _connect(family: int, address: Any) -> None:
    with socket.socket(family) as attempt:
        attempt.settimeout(5)
        attempt.connect(address)


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True
