"""A process that has everything imported and forks a child for each life, to be killed at will.

Forking from here, and not from a test, starts no child with the threads of a test runner, and costs
milliseconds where starting an interpreter costs a second. The child's promises come through a pipe.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.estate.world import ROOT
from tests.fire.workload import Workload, crowd, teller

_LIFE_SECONDS_MAX = 60.0


@dataclass(slots=True)
class Life:
    """A child that was killed, or ended by itself: what it told, its status and its last words."""

    told: list[str] = field(default_factory=list)
    status: int = 0
    errors: str = ""

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Nursery:
    """Starts lives one after another."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control

    def live(
        self, folder: Path, passphrases: list[str], *, seed: int, kill_after: float, lines: int = 0
    ) -> Life:
        """Let a child act on the estate in `folder`, and kill it `kill_after` seconds after it has
        told so many `lines`.
        """
        reading, writing = os.pipe()
        words = "\0".join([str(folder), str(seed), *passphrases])
        socket.send_fds(self._control, [words.encode()], [writing])
        os.close(writing)
        pid = int(self._control.recv(32))
        text = _listen(reading, pid, kill_after, lines)
        os.close(reading)
        status = int(self._control.recv(32))
        whole, _, errors = text.partition(b"\1")
        return Life(whole.decode().splitlines(), status, errors.decode())


def _listen(reading: int, pid: int, kill_after: float, lines: int) -> bytes:
    """Read what a child tells until it is gone; kill it in time."""
    text, end = b"", time.monotonic() + _LIFE_SECONDS_MAX
    kill_at = end if lines else time.monotonic() + kill_after
    while True:
        now = time.monotonic()
        if now >= kill_at:
            os.kill(pid, signal.SIGKILL)
            kill_at = end = float("inf")  # what is in the pipe was told before
        ready, _, _ = select.select([reading], [], [], min(kill_at, now + 1.0) - now)
        if not ready:
            assert now < end, "the child neither ended nor could be killed"
            continue
        piece = os.read(reading, 65_536)
        if not piece:
            return text
        text += piece
        if kill_at == end and lines and text.count(b"\n") >= lines:
            kill_at = time.monotonic() + kill_after


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Start a nursery; it ends with the block."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    with ours, theirs:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.fire.nursery", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": path},
        )
        theirs.close()
        try:
            yield Nursery(ours)
        finally:
            ours.close()
            process.wait(30)


def _serve(control: socket.socket) -> None:
    """Fork a child for each request; answer with its process and, once it is gone, its status."""
    while True:
        words, descriptors, _, _ = socket.recv_fds(control, 65_536, 1)
        if not words:
            return
        folder, seed, *passphrases = words.decode().split("\0")
        pid = os.fork()
        if pid == 0:
            control.close()
            _live(Path(folder), int(seed), passphrases, descriptors[0])
        os.close(descriptors[0])
        control.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        control.send(str(os.waitstatus_to_exitcode(status)).encode())


def _live(folder: Path, seed: int, passphrases: list[str], descriptor: int) -> None:
    """Be the child: act until killed or done; never return."""
    try:
        crowd(Workload(folder, teller(descriptor), passphrases), seed)
    except BaseException as error:
        os.write(descriptor, b"\1" + repr(error).encode())
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    from sklearn import ensemble, linear_model  # noqa: F401  # what answering needs

    _serve(socket.socket(fileno=int(sys.argv[1])))
