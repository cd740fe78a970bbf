"""Jobs and workers that the tests of freehold.compute run in isolated processes."""

from __future__ import annotations

import hashlib
import mmap
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from freehold.compute import Answer, Child
from freehold.kernel import FreeholdError


def echo(child: Child) -> dict[str, Any]:
    data = child.inputs["data"].read()
    child.outputs["copy"].write(data)
    child.outputs["digest"].write(hashlib.sha256(data).digest())
    return {"parameters": child.parameters, "length": len(data)}


def surroundings(child: Child) -> dict[str, Any]:
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "hash": hash("one text"),
        "modules": sorted(sys.modules),
        "arguments": sys.argv,
        "files": sorted(os.listdir("/proc/self/fd")),
    }


def tries(child: Child) -> dict[str, Any]:
    """Try each way out and tell how it ended: `through`, or the name of the error."""
    folder, port = Path(child.parameters["folder"]), child.parameters["port"]

    def connect(family: int, address: Any) -> None:
        with socket.socket(family) as attempt:
            attempt.settimeout(5)
            attempt.connect(address)

    def see_others() -> None:
        if len([name for name in os.listdir("/proc") if name.isdigit()]) <= 3:
            raise ProcessLookupError

    attempts = {
        "loopback": lambda: connect(socket.AF_INET, ("127.0.0.1", port)),
        "outside": lambda: connect(socket.AF_INET, ("192.0.2.1", 80)),
        "unix": lambda: connect(socket.AF_UNIX, str(folder / "socket")),
        "abstract": lambda: connect(socket.AF_UNIX, "\0" + child.parameters["abstract"]),
        "names": lambda: socket.getaddrinfo("localhost.example", 80),
        "read": lambda: (folder / "secret").read_text(),
        "passwords": lambda: Path("/etc/passwd").read_text(),
        "write": lambda: (folder / "written").write_text("x"),
        "write_own_code": lambda: Path(__file__).with_name("written").write_text("x"),
        "write_root": lambda: Path("/written").write_text("x"),
        "processes": see_others,
        "write_input": lambda: os.write(child.inputs["data"].fileno(), b"x"),
        "grow_input": lambda: os.ftruncate(child.inputs["data"].fileno(), 100),
    }
    outcome = {}
    for name, attempt in attempts.items():
        try:
            attempt()
            outcome[name] = "through"
        except OSError as error:
            outcome[name] = type(error).__name__
    return outcome


def eats_memory(child: Child) -> dict[str, Any]:
    hoard: list[bytearray | mmap.mmap] = []
    while True:
        if child.parameters["shared"]:
            shared = mmap.mmap(-1, 50_000_000)
            shared.write(bytes(50_000_000))
            hoard.append(shared)
        else:
            hoard.append(bytearray(50_000_000))


def forks(child: Child) -> dict[str, Any]:
    started = 0
    refused = ""
    for start in (os.fork, lambda: subprocess.call(["/usr/bin/true"])):
        try:
            if start() == 0:
                os._exit(0)
            started += 1
        except OSError as error:
            refused = type(error).__name__
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    return {"started": started, "refused": refused}


def spins(child: Child) -> dict[str, Any]:
    while True:
        pass


def sleeps(child: Child) -> dict[str, Any]:
    time.sleep(600)
    return {}


def writes_much(child: Child) -> dict[str, Any]:
    for _ in range(100):
        child.outputs["much"].write(bytes(1_000_000))
    return {}


def refuses(child: Child) -> dict[str, Any]:
    raise FreeholdError("sample.refused", "the data is not to my liking", "bring other data")


def stumbles(child: Child) -> dict[str, Any]:
    print(f"about to stumble over {child.parameters['secret']}", file=sys.stderr)
    raise ValueError(f"stumbled over {child.inputs['data'].read()!r}")


def dies(child: Child) -> dict[str, Any]:
    os.abort()


def reports_nonsense(child: Child) -> Any:
    return ["no", "object"]


def reports_much(child: Child) -> dict[str, Any]:
    return {"much": "x" * 2_000_000}


def counter(child: Child) -> Answer:
    total = int(child.inputs["start"].read())

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        nonlocal total
        what = request.get("do")
        if what == "refuse":
            raise FreeholdError("sample.refused", "not that one")
        if what == "hang":
            time.sleep(600)
        if what == "die":
            os._exit(3)
        if what == "log":
            print("x" * 2_000_000)
            return {}
        if what == "babble":
            return {"much": "x" * 20_000_000}
        print("noise on standard output")
        total += request["add"]
        return {"total": total, "pid": os.getpid()}

    return answer


def never_ready(child: Child) -> Answer:
    raise FreeholdError("sample.no_model", "the model cannot be opened")


def slow_to_open(child: Child) -> Answer:
    time.sleep(600)
    raise AssertionError
